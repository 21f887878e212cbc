//! What an explanation says of recorded runs and of readers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Number;

/// Someone who reads an evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedReader {
    /// The user; `None` where requests have none.
    pub user: Option<String>,
    /// The user agent as the client states it.
    pub agent: String,
    /// The namespace that was read; empty at the root.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub namespace: String,
    /// The first read that was noted.
    pub first: String,
    /// The last read, to the second.
    pub last: String,
}

/// One run of an evaluation: its queries, then its plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedRun {
    /// Its number. No other run of the process has the same.
    pub id: u64,
    /// When it began.
    pub time: String,
    /// How long it took, in seconds.
    pub took: f64,
    /// `read` (a read waited for it) or `ahead` (it was refreshed ahead of the next read).
    pub cause: String,
    /// `ok`, or the kind of the reason of its failure.
    pub outcome: String,
    /// Why it failed: the error, then what caused it, and so on.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub failure: Vec<String>,
    /// Its queries, in the order of the mapping.
    pub queries: Vec<ExplainedQuery>,
    /// The run of the plugin, if it came so far.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub plugin: Option<ExplainedPluginRun>,
    /// What the plugin gave, of what may be seen.
    pub measures: Vec<ExplainedMeasure>,
    /// How many measures there were in all.
    pub measures_total: usize,
}

/// A query as it was sent, and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedQuery {
    /// The name that the plugin knows it by.
    pub name: String,
    /// The source.
    pub source: String,
    /// What was asked, as it was sent.
    pub sent: String,
    /// Where to look at it in a browser, for a source that has such a page.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub link: Option<String>,
    /// How long the answer took, in seconds; `None` if the run ended before it came.
    pub took: Option<f64>,
    /// How many series the plugin got.
    pub series: Option<usize>,
    /// How many series there were before the metric selector picked from them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before_selection: Option<usize>,
    /// Warnings of the source.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub warnings: Vec<String>,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// Rows of the answer, as far as they were kept and may be seen.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rows: Vec<ExplainedRow>,
    /// Whether `rows` is the whole answer.
    pub whole: bool,
    /// Which rows are not shown, and why.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub left_out: Vec<String>,
}

/// One series of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedRow {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The newest value, as the source writes it: also `NaN` and `+Inf`.
    pub value: String,
    /// When that was sampled.
    pub time: String,
    /// How many samples there are, for a range query.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub samples: Option<usize>,
    /// The object that it is for, as far as the mapping says.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub object: String,
}

/// A run of the plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedPluginRun {
    /// How long it took, in seconds.
    pub took: f64,
    /// The largest memory that it had, in bytes.
    pub memory: u64,
    /// What it logged, as `LEVEL message`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub log: Vec<String>,
    /// Why log lines are not shown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub log_left_out: Option<String>,
}

/// A measure, before and after the policies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedMeasure {
    /// The object's namespace; empty if it lives in none, and for items.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub namespace: String,
    /// The object's name; empty for items.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub object: String,
    /// The labels of an item of an external metric.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub labels: BTreeMap<String, String>,
    /// What the plugin gave: also `NaN` and `+Inf`.
    pub raw: String,
    /// What became of it; `None` if it is not served.
    pub served: Option<Number>,
    /// What the policies did: `below the activation 5, so 0`, `NaN, refused`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub policy: Option<String>,
}
