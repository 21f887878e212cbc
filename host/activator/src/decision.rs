//! The decision for one workload: scale to zero, scale from zero, or neither. No I/O, no clock.

use std::fmt;
use std::time::{Duration, Instant};

/// The maximum age of the observation that a workload has replicas, or none.
const OBSERVATION_MAX_AGE: Duration = Duration::from_secs(60);

/// How many intervals may pass between two observations of a value. After more, nobody has seen what
/// the value was in between.
const MAX_INTERVALS_UNSEEN: u32 = 3;

/// The settings of an activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    /// How long values must be low before a workload is scaled to zero.
    pub(crate) cooldown: Duration,
    /// The replicas that a workload gets when it leaves zero, and from which it goes to zero.
    pub(crate) min_replicas: u32,
    /// The interval of reconciliations.
    pub(crate) every: Duration,
    /// Whether a workload also leaves a zero that somebody else has set.
    pub(crate) take_over: bool,
}

/// The values of a workload, compared with their thresholds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Level {
    /// One is above its threshold.
    Above,
    /// All are at or below their thresholds.
    Low,
    /// At least one is not known, and no known one is above its threshold.
    Unknown(String),
}

/// The state that is kept of a workload between two reconciliations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct WorkloadState {
    /// Since when every observed value was low.
    low_since: Option<Instant>,
    /// When values were observed last.
    looked: Option<Instant>,
    /// When the workload was seen last, and whether it had replicas.
    seen: Option<(Instant, bool)>,
}

/// What the values demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Nothing.
    Hold(HoldReason),
    /// A workload without replicas gets some.
    Start,
    /// A workload with few replicas gets none.
    Stop,
}

/// Why the values demand nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HoldReason {
    /// They are not known.
    Unknown(String),
    /// They are low, and must stay so for this long.
    CoolingDown(Duration),
    /// The workload runs, as demanded.
    Runs,
    /// The workload has no replicas, as demanded.
    AtZero,
}

/// The observed scale of a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObservedScale {
    /// The replicas in its spec.
    pub(crate) replicas: u32,
    /// Whether the activator has set them. Known for zero only.
    pub(crate) set_here: bool,
    /// The lowest minimum of its autoscalers, with the name of the autoscaler.
    pub(crate) lowest: Option<(u32, String)>,
}

/// What is done with a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// It is scaled to this number of replicas.
    Scale(u32),
    /// Nothing.
    Leave(LeaveReason),
}

/// Why a workload is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LeaveReason {
    /// It runs already.
    Runs,
    /// It has no replicas already.
    AtZero,
    /// Somebody else has set its zero.
    SetByOthers,
    /// It has more replicas than zero may be reached from: its autoscaler has not finished.
    Autoscaler(u32),
    /// This autoscaler scales to zero itself.
    AutoscalerToZero(String),
}

impl WorkloadState {
    /// The state after an observation of the values, and what they demand.
    pub(crate) fn after(self, settings: &Settings, level: &Level, now: Instant) -> (Self, Intent) {
        let since = |at: Instant| now.saturating_duration_since(at);
        let in_time =
            self.looked.is_some_and(|at| since(at) <= settings.every * MAX_INTERVALS_UNSEEN);
        let low_since = match level {
            Level::Low => self.low_since.filter(|_| in_time).or(Some(now)),
            Level::Above | Level::Unknown(_) => None,
        };
        let state = Self { low_since, looked: Some(now), seen: self.seen };
        let counts = OBSERVATION_MAX_AGE.max(settings.every);
        let runs = self.seen.filter(|(at, _)| since(*at) < counts).map(|(_, runs)| runs);
        let intent = match (level, runs, low_since) {
            (Level::Unknown(why), ..) => Intent::Hold(HoldReason::Unknown(why.clone())),
            (Level::Above, Some(true), _) => Intent::Hold(HoldReason::Runs),
            (Level::Above, _, _) => Intent::Start,
            (Level::Low, Some(false), _) => Intent::Hold(HoldReason::AtZero),
            (Level::Low, _, low_since) => {
                let low_for = low_since.map_or(Duration::ZERO, since);
                match settings.cooldown.checked_sub(low_for) {
                    None | Some(Duration::ZERO) => Intent::Stop,
                    Some(left) => Intent::Hold(HoldReason::CoolingDown(left)),
                }
            }
        };
        (state, intent)
    }

    /// The state after the workload was observed with or without replicas.
    pub(crate) fn seen(self, runs: bool, now: Instant) -> Self {
        Self { seen: Some((now, runs)), ..self }
    }
}

/// The action for a workload with this scale. `start` says whether it is to have
/// replicas, or none.
pub(crate) fn decide(start: bool, settings: &Settings, found: &ObservedScale) -> Action {
    let ObservedScale { replicas, set_here, lowest } = found;
    match (start, *replicas) {
        (true, 1..) => return Action::Leave(LeaveReason::Runs),
        (false, 0) => return Action::Leave(LeaveReason::AtZero),
        _ => {}
    }
    if let Some((0, autoscaler)) = lowest {
        return Action::Leave(LeaveReason::AutoscalerToZero(autoscaler.clone()));
    }
    if start {
        return if *set_here || settings.take_over {
            Action::Scale(settings.min_replicas)
        } else {
            Action::Leave(LeaveReason::SetByOthers)
        };
    }
    let from = lowest.as_ref().map_or(0, |(lowest, _)| *lowest).max(settings.min_replicas);
    if *replicas > from {
        return Action::Leave(LeaveReason::Autoscaler(*replicas));
    }
    Action::Scale(0)
}

impl fmt::Display for HoldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(why) => write!(f, "held: the value is not known now: {why}"),
            Self::CoolingDown(left) => {
                write!(f, "low, and to be taken to zero in {}s", left.as_secs().max(1))
            }
            Self::Runs => f.write_str("active"),
            Self::AtZero => f.write_str("at zero"),
        }
    }
}

impl fmt::Display for LeaveReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runs => f.write_str("active"),
            Self::AtZero => f.write_str("at zero"),
            Self::SetByOthers => f.write_str(
                "left alone: somebody else has set its replicas to 0 (`takeOver: true` starts it \
                 nevertheless)",
            ),
            Self::Autoscaler(replicas) => {
                write!(f, "low, and waiting for its autoscaler, which keeps {replicas} replicas")
            }
            Self::AutoscalerToZero(name) => write!(
                f,
                "left to the HorizontalPodAutoscaler {name}, which has `minReplicas: 0` and scales \
                 to zero itself"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
