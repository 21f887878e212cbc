//! The adapter's own metrics and logs.

mod logging;
mod metrics;
mod traffic;

pub use logging::{LogFormat, start as start_logging};
pub use metrics::{
    CallOutcome, CloseReason, GaugeGuard, HandoverEvent, Listener, ListingMetrics, MappingMetrics,
    Metrics, ReadOutcome, SourceMetrics,
};
pub use traffic::{QueryUnderWay, SourceTraffic, TrafficSummary};
