//! What the controller says of an autoscaler, and the subresource `scale` of its target.

use serde::Deserialize;

/// What the controller says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoscalerStatus {
    /// The replicas that it found.
    pub current_replicas: Option<i32>,
    /// The replicas that it wants.
    #[serde(default)]
    pub desired_replicas: i32,
    /// When it last changed the replicas, as RFC 3339.
    pub last_scale_time: Option<String>,
    /// Its conditions.
    #[serde(default)]
    pub conditions: Vec<AutoscalerCondition>,
    /// What it read of each metric, in the order of the spec: of one that it could not read, without a
    /// type.
    #[serde(default)]
    pub current_metrics: Option<Vec<MetricStatus>>,
}

/// What the controller read of a metric.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricStatus {
    /// Of the type `Pods`.
    pub pods: Option<CurrentMetric>,
    /// Of the type `Object`.
    pub object: Option<CurrentMetric>,
    /// Of the type `External`.
    pub external: Option<CurrentMetric>,
    /// Of the type `Resource`.
    pub resource: Option<CurrentMetric>,
    /// Of the type `ContainerResource`.
    pub container_resource: Option<CurrentMetric>,
}

/// The value of a metric in the status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct CurrentMetric {
    /// The value.
    pub current: CurrentValue,
}

/// A value in the status. The controller sets what its target is of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CurrentValue {
    /// The value itself.
    pub value: Option<String>,
    /// The average over pods.
    pub average_value: Option<String>,
    /// In percent of what pods request.
    pub average_utilization: Option<i32>,
}

/// A condition of the status.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct AutoscalerCondition {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, in one word.
    #[serde(default)]
    pub reason: String,
    /// Why, for people.
    #[serde(default)]
    pub message: String,
    /// Since when, as RFC 3339.
    #[serde(default, rename = "lastTransitionTime", skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// The subresource `scale` of the target.
#[derive(Debug, Clone, Deserialize)]
pub struct ScaleSubresource {
    /// What is wanted.
    pub spec: ScaleSpec,
    /// The status.
    #[serde(default)]
    pub status: ScaleStatus,
}

/// What is wanted of a target.
#[derive(Debug, Clone, Deserialize)]
pub struct ScaleSpec {
    /// The replicas.
    #[serde(default)]
    pub replicas: i32,
}

/// The current value of a target.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ScaleStatus {
    /// The replicas.
    #[serde(default)]
    pub replicas: i32,
    /// Picks the target's pods.
    #[serde(default)]
    pub selector: String,
}

impl AutoscalerStatus {
    /// The condition of a type.
    pub fn condition(&self, kind: &str) -> Option<&AutoscalerCondition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }
}
