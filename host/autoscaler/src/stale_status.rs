//! Detects values in a status that are older than the last sync. Some controllers leave the values of the
//! last successful sync in the status when a later one fails, and all do when they cannot read the scale of
//! the target.

use crate::manifest::{AutoscalerCondition, AutoscalerStatus, MetricSpec};
use crate::overview::{KnownMetric, MetricProblem};
use crate::reported::value_of;

/// A status that is not that of the last look.
pub(crate) struct StaleStatus<'s> {
    /// Why the last look failed.
    because: &'s AutoscalerCondition,
    /// What is known of each metric then, in the order of the autoscaler.
    pub(crate) known: Vec<KnownMetric>,
}

impl<'s> StaleStatus<'s> {
    /// The stale part of a status; `None` if the status is that of the last sync.
    pub(crate) fn of(
        status: &'s AutoscalerStatus,
        specs: &[MetricSpec],
        known: &[KnownMetric],
    ) -> Option<Self> {
        let is_false = |kind: &str| status.condition(kind).filter(|found| found.status == "False");
        let has_value = |(at, spec): (usize, &MetricSpec)| {
            let current = status.current_metrics.as_ref().and_then(|all| all.get(at));
            current.is_some_and(|current| value_of(current, spec).is_some())
        };
        let unscaled = is_false("AbleToScale").filter(|found| found.reason == "FailedGetScale");
        // A controller that tells what it read in a look that failed has none of what it could not read.
        let unread = is_false("ScalingActive").filter(|found| {
            found.reason != "ScalingDisabled" && specs.iter().enumerate().all(has_value)
        });
        let because = unscaled.or(unread)?;
        // Its message is of the first metric that it could not read.
        let is_named = |spec: &MetricSpec| because.message.contains(spec.name());
        let is_scale = unscaled.is_some();
        let names_one = !is_scale && specs.iter().any(is_named);
        let known = specs.iter().enumerate().map(|(at, spec)| {
            let known = known.get(at).cloned().unwrap_or_default();
            if known.trouble.is_some() || is_current(&known, spec) {
                return known;
            }
            let trouble = if is_scale || (names_one && !is_named(spec)) {
                MetricProblem::Old(format!(
                    "it is from before: the last look of the controller failed ({})",
                    message_or_reason(because)
                ))
            } else {
                MetricProblem::Failing(message_or_reason(because).to_owned())
            };
            KnownMetric { trouble: Some(trouble), ..known }
        });
        Some(Self { because, known: known.collect() })
    }

    /// Why the last sync failed, as a sentence.
    pub(crate) fn why(&self) -> &str {
        message_or_reason(self.because)
    }

    /// Whether the target itself cannot be read: nothing is scaled then, whatever metrics say.
    pub(crate) fn is_without_scale(&self) -> bool {
        self.because.kind == "AbleToScale"
    }
}

/// The message of a condition, or its reason if it has none.
fn message_or_reason(condition: &AutoscalerCondition) -> &str {
    if condition.message.is_empty() { &condition.reason } else { &condition.message }
}

/// Whether a newer value than that of the status is known, which counts in its place.
fn is_current(known: &KnownMetric, spec: &MetricSpec) -> bool {
    let is_counted = spec.object.is_some() || spec.external.is_some();
    is_counted && known.newest.as_ref().is_some_and(|newest| !newest.is_empty())
}
