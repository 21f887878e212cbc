//! What the adapter says of itself: metrics and logs.

mod logging;
mod metrics;

pub use logging::{LogFormat, start as start_logging};
pub use metrics::{
    CloseReason, Counted, Listener, ListingMetrics, MappingMetrics, Metrics, ReadOutcome,
};
