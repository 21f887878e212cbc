//! Autoscalers of the demo, and their controller: what they read, what the HPA's arithmetic makes of it,
//! and the status that a controller would write. The page and the table show that status as they would
//! show one of a cluster.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use leadsman_autoscaler::manifest::Autoscaler as Manifest;
use leadsman_autoscaler::{AutoscalerState, KnownMetric, MetricOverview, Overview, situation};
use leadsman_document::Document;
use leadsman_hpa::{
    DEFAULT_DOWNSCALE_STABILIZATION, Decision, Limit, Outcome, Recommendation, decide,
};
use leadsman_model::quantity::Quantity;

/// The maximum number of frames in the history.
const MAX_HISTORY: usize = 40;

/// The time between two looks of a controller: that of a frame as it was recorded.
const SYNC_PERIOD: Duration = Duration::from_secs(15);

/// An autoscaler in autoscalers.yaml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    name: String,
    kind: String,
    namespace: String,
    min: i32,
    max: i32,
    start: i32,
    metrics: Vec<Metric>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
enum Metric {
    Pods {
        name: String,
        selector: String,
        #[serde(rename = "averageValue")]
        target: String,
    },
    Object {
        resource: String,
        object: String,
        name: String,
        #[serde(rename = "value")]
        target: String,
    },
    External {
        name: String,
        #[serde(rename = "averageValue")]
        target: String,
    },
}

/// What was read of a metric: its values, or the message that an HPA would show.
pub(super) type Read = Result<Vec<Quantity>, String>;

/// An autoscaler with its last decision and its history.
#[derive(Debug)]
pub(super) struct Autoscaler {
    spec: Spec,
    replicas: i32,
    /// As a cluster would have it.
    object: Value,
    overview: Option<Overview>,
    /// Of each metric.
    values: Vec<VecDeque<Option<f64>>>,
    history: VecDeque<Option<f64>>,
    /// What was recommended, the newest last.
    recommended: VecDeque<i32>,
}

impl Autoscaler {
    /// Parses a list of autoscalers.
    pub(super) fn all(text: &str) -> anyhow::Result<Vec<Self>> {
        #[derive(Deserialize)]
        struct List {
            autoscalers: Vec<Spec>,
        }
        let (document, faults) = Document::parse("autoscalers.yaml", text);
        anyhow::ensure!(faults.is_empty(), "{}", document.locate(faults));
        let list: List = serde_json::from_value(document.value)?;
        Ok(list.autoscalers.into_iter().map(Self::new).collect())
    }

    fn new(spec: Spec) -> Self {
        Self {
            replicas: spec.start,
            object: object(&spec),
            overview: None,
            values: spec.metrics.iter().map(|_| VecDeque::new()).collect(),
            history: VecDeque::new(),
            recommended: VecDeque::new(),
            spec,
        }
    }

    /// The paths that the HPA controller reads, one for each metric.
    pub(super) fn requests(&self) -> Vec<String> {
        let namespace = &self.spec.namespace;
        let custom = format!("/apis/custom.metrics.k8s.io/v1beta2/namespaces/{namespace}");
        let path = |metric: &Metric| match metric {
            Metric::Pods { name, selector, .. } => {
                let selector = selector.replace('=', "%3D");
                format!("{custom}/pods/%2A/{name}?labelSelector={selector}")
            }
            Metric::Object { resource, object, name, .. } => {
                format!("{custom}/{resource}/{object}/{name}")
            }
            Metric::External { name, .. } => {
                format!("/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{name}")
            }
        };
        self.spec.metrics.iter().map(path).collect()
    }

