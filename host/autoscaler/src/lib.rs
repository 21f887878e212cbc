//! HorizontalPodAutoscalers from outside their controller: as they are written and reported
//! ([`manifest`]), those that are known ([`AutoscalerStore`]), and what to say of each ([`Overview`],
//! [`verdict`]).
//!
//! The status page, `leadsman explain hpa` and the demo share it, so that they never say different
//! things of the same autoscaler. The arithmetic is that of `leadsman-hpa`. No I/O.

pub mod manifest;
pub mod notation;
mod overview;
mod reported;
mod stale_status;
mod store;
pub mod verdict;

pub use overview::{
    AutoscalerState, KnownMetric, MetricNumber, MetricOverview, MetricProblem, Overview,
};
pub use reported::situation;
pub use store::{AutoscalerStore, Followed, KnownAutoscalers};
