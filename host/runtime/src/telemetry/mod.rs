//! The adapter's own metrics and logs.

mod logging;
mod metrics;

pub use logging::{LogFormat, start as start_logging};
pub use metrics::{
    CallOutcome, CloseReason, GaugeGuard, HandoverEvent, Listener, ListingMetrics, MappingMetrics,
    Metrics, ReadOutcome, ScalerMetrics, SourceMetrics,
};
