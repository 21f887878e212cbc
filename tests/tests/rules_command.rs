//! `leadsman rules`: the metrics that rules give for the series of a Prometheus, and the same as
//! mappings.

use leadsman_tests::{Leadsman, Reply, Request, Upstream};
use serde_json::{Value, json};

const RULES: &str = r#"
rules:
- seriesQuery: '{__name__=~"^http_.*_total$"}'
  seriesFilters: [{isNot: "errors"}]
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  name: {matches: "^(.*)_total$", as: "${1}_per_second"}
  metricsQuery: sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)
- seriesQuery: 'latency{namespace!=""}'
  resources: {template: "<<.Resource>>"}
  metricsQuery: quantile(0.9, <<.Series>>{<<.LabelMatchers>>})
externalRules:
- seriesQuery: 'queue_depth'
  resources: {overrides: {namespace: {resource: namespace}}}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (queue)
"#;

/// A Prometheus with these series.
async fn upstream() -> Upstream {
    let upstream = Upstream::start(Reply::NoReply).await;
    upstream.reply_with(|request| {
        let series = match request.parameter("match[]") {
            Some("queue_depth") => json!([{"__name__": "queue_depth", "namespace": "shop"}]),
            Some(latency) if latency.starts_with("latency") => {
                json!([{"__name__": "latency", "namespace": "shop", "pod": "web-0"}])
            }
            _ => json!([
                {"__name__": "http_requests_total", "namespace": "shop", "pod": "web-0"},
                {"__name__": "http_requests_total", "namespace": "shop", "pod": "web-1"},
                {"__name__": "http_errors_total", "namespace": "shop", "pod": "web-1"},
                {"__name__": "http_probes_total", "instance": "a"},
            ]),
        };
        found(request, series)
    });
    upstream
}

fn found(request: &Request, series: Value) -> Reply {
    assert!(request.path.ends_with("/api/v1/series"), "{request:?}");
    Reply::json(200, &json!({"status": "success", "data": series}))
}

#[tokio::test]
async fn metrics_are_listed_with_their_queries_and_other_series_with_a_reason() {
    let upstream = upstream().await;
    let url = upstream.url();
    let told = Leadsman::rules(RULES, &["--prometheus-url", &url]).await;
    assert_eq!(told.code, Some(0), "{}", told.output);
    for part in [
        "rules[0]  {__name__=~\"^http_.*_total$\"}\n  3 names of series, 2 metrics\n",
        "  pods/http_requests_per_second\n      sum(rate(http_requests_total{${selector},\
         namespace=\"${namespace}\"}[2m])) by (pod)\n",
        "    1: the rule leaves it out by `isNot: errors`\n      http_errors_total\n",
        "    1: none of its labels names an object\n      http_probes_total (instance)\n",
        "  pods/latency\n      for each read: quantile(0.9, <<.Series>>{<<.LabelMatchers>>})\n      \
         because quantile brings objects together\n",
        "5 metrics, 2 series not served, 0 faults",
    ] {
        assert!(told.output.contains(part), "{part}\n--- is not in\n{}", told.output);
    }
    assert_eq!(upstream.requests().len(), 3, "one list for each series query");
    let told = Leadsman::rules(RULES, &["--prometheus-url", &url, "--exact-queries"]).await;
    told.assert_contains(&["for each read: sum(rate(", "exact queries are set"]);
    let told = Leadsman::rules(RULES, &["--prometheus-url", &url, "--output", "json"]).await;
    let json: Value = serde_json::from_str(&told.output).expect("JSON");
    assert_eq!(json["rules"][2]["metrics"][0]["metric"], "queue_depth", "{json:#}");
}

