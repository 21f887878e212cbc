//! Scales workloads to zero and from zero by the values of mappings. Between 1 and N replicas a
//! HorizontalPodAutoscaler scales them.
//!
//! Decisions are made without I/O (`decision`): only by values that are known now, after a cooldown, and
//! never against replicas that a person has set. Of several replicas of the adapter, one acts (`election`)
//! while its Lease lasts. Every change carries the resource version of the workload that was read, so two
//! replicas that both believe to be elected cannot undo each other's changes.

mod activator;
mod change;
mod decision;
mod election;
mod group;
mod marks;
mod report;

pub use activator::Activator;
pub use election::LEASE;
