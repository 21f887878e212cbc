//! What `check`, `rules` and `serve` say of rules that cannot work, or mean something else than they
//! seem to: one verdict, faults apart from warnings.

use std::time::Duration;

use leadsman_tests::{
    CheckReport, Config, Folder, Leadsman, Reply, Request, Upstream, eventually, paths,
};
use serde_json::{Value, json};

const OVERRIDES: &str =
    "resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}";

const USUAL: &str = "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)";

/// A rule, one key in each line.
fn rule(series_query: &str, resources: &str, metrics_query: &str) -> String {
    format!(
        "  - seriesQuery: '{series_query}'\n    {resources}\n    metricsQuery: '{metrics_query}'\n"
    )
}

fn config(upstream: &Upstream, rules: &[String]) -> String {
    format!("{}rules:\n{}", Config::shop(&upstream.url()), rules.concat())
}

/// The number of the line that contains a text.
fn line(config: &str, part: &str) -> usize {
    let found = config.lines().position(|line| line.contains(part));
    found.unwrap_or_else(|| panic!("{part} is not in\n{config}")) + 1
}

fn is_list(request: &Request) -> bool {
    request.path.ends_with("/api/v1/series")
}

/// A source with one series for each name that is asked for, and 4 for each pod.
async fn upstream() -> Upstream {
    let upstream = Upstream::start(Reply::NoReply).await;
    upstream.reply_with(|request| {
        if !is_list(request) {
            return Reply::pods(&[("web-0", "4")]);
        }
        let query = request.parameter("match[]").unwrap_or_default();
        let name = query.split(['{', '(']).next().unwrap_or_default();
        let series = json!([{"__name__": name, "namespace": "shop", "pod": "web-0"}]);
        Reply::json(200, &json!({"status": "success", "data": series}))
    });
    upstream
}

/// What both commands say of a configuration.
async fn both(config: &str) -> [CheckReport; 2] {
    [Leadsman::check(config).await, Leadsman::rules(config, &[]).await]
}

#[tokio::test]
async fn what_cannot_work_is_a_fault_and_is_served_all_the_same() {
    let upstream = upstream().await;
    for (metrics_query, part) in [
        ("rate(<<.Series>>{<<.LabelMatchers>>}[5m]) by (<<.GroupBy>>)", "this is not PromQL"),
        ("sum(rate(<<.Series>>{<<.LabelMatchers>>})) by (<<.GroupBy>>)", "this is not PromQL"),
        (
            "sum(odd{namespace=\"{{.Namespace}}\"}) by (<<.GroupBy>>)",
            "\"{{.Namespace}}\" is no template here",
        ),
    ] {
        let rules = [rule("good", OVERRIDES, USUAL), rule("odd", OVERRIDES, metrics_query)];
        let config = config(&upstream, &rules);
        let at = line(&config, metrics_query);
        for checked in both(&config).await {
            assert_eq!(checked.code, Some(1), "{}", checked.output);
            let told = checked.faults_at(at);
            let is_told =
                |fault: &&str| fault.contains("rules[1].metricsQuery: ") && fault.contains(part);
            assert!(told.iter().any(is_told), "{part}: {}", checked.output);
            checked.assert_contains(&["1 fault"]);
        }
        // prometheus-adapter serves it, too, and Prometheus says what is wrong with it.
        let leadsman = Leadsman::start(&config).await;
        let values = leadsman.get(&paths::pods("shop", "good")).await.values();
        assert_eq!(values["web-0"], "4");
        assert!(leadsman.log().contains("rules[1].metricsQuery"), "{}", leadsman.log());
        let status = leadsman.status().await.to_string();
        assert!(status.contains("rules[1].metricsQuery"), "{status}");
    }
}

#[tokio::test]
async fn a_matcher_that_only_the_series_query_has_is_a_warning() {
    let upstream = upstream().await;
    let lost = "mesh{side=\"destination\",namespace!=\"\",pod!=\"\"}";
    let config = config(&upstream, &[rule(lost, OVERRIDES, USUAL)]);
    let at = line(&config, "metricsQuery");
    for checked in both(&config).await {
        assert_eq!(checked.code, Some(0), "{}", checked.output);
        checked.assert_contains(&["side=\"destination\" is in `seriesQuery` alone", "1 warning"]);
        let told = checked.faults_at(at);
        assert!(told.iter().any(|told| told.contains("warning: ")), "{}", checked.output);
    }
    let denied = Leadsman::rules(&config, &["--deny-warnings"]).await;
    assert_eq!(denied.code, Some(1), "{}", denied.output);
    let json = Leadsman::rules(&config, &["--output", "json"]).await;
    let json: Value = serde_json::from_str(&json.output).expect("JSON");
    assert_eq!(
        (json["faults"].as_array(), json["warnings"].as_array().map(Vec::len)),
        (Some(&vec![]), Some(1))
    );
    let leadsman = Leadsman::start(&config).await;
    leadsman.get(&paths::pods("shop", "mesh")).await.values();
    let status = leadsman.status().await.to_string();
    assert!(status.contains("ConfigWarning") && status.contains("destination"), "{status}");
    // It is told of in full where nothing is lost, too.
    let whole = rule(
        lost,
        OVERRIDES,
        "sum(<<.Series>>{<<.LabelMatchers>>,side=\"destination\"}) by (<<.GroupBy>>)",
    );
    for checked in both(&self::config(&upstream, &[whole])).await {
        assert_eq!(checked.code, Some(0), "{}", checked.output);
        assert!(!checked.output.contains("warning"), "{}", checked.output);
    }
}

