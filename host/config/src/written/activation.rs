//! Scaling to zero and from zero, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

/// How a workload gets to zero.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Activation {
    /// Values below this are served as exactly 0, so that an HPA can scale to zero.
    Below(f64),
    /// A workload that is taken to zero and from zero.
    Activator(Box<Activator>),
}

/// A workload that is taken to zero and from zero by the values of a mapping. Its HPA, with
/// `minReplicas` of at least 1, does the rest.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Activator {
    /// The workload.
    pub target: ActivatorTarget,
    /// Above this it is to run. 0 if left out.
    pub threshold: Option<f64>,
    /// How long the value is at or below the threshold before the workload is taken to zero. `5m` if
    /// left out.
    pub cooldown: Option<String>,
    /// The number of replicas that zero is left for, and that zero is reached from. 1 if left out.
    #[schemars(range(min = 1, max = 1000))]
    pub min_replicas: Option<u32>,
    /// How often the value is read. `15s` if left out.
    pub every: Option<String>,
    /// Whether a zero that somebody else has set is left, too.
    #[serde(default)]
    pub take_over: bool,
    /// For external metrics: picks the items that are added up, as the selector of the HPA's metric
    /// does. All if left out.
    pub selector: Option<String>,
    /// For custom metrics: the object whose value counts.
    pub object: Option<String>,
}

/// A workload to take to zero and from zero.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ActivatorTarget {
    /// The kind: `Deployment`, `StatefulSet`, …
    pub kind: String,
    /// The name.
    pub name: String,
    /// The namespace. Needed in the configuration of the operator; that of a team is its own.
    pub namespace: Option<String>,
    /// The version of its API, for kinds other than Deployment, StatefulSet and ReplicaSet.
    pub api_version: Option<String>,
}
