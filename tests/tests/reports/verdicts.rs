//! What cannot work, or means something else than it seems to, is told before the first read.

use leadsman_tests::{Config, History, Leadsman, Prometheus, parse_quantity, paths};
use serde_json::{Value, json};

use crate::scene::{SUM, assert_line, assert_verdict, overrides, rule, rules, template};

const RATE: &str = "sum(rate(<<.Series>>{<<.LabelMatchers>>}[1m])) by (<<.GroupBy>>)";

/// A Prometheus with these series, and a configuration with these rules for it.
async fn begin(history: History, list: &[Value]) -> (Prometheus, Config) {
    let prometheus = Prometheus::holding(&history).await;
    let config = Config::shop(&prometheus.url())
        .object("namespaces", None, "shop", "")
        .object("ingresses", Some("shop"), "edge", "")
        .set("rules", &rules(list));
    (prometheus, config)
}

/// The line of the configuration that contains this.
fn line_of(config: &Config, part: &str) -> usize {
    let text = config.to_string();
    let found = text.lines().position(|line| line.contains(part));
    found.unwrap_or_else(|| panic!("no {part} in {text}")) + 1
}

/// What one side of a connection counts, the other side counts, too: without the matcher of
/// `seriesQuery` the value is six times too high.
#[tokio::test]
async fn a_matcher_that_is_in_the_series_query_alone_is_told() {
    let history = History::new()
        .counter(r#"calls_total{namespace="shop",pod="web-0",hop_side="server"}"#, 10.25)
        .counter(r#"calls_total{namespace="shop",pod="web-0",hop_side="client"}"#, 50.25);
    let series = r#"calls_total{hop_side="server",namespace!="",pod!=""}"#;
    let lossy = rule(series, overrides(&["namespace", "pod"]), RATE);
    let (_prometheus, config) = begin(history, &[lossy]).await;
    assert_verdict(&config, &["hop_side", "metricsQuery|query", "seriesQuery|matcher"]).await;
    // It is no fault: prometheus-adapter serves it like that.
    let leadsman = Leadsman::start(&config).await;
    let value = parse_quantity(
        &leadsman.get(&paths::object("shop", "pods/web-0", "calls_total")).await.value(),
    );
    assert!([10.25, 60.5].iter().any(|known| (value - known).abs() < 0.01), "{value}");
}

/// A matcher that both have is not told, nor is one that only asks for a label of an object.
#[tokio::test]
async fn a_matcher_that_is_in_both_queries_is_not_told() {
    let history = History::new()
        .counter(r#"calls_total{namespace="shop",pod="web-0",hop_side="server"}"#, 10.25);
    let series = r#"calls_total{hop_side="server",namespace!="",pod!=""}"#;
    let query =
        r#"sum(rate(<<.Series>>{<<.LabelMatchers>>,hop_side="server"}[1m])) by (<<.GroupBy>>)"#;
    let whole = rule(series, overrides(&["namespace", "pod"]), query);
    let (_prometheus, config) = begin(history, &[whole]).await;
    let checked = Leadsman::check(&config).await;
    assert_eq!(checked.code, Some(0), "{}", checked.output);
    assert!(!checked.output.contains("hop_side"), "{}", checked.output);
}

/// As templates of charts and dashboards are written.
#[tokio::test]
async fn braces_that_are_no_template_are_told() {
    let history = History::new()
        .counter(r#"door_requests_total{namespace="shop",ingress="a"}"#, 6.25)
        .counter(r#"door_requests_total{namespace="shop",ingress="b"}"#, 4.25);
    let braces = rule(
        r#"door_requests_total{namespace!="",ingress!=""}"#,
        overrides(&["namespace"]),
        r#"sum(rate(door_requests_total{namespace="{{.Namespace}}"}[1m]))"#,
    );
    let (_prometheus, config) = begin(history, &[braces]).await;
    assert_verdict(&config, &["{{", "<<"]).await;
    let line = line_of(&config, "door_requests_total");
    let checked = Leadsman::check(&config).await;
    assert!(!checked.faults_at(line).is_empty(), "no line {line} in:\n{}", checked.output);
}

#[tokio::test]
async fn a_query_that_is_no_promql_and_a_missing_label_are_told() {
    let series =
        r#"door_requests{status="200",namespace="proxy",exported_namespace="shop",ingress="edge"}"#;
    let list = [
        // `by` belongs to an aggregation.
        rule(
            r#"door_requests{status="200"}"#,
            overrides(&["ingress"]),
            "rate(<<.Series>>{<<.LabelMatchers>>}[5m]) by (<<.GroupBy>>)",
        ),
        // `rate` needs a range.
        rule(
            r#"gpu_busy{pool="fast"}"#,
            template(),
            "sum(rate(<<.Series>>{<<.LabelMatchers>>})) by (<<.GroupBy>>)",
        ),
    ];
    let history = History::new()
        .counter(series, 3.25)
        .gauge(r#"gpu_busy{pool="fast",namespace="shop",pod="web-0"}"#, 3.0);
    let (_prometheus, config) = begin(history, &list).await;
    let checked = Leadsman::check(&config).await;
    for part in ["door_requests", "gpu_busy"] {
        let told = checked.faults_at(line_of(&config, part)).join("\n");
        assert!(told.to_lowercase().contains("promql"), "{part}: {told:?} of:\n{}", checked.output);
    }
    assert_verdict(&config, &["rules[0]", "PromQL|parse"]).await;
    assert_verdict(&config, &["rules[1]", "PromQL|parse"]).await;
    let told = Leadsman::rules(&config, &[]).await;
    assert_line(&told.output, &["namespace", "label"]);
    assert!(
        !told.output.contains("0 faults") || told.output.contains("warning"),
        "{}",
        told.output
    );

    // At the latest the read tells it.
    if let Ok(leadsman) = Leadsman::launch(&config, &[]).await {
        let leadsman = Leadsman::expect_ready(Ok(leadsman)).await;
        let of_door = paths::object("shop", "ingresses.networking.k8s.io/edge", "door_requests");
        leadsman
            .get(&of_door)
            .await
            .failure()
            .assert_contains(&["door_requests", "namespace|PromQL|parse"]);
        let of_gpu = leadsman.get(&paths::pods("shop", "gpu_busy")).await.failure();
        of_gpu.assert_contains(&["gpu_busy", "PromQL|parse|expected", "rate|range"]);
    }
}

#[tokio::test]
async fn a_rule_without_a_label_for_namespaces_is_told_with_the_labels_that_there_are() {
    let series = r#"door_requests{status="200",proxy_namespace="shop",ingress="edge"}"#;
    let of_doors = rule(r#"door_requests{status="200"}"#, overrides(&["ingress"]), SUM);
    let (_prometheus, config) = begin(History::new().gauge(series, 3.0), &[of_doors]).await;
    let told = Leadsman::rules(&config, &[]).await;
    assert_line(&told.output, &["namespace", "label"]);
    let leadsman = Leadsman::start(&config).await;
    let path = paths::object("shop", "ingresses.networking.k8s.io/edge", "door_requests");
    leadsman.get(&path).await.failure().assert_contains(&["door_requests", "namespace", "label"]);
}

/// A warning, a fault and a source that does not answer are three things for a pipeline.
#[tokio::test]
async fn exit_codes_tell_faults_from_a_list_that_failed() {
    let good = rule(r#"depth{namespace!=""}"#, overrides(&["namespace", "pod"]), SUM);
    let config = |list: &[Value]| Config::shop("http://127.0.0.1:9").set("rules", &rules(list));
    let unlisted = Leadsman::rules(config(std::slice::from_ref(&good)), &[]).await;
    assert_ne!(unlisted.code, Some(0), "{}", unlisted.output);
    unlisted.assert_contains(&["could not be listed|cannot be listed", "prometheus"]);
    let checked = Leadsman::check(config(std::slice::from_ref(&good))).await;
    assert_eq!(checked.code, Some(0), "{}", checked.output);
    let faulty = json!({"seriesQuery": "depth", "metricsQuery": "<<.Serie>>"});
    let checked = Leadsman::check(config(&[good, faulty])).await;
    assert_eq!(checked.code, Some(1), "{}", checked.output);
    checked.assert_contains(&["rules[1]", "Serie"]);
}
