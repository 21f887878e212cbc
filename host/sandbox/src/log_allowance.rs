//! How much plugins may log over all of their runs: what one of them writes each few milliseconds is
//! work for the process that others wait for.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Lines that a mapping may log at once, and in a second from then on.
const AT_ONCE: f64 = 200.0;
const A_SECOND: f64 = 20.0;

/// The most mappings that are told apart. Beyond that all begin anew.
const MOST: usize = 20_000;

/// What is left to each mapping.
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
        let lines = all.get(name).map_or(AT_ONCE, |left| left.by(now));
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
        if all.len() >= MOST && !all.contains_key(name) {
            all.clear();
        }
        let before = all.get(name).map_or(AT_ONCE, |left| left.by(now));
        all.insert(name.to_owned(), Left { lines: before - f64::from(lines), at: now });
    }
}

impl Left {
    fn by(&self, now: Instant) -> f64 {
        let earned = now.saturating_duration_since(self.at).as_secs_f64() * A_SECOND;
        (self.lines + earned).min(AT_ONCE)
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
