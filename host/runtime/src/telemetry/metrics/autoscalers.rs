//! Metrics of the Events on autoscalers.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabels {
    outcome: &'static str,
}

/// The outcome of writing an Event on an autoscaler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventOutcome {
    /// kube-apiserver has it.
    Written,
    /// There were too many.
    Limited,
    /// It could not be written, or whom it concerns could not be looked up.
    Failed,
}

/// Metrics of the Events on autoscalers.
#[derive(Debug, Clone, Default)]
pub(super) struct AutoscalerMetrics(Family<EventLabels, Counter>);

impl AutoscalerMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "autoscaler_events",
            "Events on autoscalers by what became of them",
            self.0.clone(),
        );
    }

    pub(super) fn count(&self, outcome: EventOutcome) {
        let outcome = match outcome {
            EventOutcome::Written => "written",
            EventOutcome::Limited => "limited",
            EventOutcome::Failed => "failed",
        };
        self.0.get_or_create(&EventLabels { outcome }).inc();
    }
}
