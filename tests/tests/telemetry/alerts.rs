//! The alerts, tested by promtool; and they and the dashboard's expressions, evaluated on a real Prometheus that
//! scrapes a real adapter to which all sorts of things happen.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use leadsman_tests::{Config, Leadsman, Mapping, Prometheus, Reply, Upstream, eventually, paths};
use serde_json::{Value, json};

use super::dashboard::{expressions, panels};
use super::{load, repository, repository_file};

const SOON: Duration = Duration::from_secs(60);

/// What has no data in this test, for nothing of the kind happens in it.
const MAY_BE_EMPTY: &[&str] = &[
    // Nobody is refused where there is no cluster, and nothing is watched.
    "leadsman_requests_denied_total",
    "leadsman_task_panics_total",
    "leadsman_autoscaler_events_total",
    // No edit, no candidate, no rules, no traces.
    "leadsman_handovers_total",
    "leadsman_candidate_evaluations_total",
    "leadsman_candidate_differences_total",
    "leadsman_series_lists_total",
    "leadsman_spans_dropped_total",
    // Nothing is rejected, and no plugin fails.
    "leadsman_configuration_rejected",
    "leadsman_mapping_available",
    "leadsman_plugin_duration_seconds_count",
    "leadsman_connections_closed_total",
    // No delegate, no scaler of KEDA, nothing to take to zero, no NSX ALB.
    "leadsman_delegate_",
    "leadsman_scaler_calls_total",
    "leadsman_activations_total",
    "leadsman_source_real_time",
];

#[test]
fn the_plain_rules_are_those_of_the_chart() {
    let plain = repository_file("deploy/alerts/leadsman.rules.yaml");
    let chart = repository_file("deploy/chart/leadsman/alerts/prometheusrule.yaml");
    let (_, groups) = chart.split_once("\n  groups:\n").expect("groups");
    let (_, plain_groups) = plain.split_once("\ngroups:\n").expect("groups");
    let groups: Vec<_> =
        groups.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
    assert_eq!(plain_groups.lines().collect::<Vec<_>>(), groups);
}

#[tokio::test]
async fn each_alert_fires_when_it_should_and_not_else() {
    let rules = repository("deploy/alerts/leadsman.rules.yaml");
    let tests = repository("tests/alerts/leadsman.test.yaml");
    if let Err(said) = Prometheus::test_rules(&tests, &rules).await {
        panic!("{said}");
    }
    // Each has a test of both.
    let (rules, tests) = (fs::read_to_string(rules).unwrap(), fs::read_to_string(tests).unwrap());
    let names: Vec<_> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() >= 13, "{names:?}");
    for name in &names {
        let fires = format!("alertname: {name}\n        exp_alerts:");
        assert!(tests.contains(&fires), "{name} never fires in the tests");
        assert!(tests.contains(&format!("alertname: {name}}}")), "{name} always fires");
    }
    let documented = repository_file("docs/operating.md");
    let documented = documented.lines().filter_map(|line| line.strip_prefix("| `Leadsman"));
    let documented = documented.filter_map(|row| row.split('`').next());
    let documented: BTreeSet<_> = documented.map(|name| format!("Leadsman{name}")).collect();
    let all: BTreeSet<_> = names.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(documented, all);
}

/// A source that answers by what it is asked.
async fn source() -> Upstream {
    let source = Upstream::start(Reply::NoReply).await;
    source.reply_with(|request| match request.parameter("query") {
        Some(query) if query.contains("not_numbers") => {
            Reply::pods(&[("web-0", "NaN"), ("web-1", "1")])
        }
        Some(query) if query.contains("nothing") => Reply::vector(&json!([])),
        _ => Reply::pods(&[("web-0", "30"), ("web-1", "1")]),
    });
    source
}

