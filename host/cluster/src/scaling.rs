//! Finds the autoscalers that name a metric, to write Events on them.

use std::collections::BTreeMap;

use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscaler, MetricIdentifier, MetricSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::Api;
use kube::api::ListParams;

use super::{Cluster, explain};

/// How many autoscalers one request lists.
const PAGE_SIZE: u32 = 500;

/// The most autoscalers that are looked at. Further ones get no Events.
const MAX_LISTED: usize = 10_000;

/// The most metrics of an autoscaler that are looked at.
const MAX_METRICS: usize = 100;

/// An autoscaler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoscalerReference {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its unique id.
    pub uid: Option<String>,
}

/// An autoscaler, and the metrics of the adapter's APIs that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scaling {
    /// The autoscaler.
    pub autoscaler: AutoscalerReference,
    /// The metrics.
    pub metrics: Vec<NamedMetric>,
}

/// A metric that an autoscaler names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedMetric {
    /// The kind of metric.
    pub of: MetricOf,
    /// Its name.
    pub name: String,
    /// What picks its series, as a request says it; empty for all.
    pub selector: String,
}

/// What a metric is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricOf {
    /// The pods of the target.
    Pods,
    /// One object.
    Object {
        /// Its kind, in lower case.
        kind: String,
        /// Its name.
        name: String,
    },
    /// Nothing of the cluster.
    External,
}

impl Cluster {
    /// The autoscalers of a namespace, or of all, that name custom or external metrics. The error is
    /// for people.
    pub async fn scaling(&self, namespace: Option<&str>) -> Result<Vec<Scaling>, String> {
        let client = self.client.clone();
        let api: Api<HorizontalPodAutoscaler> = match namespace {
            Some(namespace) => Api::namespaced(client, namespace),
            None => Api::all(client),
        };
        let (mut found, mut seen) = (Vec::new(), 0);
        let mut params = ListParams::default().limit(PAGE_SIZE);
        loop {
            let list = api.list(&params).await.map_err(|error| explain(&error))?;
            seen += list.items.len();
            found.extend(list.items.into_iter().filter_map(Scaling::of));
            let more = list.metadata.continue_.filter(|token| !token.is_empty());
            match more {
                Some(token) if seen < MAX_LISTED => params = params.continue_token(&token),
                _ => return Ok(found),
            }
        }
    }
}

impl Scaling {
    /// `None` if it names no custom or external metric.
    fn of(autoscaler: HorizontalPodAutoscaler) -> Option<Self> {
        let metrics = autoscaler.spec?.metrics.unwrap_or_default();
        let metrics = metrics.into_iter().take(MAX_METRICS).filter_map(NamedMetric::of);
        let metrics: Vec<_> = metrics.collect();
        let reference = AutoscalerReference {
            namespace: autoscaler.metadata.namespace?,
            name: autoscaler.metadata.name?,
            uid: autoscaler.metadata.uid,
        };
        (!metrics.is_empty()).then_some(Self { autoscaler: reference, metrics })
    }
}

impl NamedMetric {
    fn of(metric: MetricSpec) -> Option<Self> {
        let (of, metric) = if let Some(pods) = metric.pods {
            (MetricOf::Pods, pods.metric)
        } else if let Some(object) = metric.object {
            let described = object.described_object;
            let kind = described.kind.to_lowercase();
            (MetricOf::Object { kind, name: described.name }, object.metric)
        } else {
            (MetricOf::External, metric.external?.metric)
        };
        let MetricIdentifier { name, selector } = metric;
        Some(Self { of, name, selector: selector.map(|one| text(&one)).unwrap_or_default() })
    }
}

/// A selector as a request says it.
fn text(selector: &LabelSelector) -> String {
    let labels: BTreeMap<_, _> = selector.match_labels.iter().flatten().collect();
    let mut parts: Vec<_> =
        labels.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    for requirement in selector.match_expressions.iter().flatten() {
        let key = &requirement.key;
        let values = requirement.values.clone().unwrap_or_default().join(",");
        parts.push(match &*requirement.operator {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.clone(),
        });
    }
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_autoscaler_is_known_by_the_metrics_that_it_names() {
        let selector = json!({
            "matchLabels": {"queue": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["a", "b"]},
                {"key": "old", "operator": "DoesNotExist"},
            ],
        });
        let scaling = Scaling::of(
            serde_json::from_value(json!({
                "apiVersion": "autoscaling/v2",
                "kind": "HorizontalPodAutoscaler",
                "metadata": {"namespace": "shop", "name": "web", "uid": "u1"},
                "spec": {
                    "maxReplicas": 3,
                    "scaleTargetRef": {"kind": "Deployment", "name": "web"},
                    "metrics": [
                        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization"}}},
                        {"type": "Pods", "pods": {
                            "metric": {"name": "requests"}, "target": {"type": "AverageValue"},
                        }},
                        {"type": "Object", "object": {
                            "metric": {"name": "hits", "selector": selector},
                            "describedObject": {"kind": "Ingress", "name": "front"},
                            "target": {"type": "Value"},
                        }},
                        {"type": "External", "external": {
                            "metric": {"name": "depth"}, "target": {"type": "Value"},
                        }},
                    ],
                },
            }))
            .unwrap(),
        )
        .unwrap();
        assert_eq!(scaling.autoscaler.uid.as_deref(), Some("u1"));
        let named: Vec<_> =
            scaling.metrics.iter().map(|one| (&*one.name, &*one.selector)).collect();
        let selector = "queue=web,tier in (a,b),!old";
        assert_eq!(named, [("requests", ""), ("hits", selector), ("depth", "")]);
        let kind = MetricOf::Object { kind: "ingress".to_owned(), name: "front".to_owned() };
        assert_eq!(scaling.metrics[1].of, kind);
    }
}
