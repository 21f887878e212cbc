//! What a read is served from the state of an evaluation, and when it has to wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::{EvaluationError, ReadFailure};
use super::stand_in::StandIn;
use super::state::{Evaluated, EvaluationState};
use leadsman_model::values::OnNan;

/// What reads get, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// How long a read waits.
    pub deadline: Duration,
    /// How old values may be to count as current.
    pub max_age: Duration,
    /// How often values may be refreshed ahead of reads.
    pub refresh_at_most_every: Duration,
    /// How old they may be while evaluations fail; `None` to fail.
    pub last_good: Option<Duration>,
    /// What stands for values that are not known, where no last good ones may be served; `None` for
    /// an error.
    pub otherwise: Option<StandIn>,
    /// How long the mapping before a change is evaluated, where the changed one gives nothing.
    pub handover: Duration,
    /// For how long the last value of what is absent now stands for it; `None` for not at all.
    pub last_known: Option<Duration>,
    /// What stands for an absent value that is not known from before, either.
    pub default: Option<StandIn>,
    /// Below this is 0.
    pub activation: Option<f64>,
    /// What stands for NaN and for infinite values.
    pub on_nan: OnNan,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(1),
            max_age: Duration::from_secs(30),
            refresh_at_most_every: Duration::from_secs(5),
            last_good: None,
            otherwise: None,
            handover: Duration::from_secs(300),
            last_known: None,
            default: None,
            activation: None,
            on_nan: OnNan::Refuse,
        }
    }
}

/// After a failure, reads within this time get its error without another attempt.
pub(super) const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// What a read is served.
#[derive(Debug)]
pub(super) enum ReadDecision {
    /// These values.
    Serve(Arc<Evaluated>),
    /// Old values under a stated policy, with the error that makes it so.
    ServeStale(Arc<Evaluated>, Arc<EvaluationError>, Retry),
    /// An attempt that is yet to end.
    Wait,
    /// An error.
    Fail(ReadFailure),
}

/// Whether another attempt is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    Now,
    Later,
}

pub(super) fn decide(state: &EvaluationState, policy: &Policy, now: Instant) -> ReadDecision {
    let age = |good: &Arc<Evaluated>| now.saturating_duration_since(good.at);
    let Some(failed) = &state.failed else {
        return match &state.good {
            Some(good) if age(good) <= policy.max_age => ReadDecision::Serve(good.clone()),
            _ => ReadDecision::Wait,
        };
    };
    let recent = now.saturating_duration_since(failed.at) < RETRY_INTERVAL;
    if let (Some(good), Some(oldest)) = (&state.good, policy.last_good)
        && age(good) <= oldest
    {
        let retry = if recent { Retry::Later } else { Retry::Now };
        return ReadDecision::ServeStale(good.clone(), failed.error.clone(), retry);
    }
    if recent {
        let last_good = state.good.as_ref().filter(|_| policy.last_good.is_some()).map(age);
        ReadDecision::Fail(ReadFailure::Failed { error: failed.error.clone(), last_good })
    } else {
        ReadDecision::Wait
    }
}

/// What a read is served whose deadline passed while it waited.
pub(super) fn decide_late(
    state: &EvaluationState,
    policy: &Policy,
    now: Instant,
) -> Option<Arc<Evaluated>> {
    let good = state.good.as_ref()?;
    let age = now.saturating_duration_since(good.at);
    (age <= policy.last_good?).then(|| good.clone())
}

#[cfg(test)]
mod tests {
    use super::super::state::Failed;
    use super::*;
    use leadsman_model::values::{MetricValues, Values};

    fn policy(last_good: Option<u64>) -> Policy {
        Policy {
            deadline: Duration::from_secs(1),
            max_age: Duration::from_secs(30),
            refresh_at_most_every: Duration::from_secs(5),
            last_good: last_good.map(Duration::from_secs),
            ..Policy::default()
        }
    }

    fn state(good: Option<Instant>, failed: Option<Instant>) -> EvaluationState {
        let values = || Values {
            served: MetricValues::Items(vec![]),
            refused: vec![],
            refused_count: 0,
            not_numbers: 0,
        };
        EvaluationState {
            good: good.map(|at| {
                Arc::new(Evaluated {
                    id: 1,
                    evaluation: 1,
                    values: Arc::new(values()),
                    basis: crate::Basis::default(),
                    last_known: Arc::default(),
                    at,
                    time: 0,
                    querying: Duration::ZERO,
                    running: Duration::ZERO,
                })
            }),
            failed: failed.map(|at| Failed {
                error: Arc::new(EvaluationError::Internal),
                at,
                since: at,
            }),
            attempts: 1,
        }
    }

    #[test]
    fn what_a_read_gets() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let reported = |good, failed, last_good, now| match decide(
            &state(good, failed),
            &policy(last_good),
            now,
        ) {
            ReadDecision::Serve(_) => "serve",
            ReadDecision::ServeStale(_, _, Retry::Now) => "old, retry",
            ReadDecision::ServeStale(_, _, Retry::Later) => "old",
            ReadDecision::Wait => "wait",
            ReadDecision::Fail(_) => "fail",
        };
        assert_eq!(reported(None, None, None, at(0)), "wait");
        assert_eq!(reported(Some(at(0)), None, None, at(30)), "serve");
        assert_eq!(reported(Some(at(0)), None, None, at(31)), "wait");
        assert_eq!(reported(Some(at(0)), Some(at(10)), None, at(10)), "fail");
        assert_eq!(reported(Some(at(0)), Some(at(10)), None, at(15)), "wait");
        assert_eq!(reported(Some(at(0)), Some(at(10)), Some(60), at(10)), "old");
        assert_eq!(reported(Some(at(0)), Some(at(10)), Some(60), at(20)), "old, retry");
        assert_eq!(reported(Some(at(0)), Some(at(61)), Some(60), at(61)), "fail");
        assert_eq!(reported(Some(at(0)), Some(at(61)), Some(60), at(70)), "wait");
        assert_eq!(reported(None, Some(at(0)), Some(60), at(0)), "fail");
    }
}
