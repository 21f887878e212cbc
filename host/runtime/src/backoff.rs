//! Delays between failed attempts.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// An exponential back-off: each failure doubles the delay, up to a maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    /// A back-off that begins with the delay `first`, or with `max` if that is shorter.
    pub fn new(first: Duration, max: Duration) -> Self {
        Self { first, max, next: first.min(max) }
    }

    /// The delay before the next attempt. To be called once for each failure.
    pub fn next_delay(&mut self) -> Duration {
        let delay = self.next;
        self.next = delay.saturating_mul(2).min(self.max);
        delay
    }

    /// Returns to the first delay, after a successful attempt.
    pub fn reset(&mut self) {
        self.next = self.first.min(self.max);
    }
}

/// Shortens a delay by up to 10 %, at random, so that adapters that started together do not send
/// their requests at the same time.
pub fn jittered(delay: Duration) -> Duration {
    // Every `RandomState` has different keys, seeded by the operating system.
    let random = RandomState::new().hash_one(()) % 100;
    delay.mul_f64(0.9 + f64::from(u32::try_from(random).unwrap_or(0)) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_maximum_and_can_be_reset() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
        let delays: Vec<_> = (0..5).map(|_| backoff.next_delay().as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 5, 5]);
        backoff.reset();
        assert_eq!(backoff.next_delay(), Duration::from_secs(1));
        let mut short = Backoff::new(Duration::from_secs(2), Duration::from_secs(1));
        assert_eq!(
            short.next_delay(),
            Duration::from_secs(1),
            "the maximum limits the first delay as well"
        );
    }

    #[test]
    fn jitter_is_at_most_a_tenth() {
        let delays: Vec<_> = (0..50).map(|_| jittered(Duration::from_secs(100))).collect();
        let min = Duration::from_secs(90);
        let max = Duration::from_secs(100);
        assert!(delays.iter().all(|delay| (min..=max).contains(delay)), "{delays:?}");
        assert!(delays.iter().any(|delay| *delay != delays[0]), "{delays:?}");
    }
}