/// The matcher of the namespace is one that the adapter adds: where no series has the label, reads
/// find nothing, which both commands, the log and the status page know before the first read.
#[tokio::test]
async fn a_label_that_the_adapter_asks_for_and_no_listed_series_has_is_a_warning() {
    let upstream = Upstream::start(Reply::NoReply).await;
    let list = |labels: Value| {
        let list = json!({"status": "success", "data": [labels]});
        move |request: &Request| match is_list(request) {
            true => Reply::json(200, &list),
            false => Reply::vector(&json!([])),
        }
    };
    upstream.reply_with(list(json!({"__name__": "calls", "pod": "web-0", "team": "x"})));
    let config = config(&upstream, &[rule("calls", OVERRIDES, USUAL)]);
    let at = line(&config, "resources: {overrides");
    let told = "rules[0].resources: no series of the rule has the label \"namespace\"";
    for checked in both(&config).await {
        assert_eq!(checked.code, Some(0), "{}", checked.output);
        checked.assert_contains(&["1 warning", "resources.overrides", "there are pod, team"]);
        let lines = checked.faults_at(at);
        let is_told = |line: &&str| line.contains("warning: ") && line.contains(told);
        assert!(lines.iter().any(is_told), "{}", checked.output);
    }
    let denied = Leadsman::rules(&config, &["--deny-warnings"]).await;
    assert_eq!(denied.code, Some(1), "{}", denied.output);
    let leadsman = Leadsman::start(&config).await;
    let status = leadsman.status().await.to_string();
    assert!(status.contains("UnknownLabel") && status.contains("rules[0].resources"), "{status}");
    leadsman
        .get(&paths::object("shop", "pods/web-0", "calls"))
        .await
        .failure()
        .assert_contains(&["namespace", "resources.overrides"]);
    let labels = json!({"__name__": "calls", "pod": "web-0", "namespace": "shop"});
    upstream.reply_with(list(labels));
    for checked in both(&config).await {
        assert_eq!(checked.code, Some(0), "{}", checked.output);
        assert!(!checked.output.contains("warning"), "{}", checked.output);
    }
}

#[tokio::test]
async fn other_dialects_are_warned_of_and_sent() {
    let upstream = upstream().await;
    let dialect = "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) keep_metric_names";
    let mut config = config(&upstream, &[rule("dialect", OVERRIDES, dialect)]);
    config.push_str(
        "mappings:\n  - metric: newest\n    serve: {custom: {resource: pods}}\n    plugin: per-object\n    \
         config: {object: pod}\n    queries: {q: {source: prometheus, promql: 'newest_function(x[5m])'}}\n",
    );
    let checked = Leadsman::check(&config).await;
    assert_eq!(checked.code, Some(0), "{}", checked.output);
    checked.assert_contains(&[
        "warning: rules[0].metricsQuery: ",
        "warning: mappings[0].queries.q.promql: ",
    ]);
    checked.assert_contains(&["no faults, 2 warnings"]);
    let leadsman = Leadsman::start(&config).await;
    leadsman.get(&paths::object("shop", "pods/web-0", "dialect")).await.ok();
    assert!(upstream.last_request().promql().ends_with(" keep_metric_names"));
}

#[tokio::test]
async fn queries_of_prometheus_2_and_3_have_no_findings() {
    let upstream = upstream().await;
    for metrics_query in [
        "sum(<<.Series>>{<<.LabelMatchers>>,pod=~`web-\\d+`}) by (<<.GroupBy>>)",
        "max(holt_winters(<<.Series>>{<<.LabelMatchers>>}[5m], 0.5, 0.5)) by (<<.GroupBy>>)",
        "max(double_exponential_smoothing(<<.Series>>{<<.LabelMatchers>>}[5m], 0.5, 0.5)) by (<<.GroupBy>>)",
        "sort_by_label(sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>), \"pod\")",
        "sum(histogram_count(rate(<<.Series>>{<<.LabelMatchers>>}[2m]))) by (<<.GroupBy>>)",
        "sum(<<.Series>>{<<.LabelMatchers>>,\"k8s.cluster\"=\"a\"}) by (<<.GroupBy>>)",
        "sum(<<.Series>>{<<.LabelMatchers>>} > 1_000) by (<<.GroupBy>>)",
    ] {
        let config = config(&upstream, &[rule("new", OVERRIDES, metrics_query)]);
        for checked in both(&config).await {
            assert_eq!(checked.code, Some(0), "{metrics_query}: {}", checked.output);
            assert!(!checked.output.contains("warning"), "{metrics_query}: {}", checked.output);
        }
    }
}

