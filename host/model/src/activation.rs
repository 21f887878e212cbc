//! Activation: taking a workload to zero and from zero by a metric.

use std::time::Duration;

use super::quantity::Quantity;
use super::workload::Workload;

/// When a workload is taken to zero and from zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activation {
    /// The workload.
    pub workload: Workload,
    /// What of the metric counts.
    pub measured: Measured,
    /// Above it the workload is to run.
    pub threshold: Quantity,
    /// How long the value is at or below the threshold before the workload is taken to zero.
    pub cooldown: Duration,
    /// What zero is left for, and what the workload is taken to zero from.
    pub min_replicas: u32,
    /// How often the value is read.
    pub every: Duration,
    /// Whether a zero that somebody else has set is left, too.
    pub take_over: bool,
}

/// What of a metric counts for an activation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measured {
    /// The sum of the items of an external metric that this selector picks; empty for all.
    Items(String),
    /// The value of the object of this name, in the namespace of the workload or of the cluster.
    Object(String),
}
