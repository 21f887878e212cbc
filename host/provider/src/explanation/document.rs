//! What an explanation says, as it is written in JSON. Times are RFC 3339 in UTC, durations are in
//! seconds. Fields may be added; none changes its meaning.

mod hour;
mod recorded;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use hour::*;
pub use recorded::*;

/// The version of this document.
pub const API_VERSION: &str = "leadsman.dev/v1alpha1";

/// What the document is called.
pub const KIND: &str = "MetricExplanation";

/// How one read of a metric is answered, and all that led to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricExplanation {
    /// [`API_VERSION`]
    pub api_version: String,
    /// [`KIND`]
    pub kind: String,
    /// One line: what is served, or why nothing is.
    pub verdict: String,
    /// When the explanation was made.
    pub time: String,
    /// The number of the snapshot that answered. It grows by one with each change of configuration.
    pub generation: u64,
    /// What was asked.
    pub request: ExplainedRequest,
    /// What answered: one metric, or cpu and memory for resource metrics. Empty if nothing serves it.
    pub metrics: Vec<ExplainedMetric>,
    /// The delegate that answers in place of this adapter, which has no part in its values.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delegate: Option<Box<str>>,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<NoAnswer>,
    /// What the answer would carry as warnings.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub warnings: Vec<String>,
    /// The last hour of the autoscaler that the request names.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hour: Option<AutoscalerHour>,
    /// What this explanation leaves out, and why: bounds, and what the reader may not see.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub left_out: Vec<String>,
}

/// A read, as it was asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedRequest {
    /// `custom`, `external` or `resource`.
    pub api: String,
    /// The path with its parameters, as it reached the adapter.
    pub path: String,
    /// The metric; `None` for resource metrics, which are read together.
    pub metric: Option<String>,
    /// The namespace, if the request has one.
    pub namespace: Option<String>,
    /// The kind of the objects, as the request names it; `None` for external metrics.
    pub resource: Option<String>,
    /// The object; `None` for all that the selector picks.
    pub object: Option<String>,
    /// Picks objects by their labels.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub label_selector: String,
    /// Picks series, or the items of an external metric.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub metric_selector: String,
    /// Picks objects by their fields, for resource metrics.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub field_selector: String,
    /// Who asked for the explanation, where requests have users.
    pub user: Option<String>,
}

/// Why a read gets nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NoAnswer {
    /// The kind of the reason, from a closed set.
    pub reason: String,
    /// What the error says: the same that the condition of an autoscaler shows.
    pub message: String,
    /// The status code that the read gets.
    pub code: Option<u16>,
}

/// One metric: what serves it, its evaluations, and the values that the read gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedMetric {
    /// The mapping or the rule that serves it.
    pub mapping: ExplainedMapping,
    /// The values that the read gets.
    pub values: Vec<ExplainedValue>,
    /// How many there are; more than are shown if they are many.
    pub values_total: usize,
    /// What is missing, or what stands for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub missing: Option<MissingValues>,
    /// The evaluations behind it: one, or one for each namespace where objects are namespaces.
    pub evaluations: Vec<ExplainedEvaluation>,
}

/// A mapping with all its evaluations in use, without a read of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MappingExplanation {
    /// How logs and messages call it: `pods/http_requests`.
    pub title: String,
    /// The mapping.
    pub mapping: ExplainedMapping,
    /// Its evaluations in use.
    pub evaluations: Vec<ExplainedEvaluation>,
    /// What this explanation leaves out, and why.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub left_out: Vec<String>,
}

/// What serves a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedMapping {
    /// How logs and messages call it: `pods/http_requests`.
    pub title: String,
    /// The metric.
    pub metric: String,
    /// `for pods`, `as an external metric`.
    pub served: String,
    /// `operator`, or the namespace and the ConfigMap of a team.
    pub owner: String,
    /// Whether a rule of prometheus-adapter gives it.
    pub of_rule: bool,
    /// Where it is written, if that is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub written: Option<WrittenAt>,
    /// The plugin.
    pub plugin: ExplainedPlugin,
    /// The plugins after it, in the order in which they run.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub then: Vec<ExplainedPlugin>,
    /// Its queries, with their placeholders.
    pub queries: Vec<WrittenQuery>,
    /// What reads get, and when.
    pub policy: ExplainedPolicy,
}

