//! Real autoscalers with values of a real Prometheus: users' cases, and every kind of metric.

mod explained;
mod explained_hour;
mod explained_states;
mod kinds;
mod users;

use std::sync::Arc;
use std::time::Duration;

use leadsman_tests::cluster::{ApiClient, ClusterStack, ControlPlane};
use leadsman_tests::{Config, Example, Mapping};
use serde_json::Value;

pub(crate) const VERNEMQ: Example = Example::new("vernemq");
pub(crate) const GO_COUNTER: Example = Example::new("go-counter");
pub(crate) const NGINX_INGRESS: Example = Example::new("nginx-ingress");
pub(crate) const HTTP_REQUESTS: Example = Example::new("http-requests");

/// Values fresh enough for an HPA that syncs each two seconds.
const FRESH: (&str, &str) = ("maxAge", "1s");
const OFTEN: (&str, &str) = ("refreshAtMostEvery", "1s");

/// The kinds that the mappings serve, and autoscalers, whose last hour is explained.
const WATCHED: [&str; 7] = [
    "horizontalpodautoscalers.autoscaling",
    "pods",
    "services",
    "ingresses.networking.k8s.io",
    "namespaces",
    "nodes",
    "widgets.example.com",
];

/// How long a scrape, an evaluation and a sync of the controller may take together.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// The pool of the load balancer in front of kuard.
pub(crate) const POOL: &str =
    "k8s-03-cluster--kuard.nsx.rockhomelab.org_-routing-ns1-kuard-ingress";

/// Every mapping of this file: those of the examples, and one for each kind of object.
fn config(prometheus: &str) -> String {
    let pool = format!(r#"avi_l4_server_avg_open_conns{{name="{POOL}"}}"#);
    let in_namespace = |series: &str| format!(r#"{series}{{namespace="${{namespace}}"}}"#);
    let by = |label: &str, series: &str| {
        format!("sum by (namespace, {label}) ({})", in_namespace(series))
    };
    let published = r#"sum by (pod) (published{namespace="${namespace}",${selector}})"#;
    let mappings = [
        Mapping::custom("avi_l4_server_avg_open_conns", "services")
            .query("conns", &pool)
            .plugin("per-object", "object: {namespace: routing-ns1, name: avilb}, combine: sum"),
        // The same for a test that has a load balancer of its own.
        Mapping::custom("explained_open_conns", "services")
            .query("conns", r#"avi_l4_server_avg_open_conns{name="explained"}"#)
            .plugin(
                "per-object",
                "object: {namespace: routing-ns1, name: explained-lb}, combine: sum",
            ),
        Mapping::custom("open_requests", "ingresses.networking.k8s.io")
            .query("q", &by("ingress", "open_requests"))
            .plugin("per-object", "object: ingress"),
        Mapping::pods("published").query("q", published),
        Mapping::external("queue_depth").query("q", &in_namespace("queue_depth")),
        Mapping::custom("orders", "namespaces")
            .query("q", "sum by (namespace) (orders)")
            .plugin("per-object", "object: namespace"),
        Mapping::custom("node_heat", "nodes")
            .query("q", "node_heat")
            .plugin("per-object", "object: node"),
        Mapping::custom("jobs_waiting", "widgets.example.com")
            .query("q", &by("widget", "jobs_waiting"))
            .plugin("per-object", "object: widget"),
        // As many series for a pod as it has containers.
        Mapping::pods("noisy").query("q", &in_namespace("noisy")),
        // Fails once a queue has two weights.
        Mapping::external("weighted")
            .query(
                "q",
                &format!(
                    "{} * on (queue) {}",
                    in_namespace("queue_depth"),
                    in_namespace("queue_weight")
                ),
            )
            .set("onError", "{lastGood: 10m}"),
        Mapping::external("backlog")
            .query("q", &format!("sum({})", in_namespace("backlog")))
            .set("activation", "1"),
    ];
    let config = Config::new().prometheus("prometheus", prometheus);
    let config = mappings.into_iter().fold(config, |config, mapping| {
        config.mapping([FRESH, OFTEN].iter().fold(mapping, |mapping, (k, v)| mapping.set(k, v)))
    });
    let examples = [VERNEMQ, GO_COUNTER, NGINX_INGRESS, HTTP_REQUESTS]
        .map(|example| example.mappings_with(&[FRESH, OFTEN]));
    format!("{config}{}", examples.concat())
}

pub(crate) fn stage() -> Arc<ClusterStack> {
    ClusterStack::shared(config, &WATCHED)
}

pub(crate) async fn admin() -> ApiClient {
    ControlPlane::shared().await.admin()
}

/// A value of the only metric of an HPA's status: `averageValue` or `value`.
pub(crate) fn current<'a>(status: &'a Value, kind: &str, value: &str) -> &'a Value {
    &status["currentMetrics"][0][kind]["current"][value]
}
