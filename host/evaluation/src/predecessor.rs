//! What a changed mapping replaces, kept until the changed one gives good values for the first time.
//!
//! A new plugin or query takes over with its first good evaluation. Until then reads get the values
//! of the mapping as it was before, with their age and why: that one is evaluated on for the time
//! that the policy states, and after that its last good values are what `onError` says of old values.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::evaluations::Evaluations;
use super::mapping::Mapping;
use super::policy::Policy;
use super::state::{Evaluated, Evaluation, EvaluationState};

/// The evaluation of the mapping before, for the same scope and parameters.
#[derive(Clone)]
pub(super) struct Predecessor {
    /// When it was replaced. Further edits do not make its time longer.
    pub(super) since: Instant,
    pub(super) held: PredecessorState,
}

/// What there is of it.
#[derive(Clone)]
pub(super) enum PredecessorState {
    /// It is evaluated on. Its driver lives for as long as the evaluations that it belongs to.
    Running(Arc<Evaluation>, Arc<Evaluations>),
    /// Its last good values alone.
    Values(Arc<Evaluated>),
}

/// What reads get of it now.
#[derive(Debug)]
pub(super) enum Fallback {
    /// These values.
    Serve(Arc<Evaluated>),
    /// Those of a new attempt, or these if there are none in time.
    Refresh(Option<Arc<Evaluated>>),
    /// Nothing that a policy allows.
    Nothing,
}

impl Predecessor {
    /// Of the evaluation of the mapping before. `None` if there is nothing that may be kept of it.
    pub(super) fn of(
        old: &Arc<Evaluation>,
        belongs_to: &Arc<Evaluations>,
        now: Instant,
    ) -> Option<Self> {
        // One that has given nothing itself hands on what it got.
        match old.state().good {
            Some(_) => {
                let held = PredecessorState::Running(old.clone(), belongs_to.clone());
                Some(Self { since: now, held })
            }
            None => old.predecessor(),
        }
    }

    /// What the changed mapping may keep of it. `in_use` says whether reads are expected: what nobody
    /// reads is not evaluated on.
    pub(super) fn kept_by(self, new: &Mapping, in_use: bool, now: Instant) -> Option<Self> {
        let Self { since, held } = self;
        let policy = &new.policy;
        match held {
            PredecessorState::Running(old, belongs_to)
                if in_use
                    && now < since + policy.handover
                    && may_go_on(belongs_to.mapping(), new) =>
            {
                Some(Self { since, held: PredecessorState::Running(old, belongs_to) })
            }
            PredecessorState::Running(old, _) => {
                Self::values(since, old.state().good.clone(), policy, now)
            }
            PredecessorState::Values(good) => Self::values(since, Some(good), policy, now),
        }
    }

    fn values(
        since: Instant,
        good: Option<Arc<Evaluated>>,
        policy: &Policy,
        now: Instant,
    ) -> Option<Self> {
        let good = good?;
        may_be_served(&good, since, policy, now)
            .then_some(Self { since, held: PredecessorState::Values(good) })
    }

    /// When it is evaluated no more; `None` if it is not now.
    pub(super) fn ends(&self, policy: &Policy) -> Option<Instant> {
        matches!(self.held, PredecessorState::Running(..)).then(|| self.since + policy.handover)
    }

    /// The same without being evaluated on.
    pub(super) fn ended(&self, policy: &Policy, now: Instant) -> Option<Self> {
        Self::values(self.since, self.good(), policy, now)
    }

    /// Its last good values.
    pub(super) fn good(&self) -> Option<Arc<Evaluated>> {
        match &self.held {
            PredecessorState::Running(old, _) => old.state().good.clone(),
            PredecessorState::Values(good) => Some(good.clone()),
        }
    }

    /// Why it fails itself, if it does.
    pub(super) fn failure(&self) -> Option<String> {
        match &self.held {
            PredecessorState::Running(old, _) => {
                old.state().failed.as_ref().map(|it| it.error.to_string())
            }
            PredecessorState::Values(_) => None,
        }
    }

    /// What a read gets of it.
    pub(super) fn decide(&self, policy: &Policy, now: Instant) -> Fallback {
        match &self.held {
            PredecessorState::Running(old, _)
                if old.is_driven() && now < self.since + policy.handover =>
            {
                running(&old.state(), policy, now)
            }
            PredecessorState::Running(..) | PredecessorState::Values(_) => {
                match self.good().filter(|good| may_be_served(good, self.since, policy, now)) {
                    Some(good) => Fallback::Serve(good),
                    None => Fallback::Nothing,
                }
            }
        }
    }
}

/// Whether the mapping before may be evaluated beside the changed one. The bounds of an owner hold
/// for both together, and a team's queries go only where its newest document sends them.
fn may_go_on(old: &Mapping, new: &Mapping) -> bool {
    let same_budget = match (&old.budget, &new.budget) {
        (Some(old), Some(new)) => Arc::ptr_eq(old, new),
        (None, None) => true,
        _ => false,
    };
    let is_open = |source| new.queries.iter().any(|query| Arc::ptr_eq(&query.source, source));
    let sources_open =
        new.owner.namespace().is_none() || old.queries.iter().all(|query| is_open(&query.source));
    old.owner == new.owner && same_budget && sources_open
}