/// Where a mapping or a rule is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WrittenAt {
    /// The file, or the ConfigMap with its key.
    pub document: String,
    /// The place in it: `/mappings/3`, `/rules/0`.
    pub place: String,
    /// Its line, from 1.
    pub line: usize,
    /// Which revision of the document it is: `sha256:` and the digest of its text.
    pub revision: String,
}

/// The plugin of a mapping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedPlugin {
    /// Its name in the configuration.
    pub name: String,
    /// The version that it states.
    pub version: String,
    /// The digest of its component.
    pub digest: String,
    /// Its configuration. Where one evaluation is for the whole cluster, it may name other namespaces,
    /// and is shown to the operator alone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub config: Option<serde_json::Value>,
}

/// A query as it is configured, or as the plugin brings it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WrittenQuery {
    /// The name that the plugin knows it by.
    pub name: String,
    /// The source.
    pub source: String,
    /// What it asks, with placeholders.
    pub text: String,
}

/// The policy of a mapping. Durations are in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedPolicy {
    /// How long a read waits.
    pub deadline: f64,
    /// How old values may be to count as current.
    pub max_age: f64,
    /// How often values are refreshed ahead of reads, at most.
    pub refresh_at_most_every: f64,
    /// How old values may be while evaluations fail.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_good: Option<f64>,
    /// What stands for values that are not known: a number, or a number of replicas.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub otherwise: Option<String>,
    /// For how long the last value of what is absent stands for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_known: Option<f64>,
    /// What stands for what is absent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub default: Option<String>,
    /// Below this is 0.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub activation: Option<f64>,
    /// What becomes of NaN and of infinite values: `refuse`, `absent`, or the value that stands for
    /// them.
    pub on_nan: String,
}

/// A number in each notation that people meet it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Number {
    /// As people write it: `1013.4`.
    pub decimal: String,
    /// As Kubernetes writes it: `1013400m`.
    pub quantity: String,
    /// In thousandths, which is what the autoscaler calculates with: `1013400`.
    pub milli: i64,
}

/// A value that the read gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedValue {
    /// The object's namespace; empty if it lives in none, and for items.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub namespace: String,
    /// The object's name; empty for items.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub object: String,
    /// The container, for resource metrics of pods.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub container: String,
    /// The labels of an item of an external metric.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: Number,
    /// When it was measured.
    pub time: String,
    /// Over how many seconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub window: Option<u32>,
    /// Where it comes from.
    pub from: ValueFrom,
    /// The run that gave it; `None` for a stated value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<u64>,
    /// What a policy did to it, in words.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub policies: Vec<String>,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ValueFrom {
    /// The newest run.
    Run,
    /// The last good run, since newer ones failed or take too long (`onError.lastGood`).
    LastGood,
    /// An earlier run: the newest one lacks it (`onAbsent.lastKnown`).
    LastKnown,
    /// The policy states it for what is absent (`onAbsent.default`).
    Default,
    /// The policy states it for what is not known (`onError`).
    Otherwise,
}

/// Values that an answer does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MissingValues {
    /// The kind of the reason, from a closed set.
    pub reason: String,
    /// Why, for people.
    pub message: String,
}

/// One evaluation: a mapping for one scope and metric selector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedEvaluation {
    /// The namespace that it covers; `None` for the whole cluster.
    pub namespace: Option<String>,
    /// The metric selector, and the objects that its queries name.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub selector: String,
    /// `pending` (no values yet), `ok`, `lastGood` (it fails, and the last good values are served) or
    /// `failing`.
    pub state: String,
    /// The cadence of its reads, in seconds: it is refreshed ahead of the next one.
    pub every: f64,
    /// The age of the newest good values, in seconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub age: Option<f64>,
    /// How long the last good values may still be served while it fails, in seconds; 0 if they are too
    /// old. `None` if it does not fail, or the policy has no `lastGood`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_good_ends_in: Option<f64>,
    /// Since when it fails.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failing_since: Option<String>,
    /// The mapping before a change, which serves until this one has values.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub handover: Option<String>,
    /// The recorded runs, the newest first.
    pub runs: Vec<ExplainedRun>,
    /// Who read it, the newest read first.
    pub readers: Vec<ExplainedReader>,
    /// The newest run as a fixture of the SDK's format, if it was requested.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fixture: Option<serde_json::Value>,
    /// Why there is no such fixture, if one was requested.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub no_fixture: Option<String>,
}
