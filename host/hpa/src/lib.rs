//! The arithmetic of the HorizontalPodAutoscaler's controller: which number of replicas a set of values
//! leads to, and by which steps.
//!
//! The controller publishes its result, but not how it came to it. Its arithmetic is public and depends on
//! nothing but the autoscaler, the values, the pods and what was recommended before. [`decide`] repeats it
//! and keeps every step, so that an explanation can name the one that mattered. Tests hold it against the
//! real controller.
//!
//! Values and targets are in thousandths, as the controller computes with them; the arithmetic rounds as
//! the controller does. It is that of Kubernetes 1.34.

mod decision;
mod limits;
mod metric;
mod pods;
mod proposal;
mod stabilization;
mod tolerance;

pub use decision::{Decision, History, Outcome, Situation, decide};
pub use limits::{
    Behavior, Direction, Limit, PolicyAmount, ScalingPolicy, ScalingRules, SelectPolicy,
};
pub use metric::{Metric, MetricTarget, Reading, Utilization};
pub use pods::{Phase, Pod, PodGroups, PodSample, ReadyCondition, Startup};
pub use proposal::{Calculation, Failure, Proposal, Replicas, propose};
pub use stabilization::{DEFAULT_DOWNSCALE_STABILIZATION, Recommendation, Stabilized};
pub use tolerance::Tolerance;

/// The next integer, as a number of replicas. What is beyond its range is at its end.
fn ceil(value: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates")]
    let replicas = value.ceil() as i32;
    replicas
}