#[tokio::test]
async fn converted_mappings_are_served() {
    let upstream = upstream().await;
    let url = upstream.url();
    let arguments = ["--prometheus-url", &url, "--output", "mappings"];
    let told = Leadsman::rules(RULES, &arguments).await;
    assert_eq!(told.code, Some(0), "{}", told.output);
    told.assert_contains(&["pods/latency of rules[1]: quantile brings objects together"]);
    let check = Leadsman::check(&told.output).await;
    assert_eq!(check.code, Some(0), "{}\n{}", told.output, check.output);
    // Converted mappings send the queries of the rules.
    let objects = "objects: [{resource: pods, namespace: shop, name: web-0}]\n";
    let served = Leadsman::start(format!("{}{objects}", told.output)).await;
    upstream.set_reply(Reply::pods(&[("web-0", "12.5")]));
    let path =
        "/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/*/http_requests_per_second";
    let answer = served.get(path).await.ok();
    assert_eq!(answer["items"][0]["value"], "12500m", "{answer:#}");
    let asked = upstream.last_request();
    let expected = r#"sum(rate(http_requests_total{namespace="shop"}[2m])) by (pod)"#;
    assert_eq!(asked.promql(), expected);
}

/// What holds for all rules, such as what stands for NaN, holds for each mapping.
#[tokio::test]
async fn converted_mappings_keep_what_holds_for_all_rules() {
    let upstream = upstream().await;
    let own = format!(
        "apiVersion: leadsman.dev/v1alpha1\nkind: Config\n\
         sources: {{prometheus: {{prometheus: {{url: {}}}}}}}\n\
         discovery: {{onNaN: {{value: 0}}, deadline: 3s}}\n{RULES}",
        upstream.url()
    );
    let told = Leadsman::rules(&own, &["--output", "mappings"]).await;
    assert_eq!(told.code, Some(0), "{}", told.output);
    let mappings = told.output.matches("  - metric: ").count();
    let stated = told.output.matches("    onNaN: {\"value\":0}").count();
    assert!(mappings > 0 && stated == mappings, "{}", told.output);
    let deadlines = told.output.matches("    deadline: \"3s\"\n").count();
    assert_eq!(deadlines, mappings, "{}", told.output);
    let objects = "objects: [{resource: pods, namespace: shop, name: web-0}]\n";
    let served = Leadsman::start(format!("{}{objects}", told.output)).await;
    upstream.set_reply(Reply::pods(&[("web-0", "NaN")]));
    let path =
        "/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/*/http_requests_per_second";
    assert_eq!(served.get(path).await.value(), "0");
}

#[tokio::test]
async fn an_unavailable_list_hides_no_other_result() {
    let upstream = upstream().await;
    upstream.reply_with(|request| match request.parameter("match[]") {
        Some("queue_depth") => found(request, json!([{"__name__": "queue_depth"}])),
        _ => Reply::new(503, "text/plain", "out for lunch"),
    });
    let faulty = format!("{RULES}- seriesQuery: x\n  metricsQuery: <<.Serie>>\n");
    let told = Leadsman::rules(&faulty, &["--prometheus-url", &upstream.url()]).await;
    assert_eq!(told.code, Some(1), "{}", told.output);
    told.assert_contains(&[
        "externalRules[1].metricsQuery: ",
        "FAULT: the series cannot be listed: the source \"prometheus\" answered 503",
        "1: the rule does not say which label|  queue_depth\n      sum(queue_depth{",
        "1 metric, 0 series not served, 2 rules could not be listed, 1 fault",
    ]);
    let told = Leadsman::rules(RULES, &[]).await;
    assert_eq!(told.code, Some(1), "{}", told.output);
    told.assert_contains(&["--prometheus-url"]);
    let told = Leadsman::rules(RULES, &["--compare", "localhost"]).await;
    assert_eq!(told.code, Some(2), "{}", told.output);
}

/// `leadsman rules | head` ends when it has seen enough.
#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_error() {
    let upstream = upstream().await;
    let url = upstream.url();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("rules.yaml"), RULES).expect("a file");
    for output in ["text", "json", "mappings"] {
        let arguments =
            ["rules", "--config", "rules.yaml", "--prometheus-url", &url, "--output", output];
        let ended = Leadsman::unread(&arguments, folder.path()).await;
        assert_eq!((ended.code, ended.output.as_str()), (Some(0), ""), "{output}");
    }
}
