//! A plugin that fails again and again is given a rest, so that its mapping alone pays for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::EvaluationError;

/// After so many failures in a row a mapping is unavailable.
const FAILURES: u32 = 5;

/// How long the first rest is, and the longest one.
const FIRST_REST: Duration = Duration::from_secs(5);
const LONGEST_REST: Duration = Duration::from_secs(60);

/// Counts how often a mapping's plugin failed in a row. Failures of sources are not its: they have
/// policies of their own, and end by themselves.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    rest: Option<Rest>,
}

#[derive(Debug, Clone)]
struct Rest {
    last: Arc<str>,
    until: Instant,
    length: Duration,
}

/// What an ended evaluation changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// The mapping is unavailable from now on.
    Unavailable,
    /// It works again.
    Recovered,
}

impl Breaker {
    /// Lets an evaluation begin, or says why not. During a rest one is let through from time to
    /// time, to see whether the cause has gone.
    pub(super) fn admit(&self, now: Instant) -> Result<(), EvaluationError> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = state.failures;
        let Some(rest) = &mut state.rest else { return Ok(()) };
        if now >= rest.until {
            rest.until = now + rest.length;
            return Ok(());
        }
        let (last, every) = (rest.last.to_string(), rest.length);
        Err(EvaluationError::Unavailable { failures, last, every })
    }

    /// Notes how an evaluation ended.
    pub(super) fn ended<T>(&self, outcome: &Result<T, EvaluationError>, now: Instant) -> Change {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(_) => {
                let resting = state.rest.is_some();
                *state = State::default();
                if resting { Change::Recovered } else { Change::None }
            }
            Err(error @ EvaluationError::Plugin { source, .. }) if source.is_misbehaviour() => {
                state.failures = state.failures.saturating_add(1);
                if state.failures < FAILURES {
                    return Change::None;
                }
                let before = state.rest.take();
                let length = before.as_ref().map_or(FIRST_REST, |rest| rest.length * 2);
                let length = length.min(LONGEST_REST);
                let last = error.to_string().into();
                state.rest = Some(Rest { last, until: now + length, length });
                if before.is_none() { Change::Unavailable } else { Change::None }
            }
            Err(_) => Change::None,
        }
    }

    /// Why the mapping is unavailable, if it is.
    pub fn unavailable(&self) -> Option<String> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = state.rest.as_ref()?;
        let (last, every) = (rest.last.to_string(), rest.length);
        Some(EvaluationError::Unavailable { failures: state.failures, last, every }.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadsman_sandbox::RunError;

    fn failed(source: RunError) -> Result<(), EvaluationError> {
        Err(EvaluationError::Plugin { plugin: "p".to_owned(), source })
    }

    #[test]
    fn a_row_of_failures_makes_a_mapping_unavailable_until_one_succeeds() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..4 {
            breaker.admit(start).unwrap();
            assert_eq!(breaker.ended(&failed(RunError::Stack), start), Change::None);
        }
        // One that says itself why, or a success in between, is no row.
        let said = RunError::Failure { message: "no data".to_owned(), query: None };
        assert_eq!(breaker.ended(&failed(said), start), Change::None);
        assert_eq!(breaker.ended(&failed(RunError::Stack), start), Change::Unavailable);
        let told = breaker.admit(start).unwrap_err().to_string();
        assert!(told.contains("5 failures in a row") && told.contains("stack"), "{told}");
        let later = start + FIRST_REST;
        breaker.admit(later).unwrap();
        assert!(breaker.admit(later).is_err(), "one at a time");
        assert_eq!(breaker.ended(&failed(RunError::Stack), later), Change::None);
        assert!(breaker.admit(later + FIRST_REST).is_err(), "a longer rest");
        let much_later = later + FIRST_REST * 2;
        breaker.admit(much_later).unwrap();
        assert_eq!(breaker.ended(&Ok(()), much_later), Change::Recovered);
        assert!(breaker.unavailable().is_none());
        breaker.admit(much_later).unwrap();
    }

    #[test]
    fn a_trap_now_and_then_is_no_row() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for call in 0..100 {
            let outcome = if call % 3 == 2 { failed(RunError::Stack) } else { Ok(()) };
            assert_eq!(breaker.ended(&outcome, now), Change::None);
        }
    }
}
