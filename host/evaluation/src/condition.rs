//! The condition of an evaluation in one word, for those who report changes.

use std::time::Instant;

use super::evaluations::Evaluations;
use super::policy::Policy;
use super::predecessor::HandoverStatus;
use super::state::EvaluationState;
use leadsman_model::names::Scope;
use leadsman_model::query_params::QueryParams;

/// What reads of an evaluation get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadCondition {
    /// Its newest values.
    Current,
    /// Old values: the last good ones, or those of the mapping before its last change.
    Old,
    /// A stated value, since none is known.
    Stated,
    /// An error.
    Nothing,
}

/// What reads of an evaluation get, and why nothing better.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What they get.
    pub served: ReadCondition,
    /// Why it fails, if it does.
    pub error: Option<String>,
}

impl Condition {
    /// `None` before its first attempt has ended.
    fn of(
        state: &EvaluationState,
        policy: &Policy,
        handover: Option<&HandoverStatus>,
        now: Instant,
    ) -> Option<Self> {
        let Some(failed) = &state.failed else {
            let served = ReadCondition::Current;
            return state.good.is_some().then_some(Self { served, error: None });
        };
        let before_serves = handover.is_some_and(|handover| handover.serving);
        let age = state.good.as_ref().map(|good| now.saturating_duration_since(good.at));
        let served = match (age, policy.last_good) {
            _ if before_serves => ReadCondition::Old,
            (Some(age), Some(oldest)) if age <= oldest => ReadCondition::Old,
            _ if policy.otherwise.is_some() => ReadCondition::Stated,
            _ => ReadCondition::Nothing,
        };
        Some(Self { served, error: Some(failed.error.to_string()) })
    }
}

impl Evaluations {
    /// What reads of each evaluation in use get now. Those whose first attempt has not ended are left
    /// out.
    pub fn conditions(&self) -> Vec<(Scope, QueryParams, Condition)> {
        let now = Instant::now();
        let conditions = self.list().into_iter().filter_map(|(scope, params, state, _)| {
            let handover = self.handover(&scope, &params);
            let condition = Condition::of(&state, &self.mapping.policy, handover.as_ref(), now)?;
            Some((scope, params, condition))
        });
        conditions.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::error::EvaluationError;
    use super::super::stand_in::StandIn;
    use super::super::state::{Evaluated, Failed};
    use super::*;
    use leadsman_model::serve::Serve;

    fn served(good: bool, failed: bool, policy: &Policy, after: Duration) -> Option<ReadCondition> {
        let state = EvaluationState {
            good: good.then(|| Arc::new(Evaluated::nothing(&Serve::External))),
            failed: failed.then(|| Failed {
                error: Arc::new(EvaluationError::Internal),
                at: Instant::now(),
                since: Instant::now(),
            }),
            attempts: 1,
        };
        Condition::of(&state, policy, None, Instant::now() + after).map(|one| one.served)
    }

    #[test]
    fn the_policy_says_what_reads_get_of_an_evaluation_that_fails() {
        let (now, later) = (Duration::ZERO, Duration::from_secs(600));
        let strict = Policy { last_good: None, otherwise: None, ..Policy::default() };
        assert_eq!(served(false, false, &strict, now), None);
        assert_eq!(served(true, false, &strict, later), Some(ReadCondition::Current));
        assert_eq!(served(true, true, &strict, now), Some(ReadCondition::Nothing));
        let lenient = Policy { last_good: Some(Duration::from_secs(120)), ..strict };
        assert_eq!(served(true, true, &lenient, now), Some(ReadCondition::Old));
        assert_eq!(served(true, true, &lenient, later), Some(ReadCondition::Nothing));
        assert_eq!(served(false, true, &lenient, now), Some(ReadCondition::Nothing));
        let otherwise = Some(StandIn::Value("7".parse().unwrap()));
        let stated = Policy { otherwise, ..lenient };
        assert_eq!(served(true, true, &stated, now), Some(ReadCondition::Old));
        assert_eq!(served(true, true, &stated, later), Some(ReadCondition::Stated));
    }
}