    /// Decides about the replicas from what was read of each metric, as the controller does, and writes
    /// the status.
    pub(super) fn decide(&mut self, reads: &[Read]) -> anyhow::Result<()> {
        let replicas = self.replicas;
        let metrics = self.spec.metrics.iter().zip(reads);
        let current: Vec<_> =
            metrics.map(|(metric, read)| reported(metric, read, replicas)).collect();
        let known: Vec<_> =
            self.spec.metrics.iter().zip(reads).map(|(metric, read)| known(metric, read)).collect();
        let failed = reads.iter().find_map(|read| read.as_ref().err());
        self.object["status"] = json!({
            "currentReplicas": replicas,
            "desiredReplicas": replicas,
            "currentMetrics": current,
            "conditions": [active(failed.map(String::as_str))],
        });
        let manifest = self.manifest()?;
        let status = manifest.status.clone().unwrap_or_default();
        let mut situation = situation(&manifest, &status, &manifest.spec.metrics(), &known);
        situation.history.recommendations = self.recommendations();
        let decision = decide(&situation);
        self.write(&decision);
        self.overview = Some(Overview::of(&self.manifest()?, &known));
        self.note(&decision);
        Ok(())
    }

    fn recommendations(&self) -> Vec<Recommendation> {
        let recent = self.recommended.iter().rev().zip(1_u32..);
        let recent = recent.map(|(replicas, looks)| Recommendation {
            age: SYNC_PERIOD * looks,
            replicas: *replicas,
        });
        recent.take_while(|known| known.age <= DEFAULT_DOWNSCALE_STABILIZATION).collect()
    }

    /// Writes what a controller says of its decision.
    fn write(&mut self, decision: &Decision) {
        let status = &mut self.object["status"];
        status["desiredReplicas"] = decision.replicas.into();
        let (stabilized, limit) = match &decision.outcome {
            Outcome::Recommended { stabilized, limit, .. } => (stabilized.is_some(), *limit),
            _ => (false, None),
        };
        let (reason, message) = match stabilized {
            true => (
                "ScaleDownStabilized",
                "recent recommendations were higher than current one, applying the highest recent \
                 recommendation",
            ),
            false => ("ReadyForNewScale", "recommended size matches current size"),
        };
        let able = condition("AbleToScale", true, reason, message);
        let limited = match limit {
            Some(Limit::MaxReplicas) => ("TooManyReplicas", true),
            Some(Limit::MinReplicas) => ("TooFewReplicas", true),
            Some(Limit::Rate(_)) => ("ScaleUpLimit", true),
            None => ("DesiredWithinRange", false),
        };
        let limited = condition("ScalingLimited", limited.1, limited.0, "");
        if let Some(conditions) = status["conditions"].as_array_mut() {
            conditions.insert(0, able);
            conditions.push(limited);
        }
    }

    /// Keeps what the next decision and the table need.
    fn note(&mut self, decision: &Decision) {
        if let Outcome::Recommended { recommended, .. } = &decision.outcome {
            push(&mut self.recommended, *recommended);
        }
        let metrics = self.overview.iter().flat_map(|overview| &overview.metrics);
        for (values, metric) in self.values.iter_mut().zip(metrics) {
            push(values, metric.value.as_ref().map(|value| value.number));
        }
        self.replicas = decision.replicas;
        push(&mut self.history, Some(f64::from(decision.replicas)));
    }

    /// As a cluster would have it.
    pub(super) fn manifest(&self) -> anyhow::Result<Manifest> {
        Ok(serde_json::from_value(self.object.clone())?)
    }

    pub(super) fn workload(&self) -> String {
        format!("{}/{}", self.spec.kind, self.spec.name)
    }

    /// The replicas that it has decided on, and its bounds.
    pub(super) fn replicas(&self) -> (i32, i32, i32) {
        (self.replicas, self.spec.min, self.spec.max)
    }

    /// Its state in a few words.
    pub(super) fn state(&self) -> String {
        let Some(overview) = &self.overview else { return "not looked at yet".to_owned() };
        match (overview.state, overview.wants) {
            (AutoscalerState::AtMax, Some(wants)) => format!("at the maximum, wants {wants}"),
            (AutoscalerState::Held, Some(wants)) => format!("held, wants {wants}"),
            (AutoscalerState::AtMax, None) => "at the maximum".to_owned(),
            (AutoscalerState::Held, None) => "held".to_owned(),
            (AutoscalerState::Failing, _) => "failing".to_owned(),
            (AutoscalerState::PinnedAtZero, _) => "pinned at zero".to_owned(),
            (AutoscalerState::New, _) => "not looked at yet".to_owned(),
            (AutoscalerState::Fine, _) => "fine".to_owned(),
        }
    }

