//! Metrics of the export of traces.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DropLabels {
    reason: &'static str,
}

/// Why a span was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanDrop {
    /// Too many waited to be exported.
    QueueFull,
    /// The collector did not take it.
    Refused,
    /// The export had ended.
    Ended,
}

/// Metrics of the export of traces.
#[derive(Debug, Clone, Default)]
pub struct SpanMetrics {
    exported: Counter,
    dropped: Family<DropLabels, Counter>,
}

impl SpanMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "spans_exported",
            "Spans that the collector of traces has taken",
            self.exported.clone(),
        );
        registry.register(
            "spans_dropped",
            "Spans that were not exported by reason",
            self.dropped.clone(),
        );
    }

    /// Spans were exported.
    pub fn exported(&self, count: usize) {
        self.exported.inc_by(count as u64);
    }

    /// A span was dropped.
    pub fn dropped(&self, reason: SpanDrop) {
        self.dropped_all(reason, 1);
    }

    /// Spans were dropped.
    pub fn dropped_all(&self, reason: SpanDrop, count: usize) {
        let reason = match reason {
            SpanDrop::QueueFull => "queue_full",
            SpanDrop::Refused => "refused",
            SpanDrop::Ended => "ended",
        };
        self.dropped.get_or_create(&DropLabels { reason }).inc_by(count as u64);
    }
}
