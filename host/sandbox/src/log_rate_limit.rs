//! The rate limit of each mapping's log lines, over all calls. Logging takes time of the process
//! that other mappings need.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The burst in lines, and the sustained rate in lines per second.
const BURST: f64 = 200.0;
const PER_SECOND: f64 = 20.0;

/// The maximum number of tracked mappings. Above it, all buckets are reset to a full burst.
const MAX_MAPPINGS: usize = 20_000;

/// A token bucket for each mapping.
#[derive(Debug, Default)]
pub(super) struct LogRateLimit(Mutex<HashMap<String, TokenBucket>>);

#[derive(Debug)]
struct TokenBucket {
    /// The tokens at the time `at`, one for each line. Negative after an overdraft.
    tokens: f64,
    at: Instant,
}

impl LogRateLimit {
    /// The number of lines that a mapping may log now.
    pub(super) fn available(&self, name: &str, now: Instant) -> u32 {
        let buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tokens = buckets.get(name).map_or(BURST, |bucket| bucket.tokens_at(now));
        // Between 0 and `BURST`.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let lines = tokens.max(0.0) as u32;
        lines
    }

    /// Takes tokens for lines that a mapping has logged.
    pub(super) fn take(&self, name: &str, lines: u32, now: Instant) {
        if lines == 0 {
            return;
        }
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_MAPPINGS && !buckets.contains_key(name) {
            buckets.clear();
        }
        let before = buckets.get(name).map_or(BURST, |bucket| bucket.tokens_at(now));
        let bucket = TokenBucket { tokens: before - f64::from(lines), at: now };
        buckets.insert(name.to_owned(), bucket);
    }
}

impl TokenBucket {
    fn tokens_at(&self, now: Instant) -> f64 {
        let refilled = now.saturating_duration_since(self.at).as_secs_f64() * PER_SECOND;
        (self.tokens + refilled).min(BURST)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn tokens_are_refilled() {
        let (limit, start) = (LogRateLimit::default(), Instant::now());
        assert_eq!(limit.available("a", start), 200);
        limit.take("a", 200, start);
        assert_eq!((limit.available("a", start), limit.available("b", start)), (0, 200));
        assert_eq!(limit.available("a", start + Duration::from_millis(500)), 10);
        assert_eq!(limit.available("a", start + Duration::from_secs(60)), 200);
    }
}
