//! The runs of plugins so far: how many there were, how many failed, and how long they take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

/// The runs of one mapping: how many there may be at once, and how long they usually take.
#[derive(Debug)]
pub struct Runs {
    pub(super) concurrency: Arc<Semaphore>,
    /// Microseconds; 0 before the first run.
    usual: AtomicU64,
    /// How many there were of each plugin, how many of them failed, and their time in microseconds.
    /// Those of a chain count as one, and each plugin after its first counts its own, too.
    pub(super) serving: RunCounts,
    pub(super) candidate: RunCounts,
}

/// The runs of one plugin, counted.
#[derive(Debug, Default)]
pub struct RunCounts {
    runs: AtomicU64,
    failed: AtomicU64,
    time: AtomicU64,
}

/// The runs of a plugin so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunTotals {
    /// How many.
    pub runs: u64,
    /// How many of them failed.
    pub failed: u64,
    /// How long they took together.
    pub time: Duration,
}

impl RunCounts {
    /// The runs so far.
    pub fn totals(&self) -> RunTotals {
        RunTotals {
            runs: self.runs.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            time: Duration::from_micros(self.time.load(Ordering::Relaxed)),
        }
    }

    pub(super) fn add(&self, time: Duration, failed: bool) {
        let took = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.failed.fetch_add(u64::from(failed), Ordering::Relaxed);
        self.time.fetch_add(took, Ordering::Relaxed);
    }
}

impl Runs {
    /// No runs yet, of which there may be so many at once: others need the slots, too.
    pub fn new(concurrency: usize) -> Self {
        Self {
            concurrency: Arc::new(Semaphore::new(concurrency)),
            usual: AtomicU64::new(0),
            serving: RunCounts::default(),
            candidate: RunCounts::default(),
        }
    }

    /// The runs of the plugin that serves.
    pub fn of_serving(&self) -> RunTotals {
        self.serving.totals()
    }

    /// The runs of the candidate.
    pub fn of_candidate(&self) -> RunTotals {
        self.candidate.totals()
    }

    /// How long a run is expected to take: what is usual, or else as long as it may.
    pub(super) fn expected(&self, limit: Duration) -> Duration {
        match self.usual.load(Ordering::Relaxed) {
            0 => limit,
            usual => limit.min(Duration::from_micros(usual)),
        }
    }

    /// A run took so long. A slower one counts at once, faster ones bit by bit.
    pub(super) fn took(&self, time: Duration) {
        let took = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1);
        let before = self.usual.load(Ordering::Relaxed);
        let usual = took.max(before - before / 4 + took / 4);
        self.usual.store(usual, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_expected_to_take_what_is_usual() {
        let (runs, limit) = (Runs::new(1), Duration::from_secs(3));
        assert_eq!(runs.expected(limit), limit, "nothing is known yet");
        runs.took(Duration::from_millis(100));
        assert_eq!(runs.expected(limit), Duration::from_millis(100));
        runs.took(Duration::from_millis(2300));
        assert_eq!(
            runs.expected(limit),
            Duration::from_millis(2300),
            "a slower one counts at once"
        );
        (0..20).for_each(|_| runs.took(Duration::from_millis(100)));
        assert!(runs.expected(limit) < Duration::from_millis(150));
        runs.took(Duration::from_secs(9));
        assert_eq!(runs.expected(limit), limit);
    }
}
