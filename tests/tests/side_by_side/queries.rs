//! The queries that both send, where a fake Prometheus has what a real one does not: its series have
//! any name, and it answers whatever is asked.

use leadsman_tests::cluster::{ControlPlane, PrometheusAdapter};
use leadsman_tests::paths::{CUSTOM_V1, CUSTOM_V2};
use leadsman_tests::{Answer, HttpClient, Leadsman, Reply, Upstream, eventually};
use serde_json::{Value, json};

use crate::lists::TIMEOUT;

const RULES: &str = r#"
rules:
- seriesQuery: 'depth'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
- seriesQuery: 'depth'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  name: {as: by_values}
  metricsQuery: sum(<<.Series>>{pod=~"<<index .LabelValuesByName "pod">>"}) by (<<.GroupBy>>)
- seriesQuery: 'depth'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  name: {as: by_window}
  metricsQuery: sum(rate(<<.Series>>{pod="x"}[<<index .LabelValuesByName "window">>])) by (<<.GroupBy>>)
- seriesQuery: '{__name__=~"odd.+"}'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
"#;

const NAMESPACE: &str = "dotted";

/// Both, each with a source of its own.
struct QueryLog {
    theirs: (PrometheusAdapter, Upstream),
    /// With the queries of prometheus-adapter.
    exact: (Leadsman, Upstream),
    widened: (Leadsman, Upstream),
    caller: HttpClient,
}

async fn upstream() -> Upstream {
    let upstream = Upstream::start(Reply::NoReply).await;
    upstream.reply_with(|request| {
        if !request.path.ends_with("/api/v1/series") {
            return Reply::pods(&[("a.b", "4"), ("c", "5")]);
        }
        let name = match request.parameter("match[]") {
            Some("depth") => "depth",
            _ => "odd-name",
        };
        let series = json!([{"__name__": name, "namespace": NAMESPACE, "pod": "c"}]);
        Reply::json(200, &json!({"status": "success", "data": series}))
    });
    upstream
}

impl QueryLog {
    async fn start() -> Self {
        let plane = ControlPlane::shared().await;
        let admin = plane.admin();
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        admin.apply(&namespace).await;
        for name in ["a.b", "c"] {
            admin.apply(&pod(name)).await;
        }
        let (of_theirs, of_exact, of_widened) = tokio::join!(upstream(), upstream(), upstream());
        let kubeconfig = plane.admin_kubeconfig().display().to_string();
        let start = async |url: String, more: &[&str]| {
            let around = [
                "--prometheus-url",
                &url,
                "--kubeconfig",
                &kubeconfig,
                "--bind-address",
                "127.0.0.1",
            ];
            Leadsman::start_with(RULES, &[&around[..], more].concat()).await
        };
        let theirs = of_theirs.url();
        let (theirs, exact, widened) = tokio::join!(
            PrometheusAdapter::start(plane, RULES, &theirs),
            start(of_exact.url(), &["--exact-queries"]),
            start(of_widened.url(), &[]),
        );
        let caller = HttpClient::with_certificate(plane.authorities().admin());
        let (theirs, exact, widened) =
            ((theirs, of_theirs), (exact, of_exact), (widened, of_widened));
        let asked = Self { theirs, exact, widened, caller };
        eventually("all metrics of theirs", TIMEOUT, async || {
            let list = asked.theirs.0.get(CUSTOM_V1).await.body;
            let all = ["pods/depth", "pods/by_values", "pods/by_window", "pods/odd-name"];
            if all.iter().all(|name| list.contains(name)) { Ok(()) } else { Err(list) }
        })
        .await;
        asked
    }

    /// What theirs answers to a read, and the query that it sends for it.
    async fn theirs(&self, path: &str) -> (Answer, String) {
        let before = self.theirs.1.queries();
        let answer = self.theirs.0.get(path).await;
        assert_eq!(self.theirs.1.queries(), before + 1, "{path}: {answer:#?}");
        (answer, newest_query(&self.theirs.1))
    }

    /// What ours answers, with exact queries, and what it sends, if it sends a query.
    async fn exact(&self, path: &str) -> (Answer, Option<String>) {
        let (leadsman, upstream) = &self.exact;
        let before = upstream.queries();
        let answer = leadsman.get_as(&self.caller, path).await;
        (answer, (upstream.queries() > before).then(|| newest_query(upstream)))
    }
}

