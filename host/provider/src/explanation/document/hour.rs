//! What an explanation says of the last hour of an autoscaler.

use serde::{Deserialize, Serialize};

/// The last hour of an autoscaler as one replica of the adapter noted it, for those of its metrics that
/// the read is for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoscalerHour {
    /// Its name. It is in the namespace of the read.
    pub autoscaler: String,
    /// Why nothing is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unknown: Option<String>,
    /// When this replica of the adapter started. It knows nothing from before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub started: Option<String>,
    /// Since when it is known, within the last hour.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<String>,
    /// When it was noted last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<String>,
    /// How often it is noted at least, in seconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub every: Option<f64>,
    /// The metrics that the read is for.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub metrics: Vec<MetricHour>,
}

/// The last hour of one metric of an autoscaler.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricHour {
    /// Its place among the metrics of the autoscaler; the first is 0.
    pub place: usize,
    /// Whether values and targets are in percent of what pods request.
    #[serde(default)]
    pub percent: bool,
    /// The value that is compared with the target, the oldest first: 240 at most. A time without a value
    /// is not among them.
    pub values: Vec<HourValue>,
    /// What changed besides the value, the oldest first: 240 at most. What the first one says held when
    /// the hour began, or when it was first known.
    pub changes: Vec<HourChange>,
    /// Since when all changes are known, where that is later than the rest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub changes_since: Option<String>,
}

/// A value at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HourValue {
    /// When.
    pub time: String,
    /// The value.
    pub value: f64,
}

/// What there was from a time on, until the next change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HourChange {
    /// When it was noted first.
    pub time: String,
    /// The value at that time.
    pub value: Option<f64>,
    /// The target.
    pub target: Option<f64>,
    /// The replicas that the metric proposed.
    pub proposes: Option<i32>,
    /// The replicas that all metrics together led to, before anything held them.
    pub wants: Option<i32>,
    /// The replicas that there were.
    pub replicas: Option<i32>,
    /// How a read of the metric ended: `current`, `old` (with an old value, or one that stands for what
    /// is not known), `failing`, or `unknown`.
    pub state: String,
}

impl AutoscalerHour {
    /// Nothing is known of an autoscaler.
    pub fn unknown(autoscaler: &str, why: String) -> Self {
        Self { autoscaler: autoscaler.to_owned(), unknown: Some(why), ..Self::default() }
    }
}
