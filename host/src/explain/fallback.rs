//! The two time limits of a failing metric: how long the adapter serves the last good values, and when the
//! autoscaler falls back to stated replicas. The second begins when the first has passed.

use leadsman_provider::explanation::ExplainedEvaluation;

use super::gather::GatheredMetric;

/// What the clocks of a metric say; nothing where it has none.
pub(super) fn clocks(metric: &GatheredMetric, fails: bool) -> Vec<String> {
    let fallback = metric.spec.external.as_ref().and_then(|source| source.fallback.as_ref());
    let evaluations = metric.record.iter().flat_map(|record| &record.metrics);
    let mut evaluations = evaluations.flat_map(|metric| &metric.evaluations);
    let Some(fallback) = fallback else { return Vec::new() };
    let (after, replicas) = (fallback.failure_duration_seconds, fallback.replicas);
    let left = evaluations.find_map(|of: &ExplainedEvaluation| of.last_good_ends_in);
    vec![match (fails, left) {
        (true, _) => format!(
            "reads fail: external.fallback counts {replicas} replicas once they have failed for \
             {after}s"
        ),
        (false, Some(left)) if left > 0.0 => format!(
            "external.fallback has not started: reads get the last good values for {left:.0}s more, \
             and only then begin the {after}s until it counts {replicas} replicas"
        ),
        (false, _) => format!(
            "external.fallback has not started: it counts {replicas} replicas once reads have failed \
             for {after}s"
        ),
    }]
}
