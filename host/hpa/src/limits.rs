//! The limits of a recommendation: minimum and maximum replicas, and the rates of scaling policies.

use std::time::Duration;

use crate::ceil;

/// `spec.behavior`, with the API's defaults for what it leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behavior {
    /// `scaleUp`.
    pub up: ScalingRules,
    /// `scaleDown`.
    pub down: ScalingRules,
}

/// The rules of one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScalingRules {
    /// `stabilizationWindowSeconds`; `None` for the controller's default.
    pub window: Option<Duration>,
    /// `selectPolicy`.
    pub select: SelectPolicy,
    /// `policies`.
    pub policies: Vec<ScalingPolicy>,
}

/// Which of several policies applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelectPolicy {
    /// The one that allows the largest change.
    Max,
    /// The one that allows the smallest change.
    Min,
    /// None: there is no change in this direction.
    Disabled,
}

/// How much may change in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScalingPolicy {
    /// How much.
    pub amount: PolicyAmount,
    /// In which time.
    pub period: Duration,
}

/// An amount of pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyAmount {
    /// A number of pods.
    Pods(i32),
    /// In percent of the pods at the start of the period.
    Percent(i32),
}

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// More replicas.
    Up,
    /// Fewer replicas.
    Down,
}

/// What limited a recommendation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// `spec.maxReplicas`.
    MaxReplicas,
    /// `spec.minReplicas`.
    MinReplicas,
    /// How fast replicas may change: a policy of this direction, or without a behavior the doubling.
    Rate(Direction),
}

impl ScalingRules {
    /// The API's defaults for `scaleUp`.
    pub fn scale_up() -> Self {
        let period = Duration::from_secs(15);
        Self {
            window: Some(Duration::ZERO),
            select: SelectPolicy::Max,
            policies: vec![
                ScalingPolicy { amount: PolicyAmount::Pods(4), period },
                ScalingPolicy { amount: PolicyAmount::Percent(100), period },
            ],
        }
    }

    /// The API's defaults for `scaleDown`.
    pub fn scale_down() -> Self {
        let amount = PolicyAmount::Percent(100);
        Self {
            window: None,
            select: SelectPolicy::Max,
            policies: vec![ScalingPolicy { amount, period: Duration::from_secs(15) }],
        }
    }
}

/// How many replicas were added and removed before, each with its age.
pub(crate) struct Changes<'a> {
    pub(crate) added: &'a [(Duration, i32)],
    pub(crate) removed: &'a [(Duration, i32)],
}

impl Changes<'_> {
    /// The replicas at the start of a period.
    fn at_start(&self, current: i32, period: Duration) -> i32 {
        let sum = |changes: &[(Duration, i32)]| {
            let recent = changes.iter().filter(|(age, _)| *age < period);
            recent.fold(0_i32, |sum, (_, change)| sum.saturating_add(*change))
        };
        current.saturating_sub(sum(self.added)).saturating_add(sum(self.removed))
    }

    /// The most replicas that the rules of `scaleUp` allow.
    fn up_to(&self, current: i32, rules: &ScalingRules) -> i32 {
        let allowed = rules.policies.iter().map(|policy| {
            let start = self.at_start(current, policy.period);
            match policy.amount {
                PolicyAmount::Pods(pods) => start.saturating_add(pods),
                PolicyAmount::Percent(percent) => {
                    ceil(f64::from(start) * (1.0 + f64::from(percent) / 100.0))
                }
            }
        });
        let limit = match rules.select {
            SelectPolicy::Disabled => return current,
            SelectPolicy::Min => allowed.min(),
            SelectPolicy::Max => allowed.max(),
        };
        limit.unwrap_or(current).max(current)
    }

    /// The fewest replicas that the rules of `scaleDown` allow.
    fn down_to(&self, current: i32, rules: &ScalingRules) -> i32 {
        let allowed = rules.policies.iter().map(|policy| {
            let start = self.at_start(current, policy.period);
            match policy.amount {
                PolicyAmount::Pods(pods) => start.saturating_sub(pods),
                PolicyAmount::Percent(percent) => {
                    let left = f64::from(start) * (1.0 - f64::from(percent) / 100.0);
                    #[expect(clippy::cast_possible_truncation, reason = "as the controller does")]
                    let left = left as i32;
                    left
                }
            }
        });
        let limit = match rules.select {
            SelectPolicy::Disabled => return current,
            SelectPolicy::Min => allowed.max(),
            SelectPolicy::Max => allowed.min(),
        };
        limit.unwrap_or(current).min(current)
    }
}