/// Reads of a mapping that is evaluated on.
fn running(state: &EvaluationState, policy: &Policy, now: Instant) -> Fallback {
    let Some(good) = &state.good else { return Fallback::Nothing };
    let age = now.saturating_duration_since(good.at);
    let old_enough = || policy.last_good.is_some_and(|oldest| age <= oldest);
    match &state.failed {
        None if age <= policy.max_age => Fallback::Serve(good.clone()),
        None => Fallback::Refresh(old_enough().then(|| good.clone())),
        Some(_) if old_enough() => Fallback::Serve(good.clone()),
        // Its driver tries again in the cadence of the reads.
        Some(_) => Fallback::Nothing,
    }
}

/// Whether values that become no newer may be served: as `onError` says, and while the handover has
/// time for as long as they count as current.
fn may_be_served(good: &Evaluated, since: Instant, policy: &Policy, now: Instant) -> bool {
    let age = now.saturating_duration_since(good.at);
    let current = now < since + policy.handover && age <= policy.max_age;
    current || policy.last_good.is_some_and(|oldest| age <= oldest)
}

/// What is known of a handover that is not over, for the status page.
#[derive(Debug, Clone)]
pub struct HandoverStatus {
    /// How long ago the mapping was changed.
    pub since: Duration,
    /// For how long the mapping before is evaluated yet; `None` if it is not any more.
    pub ends_in: Option<Duration>,
    /// Its last good values.
    pub good: Option<Arc<Evaluated>>,
    /// Why it fails itself, if it does.
    pub error: Option<String>,
    /// Whether reads get its values now.
    pub serving: bool,
}

impl HandoverStatus {
    pub(super) fn of(predecessor: &Predecessor, policy: &Policy, now: Instant) -> Self {
        Self {
            since: now.saturating_duration_since(predecessor.since),
            ends_in: predecessor.ends(policy).map(|end| end.saturating_duration_since(now)),
            good: predecessor.good(),
            error: predecessor.failure(),
            serving: matches!(
                predecessor.decide(policy, now),
                Fallback::Serve(_) | Fallback::Refresh(_)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::EvaluationError;
    use super::super::state::Failed;
    use super::*;
    use leadsman_model::values::{MetricValues, Values};

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn policy(last_good: Option<u64>, handover: u64) -> Policy {
        Policy {
            max_age: seconds(30),
            last_good: last_good.map(seconds),
            handover: seconds(handover),
            ..Policy::default()
        }
    }

    fn evaluated(at: Instant) -> Arc<Evaluated> {
        let values = Arc::new(Values {
            served: MetricValues::Items(vec![]),
            refused: vec![],
            refused_count: 0,
            not_numbers: 0,
        });
        let (querying, running) = (Duration::ZERO, Duration::ZERO);
        let basis = crate::Basis::default();
        let last_known = Arc::default();
        let (id, evaluation, time) = (1, 1, 0);
        Arc::new(Evaluated {
            id,
            evaluation,
            values,
            basis,
            last_known,
            at,
            time,
            querying,
            running,
        })
    }

    fn reported(fallback: &Fallback) -> &'static str {
        match fallback {
            Fallback::Serve(_) => "serve",
            Fallback::Refresh(Some(_)) => "refresh or serve",
            Fallback::Refresh(None) => "refresh",
            Fallback::Nothing => "nothing",
        }
    }

    #[test]
    fn a_mapping_that_is_evaluated_on_is_served_as_long_as_it_works() {
        let start = Instant::now();
        let of = |good: bool, failed: bool, last_good, after| {
            let error = Arc::new(EvaluationError::Internal);
            let state = EvaluationState {
                good: good.then(|| evaluated(start)),
                failed: failed.then(|| Failed { error, at: start, since: start }),
                attempts: 1,
            };
            reported(&running(&state, &policy(last_good, 300), start + seconds(after)))
        };
        assert_eq!(of(true, false, None, 30), "serve", "whatever onError says: it works");
        assert_eq!(of(true, false, None, 31), "refresh", "it was not asked for a while");
        assert_eq!(of(true, false, Some(60), 31), "refresh or serve");
        assert_eq!(of(true, true, None, 1), "nothing", "it fails as the changed one does");
        assert_eq!(of(true, true, Some(60), 60), "serve", "as onError says");
        assert_eq!(of(true, true, Some(60), 61), "nothing");
        assert_eq!(of(false, true, Some(60), 1), "nothing", "there is nothing to be served");
    }

    #[test]
    fn values_alone_are_served_for_a_stated_time() {
        let start = Instant::now();
        let of = |last_good, handover, after| {
            let policy = policy(last_good, handover);
            let held = PredecessorState::Values(evaluated(start));
            reported(&Predecessor { since: start, held }.decide(&policy, start + seconds(after)))
        };
        assert_eq!(of(None, 300, 30), "serve", "they are current");
        assert_eq!(of(None, 300, 31), "nothing");
        assert_eq!(of(None, 5, 5), "nothing", "the handover has no time left");
        assert_eq!(of(Some(60), 5, 60), "serve", "as onError says");
        assert_eq!(of(Some(60), 5, 61), "nothing");
    }

    #[test]
    fn what_has_no_time_left_keeps_what_may_be_served_and_no_more() {
        let start = Instant::now();
        let before = Predecessor { since: start, held: PredecessorState::Values(evaluated(start)) };
        assert!(before.ends(&policy(None, 300)).is_none(), "nothing runs");
        let kept = |last_good, after| {
            before.ended(&policy(last_good, 5), start + seconds(after)).is_some()
        };
        assert!(kept(Some(60), 60));
        assert!(!kept(Some(60), 61));
        assert!(!kept(None, 6));
    }
}
