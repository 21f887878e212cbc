//! Rules as they are written in prometheus-adapter's configuration.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// Which series give which metrics for which objects.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rule {
    /// The series, as a selector of Prometheus.
    #[serde(default)]
    pub series_query: String,
    /// What the names of the series must match and must not match, all of it.
    #[serde(default)]
    pub series_filters: Option<Vec<Filter>>,
    /// Which labels name objects.
    #[serde(default)]
    pub resources: Resources,
    /// What the metrics are called.
    #[serde(default)]
    pub name: Name,
    /// The query for the values, as a Go template between `<<` and `>>` over `.Series`,
    /// `.LabelMatchers`, `.LabelValuesByName`, `.GroupBy` and `.GroupBySlice`.
    #[serde(default)]
    pub metrics_query: String,
}

/// A regular expression of Go that names must match, or must not match: one of the two.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Filter {
    /// What the name must match.
    #[serde(default)]
    pub is: String,
    /// What the name must not match.
    #[serde(default)]
    pub is_not: String,
}

/// Which labels name objects of which kind.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Resources {
    /// What a label is called, as a Go template over `.Group` and `.Resource`.
    #[serde(default)]
    pub template: String,
    /// Labels that are called otherwise.
    #[serde(default)]
    pub overrides: Option<BTreeMap<String, GroupResource>>,
    /// Whether the query of an external metric is for the namespace that is asked. True if left
    /// out.
    pub namespaced: Option<bool>,
}

/// A kind of objects.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct GroupResource {
    /// The group. Any that has the resource if left out.
    #[serde(default)]
    pub group: String,
    /// The resource: the name of one or of many.
    pub resource: String,
}

/// What metrics are called.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Name {
    /// A regular expression of Go on the name of the series. Every name if left out.
    #[serde(default)]
    pub matches: String,
    /// The name of the metric, with `$1` for what the first group matched. `$0` if left out, or
    /// `$1` if there is one group.
    #[serde(rename = "as", default)]
    pub as_: String,
}

/// What an object gets if several series of a rule are for it and do not agree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnSeveral {
    /// No value, with the reason.
    #[default]
    Refuse,
    /// The value of the first series, in the order of their labels.
    First,
    /// All values together.
    Sum,
    /// The largest value.
    Max,
    /// The smallest value.
    Min,
    /// The mean of all values.
    Avg,
}

impl OnSeveral {
    /// The `combine` of the plugin `per-object` that does this.
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

/// What nodes and pods use, for `metrics.k8s.io`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ResourceRules {
    /// Processors, in cores.
    pub cpu: Option<ResourceRule>,
    /// Memory, in bytes.
    pub memory: Option<ResourceRule>,
    /// The time that the values are an average of. `1m` if left out.
    pub window: Option<String>,
}

/// How much nodes and containers use of a resource.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ResourceRule {
    /// The query for containers, a template as `metricsQuery`.
    #[serde(default)]
    pub container_query: String,
    /// The query for nodes.
    #[serde(default)]
    pub node_query: String,
    /// Which labels name nodes, namespaces and pods.
    #[serde(default)]
    pub resources: Resources,
    /// The label that names the container.
    #[serde(default)]
    pub container_label: String,
}
