//! Mappings as they are written: what is served, by which plugin, and the policies of reads.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::query::Query;

/// A metric, the objects it is served for, and how its values are made.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Mapping {
    /// The name under which the metric is served.
    pub metric: String,
    /// In which API, and for which objects.
    pub serve: Serve,
    /// The queries whose answers the plugin receives, by the name that it knows them by.
    #[serde(default)]
    pub queries: BTreeMap<String, Query>,
    /// The source of queries that the plugin brings itself. Needed if there are several sources.
    pub source: Option<String>,
    /// The plugin: one that ships with Leadsman, or one under `plugins`.
    pub plugin: String,
    /// The plugin's configuration.
    #[serde(default)]
    pub config: BTreeMap<String, Value>,
    /// A plugin that runs beside this one on the same answers. What it gives is compared and
    /// counted, and never served.
    pub candidate: Option<Candidate>,
    /// How long a read waits for an evaluation. `1s` if left out.
    pub deadline: Option<String>,
    /// How old an evaluation may be for a read to be answered from it at once. `30s` if left out.
    pub max_age: Option<String>,
    /// Values that are read are refreshed ahead of the next read, in the cadence of the reads, but
    /// at most this often. `5s` if left out.
    pub refresh_at_most_every: Option<String>,
    /// What a read gets while evaluations fail. `fail` if left out.
    pub on_error: Option<OnError>,
    /// What a read gets for an object without a value. `omit` if left out.
    pub on_absent: Option<OnAbsent>,
    /// What stands for NaN and for infinite values, as 0/0 gives them. `refuse` if left out.
    #[serde(rename = "onNaN")]
    pub on_nan: Option<OnNan>,
    /// When the mapping is changed and its changed version gives no values, for how long the version
    /// before goes on serving, with a warning that says why. `5m` if left out.
    pub handover: Option<String>,
    /// Values below this are served as exactly 0, so that an HPA can scale to zero.
    pub activation: Option<f64>,
    /// What one run of the plugin may use.
    pub limits: Option<Limits>,
}

/// A plugin, or another configuration of the same one, on trial.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Candidate {
    /// The plugin: one that ships with Leadsman, or one under `plugins`.
    pub plugin: String,
    /// Its configuration. That of the mapping if left out.
    pub config: Option<BTreeMap<String, Value>>,
}

/// In which API a metric is served.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Serve {
    /// `custom.metrics.k8s.io`: a value for each object.
    Custom(Custom),
    /// `external.metrics.k8s.io`: items with labels.
    External(External),
}

/// The kind of objects that a custom metric is served for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Custom {
    /// The resource: `pods`, `deployments.apps`, `namespaces`, `widgets.example.com` …
    pub resource: String,
    /// For custom resources: the kind, e.g. `Widget`. A cluster is asked if it is left out;
    /// needed where there is none.
    pub kind: Option<String>,
    /// For custom resources with a `kind`: the version. `v1` if left out.
    pub version: Option<String>,
    /// For custom resources with a `kind`: whether objects live in namespaces. True if left out.
    pub namespaced: Option<bool>,
}

/// An external metric has no settings.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct External {}

/// What a read gets while evaluations fail.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnError {
    /// An error that says why.
    Fail,
    /// The last good values for a stated time, and then an error or a stated value.
    #[serde(untagged)]
    Stated(StatedOnError),
}

/// What a read gets for a stated time while evaluations fail, and after it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StatedOnError {
    /// The last good values for at most this long, with a warning that names their age.
    pub last_good: String,
    /// What a read gets when they are older, or when there are none. An error if left out.
    pub then: Option<Then>,
}

/// What stands for values that are not known.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Then {
    /// This value, with a warning that says why.
    pub value: f64,
}

/// What a read gets for an object without a value.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnAbsent {
    /// Nothing: missing is not zero.
    Omit,
    /// This value.
    Default(f64),
}

/// What stands for a value that is NaN or infinite.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnNan {
    /// Nothing: the value is refused, and reads say why.
    Refuse,
    /// Nothing, as if there were no such value: `onAbsent` says what a read gets.
    Absent,
    /// This value.
    Value(f64),
}

/// What one run of a plugin may use.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Limits {
    /// The time. `100ms` if left out.
    pub time: Option<String>,
    /// The memory, in bytes. 64 MiB if left out, which is also the most.
    #[schemars(range(min = 1_048_576, max = 67_108_864))]
    pub memory_bytes: Option<u64>,
    /// How many measures it may return. 100,000 if left out.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_measures: Option<u32>,
}
