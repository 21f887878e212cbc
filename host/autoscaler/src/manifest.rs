//! A HorizontalPodAutoscaler, as far as its arithmetic goes.
//!
//! Types of our own rather than those of a Kubernetes version: a cluster may be newer (tolerances) or
//! older, and a file need not be complete.

mod status;

use std::time::Duration;

use leadsman_hpa::{
    Behavior, MetricTarget, PolicyAmount, ScalingPolicy, ScalingRules, SelectPolicy, Tolerance,
};
use leadsman_model::quantity::Quantity;
use serde::Deserialize;

pub use status::{
    AutoscalerCondition, AutoscalerStatus, CurrentMetric, CurrentValue, MetricStatus, ScaleSpec,
    ScaleStatus, ScaleSubresource,
};

/// The object.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Autoscaler {
    /// Its name.
    #[serde(default)]
    pub metadata: Metadata,
    /// As it is written.
    pub spec: Spec,
    /// What its controller says of it; `None` before it has looked at it.
    pub status: Option<AutoscalerStatus>,
}

/// The name of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Metadata {
    /// The name.
    #[serde(default)]
    pub name: String,
    /// The namespace; `None` in a file that does not say.
    pub namespace: Option<String>,
}

/// What is written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// What it scales.
    pub scale_target_ref: CrossVersionObjectReference,
    /// The fewest replicas; `None` for 1.
    pub min_replicas: Option<i32>,
    /// The most replicas.
    pub max_replicas: i32,
    #[serde(default)]
    metrics: Vec<MetricSpec>,
    behavior: Option<BehaviorSpec>,
}

/// The name of an object of the same namespace.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CrossVersionObjectReference {
    /// Group and version; `None` for the core group.
    pub api_version: Option<String>,
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
}

/// One of `spec.metrics`: its type, and the key of that type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricSpec {
    /// The type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of the type `Pods`.
    pub pods: Option<MetricSource>,
    /// Of the type `Object`.
    pub object: Option<MetricSource>,
    /// Of the type `External`.
    pub external: Option<MetricSource>,
    /// Of the type `Resource`.
    pub resource: Option<ResourceSource>,
    /// Of the type `ContainerResource`.
    pub container_resource: Option<ResourceSource>,
}

/// A custom or external metric.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricSource {
    /// Which one.
    pub metric: Identifier,
    /// The object that it is a value of, for the type `Object`.
    pub described_object: Option<CrossVersionObjectReference>,
    /// What it is to be.
    pub target: TargetSpec,
    /// What an external metric counts as once it could not be read for a time.
    pub fallback: Option<FallbackSpec>,
}

/// The number of replicas that an external metric wants once reads have failed for so long.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FallbackSpec {
    /// For how long, in seconds. The API's default is three minutes.
    #[serde(default = "three_minutes")]
    pub failure_duration_seconds: u64,
    /// The number of replicas.
    pub replicas: i32,
}

fn three_minutes() -> u64 {
    180
}

/// A metric, and which of its series.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Identifier {
    /// Its name.
    pub name: String,
    /// Picks series.
    pub selector: Option<LabelSelector>,
}

/// Cpu or memory of pods, or of one container of each.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceSource {
    /// `cpu` or `memory`.
    pub name: String,
    /// The container, for the type `ContainerResource`.
    pub container: Option<String>,
    /// What it is to be.
    pub target: TargetSpec,
}

/// The target of a metric. One of the three is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetSpec {
    /// Of the value itself.
    pub value: Option<String>,
    /// Of the value for each pod.
    pub average_value: Option<String>,
    /// In percent of what pods request.
    pub average_utilization: Option<i32>,
}

/// A selector as objects have it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels and their values.
    #[serde(default)]
    pub match_labels: std::collections::BTreeMap<String, String>,
    /// Further requirements.
    #[serde(default)]
    pub match_expressions: Vec<Expression>,
}

