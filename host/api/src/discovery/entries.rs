//! What discovery lists: the metrics of a snapshot, and those that delegates list besides them.

use std::collections::HashSet;

use leadsman_delegate::Api;
use leadsman_model::serve::Serve;
use leadsman_provider::snapshot::{Entry as Metric, MeasuredKind, Snapshot};

/// A resource of a discovery document, for both formats.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// `pods`, or the name of an external metric.
    pub(super) resource: String,
    /// The metric, where it is a subresource.
    pub(super) subresource: Option<String>,
    pub(super) namespaced: bool,
    pub(super) kind: &'static str,
}

/// The entries of custom metrics, and those of external ones.
pub(super) fn entries(snapshot: &Snapshot) -> (Vec<Entry>, Vec<Entry>) {
    let (mut custom, mut external) = (Vec::new(), Vec::new());
    for Metric { metric, serve, .. } in snapshot.served() {
        let metric = metric.to_string();
        match serve {
            // It is listed once the cluster's discovery has said what kind it is.
            Serve::Custom(resource) if resource.details().is_none() => {}
            Serve::Custom(resource) => custom.push(Entry {
                resource: resource.to_string(),
                subresource: Some(metric),
                namespaced: resource.namespaced(),
                kind: "MetricValueList",
            }),
            Serve::External => external.push(Entry {
                resource: metric,
                subresource: None,
                namespaced: true,
                kind: "ExternalMetricValueList",
            }),
            // Nodes and pods are listed by `resource_entries`.
            Serve::ResourceMetrics(_) => {}
        }
    }
    // Teams may serve the same metric, each in its own namespace, and a rule one that a mapping serves.
    for entries in [&mut custom, &mut external] {
        let mut seen = HashSet::new();
        entries.retain(|entry: &Entry| {
            seen.insert((entry.resource.clone(), entry.subresource.clone()))
        });
    }
    (custom, external)
}

/// The kinds of objects that resource metrics are served for.
pub(super) fn measured(snapshot: &Snapshot) -> impl Iterator<Item = MeasuredKind> {
    let kinds = [MeasuredKind::Nodes, MeasuredKind::Pods];
    kinds.into_iter().filter(|kind| snapshot.resource_metrics(*kind).is_ok())
}

/// The entries of resource metrics.
pub(super) fn resource_entries(snapshot: &Snapshot) -> Vec<Entry> {
    let entry = |kind: MeasuredKind| {
        let (namespaced, name) = match kind {
            MeasuredKind::Nodes => (false, "NodeMetrics"),
            MeasuredKind::Pods => (true, "PodMetrics"),
        };
        let resource = kind.plural().to_owned();
        Entry { resource, subresource: None, namespaced, kind: name }
    };
    measured(snapshot).map(entry).collect()
}

/// The entries of a version: what is served here, and then what delegates list besides it.
pub(super) fn with_delegates(
    own: &[Entry],
    snapshot: &Snapshot,
    api: Api,
    version: &str,
) -> Vec<Entry> {
    let mut all = own.to_vec();
    let Some(delegates) = snapshot.delegates() else { return all };
    let mut seen: HashSet<_> =
        own.iter().map(|entry| (entry.resource.clone(), entry.subresource.clone())).collect();
    for delegate in delegates.all() {
        let lists = delegate.lists();
        let listed = lists.of(api, version).map(|listed| listed.metrics.as_slice());
        for metric in listed.unwrap_or_default() {
            if !seen.insert((metric.resource.clone(), metric.subresource.clone())) {
                continue;
            }
            all.push(Entry {
                resource: metric.resource.clone(),
                subresource: metric.subresource.clone(),
                namespaced: metric.namespaced,
                kind: match api {
                    Api::Custom => "MetricValueList",
                    Api::External => "ExternalMetricValueList",
                    Api::Resource if metric.resource == "nodes" => "NodeMetrics",
                    Api::Resource => "PodMetrics",
                },
            });
        }
    }
    all
}
