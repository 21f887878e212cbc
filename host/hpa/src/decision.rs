//! From the situation of an autoscaler to its number of replicas.

use std::time::Duration;

use crate::limits::{self, Behavior, Changes, Limit};
use crate::metric::Metric;
use crate::pods::{Pod, Startup};
use crate::proposal::{Failure, Proposal, Replicas, propose};
use crate::stabilization::{self, Recommendation, Stabilized};
use crate::tolerance::Tolerance;

/// Everything that the controller's decision depends on.
#[derive(Debug, Clone)]
pub struct Situation {
    /// `spec.minReplicas`; 1 where it is not set.
    pub min: i32,
    /// `spec.maxReplicas`.
    pub max: i32,
    /// `spec.replicas` of the target's scale.
    pub replicas: i32,
    /// `status.replicas` of the target's scale.
    pub status_replicas: i32,
    /// How far a ratio may be from 1.
    pub tolerance: Tolerance,
    /// `spec.behavior`.
    pub behavior: Option<Behavior>,
    /// The controller's `--horizontal-pod-autoscaler-downscale-stabilization`.
    pub default_window: Duration,
    /// The pods that the target's selector selects.
    pub pods: Vec<Pod>,
    /// For how long pods count as starting.
    pub startup: Startup,
    /// `spec.metrics`.
    pub metrics: Vec<Metric>,
    /// What happened before.
    pub history: History,
}

/// What the controller remembers. It does not publish it, so outside of it this is known only in part.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Recommendations, before they were stabilized.
    pub recommendations: Vec<Recommendation>,
    /// Replicas that were added, with the age of the change.
    pub added: Vec<(Duration, i32)>,
    /// Replicas that were removed, with the age of the change.
    pub removed: Vec<(Duration, i32)>,
}

/// A decision, with its steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The number of replicas that the target is to have.
    pub replicas: i32,
    /// How it came about.
    pub outcome: Outcome,
}

/// How a decision came about.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The target has no replica, and the autoscaler may not go to zero: it is not scaled.
    Disabled,
    /// There are more replicas than `maxReplicas`: metrics are not read.
    AboveMax,
    /// There are fewer replicas than `minReplicas`: metrics are not read.
    BelowMin,
    /// Metrics that could not be read keep everything as it is: all of them, or some while the others
    /// want fewer replicas.
    Held {
        /// What each metric proposed.
        proposals: Vec<Result<Proposal, Failure>>,
    },
    /// The largest proposal, stabilized and limited.
    Recommended {
        /// What each metric proposed.
        proposals: Vec<Result<Proposal, Failure>>,
        /// Which one won.
        winner: usize,
        /// What it proposed.
        recommended: i32,
        /// What recent recommendations made of it, if they changed it.
        stabilized: Option<Stabilized>,
        /// What limited it.
        limit: Option<Limit>,
    },
}

/// Decides as the controller does.
pub fn decide(situation: &Situation) -> Decision {
    let Situation { min, max, replicas: current, .. } = *situation;
    if current == 0 && min != 0 {
        return Decision { replicas: 0, outcome: Outcome::Disabled };
    }
    if current > max {
        return Decision { replicas: max, outcome: Outcome::AboveMax };
    }
    if current < min {
        return Decision { replicas: min, outcome: Outcome::BelowMin };
    }
    let of = Replicas { spec: current, status: situation.status_replicas };
    let proposals: Vec<_> = situation
        .metrics
        .iter()
        .map(|metric| propose(metric, of, &situation.pods, &situation.startup, situation.tolerance))
        .collect();
    let Some((winner, recommended)) = largest(&proposals) else {
        return Decision { replicas: current, outcome: Outcome::Held { proposals } };
    };
    let failed = proposals.iter().any(Result::is_err);
    if failed && recommended < current {
        return Decision { replicas: current, outcome: Outcome::Held { proposals } };
    }
    let (replicas, stabilized, limit) = normalize(situation, recommended);
    let outcome = Outcome::Recommended { proposals, winner, recommended, stabilized, limit };
    Decision { replicas, outcome }
}

