//! The circuit breaker of a delegate: after several failures in a row it gets no requests for a while.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::ForwardError;
use leadsman_runtime::backoff::Backoff;

/// After so many failures in a row the circuit opens.
const MAX_FAILURES: u32 = 5;

/// How long the circuit stays open: the first time, and at most.
const MIN_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// The circuit breaker of a delegate.
#[derive(Debug)]
pub(super) struct CircuitBreaker(Mutex<BreakerState>);

#[derive(Debug)]
struct BreakerState {
    failures: u32,
    last: String,
    backoff: Backoff,
    /// Open until then.
    open_until: Option<Instant>,
    /// A probe is under way.
    trying: bool,
}

/// A request to the delegate. One that is cancelled without an outcome does not count.
#[derive(Debug)]
pub(super) struct Attempt<'a> {
    breaker: &'a CircuitBreaker,
    trying: bool,
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self(Mutex::new(BreakerState {
            failures: 0,
            last: String::new(),
            backoff: Backoff::new(MIN_BACKOFF, MAX_BACKOFF),
            open_until: None,
            trying: false,
        }))
    }
}

impl CircuitBreaker {
    /// Lets a request through, or says why not.
    pub(super) fn enter(&self, now: Instant) -> Result<Attempt<'_>, ForwardError> {
        let mut state = self.lock();
        let Some(until) = state.open_until else {
            return Ok(Attempt { breaker: self, trying: false });
        };
        if now < until || state.trying {
            let (failures, last) = (state.failures, state.last.clone());
            // A probe is under way, which does not take long.
            let wait = until.saturating_duration_since(now).max(MIN_BACKOFF);
            return Err(ForwardError::Open { wait, failures, last });
        }
        state.trying = true;
        Ok(Attempt { breaker: self, trying: true })
    }

    /// Whether the circuit is closed, and the last failure if the last request failed.
    pub(super) fn state(&self) -> (bool, Option<String>) {
        let state = self.lock();
        let last = (state.failures > 0).then(|| state.last.clone());
        (state.open_until.is_none(), last)
    }

    fn lock(&self) -> MutexGuard<'_, BreakerState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// The delegate answered.
    pub(super) fn answered(self) {
        let mut state = self.breaker.lock();
        state.failures = 0;
        state.open_until = None;
        state.backoff.reset();
    }

    /// The delegate failed.
    pub(super) fn failed(self, error: &ForwardError, now: Instant) {
        let mut state = self.breaker.lock();
        state.failures = state.failures.saturating_add(1);
        state.last = error.to_string();
        // Failures of requests that were under way when it opened do not count.
        if state.failures >= MAX_FAILURES && (self.trying || state.open_until.is_none()) {
            state.open_until = Some(now + state.backoff.next_delay());
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.trying {
            self.breaker.lock().trying = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeout() -> ForwardError {
        ForwardError::Timeout(Duration::from_secs(5))
    }

    fn fail(breaker: &CircuitBreaker, now: Instant) {
        breaker.enter(now).unwrap().failed(&timeout(), now);
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_request_closes_it() {
        let (breaker, begun) = (CircuitBreaker::default(), Instant::now());
        for _ in 1..MAX_FAILURES {
            fail(&breaker, begun);
        }
        breaker.enter(begun).unwrap().answered();
        for _ in 0..MAX_FAILURES {
            fail(&breaker, begun);
        }
        let reported = breaker.enter(begun).unwrap_err().to_string();
        assert!(reported.contains("5 times in a row: it did not answer within 5s"), "{reported}");
        assert!(!breaker.state().0);
        let later = begun + MIN_BACKOFF;
        let trying = breaker.enter(later).unwrap();
        assert!(breaker.enter(later).is_err(), "one tries");
        trying.failed(&timeout(), later);
        assert!(breaker.enter(later + MIN_BACKOFF).is_err(), "the next pause is longer");
        let later = later + MIN_BACKOFF * 2;
        breaker.enter(later).unwrap().answered();
        assert_eq!(breaker.state(), (true, None));
    }

    #[test]
    fn a_request_that_is_given_up_lets_another_one_try() {
        let (breaker, begun) = (CircuitBreaker::default(), Instant::now());
        for _ in 0..MAX_FAILURES {
            fail(&breaker, begun);
        }
        let later = begun + MIN_BACKOFF;
        drop(breaker.enter(later).unwrap());
        breaker.enter(later).unwrap().answered();
        assert!(breaker.state().0);
    }

    #[test]
    fn pauses_are_bounded() {
        let (breaker, mut now) = (CircuitBreaker::default(), Instant::now());
        for _ in 0..MAX_FAILURES + 20 {
            now += MAX_BACKOFF;
            fail(&breaker, now);
        }
        assert!(breaker.enter(now + MAX_BACKOFF).is_ok());
    }
}