#[tokio::test]
async fn a_rule_that_gives_nothing_is_told_with_the_reason() {
    let upstream = upstream().await;
    let rules = [
        rule("homeless", "resources: {overrides: {pod: {resource: pod}}}", USUAL),
        rule("nameless", "resources: {overrides: {host: {resource: node}}}", USUAL),
    ];
    let config = config(&upstream, &rules);
    for checked in both(&config).await {
        assert_eq!(checked.code, Some(0), "{}", checked.output);
        checked.assert_contains(&[
            "does not say which label names the namespace",
            "none of its labels names an object",
            "2 warnings",
        ]);
    }
    let leadsman = Leadsman::start(&config).await;
    let status = leadsman.status().await.to_string();
    for part in ["NoNamespace", "NoMetrics", "none of its labels names an object"] {
        assert!(status.contains(part), "{part}: {status}");
    }
}

#[tokio::test]
async fn lists_that_cannot_be_had_are_told_of() {
    let upstream = Upstream::start(Reply::new(503, "text/plain", "out for lunch")).await;
    let config = config(&upstream, &[rule("away", OVERRIDES, USUAL)]);
    let checked = Leadsman::check(&config).await;
    assert_eq!(checked.code, Some(0), "{}", checked.output);
    checked.assert_contains(&[
        "warning: rules[0].seriesQuery: the source \"prometheus\" answered 503",
        "0 mappings, metrics of rules unknown: series could not be listed, no faults, 1 warning",
    ]);
    let told = Leadsman::rules(&config, &[]).await;
    assert_eq!(told.code, Some(1), "{}", told.output);
    told.assert_contains(&["1 rule could not be listed"]);
}

#[tokio::test]
async fn a_bad_rule_stops_itself_alone() {
    let upstream = upstream().await;
    for (bad, part) in [
        (rule("bad", "resources: {}", USUAL), "resources: names no objects"),
        (rule("bad", OVERRIDES, ""), "metricsQuery: says nothing"),
        (rule("bad", OVERRIDES, "<<.Serie>>"), "metricsQuery: "),
        (rule("", OVERRIDES, USUAL), "seriesQuery: says nothing"),
        (rule("bad", "name: {matches: \"(\"}", USUAL), "name.matches: "),
        (rule("bad", "resource: {}", USUAL), "resource: unknown key"),
        (
            rule("bad", "resources: {overrides: {pod: {}}}", USUAL),
            "the key \"resource\" is missing",
        ),
    ] {
        let rules = [rule("good", OVERRIDES, USUAL), bad, rule("better", OVERRIDES, USUAL)];
        let config = config(&upstream, &rules);
        for checked in both(&config).await {
            assert_eq!(checked.code, Some(1), "{part}: {}", checked.output);
            checked.assert_contains(&["rules[1]", part]);
        }
        let leadsman = Leadsman::start(&config).await;
        for metric in ["good", "better"] {
            let values = leadsman.get(&paths::pods("shop", metric)).await.values();
            assert_eq!(values["web-0"], "4", "{part}");
        }
        let failure = leadsman.get(&paths::pods("shop", "bad")).await.failure();
        assert_eq!(failure.code, 404, "{failure:?}");
        assert!(leadsman.log().contains("rules[1]"), "{part}: {}", leadsman.log());
        let status = leadsman.status().await.to_string();
        assert!(
            status.contains("rules[1]") && status.contains("ConfigInvalid"),
            "{part}: {status}"
        );
    }
}

#[tokio::test]
async fn a_rule_that_an_edit_breaks_goes_on_as_it_was() {
    let upstream = upstream().await;
    let mut folder = Folder::mounted();
    let both = [rule("good", OVERRIDES, USUAL), rule("kept", OVERRIDES, USUAL)];
    folder.configure(config(&upstream, &both));
    let leadsman = Leadsman::start_file(&folder.config(), &[]).await;
    leadsman.get(&paths::pods("shop", "kept")).await.values();
    let edited = [rule("new", OVERRIDES, USUAL), rule("kept", OVERRIDES, "<<.Serie>>")];
    folder.configure(config(&upstream, &edited));
    eventually("the metric of the new rule", Duration::from_secs(30), async || {
        let answer = leadsman.get(&paths::pods("shop", "new")).await;
        if answer.is_success() { Ok(()) } else { Err(format!("{answer:?}")) }
    })
    .await;
    assert_eq!(leadsman.get(&paths::pods("shop", "kept")).await.values()["web-0"], "4");
    let status = leadsman.status().await.to_string();
    assert!(status.contains("its last version without faults is still served"), "{status}");
    // Whoever starts with it has nothing that went before.
    let started = Leadsman::start_file(&folder.config(), &[]).await;
    assert_eq!(started.get(&paths::pods("shop", "kept")).await.failure().code, 404);
}