/// Within the bounds, and without a behavior at most doubled (but up to 4).
pub(crate) fn without_behavior(
    recommended: i32,
    current: i32,
    (min, max): (i32, i32),
) -> (i32, Option<Limit>) {
    let doubled = current.saturating_mul(2).max(4);
    if recommended < min {
        (min, Some(Limit::MinReplicas))
    } else if recommended > doubled.min(max) {
        let limit = if max > doubled { Limit::Rate(Direction::Up) } else { Limit::MaxReplicas };
        (doubled.min(max), Some(limit))
    } else {
        (recommended, None)
    }
}

/// Within the bounds and the rules of the behavior.
pub(crate) fn with_behavior(
    recommended: i32,
    current: i32,
    (min, max): (i32, i32),
    behavior: &Behavior,
    changes: &Changes<'_>,
) -> (i32, Option<Limit>) {
    if recommended > current {
        let rate = changes.up_to(current, &behavior.up);
        if recommended > max.min(rate) {
            let limit = if max > rate { Limit::Rate(Direction::Up) } else { Limit::MaxReplicas };
            return (max.min(rate), Some(limit));
        }
    } else if recommended < current {
        let rate = changes.down_to(current, &behavior.down);
        if recommended < min.max(rate) {
            let limit = if min < rate { Limit::Rate(Direction::Down) } else { Limit::MinReplicas };
            return (min.max(rate), Some(limit));
        }
    }
    (recommended, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Changes<'_> = Changes { added: &[], removed: &[] };

    #[test]
    fn without_a_behavior_replicas_at_most_double() {
        let rate = Some(Limit::Rate(Direction::Up));
        assert_eq!(without_behavior(9, 1, (1, 10)), (4, rate));
        assert_eq!(without_behavior(9, 3, (1, 10)), (6, rate));
        assert_eq!(without_behavior(20, 8, (1, 10)), (10, Some(Limit::MaxReplicas)));
        assert_eq!(without_behavior(0, 8, (2, 10)), (2, Some(Limit::MinReplicas)));
        assert_eq!(without_behavior(5, 8, (2, 10)), (5, None));
    }

    #[test]
    fn policies_limit_each_direction() {
        let mut behavior =
            Behavior { up: ScalingRules::scale_up(), down: ScalingRules::scale_down() };
        let limited =
            |recommended: i32, current: i32, behavior: &Behavior, changes: &Changes<'_>| {
                with_behavior(recommended, current, (1, 100), behavior, changes)
            };
        let (up, down) = (Some(Limit::Rate(Direction::Up)), Some(Limit::Rate(Direction::Down)));
        assert_eq!(limited(50, 2, &behavior, &NONE), (6, up), "4 pods allow more than 100 %");
        assert_eq!(limited(50, 10, &behavior, &NONE), (20, up));
        behavior.up.select = SelectPolicy::Min;
        assert_eq!(limited(50, 10, &behavior, &NONE), (14, up));
        let added = [(Duration::from_secs(10), 3), (Duration::from_secs(20), 9)];
        let changes = Changes { added: &added, removed: &[] };
        assert_eq!(limited(50, 10, &behavior, &changes), (11, up), "7 at the start of the period");
        behavior.up.select = SelectPolicy::Disabled;
        assert_eq!(limited(50, 10, &behavior, &NONE), (10, up));
        assert_eq!(limited(1, 10, &behavior, &NONE), (1, None));
        let period = Duration::from_secs(60);
        behavior.down.policies = vec![ScalingPolicy { amount: PolicyAmount::Percent(25), period }];
        assert_eq!(limited(1, 10, &behavior, &NONE), (7, down));
        assert_eq!(
            limited(1, 10, &behavior, &Changes { added: &[], removed: &[(period / 2, 3)] }),
            (9, down)
        );
    }
}
