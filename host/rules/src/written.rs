//! Rules as they are written in the configuration of prometheus-adapter.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// A rule: which series give which metrics for which objects.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rule {
    /// The series, as a series selector of Prometheus.
    #[serde(default)]
    pub series_query: String,
    /// Filters on the names of the series, all of which must accept a name.
    #[serde(default)]
    pub series_filters: Option<Vec<Filter>>,
    /// The labels that name objects.
    #[serde(default)]
    pub resources: Resources,
    /// The names of the metrics.
    #[serde(default)]
    pub name: Name,
    /// The query for the values: a Go template with the delimiters `<<` and `>>` and the fields
    /// `.Series`, `.LabelMatchers`, `.LabelValuesByName`, `.GroupBy` and `.GroupBySlice`.
    #[serde(default)]
    pub metrics_query: String,
}

/// A filter on names: a regular expression of Go, in one of the two keys.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Filter {
    /// The name must match this.
    #[serde(default)]
    pub is: String,
    /// The name must not match this.
    #[serde(default)]
    pub is_not: String,
}

/// The association between labels and kinds of objects.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Resources {
    /// The name of the label for a kind: a Go template with the fields `.Group` and `.Resource`.
    #[serde(default)]
    pub template: String,
    /// Labels that do not follow the template, with their kinds.
    #[serde(default)]
    pub overrides: Option<BTreeMap<String, GroupResource>>,
    /// Whether the query of an external metric selects the namespace of the request. True if left
    /// out.
    pub namespaced: Option<bool>,
}

/// A kind of objects.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct GroupResource {
    /// The group. Any group with such a resource if left out.
    #[serde(default)]
    pub group: String,
    /// The resource, in the singular or plural.
    pub resource: String,
}

/// The names of metrics.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Name {
    /// A regular expression of Go for the name of the series. Any name if left out.
    #[serde(default)]
    pub matches: String,
    /// The name of the metric, with `$1` for what the first group matched. `$0` if left out, or
    /// `$1` if there is one group.
    #[serde(rename = "as", default)]
    pub as_: String,
}

/// The value of an object for which several series of a rule have different values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnSeveral {
    /// No value; reads report the reason.
    #[default]
    Refuse,
    /// The value of the first series, ordered by labels.
    First,
    /// The sum of all values.
    Sum,
    /// The largest value.
    Max,
    /// The smallest value.
    Min,
    /// The mean of all values.
    Avg,
}

impl OnSeveral {
    /// The corresponding `combine` of the plugin `per-object`.
    pub fn combine(self) -> &'static str {
        match self {
            Self::Refuse => "omit",
            Self::First => "first",
            Self::Sum => "sum",
            Self::Max => "max",
            Self::Min => "min",
            Self::Avg => "average",
        }
    }
}

/// The rules for resource metrics (`metrics.k8s.io`).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ResourceRules {
    /// CPU, in cores.
    pub cpu: Option<ResourceRule>,
    /// Memory, in bytes.
    pub memory: Option<ResourceRule>,
    /// The time range over which the values are averaged. `1m` if left out.
    pub window: Option<String>,
}

/// The queries for one resource.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ResourceRule {
    /// The query for containers: a template, as in `metricsQuery`.
    #[serde(default)]
    pub container_query: String,
    /// The query for nodes.
    #[serde(default)]
    pub node_query: String,
    /// The labels that name nodes, namespaces and pods.
    #[serde(default)]
    pub resources: Resources,
    /// The label that names the container.
    #[serde(default)]
    pub container_label: String,
}