/// A requirement on a label.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Expression {
    /// The label.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    /// The values for the first two.
    #[serde(default)]
    pub values: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BehaviorSpec {
    scale_up: Option<RulesSpec>,
    scale_down: Option<RulesSpec>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RulesSpec {
    stabilization_window_seconds: Option<u64>,
    select_policy: Option<String>,
    policies: Option<Vec<PolicySpec>>,
    tolerance: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicySpec {
    #[serde(rename = "type")]
    kind: String,
    value: i32,
    period_seconds: u64,
}

impl MetricSpec {
    /// Its name: of the metric, or of the resource.
    pub fn name(&self) -> &str {
        let source = self.pods.as_ref().or(self.object.as_ref()).or(self.external.as_ref());
        let resource = self.resource.as_ref().or(self.container_resource.as_ref());
        let of_source = source.map(|source| source.metric.name.as_str());
        of_source.or_else(|| resource.map(|source| source.name.as_str())).unwrap_or_default()
    }
}

impl MetricSpec {
    /// Its target.
    ///
    /// # Errors
    /// Where the key of its type is missing.
    pub fn target(&self) -> Result<&TargetSpec, String> {
        let of_source = self.pods.as_ref().or(self.object.as_ref()).or(self.external.as_ref());
        let of_resource = self.resource.as_ref().or(self.container_resource.as_ref());
        of_source
            .map(|source| &source.target)
            .or_else(|| of_resource.map(|source| &source.target))
            .ok_or_else(|| format!("a metric of the type \"{}\" has no settings for it", self.kind))
    }
}

impl TargetSpec {
    /// As the arithmetic takes it.
    ///
    /// # Errors
    /// Where none of the three is set, or one is no quantity.
    pub fn in_thousandths(&self) -> Result<MetricTarget, String> {
        let milli = |text: &String| {
            text.parse::<Quantity>().map(Quantity::milli).map_err(|error| error.to_string())
        };
        match self {
            Self { average_value: Some(value), .. } => milli(value).map(MetricTarget::AverageValue),
            Self { value: Some(value), .. } => milli(value).map(MetricTarget::Value),
            Self { average_utilization: Some(percent), .. } => {
                Ok(MetricTarget::Utilization(*percent))
            }
            _ => Err("it has no target: value, averageValue or averageUtilization".to_owned()),
        }
    }

    /// Whether it is in percent of what pods request.
    pub fn is_percent(&self) -> bool {
        matches!(self.in_thousandths(), Ok(MetricTarget::Utilization(_)))
    }
}

impl Spec {
    /// The metrics; without any, the API's default: 80 % of the cpu that is requested.
    pub fn metrics(&self) -> Vec<MetricSpec> {
        if !self.metrics.is_empty() {
            return self.metrics.clone();
        }
        let target = TargetSpec { average_utilization: Some(80), ..TargetSpec::default() };
        let cpu = ResourceSource { name: "cpu".to_owned(), container: None, target };
        vec![MetricSpec {
            kind: "Resource".to_owned(),
            pods: None,
            object: None,
            external: None,
            resource: Some(cpu),
            container_resource: None,
        }]
    }

    /// How far a ratio may be from 1, with the controller's default where the autoscaler has none.
    pub fn tolerance(&self) -> Tolerance {
        let of = |rules: Option<&RulesSpec>| {
            let text = rules?.tolerance.as_deref()?;
            text.parse::<Quantity>().ok().map(Quantity::as_f64)
        };
        let behavior = self.behavior.as_ref();
        let default = Tolerance::default();
        Tolerance {
            up: of(behavior.and_then(|b| b.scale_up.as_ref())).unwrap_or(default.up),
            down: of(behavior.and_then(|b| b.scale_down.as_ref())).unwrap_or(default.down),
        }
    }

    /// The behavior, with the API's defaults for what it leaves out.
    pub fn behavior(&self) -> Option<Behavior> {
        let behavior = self.behavior.as_ref()?;
        Some(Behavior {
            up: rules(behavior.scale_up.as_ref(), ScalingRules::scale_up()),
            down: rules(behavior.scale_down.as_ref(), ScalingRules::scale_down()),
        })
    }
}

fn rules(written: Option<&RulesSpec>, default: ScalingRules) -> ScalingRules {
    let Some(written) = written else { return default };
    ScalingRules {
        window: written.stabilization_window_seconds.map(Duration::from_secs).or(default.window),
        select: match written.select_policy.as_deref() {
            Some("Min") => SelectPolicy::Min,
            Some("Disabled") => SelectPolicy::Disabled,
            _ => SelectPolicy::Max,
        },
        policies: written
            .policies
            .as_ref()
            .map_or(default.policies, |policies| policies.iter().map(policy).collect()),
    }
}

fn policy(written: &PolicySpec) -> ScalingPolicy {
    let amount = match written.kind.as_str() {
        "Percent" => PolicyAmount::Percent(written.value),
        _ => PolicyAmount::Pods(written.value),
    };
    ScalingPolicy { amount, period: Duration::from_secs(written.period_seconds) }
}

impl std::fmt::Display for LabelSelector {
    /// As a query parameter has it, in the order of keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts: Vec<(&str, String)> = self
            .match_labels
            .iter()
            .map(|(key, value)| (key.as_str(), format!("{key}={value}")))
            .collect();
        for Expression { key, operator, values } in &self.match_expressions {
            let mut values = values.clone();
            values.sort();
            let values = values.join(",");
            parts.push((
                key,
                match operator.as_str() {
                    "In" => format!("{key} in ({values})"),
                    "NotIn" => format!("{key} notin ({values})"),
                    "DoesNotExist" => format!("!{key}"),
                    _ => key.clone(),
                },
            ));
        }
        parts.sort();
        let parts: Vec<_> = parts.into_iter().map(|(_, part)| part).collect();
        f.write_str(&parts.join(","))
    }
}

#[cfg(test)]
mod tests;
