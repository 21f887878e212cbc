//! The circuit breaker of a mapping: a plugin that keeps failing is not run for a while, so that it
//! takes no slots from other mappings.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::EvaluationError;

/// The circuit opens after so many consecutive failures.
const MAX_FAILURES: u32 = 5;

/// The first cool-down after the circuit has opened, and the longest: each failure in between
/// doubles it.
const MIN_COOL_DOWN: Duration = Duration::from_secs(5);
const MAX_COOL_DOWN: Duration = Duration::from_secs(60);

/// Counts consecutive failures of a mapping's plugin, and opens after too many. Failures of sources
/// do not count: the mapping's policies cover them, and they end without the plugin changing.
#[derive(Debug, Default)]
pub struct CircuitBreaker(Mutex<BreakerState>);

#[derive(Debug, Default)]
struct BreakerState {
    failures: u32,
    open: Option<OpenState>,
}

#[derive(Debug, Clone)]
struct OpenState {
    last: Arc<str>,
    until: Instant,
    cool_down: Duration,
}

/// How the outcome of an evaluation changed the circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transition {
    /// Not at all.
    Unchanged,
    /// It opened: the mapping is unavailable.
    Opened,
    /// It closed: the mapping works again.
    Closed,
}

impl CircuitBreaker {
    /// Admits an evaluation, or says why not. While the circuit is open, one evaluation is admitted
    /// after each cool-down (half-open), to see whether the cause is gone.
    pub(super) fn admit(&self, now: Instant) -> Result<(), EvaluationError> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = state.failures;
        let Some(open) = &mut state.open else { return Ok(()) };
        if now >= open.until {
            open.until = now + open.cool_down;
            return Ok(());
        }
        let (last, every) = (open.last.to_string(), open.cool_down);
        Err(EvaluationError::Unavailable { failures, last, every })
    }

    /// Records the outcome of an evaluation.
    pub(super) fn ended<T>(
        &self,
        outcome: &Result<T, EvaluationError>,
        now: Instant,
    ) -> Transition {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(_) => {
                let was_open = state.open.is_some();
                *state = BreakerState::default();
                if was_open { Transition::Closed } else { Transition::Unchanged }
            }
            Err(error @ EvaluationError::Plugin { source, .. }) if source.is_misbehaviour() => {
                state.failures = state.failures.saturating_add(1);
                if state.failures < MAX_FAILURES {
                    return Transition::Unchanged;
                }
                let before = state.open.take();
                let cool_down = before.as_ref().map_or(MIN_COOL_DOWN, |open| open.cool_down * 2);
                let cool_down = cool_down.min(MAX_COOL_DOWN);
                let last = error.to_string().into();
                state.open = Some(OpenState { last, until: now + cool_down, cool_down });
                if before.is_none() { Transition::Opened } else { Transition::Unchanged }
            }
            Err(_) => Transition::Unchanged,
        }
    }

    /// Why the mapping is unavailable, if it is.
    pub fn unavailable(&self) -> Option<String> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = state.open.as_ref()?;
        let (last, every) = (open.last.to_string(), open.cool_down);
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
        let (breaker, start) = (CircuitBreaker::default(), Instant::now());
        for _ in 0..4 {
            breaker.admit(start).unwrap();
            assert_eq!(breaker.ended(&failed(RunError::Stack), start), Transition::Unchanged);
        }
        // A failure that the plugin reports itself does not count.
        let said = RunError::Failure { message: "no data".to_owned(), query: None };
        assert_eq!(breaker.ended(&failed(said), start), Transition::Unchanged);
        assert_eq!(breaker.ended(&failed(RunError::Stack), start), Transition::Opened);
        let reported = breaker.admit(start).unwrap_err().to_string();
        assert!(
            reported.contains("5 failures in a row") && reported.contains("stack"),
            "{reported}"
        );
        let later = start + MIN_COOL_DOWN;
        breaker.admit(later).unwrap();
        assert!(breaker.admit(later).is_err(), "one at a time");
        assert_eq!(breaker.ended(&failed(RunError::Stack), later), Transition::Unchanged);
        assert!(breaker.admit(later + MIN_COOL_DOWN).is_err(), "a longer cool-down");
        let much_later = later + MIN_COOL_DOWN * 2;
        breaker.admit(much_later).unwrap();
        assert_eq!(breaker.ended(&Ok(()), much_later), Transition::Closed);
        assert!(breaker.unavailable().is_none());
        breaker.admit(much_later).unwrap();
    }

    #[test]
    fn a_trap_now_and_then_is_no_row() {
        let (breaker, now) = (CircuitBreaker::default(), Instant::now());
        for call in 0..100 {
            let outcome = if call % 3 == 2 { failed(RunError::Stack) } else { Ok(()) };
            assert_eq!(breaker.ended(&outcome, now), Transition::Unchanged);
        }
    }
}
