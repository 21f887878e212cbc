//! Takes workloads to zero and from zero by the values of mappings, where a HorizontalPodAutoscaler
//! cannot: 1 to N replicas are its business.
//!
//! What is done is decided without I/O (`decision`): by values that are known now alone, after a
//! cooldown, and not against what a person has set. One of several replicas does it (`election`),
//! for as long as its Lease lasts, and every change is bound to the resource version of the workload that
//! was read, so that two replicas that both believe to be elected cannot undo each other's work.

mod activator;
mod change;
mod decision;
mod election;
mod group;
mod marks;
mod report;

pub use activator::Activator;
pub use election::LEASE;
