//! What the adapter says of itself: metrics and logs.

mod logging;
mod metrics;

pub use logging::{LogFormat, start as start_logging};
pub use metrics::{Counted, ListingMetrics, MappingMetrics, Metrics, ReadOutcome};
