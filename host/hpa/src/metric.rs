//! A metric of an autoscaler: its target, and what was read.

use std::collections::BTreeMap;

use crate::pods::PodSample;

/// One of `spec.metrics`.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// The target.
    pub target: MetricTarget,
    /// What was read, or why nothing was.
    pub reading: Result<Reading, String>,
}

/// The target of a metric, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricTarget {
    /// Of the value itself.
    Value(i64),
    /// Of the value for each pod.
    AverageValue(i64),
    /// Of the usage, in percent of what the pods request.
    Utilization(i32),
}

/// What was read, in thousandths.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// A metric of pods, of types `Pods`, `Resource` and `ContainerResource`.
    Pods {
        /// By pod.
        samples: BTreeMap<String, PodSample>,
        /// Whether pods are left out while they start: only for cpu.
        startup: bool,
        /// What the pods request, where the target is a utilization.
        utilization: Option<Utilization>,
    },
    /// A metric of another object.
    Object(i64),
    /// An external metric: the sum counts.
    External(Vec<i64>),
}

/// What the pods of a resource metric request, in thousandths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utilization {
    /// By pod, or why it is not known: a container without a request.
    pub requests: Result<BTreeMap<String, i64>, String>,
}
