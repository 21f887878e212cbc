//! The adapter's own metrics and logs.

mod logging;
mod metrics;
mod traffic;

pub use logging::{LogFormat, start as start_logging};
pub use metrics::{
    ActivationEvent, CallOutcome, CloseReason, DelegateMetrics, DelegateOutcome, EventOutcome,
    GaugeGuard, HandoverEvent, Listener, ListingMetrics, MappingMetrics, Metrics, ReadOutcome,
    ScalerMetrics, SourceMetrics, SpanDrop, SpanMetrics,
};
pub use traffic::{QueryUnderWay, SourceTraffic, TrafficSummary};
