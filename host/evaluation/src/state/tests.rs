//! What one evaluation carries over to the next.

use super::super::predecessor::PredecessorState;
use super::*;

pub(super) const FASTEST: Duration = Duration::from_secs(5);

fn evaluation() -> Evaluation {
    Evaluation::new(Scope::Cluster, QueryParams::default(), 1, FASTEST, &RecordPool::default())
}

pub(super) fn evaluated(evaluation: &Evaluation) -> Evaluated {
    let values = Arc::new(Values {
        served: MetricValues::Items(vec![]),
        refused: vec![],
        refused_count: 0,
        not_numbers: 0,
    });
    let (id, evaluation, at) = (next_id(), evaluation.id, Instant::now());
    let (querying, running) = (Duration::ZERO, Duration::ZERO);
    let basis = crate::Basis::default();
    let last_known = Arc::default();
    Evaluated { id, evaluation, values, basis, last_known, at, time: 0, querying, running }
}

#[test]
fn what_is_known_is_carried_over_under_another_number() {
    let old = evaluation();
    old.publish(Ok(evaluated(&old)));
    old.publish(Err(Arc::new(EvaluationError::Internal)));
    let new = old.successor(FASTEST, &old.state(), None, true);
    let (was, is) = (old.state(), new.state());
    assert!(is.failed.is_some() && is.attempts == 2);
    let (was, is) = (was.good.clone().unwrap(), is.good.clone().unwrap());
    assert_eq!((is.id, is.at, is.time), (was.id, was.at, was.time), "the same values");
    assert!(Arc::ptr_eq(&is.values, &was.values), "and no copy of them");
    // Answers that were made of them under the mapping before are others.
    assert_eq!((is.evaluation, was.evaluation), (new.id, old.id));
    new.publish(Err(Arc::new(EvaluationError::Internal)));
    assert!(new.state().good.is_some(), "a failure does not lose them");
}

#[tokio::test]
async fn attempts_are_counted_on() {
    let old = evaluation();
    old.publish(Ok(evaluated(&old)));
    let new = old.successor(FASTEST, &old.state(), None, true);
    let waited = tokio::time::timeout(Duration::ZERO, new.attempt_after(1)).await;
    assert!(waited.is_err(), "the attempt before is none of its own");
    new.publish(Err(Arc::new(EvaluationError::Internal)));
    new.attempt_after(1).await;
}

#[test]
fn the_first_good_values_end_a_handover_and_failures_do_not() {
    let old = evaluation();
    let held = PredecessorState::Values(Arc::new(evaluated(&old)));
    let before = Predecessor { since: Instant::now(), held };
    let new = old.successor(FASTEST, &EvaluationState::default(), Some(before), false);
    assert!(new.state().good.is_none() && new.state().attempts == 0);
    new.publish(Err(Arc::new(EvaluationError::Internal)));
    assert!(new.predecessor().is_some());
    new.publish(Ok(evaluated(&new)));
    assert!(new.predecessor().is_none(), "nothing is kept any longer");
}

#[test]
fn what_has_no_time_left_is_kept_for_as_long_as_it_may_be_served() {
    let old = evaluation();
    let begin = |policy: &Policy, after: Duration| {
        let held = PredecessorState::Values(Arc::new(evaluated(&old)));
        let before = Predecessor { since: Instant::now(), held };
        let new = old.successor(FASTEST, &EvaluationState::default(), Some(before), false);
        new.end_predecessor(policy, Instant::now() + after);
        new.predecessor().is_some()
    };
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
    let last_good = Policy { last_good: Some(2 * minute), ..Policy::default() };
    assert!(begin(&last_good, minute));
    assert!(!begin(&last_good, hour));
    assert!(!begin(&Policy::default(), hour));
}
