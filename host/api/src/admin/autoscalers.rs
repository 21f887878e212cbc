//! Autoscalers, as the page lists them: the worst first, each with its verdict and the last hour.

use std::sync::PoisonError;

use serde_json::{Value, json};

use super::AdminState;
use super::trends::Trends;
use leadsman_autoscaler::manifest::{Autoscaler, MetricSource, MetricSpec, Reference};
use leadsman_autoscaler::{Followed, KnownAutoscalers, KnownMetric, Overview, Trouble};
use leadsman_model::quantity::Quantity;
use leadsman_provider::snapshot::{MeasuredKind, Snapshot, Wanted};
use leadsman_provider::{Newest, NewestRequest, NewestState};
use leadsman_runtime::clock;

/// The most autoscalers that are shown, those that are worst.
const MAX_SHOWN: usize = 500;

/// What is said of all autoscalers.
pub(super) struct Overviews {
    /// Of each, the worst first.
    pub(super) list: Vec<Overview>,
    /// Whether and how they are known.
    pub(super) about: Value,
}

impl AdminState {
    /// What to say of all autoscalers now. Notes it for their trends.
    pub(super) fn overviews(&self) -> Overviews {
        let KnownAutoscalers { list, more, followed } = self.autoscalers.known();
        let generation = self.served.now();
        let snapshot = &generation.snapshot;
        let mut list: Vec<_> = list.iter().map(|known| overview(known, snapshot)).collect();
        {
            let mut trends = self.trends.lock().unwrap_or_else(PoisonError::into_inner);
            list.iter().for_each(|overview| note(overview, &mut trends, clock::now()));
        }
        list.sort_by(|a, b| {
            (a.state, &a.namespace, &a.name).cmp(&(b.state, &b.namespace, &b.name))
        });
        let total = list.len();
        list.truncate(MAX_SHOWN);
        let (state, reason) = match followed {
            Followed::NoCluster => ("noCluster", None),
            Followed::Starting => ("starting", None),
            Followed::Synced => ("synced", None),
            Followed::Forbidden(why) => ("forbidden", Some(why)),
            Followed::Interrupted(why) => ("interrupted", Some(why)),
        };
        let about = json!({
            "state": state,
            "reason": reason,
            "total": total,
            "shown": list.len(),
            "more": more,
        });
        Overviews { list, about }
    }

    /// The trends of an autoscaler: of its replicas, and of the value of each metric.
    pub(super) fn trends_of(&self, overview: &Overview, now: i64) -> Value {
        let trends = self.trends.lock().unwrap_or_else(PoisonError::into_inner);
        let metrics =
            (0..overview.metrics.len()).map(|at| trends.line(&value_line(overview, at), now));
        json!({
            "at": now,
            "replicas": trends.line(&replicas_line(overview), now),
            "metrics": metrics.collect::<Vec<_>>(),
        })
    }
}

/// The name of an autoscaler among entries.
pub(super) fn name(overview: &Overview) -> String {
    format!("{}/{}", overview.namespace, overview.name)
}

fn replicas_line(overview: &Overview) -> String {
    format!("replicas {}", name(overview))
}

fn value_line(overview: &Overview, metric: usize) -> String {
    format!("value {metric} {}", name(overview))
}

fn note(overview: &Overview, trends: &mut Trends, now: i64) {
    if let Some(replicas) = overview.replicas {
        trends.add(&replicas_line(overview), now, f64::from(replicas));
    }
    for (at, metric) in overview.metrics.iter().enumerate() {
        // What is not known is a gap in the line, not zero.
        if let Some(value) = &metric.value {
            trends.add(&value_line(overview, at), now, value.number);
        }
    }
}

fn overview(autoscaler: &Autoscaler, snapshot: &Snapshot) -> Overview {
    let namespace = autoscaler.metadata.namespace.as_deref().unwrap_or_default();
    let specs = autoscaler.spec.metrics();
    let known: Vec<_> = specs.iter().map(|spec| known(spec, namespace, snapshot)).collect();
    Overview::of(autoscaler, &known)
}

/// What this adapter knows of a metric of an autoscaler, without a read of it.
fn known(spec: &MetricSpec, namespace: &str, snapshot: &Snapshot) -> KnownMetric {
    let selector = |source: &MetricSource| {
        source.metric.selector.as_ref().map(ToString::to_string).unwrap_or_default()
    };
    let source = spec.pods.as_ref().or(spec.object.as_ref()).or(spec.external.as_ref());
    let metric_selector = source.map(selector).unwrap_or_default();
    let described = spec.object.as_ref().and_then(|object| object.described_object.as_ref());
    let resource = described.map(resource_name);
    let wanted = if spec.pods.is_some() {
        Wanted::Custom("pods")
    } else if let Some(resource) = &resource {
        Wanted::Custom(resource)
    } else if spec.external.is_some() {
        Wanted::External
    } else if spec.resource.is_some() || spec.container_resource.is_some() {
        Wanted::Resource(MeasuredKind::Pods)
    } else {
        return KnownMetric::default();
    };
    let request = NewestRequest {
        wanted,
        namespace,
        metric: spec.name(),
        object: described.map(|object| object.name.as_str()),
        metric_selector: &metric_selector,
    };
    let Some(Newest { mapping, values, state }) = snapshot.newest(&request) else {
        return KnownMetric::default();
    };
    let trouble = match state {
        NewestState::Unread | NewestState::Current => None,
        NewestState::Old(why) => Some(Trouble::Old(why)),
        NewestState::Failing(why) => Some(Trouble::Failing(why)),
    };
    let newest = values.map(|values| values.into_iter().map(Quantity::milli).collect());
    KnownMetric { mapping: Some(mapping), newest, trouble }
}

/// A kind as a request may name it: `ingress.networking.k8s.io`.
fn resource_name(reference: &Reference) -> String {
    let kind = reference.kind.to_ascii_lowercase();
    match reference.api_version.as_deref().and_then(|version| version.split_once('/')) {
        Some((group, _)) => format!("{kind}.{group}"),
        None => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_named_as_requests_may() {
        let of = |version: Option<&str>, kind: &str| {
            let name = "x".to_owned();
            let api_version = version.map(str::to_owned);
            resource_name(&Reference { api_version, kind: kind.to_owned(), name })
        };
        let ingress = of(Some("networking.k8s.io/v1"), "Ingress");
        assert_eq!(ingress, "ingress.networking.k8s.io");
        let known = leadsman_model::resource::Resource::known("ingresses").unwrap();
        assert!(known.answers_to(&ingress));
        assert_eq!((of(Some("v1"), "Service"), of(None, "Pod")), ("service".into(), "pod".into()));
    }
}
