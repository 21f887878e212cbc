//! `leadsman rules --compare`: differences to another adapter, with a fake one and with
//! prometheus-adapter itself.

use leadsman_tests::cluster::{Account, ControlPlane, PrometheusAdapter, Rule, Workload};
use leadsman_tests::rules::rules;
use leadsman_tests::{Leadsman, Prometheus, Reply, Request, Traffic, Upstream};
use serde_json::{Value, json};
use tempfile::TempDir;

const RULES: &str = r#"
rules:
- seriesQuery: '{__name__=~"^of_pods_.*"}'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  name: {matches: "^of_pods_(.*)$"}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
externalRules:
- seriesQuery: 'queue_depth'
  resources: {overrides: {namespace: {resource: namespace}}}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (queue)
"#;

fn pod(name: &str, value: &str) -> Value {
    json!({"describedObject": {"kind": "Pod", "namespace": "compared", "name": name}, "value": value})
}

/// The other adapter.
fn other(request: &Request) -> Reply {
    let list = |items: Value| Reply::json(200, &json!({"items": items}));
    let listed = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
        Reply::json(200, &json!({"resources": names}))
    };
    let path = request.path.as_str();
    match path.strip_prefix("/apis/").unwrap_or_default() {
        "custom.metrics.k8s.io/v1beta1" => listed(&[
            "pods/requests",
            "pods/odd",
            "pods/broken",
            "namespaces/requests",
            "namespaces/odd",
            "namespaces/broken",
            "pods/lost",
        ]),
        "external.metrics.k8s.io/v1beta1" => listed(&["queue_depth"]),
        rest if rest.contains("/pods/*/requests") => {
            list(json!([pod("web-0", "12500m"), pod("web-1", "25")]))
        }
        rest if rest.contains("/pods/*/odd") => list(json!([pod("web-0", "0"), pod("web-1", "7")])),
        rest if rest.contains("/pods/*/broken") => {
            Reply::json(500, &json!({"kind": "Status", "message": "unable to fetch metrics"}))
        }
        rest if rest.ends_with("/namespaces/compared/queue_depth") => {
            list(json!([{"metricLabels": {"queue": "a"}, "value": "3"}]))
        }
        rest if rest.contains("/metrics/") || rest.ends_with("queue_depth") => list(json!([])),
        _ => Reply::json(404, &json!({"paths": []})),
    }
}

#[tokio::test]
async fn every_difference_is_reported() {
    let plane = ControlPlane::shared().await;
    Workload::deployment(&plane.admin(), "compared", "web", 2).await;
    let traffic = Traffic::start().await;
    for (series, value) in [
        (r#"of_pods_requests{namespace="compared",pod="web-0"}"#, 12.5),
        (r#"of_pods_requests{namespace="compared",pod="web-1"}"#, 20.0),
        (r#"of_pods_odd{namespace="compared",pod="web-0"}"#, f64::NAN),
        (r#"of_pods_odd{namespace="compared",pod="web-1"}"#, 7.0),
        (r#"of_pods_broken{namespace="compared",pod="web-0"}"#, 1.0),
        (r#"of_pods_new{namespace="compared",pod="web-0"}"#, 1.0),
        (r#"of_pods_lost{instance="a"}"#, 1.0),
        (r#"queue_depth{namespace="compared",queue="a"}"#, 3.0),
    ] {
        traffic.set(series, value);
    }
    let prometheus = Prometheus::scraping(&traffic.url()).await;
    prometheus.wait_for("of_pods_new").await;
    let upstream = Upstream::start(Reply::NoReply).await;
    upstream.reply_with(other);
    let folder = TempDir::new().expect("a temporary folder");
    let token = folder.path().join("token");
    std::fs::write(&token, "secret\n").expect("a token");
    upstream.require_header("authorization", "Bearer secret");
    let kubeconfig = plane.admin_kubeconfig().display().to_string();
    let (theirs, ours) = (upstream.url(), prometheus.url());
    let token = token.display().to_string();
    let told = Leadsman::rules(
        RULES,
        &[
            "--prometheus-url",
            &ours,
            "--metrics-max-age",
            "1h",
            "--kubeconfig",
            &kubeconfig,
            "--compare",
            &theirs,
            "--compare-token-file",
            &token,
            "--namespace",
            "compared",
        ],
    )
    .await;
    assert_eq!(told.code, Some(1), "{}", told.output);
    told.assert_contains(&[
        "pods/requests in compared\n  web-1: here 20, there 25",
        "pods/odd in compared\n  web-0: only there, 0\n      here: odd for pods web-0 is not served: the value is NaN",
        "pods/broken in compared\n  here   1 value\n  there  500 unable to fetch metrics",
        "Metrics only there\n  pods/lost\n      none of its labels names an object: instance",
        "Metrics only here\n  namespaces/new\n  pods/new",
        "namespaces/requests\n  compared: only here, 32500m",
        "1 value differs",
    ]);
    assert!(!told.output.contains("external/queue_depth"), "{}", told.output);
}

#[tokio::test]
async fn prometheus_adapter_has_no_differences() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    Workload::deployment(&admin, "alike", "test-prometheus", 2).await;
    let traffic = Traffic::start().await;
    traffic.set(r#"myapp_processed_ops_total{namespace="alike",pod="test-prometheus-0"}"#, 3.0);
    traffic.set(r#"myapp_processed_ops_total{namespace="alike",pod="test-prometheus-1"}"#, 5.0);
    let prometheus = Prometheus::scraping(&traffic.url()).await;
    prometheus.wait_for("myapp_processed_ops_total").await;
    let rules = rules("counter");
    let url = prometheus.url();
    let adapter = PrometheusAdapter::start(plane, &rules, &url).await;
    let reader = Account::create(&admin, "alike", "reader").await;
    let apis = ["custom.metrics.k8s.io", "external.metrics.k8s.io", "metrics.k8s.io"];
    let may = apis.map(|group| Rule::new(&["get", "list"], group, &["*"]));
    admin.allow(&reader.subject(), None, &may).await;
    let folder = TempDir::new().expect("a temporary folder");
    let token = folder.path().join("token");
    std::fs::write(&token, reader.token(&admin).await).expect("a token");
    let kubeconfig = plane.admin_kubeconfig().display().to_string();
    let token = token.display().to_string();
    let listed = "/apis/custom.metrics.k8s.io/v1beta1";
    leadsman_tests::eventually("its metrics", std::time::Duration::from_secs(60), async || {
        let answer = adapter.get(listed).await;
        if answer.body.contains("myapp_processed_ops_total") { Ok(()) } else { Err(answer.body) }
    })
    .await;
    let told = Leadsman::rules(
        &rules,
        &[
            "--prometheus-url",
            &url,
            "--metrics-max-age",
            "1h",
            "--kubeconfig",
            &kubeconfig,
            "--compare",
            adapter.url(),
            "--compare-token-file",
            &token,
            "--compare-insecure",
            "--tolerance",
            "0",
        ],
    )
    .await;
    assert_eq!(told.code, Some(0), "{}", told.output);
    told.assert_contains(&["2 metrics and 3 values of both read: no difference"]);
}