/// Lists of series may have been requested since.
fn newest_query(upstream: &Upstream) -> String {
    let requests = upstream.requests();
    let query = requests.iter().rev().find(|of| !of.path.ends_with("/api/v1/series"));
    query.expect("a query").promql().to_owned()
}

/// One that does not run, whatever its image is.
fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": NAMESPACE, "name": name, "labels": {"app": "dotted"}},
        "spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}]},
    })
}

fn assert_has(query: &str, part: &str) {
    assert!(query.contains(part), "{part} is not in {query}");
}

/// What becomes a part of their queries as it is, stays a value in ours or is refused.
#[tokio::test]
async fn values_that_are_patterns_and_parts_of_queries_in_theirs() {
    let asked = QueryLog::start().await;
    let of = |rest: &str| format!("{CUSTOM_V2}/namespaces/{NAMESPACE}/pods/{rest}");

    // The names of several objects.
    let (answer, query) = asked.theirs(&of("*/depth")).await;
    assert_eq!(answer.items().len(), 2, "{answer:#?}");
    assert_has(&query, r#"pod=~"a.b|c""#);
    let (answer, query) = asked.exact(&of("*/depth")).await;
    assert_eq!(answer.items().len(), 2, "{answer:#?}");
    assert_has(&query.expect("a query"), r"a\\.b");
    // One query without them answers all reads of the namespace.
    let (leadsman, upstream) = &asked.widened;
    for rest in ["*/depth", "c/depth", "a.b/depth"] {
        leadsman.get_as(&asked.caller, &of(rest)).await.ok();
    }
    let expected = format!(r#"sum(depth{{namespace="{NAMESPACE}"}}) by (pod)"#);
    assert_eq!((upstream.queries(), newest_query(upstream)), (1, expected));

    // A set of one.
    let path = of("c/depth?metricLabelSelector=queue%20in%20(a.b)");
    assert_has(&asked.theirs(&path).await.1, r#"queue=~"a.b""#);
    assert_has(&asked.exact(&path).await.1.expect("a query"), r#"queue="a.b""#);
    let path = of("c/depth?metricLabelSelector=queue%20notin%20(a.b)");
    assert_has(&asked.theirs(&path).await.1, r#"queue!~"a.b""#);
    assert_has(&asked.exact(&path).await.1.expect("a query"), r#"queue!="a.b""#);

    // A name that ends the text that it stands in.
    let name = "x%22%7D)%20or%20up%7Ba=%22";
    let (_, query) = asked.theirs(&of(&format!("{name}/by_values"))).await;
    assert_has(&query, "pod=~\"x\"}) or up{a=\"\"");
    for metric in ["by_values", "depth"] {
        let (answer, query) = asked.exact(&of(&format!("{name}/{metric}"))).await;
        assert_eq!((answer.failure().code, query), (400, None), "{answer:#?}");
    }
    // One that means more than itself, where the template decides what it stands in.
    let (_, query) = asked.theirs(&of("x(y)/by_values")).await;
    assert_has(&query, r#"pod=~"x(y)""#);
    let (answer, query) = asked.exact(&of("x(y)/by_values")).await;
    assert_eq!((answer.failure().code, query), (400, None), "{answer:#?}");
    assert_has(&asked.exact(&of("x(y)/depth")).await.1.expect("a query"), r#"pod="x(y)""#);

    // A value outside of quotes.
    let path = of("c/by_window?metricLabelSelector=window%3D5m");
    assert_has(&asked.theirs(&path).await.1, "[5m]");
    let (answer, query) = asked.exact(&path).await;
    assert_eq!(query, None, "{answer:#?}");
    answer.failure().assert_contains(&["outside of quotes"]);

    // The name of a series.
    let (_, query) = asked.theirs(&of("c/odd-name")).await;
    assert_has(&query, "sum(odd-name{");
    let (answer, query) = asked.exact(&of("c/odd-name")).await;
    assert_eq!((answer.failure().code, query), (404, None), "{answer:#?}");
    answer.failure().assert_contains(&["odd-name", "cannot stand in the query as it is"]);
}