/// The largest proposal; the first of equal ones.
fn largest(proposals: &[Result<Proposal, Failure>]) -> Option<(usize, i32)> {
    let known = proposals
        .iter()
        .enumerate()
        .filter_map(|(at, proposal)| Some((at, proposal.as_ref().ok()?.replicas)));
    // The controller never goes below nothing, whatever negative values propose.
    known
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
        .map(|(at, n)| (at, n.max(0)))
}

fn normalize(situation: &Situation, recommended: i32) -> (i32, Option<Stabilized>, Option<Limit>) {
    let Situation {
        min, max, replicas: current, default_window, ref behavior, ref history, ..
    } = *situation;
    let recent = &history.recommendations;
    let bounds = (min, max);
    let (stable, (replicas, limit)) = match behavior {
        None => {
            let stable = stabilization::without_behavior(recommended, recent, default_window);
            (stable, limits::without_behavior(stable, current, bounds))
        }
        Some(behavior) => {
            let stable = stabilization::with_behavior(
                recommended,
                current,
                recent,
                behavior,
                default_window,
            );
            let changes = Changes { added: &history.added, removed: &history.removed };
            (stable, limits::with_behavior(stable, current, bounds, behavior, &changes))
        }
    };
    let stabilized =
        (stable != recommended).then_some(Stabilized { from: recommended, to: stable });
    (replicas, stabilized, limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Direction;
    use crate::metric::{MetricTarget, Reading};

    fn external(value: i64) -> Metric {
        let reading = Ok(Reading::External(vec![value]));
        Metric { target: MetricTarget::AverageValue(10_000), reading }
    }

    fn unread() -> Metric {
        Metric { target: MetricTarget::AverageValue(10_000), reading: Err("it is away".to_owned()) }
    }

    fn situation(replicas: i32, metrics: Vec<Metric>) -> Situation {
        Situation {
            min: 1,
            max: 10,
            replicas,
            status_replicas: replicas,
            tolerance: Tolerance::default(),
            behavior: None,
            default_window: Duration::from_secs(300),
            pods: Vec::new(),
            startup: Startup::at(0),
            metrics,
            history: History::default(),
        }
    }

    #[test]
    fn bounds_come_before_metrics() {
        for (replicas, expected, outcome) in
            [(0, 0, Outcome::Disabled), (11, 10, Outcome::AboveMax)]
        {
            let decision = decide(&situation(replicas, vec![unread()]));
            assert_eq!(decision, Decision { replicas: expected, outcome });
        }
        let below = Situation { min: 3, ..situation(2, Vec::new()) };
        assert_eq!(decide(&below), Decision { replicas: 3, outcome: Outcome::BelowMin });
    }

    #[test]
    fn the_largest_proposal_wins_and_a_failure_holds_a_scale_down_alone() {
        let decision = decide(&situation(4, vec![external(50_000), external(60_000)]));
        let Outcome::Recommended { winner, recommended, .. } = decision.outcome else { panic!() };
        assert_eq!((decision.replicas, winner, recommended), (6, 1, 6));
        let up = decide(&situation(4, vec![unread(), external(60_000)]));
        assert_eq!(up.replicas, 6);
        let down = decide(&situation(4, vec![unread(), external(20_000)]));
        assert_eq!(down.replicas, 4);
        assert!(matches!(down.outcome, Outcome::Held { .. }), "{down:?}");
    }

    #[test]
    fn recommendations_are_stabilized_and_limited() {
        let mut down = situation(8, vec![external(20_000)]);
        let age = Duration::from_secs(60);
        down.history.recommendations.push(Recommendation { age, replicas: 7 });
        let decision = decide(&down);
        let Outcome::Recommended { stabilized, limit, .. } = decision.outcome else { panic!() };
        assert_eq!((decision.replicas, limit), (7, None));
        assert_eq!(stabilized, Some(Stabilized { from: 2, to: 7 }));
        let up = decide(&situation(3, vec![external(100_000)]));
        let Outcome::Recommended { limit, .. } = up.outcome else { panic!() };
        assert_eq!((up.replicas, limit), (6, Some(Limit::Rate(Direction::Up))));
        let max = decide(&situation(8, vec![external(900_000)]));
        let Outcome::Recommended { limit, .. } = max.outcome else { panic!() };
        assert_eq!((max.replicas, limit), (10, Some(Limit::MaxReplicas)));
    }
}
