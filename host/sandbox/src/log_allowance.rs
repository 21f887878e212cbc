//! The rate limit of log lines of each mapping, over all calls: writing logs is work of the process
//! that others wait for.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The burst, and the sustained rate in lines per second.
const BURST: f64 = 200.0;
const PER_SECOND: f64 = 20.0;

/// How many mappings are tracked. When there are more, all start with a full burst again.
const MAX_MAPPINGS: usize = 20_000;

/// The remaining lines of each mapping.
#[derive(Debug, Default)]
pub(super) struct LogAllowance(Mutex<HashMap<String, Left>>);

#[derive(Debug)]
struct Left {
    lines: f64,
    at: Instant,
}

impl LogAllowance {
    /// How many lines a mapping may log now.
    pub(super) fn left(&self, name: &str, now: Instant) -> u32 {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = all.get(name).map_or(BURST, |left| left.by(now));
        // Neither negative nor above what is allowed at once.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let lines = lines.max(0.0) as u32;
        lines
    }

    /// Notes that a mapping logged so many lines.
    pub(super) fn spend(&self, name: &str, lines: u32, now: Instant) {
        if lines == 0 {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_MAPPINGS && !all.contains_key(name) {
            all.clear();
        }
        let before = all.get(name).map_or(BURST, |left| left.by(now));
        all.insert(name.to_owned(), Left { lines: before - f64::from(lines), at: now });
    }
}

impl Left {
    fn by(&self, now: Instant) -> f64 {
        let earned = now.saturating_duration_since(self.at).as_secs_f64() * PER_SECOND;
        (self.lines + earned).min(BURST)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_spent_comes_back() {
        let (allowance, start) = (LogAllowance::default(), Instant::now());
        assert_eq!(allowance.left("a", start), 200);
        allowance.spend("a", 200, start);
        assert_eq!((allowance.left("a", start), allowance.left("b", start)), (0, 200));
        assert_eq!(allowance.left("a", start + Duration::from_millis(500)), 10);
        assert_eq!(allowance.left("a", start + Duration::from_secs(60)), 200);
    }
}
