//! To zero and from zero without the feature of the autoscaler, and numbers of replicas that stand for
//! values that are not known, against the real controller.

mod autoscaler;
mod doctor;
mod left;
mod page;
mod replicas;
mod stated;
mod teams;
mod unknown;
mod zero;

use std::time::Duration;

use leadsman_tests::cluster::{Adapter, ApiClient, ControlPlane, Workload};
use leadsman_tests::{Config, Leadsman, Mapping, Reply, Upstream, eventually};
use serde_json::{Value, json};

/// How long a cooldown, an election and a few looks may take together on a slow machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(90);

/// An answer with one item of this value.
pub(crate) fn one(value: &str) -> Reply {
    Reply::vector(&json!([{"metric": {"queue": "orders"}, "value": [1, value]}]))
}

/// A mapping of an external metric that activates the Deployment `name`. `more` are further keys of
/// its `activation`.
pub(crate) fn activating(metric: &str, namespace: &str, name: &str, more: &str) -> Mapping {
    activated(Mapping::external(metric).query("q", metric), namespace, name, more)
}

/// A mapping with values that are new at each look, and with an `activation`.
pub(crate) fn activated(mapping: Mapping, namespace: &str, name: &str, more: &str) -> Mapping {
    let target = format!("{{kind: Deployment, namespace: {namespace}, name: {name}}}");
    mapping
        .set("maxAge", "1s")
        .set("refreshAtMostEvery", "1s")
        .set("activation", &format!("{{target: {target}, every: 1s, {more}}}"))
}

/// A configuration with a source and these mappings.
pub(crate) fn config(upstream: &Upstream, mappings: impl IntoIterator<Item = Mapping>) -> Config {
    let config = Config::new().prometheus("prometheus", &upstream.url());
    mappings.into_iter().fold(config, Config::mapping)
}

/// An installation in a namespace of its own, with the rights to activate.
pub(crate) async fn adapter(namespace: &str) -> Adapter<'static> {
    adapter_of(namespace, &[]).await
}

/// The same with the right to watch these resources.
pub(crate) async fn adapter_of(namespace: &str, resources: &[&str]) -> Adapter<'static> {
    let plane = ControlPlane::shared().await;
    let adapter = Adapter::new(plane, namespace, resources).await;
    adapter.account().allow_lease(&plane.admin()).await;
    adapter.account().allow_scaling(&plane.admin()).await;
    adapter
}

pub(crate) async fn admin() -> ApiClient {
    ControlPlane::shared().await.admin()
}

/// What the last look at the workload of a mapping came to.
pub(crate) async fn told(leadsman: &Leadsman, metric: &str) -> String {
    let status = leadsman.status().await;
    let mappings = status["mappings"].as_array().cloned().unwrap_or_default();
    let mapping = mappings.iter().find(|mapping| mapping["metric"] == metric);
    let told = mapping.map(|mapping| mapping["activation"]["told"].clone()).unwrap_or(Value::Null);
    told.as_str().unwrap_or_default().to_owned()
}

/// Waits until the last look at the workload of a mapping came to this.
pub(crate) async fn wait_told(leadsman: &Leadsman, metric: &str, text: &str) -> String {
    eventually(&format!("{metric} that is {text}"), TIMEOUT, async || {
        let told = told(leadsman, metric).await;
        if told.contains(text) { Ok(told) } else { Err(format!("{told:?}\n{}", leadsman.log())) }
    })
    .await
}

/// Waits until a workload is asked to have this many replicas.
pub(crate) async fn wait_replicas(workload: &Workload, replicas: usize) {
    eventually(&format!("{replicas} replicas"), TIMEOUT, async || {
        match workload.reconcile().await {
            found if found == replicas => Ok(()),
            found => Err(format!("{found}; {:#?}", workload.events().await)),
        }
    })
    .await;
}

/// Waits until there is an Event about a workload with this reason and text.
pub(crate) async fn wait_event(workload: &Workload, reason: &str, text: &str) {
    eventually(&format!("an Event {reason} with {text:?}"), TIMEOUT, async || {
        let events = workload.events().await;
        let found = events.iter().any(|(of, note)| of == reason && note.contains(text));
        if found { Ok(()) } else { Err(format!("{events:#?}")) }
    })
    .await;
}

/// Waits until a mapping was read this many times more, however the reads end.
pub(crate) async fn wait_reads(leadsman: &Leadsman, metric: &str, more: f64) {
    let mapping = format!("external/{metric}");
    let reads = async || {
        leadsman.metric("leadsman_reads_total", &[("mapping", &mapping)]).await.unwrap_or(0.0)
    };
    let before = reads().await;
    eventually(&format!("{more} more reads of {metric}"), TIMEOUT, async || {
        let now = reads().await;
        if now >= before + more { Ok(()) } else { Err(format!("{before} and now {now}")) }
    })
    .await;
}