    /// Each metric, with its history.
    pub(super) fn metrics(
        &self,
    ) -> impl Iterator<Item = (&MetricOverview, &VecDeque<Option<f64>>)> {
        self.overview.iter().flat_map(|overview| &overview.metrics).zip(&self.values)
    }

    pub(super) fn history(&self) -> &VecDeque<Option<f64>> {
        &self.history
    }
}

/// Its manifest, before its controller has looked at it.
fn object(spec: &Spec) -> Value {
    let target = |average: bool, target: &str| match average {
        true => json!({"type": "AverageValue", "averageValue": target}),
        false => json!({"type": "Value", "value": target}),
    };
    let metric = |metric: &Metric| match metric {
        Metric::Pods { name, target: of, .. } => json!({
            "type": "Pods", "pods": {"metric": {"name": name}, "target": target(true, of)},
        }),
        Metric::Object { resource, object, name, target: of } => {
            // The singular form, as a kind is written.
            let kind = resource.strip_suffix('s').unwrap_or(resource);
            let kind = format!("{}{}", kind[..1].to_ascii_uppercase(), &kind[1..]);
            json!({
                "type": "Object",
                "object": {
                    "metric": {"name": name},
                    "describedObject": {"apiVersion": "v1", "kind": kind, "name": object},
                    "target": target(false, of),
                },
            })
        }
        Metric::External { name, target: of } => json!({
            "type": "External", "external": {"metric": {"name": name}, "target": target(true, of)},
        }),
    };
    json!({
        "metadata": {"namespace": spec.namespace, "name": spec.name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": spec.kind, "name": spec.name},
            "minReplicas": spec.min,
            "maxReplicas": spec.max,
            "metrics": spec.metrics.iter().map(metric).collect::<Vec<_>>(),
        },
    })
}

/// What a controller says that it read of a metric; without a type if it could not read it.
fn reported(metric: &Metric, read: &Read, replicas: i32) -> Value {
    let values = match read {
        Ok(values) if !values.is_empty() => values,
        _ => return json!({"type": ""}),
    };
    let sum = values.iter().fold(0_i64, |sum, value| sum.saturating_add(value.milli()));
    let count = i64::try_from(values.len()).unwrap_or(i64::MAX);
    let quantity = |milli: i64| Quantity::from_milli(milli).to_string();
    match metric {
        Metric::Pods { .. } => {
            let average = quantity(sum / count);
            json!({"type": "Pods", "pods": {"current": {"averageValue": average}}})
        }
        Metric::Object { .. } => {
            json!({"type": "Object", "object": {"current": {"value": quantity(sum)}}})
        }
        Metric::External { .. } => {
            let replicas = i64::from(replicas.max(1));
            // Rounded up, as the controller does.
            let average = quantity(sum.saturating_add(replicas - 1).div_euclid(replicas));
            json!({"type": "External", "external": {"current": {"averageValue": average}}})
        }
    }
}

/// What was read, to the thousandth.
fn known(metric: &Metric, read: &Read) -> KnownMetric {
    let values = read.as_ref().ok().filter(|_| !matches!(metric, Metric::Pods { .. }));
    let newest = values.map(|values| values.iter().map(|value| value.milli()).collect());
    KnownMetric { newest, ..KnownMetric::default() }
}

fn active(failed: Option<&str>) -> Value {
    match failed {
        None => condition("ScalingActive", true, "ValidMetricFound", "it was able to compute"),
        Some(message) => condition("ScalingActive", false, "FailedGetMetric", message),
    }
}

fn condition(kind: &str, is_so: bool, reason: &str, message: &str) -> Value {
    let status = if is_so { "True" } else { "False" };
    json!({"type": kind, "status": status, "reason": reason, "message": message})
}

fn push<T>(history: &mut VecDeque<T>, point: T) {
    history.push_back(point);
    if history.len() > MAX_HISTORY {
        history.pop_front();
    }
}

#[cfg(test)]
mod tests;
