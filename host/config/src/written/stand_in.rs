//! What stands for values that are not known, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

/// What stands for values that are not known: a value, or a number of replicas.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Then {
    /// This value, with a warning that says why.
    pub value: Option<f64>,
    /// The value of which an HPA makes this number of replicas, with a warning that says why.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub replicas: Option<u32>,
    /// What the present number of replicas changes about that. `static` if left out.
    pub behavior: Option<ReplicasBehavior>,
    /// For `replicas`: the target of the HPA, as it is written there.
    pub target: Option<Number>,
    /// For `replicas`: what the HPA compares with its target. `averageValue` if left out.
    pub target_type: Option<TargetType>,
    /// For `replicas`: what the HPA scales, in the namespace of a read. Needed for behaviors other
    /// than `static`, and for `targetType: value`.
    pub workload: Option<Workload>,
}

/// What the present number of replicas changes about a stated one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ReplicasBehavior {
    /// Nothing.
    Static,
    /// The present number counts.
    CurrentReplicas,
    /// The present number counts if it is higher.
    CurrentReplicasIfHigher,
    /// The present number counts if it is lower.
    CurrentReplicasIfLower,
}

/// What an HPA compares with its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TargetType {
    /// The value divided by the number of pods.
    AverageValue,
    /// The value.
    Value,
}

/// A quantity of Kubernetes: a number, or a text such as `500m`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Number {
    /// A number.
    Number(f64),
    /// A text with a suffix.
    Text(String),
}

/// What an HPA scales.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Workload {
    /// The kind: `Deployment`, `StatefulSet`, …
    pub kind: String,
    /// The name.
    pub name: String,
    /// The version of its API, for kinds other than Deployment, StatefulSet and ReplicaSet.
    pub api_version: Option<String>,
}
