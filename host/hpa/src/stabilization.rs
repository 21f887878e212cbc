//! The stabilization window: a recommendation compared with recent ones.

use std::time::Duration;

use crate::limits::Behavior;

/// The controller's default for `--horizontal-pod-autoscaler-downscale-stabilization`.
pub const DEFAULT_DOWNSCALE_STABILIZATION: Duration = Duration::from_secs(300);

/// A number of replicas that was recommended before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recommendation {
    /// How long ago.
    pub age: Duration,
    /// The number.
    pub replicas: i32,
}

/// A recommendation that recent ones have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stabilized {
    /// What was recommended.
    pub from: i32,
    /// What it was changed to: the highest of recent ones when scaling down, the lowest when scaling up.
    pub to: i32,
}

/// Without a behavior: the highest of the recent recommendations.
pub(crate) fn without_behavior(
    recommended: i32,
    recent: &[Recommendation],
    window: Duration,
) -> i32 {
    let recent = recent.iter().filter(|known| known.age <= window);
    recent.map(|known| known.replicas).fold(recommended, i32::max)
}

/// With a behavior: no less than the lowest recent one allows when scaling up, and no more than the highest
/// when scaling down.
pub(crate) fn with_behavior(
    recommended: i32,
    current: i32,
    recent: &[Recommendation],
    behavior: &Behavior,
    default_window: Duration,
) -> i32 {
    let within = |window: Duration| recent.iter().filter(move |known| known.age < window);
    let up_window = behavior.up.window.unwrap_or_default();
    let down_window = behavior.down.window.unwrap_or(default_window);
    let up = within(up_window).map(|known| known.replicas).fold(recommended, i32::min);
    let down = within(down_window).map(|known| known.replicas).fold(recommended, i32::max);
    current.max(up).min(down)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::ScalingRules;

    fn recent(of: &[(u64, i32)]) -> Vec<Recommendation> {
        of.iter()
            .map(|(age, replicas)| Recommendation {
                age: Duration::from_secs(*age),
                replicas: *replicas,
            })
            .collect()
    }

    #[test]
    fn the_highest_of_the_window_holds_a_scale_down() {
        let recent = recent(&[(10, 7), (400, 12)]);
        let window = Duration::from_secs(300);
        assert_eq!(without_behavior(3, &recent, window), 7);
        assert_eq!(without_behavior(9, &recent, window), 9);
    }

    #[test]
    fn both_directions_have_a_window() {
        let behavior = Behavior {
            up: ScalingRules { window: Some(Duration::from_secs(60)), ..ScalingRules::scale_up() },
            down: ScalingRules {
                window: Some(Duration::from_secs(120)),
                ..ScalingRules::scale_down()
            },
        };
        let held = |recommended: i32, current: i32, of: &[(u64, i32)]| {
            with_behavior(recommended, current, &recent(of), &behavior, Duration::ZERO)
        };
        assert_eq!(held(10, 4, &[(30, 6)]), 6, "up to the lowest");
        assert_eq!(held(10, 4, &[(90, 6)]), 10, "it is too old");
        assert_eq!(held(2, 8, &[(90, 5)]), 5, "down to the highest");
        assert_eq!(held(2, 4, &[(30, 10)]), 4, "the recent ones are on both sides");
    }
}