/// A metric of this series of a source.
fn of(metric: &str, source: &str) -> Mapping {
    Mapping::pods(metric)
        .query_from(source, "q", &format!(r#"{metric}{{namespace="${{namespace}}"}}"#))
        .set("maxAge", "1s")
        .set("refreshAtMostEvery", "1s")
}

#[tokio::test]
async fn every_expression_is_evaluated_on_real_metrics() {
    let (good, flaky) = (source().await, source().await);
    let broken = Upstream::start(Reply::new(503, "text/plain", "down")).await;
    let page = "# TYPE requests gauge\nrequests{namespace=\"shop\",pod=\"web-0\"} 5\n";
    let app = Upstream::start(Reply::new(200, "text/plain; version=0.0.4", page)).await;
    let config = Config::shop(&good.url())
        .prometheus("broken", &broken.url())
        .prometheus("flaky", &flaky.url())
        .source_of("app", &format!("exposition: {{urls: ['{}/metrics']}}", app.url()))
        .mapping(load("load"))
        .mapping(of("not_numbers", "prometheus"))
        .mapping(of("nothing", "prometheus"))
        .mapping(of("lost", "broken"))
        .mapping(of("held", "flaky").set("onError", "{lastGood: 10m}"))
        .mapping(
            Mapping::custom("requests", "pods")
                .exposition_query("app", "requests", "metric: requests")
                .plugin("per-object", "object: pod"),
        );
    let leadsman = Leadsman::start(config).await;
    leadsman.get(&paths::pods("shop", "held")).await.ok();
    flaky.set_reply(Reply::new(503, "text/plain", "down"));
    let target = leadsman.admin_address();
    let job = format!("{{job_name: adapter, static_configs: [{{targets: ['{target}']}}]}}");
    let rules = repository("deploy/alerts/leadsman.rules.yaml");
    let prometheus = Prometheus::with_rules(&[job], &rules).await;
    let panels: Vec<_> = panels().iter().map(expressions).collect();
    assert!(panels.len() > 40, "{}", panels.len());
    eventually("data in every panel", SOON, async || {
        for metric in ["load", "not_numbers", "nothing", "lost", "held", "requests", "unknown"] {
            leadsman.get(&paths::pods("shop", metric)).await;
        }
        let mut empty = Vec::new();
        for (title, expressions) in &panels {
            for expression in expressions {
                let is_legal = MAY_BE_EMPTY.iter().any(|metric| expression.contains(metric));
                // It is evaluated in any case: an expression that cannot be is an error.
                if prometheus.query(expression).await.is_empty() && !is_legal {
                    empty.push(format!("{title}: {expression}"));
                }
            }
        }
        if empty.is_empty() { Ok(()) } else { Err(format!("no data: {empty:#?}")) }
    })
    .await;
    let expected = BTreeSet::from([
        "LeadsmanEvaluationsFail",
        "LeadsmanReadsFail",
        "LeadsmanReadsStale",
        "LeadsmanSourceDown",
        "LeadsmanValuesRefused",
    ]);
    eventually("the alerts of what happens", SOON, async || {
        for metric in ["lost", "held", "not_numbers"] {
            leadsman.get(&paths::pods("shop", metric)).await;
        }
        let rules = prometheus.rules().await;
        let told = |rule: &Value, key: &str| rule[key].as_str().unwrap_or_default().to_owned();
        for rule in &rules {
            let health = told(rule, "health");
            assert!(health != "err", "{rule:#}");
            if health != "ok" {
                return Err(format!("{} is not evaluated yet", told(rule, "name")));
            }
        }
        // They are pending until they have lasted for their time.
        let active: BTreeSet<_> = rules
            .iter()
            .filter(|rule| told(rule, "state") != "inactive")
            .map(|rule| told(rule, "name"))
            .collect();
        let active_names: BTreeSet<_> = active.iter().map(String::as_str).collect();
        if active_names == expected { Ok(()) } else { Err(format!("{active:?}")) }
    })
    .await;
}
