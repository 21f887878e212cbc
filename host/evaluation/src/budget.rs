//! What the mappings of one team may use together.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::EvaluationError;
use leadsman_sandbox::MAX_MEMORY;

/// What all ConfigMaps of one namespace may use together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TeamLimits {
    /// Plugins of their own.
    pub plugins: usize,
    /// Mappings.
    pub mappings: usize,
    /// Evaluations.
    pub evaluations_per_minute: u32,
    /// Time of plugins.
    pub plugin_time_per_minute: Duration,
    /// Memory of plugins at once, in bytes.
    pub memory: usize,
}

impl Default for TeamLimits {
    fn default() -> Self {
        Self {
            plugins: 10,
            mappings: 50,
            evaluations_per_minute: 600,
            plugin_time_per_minute: Duration::from_secs(6),
            memory: MAX_MEMORY,
        }
    }
}

/// The unit in which memory is given.
const UNIT: usize = 1 << 20;

/// A team's budget. What is not used is saved up for at most a minute.
#[derive(Debug)]
pub struct Budget {
    limits: TeamLimits,
    left: Mutex<Left>,
    memory: Arc<Semaphore>,
}

#[derive(Debug)]
struct Left {
    at: Instant,
    evaluations: f64,
    /// Seconds.
    time: f64,
}

impl Budget {
    /// A full budget.
    pub fn new(limits: TeamLimits) -> Self {
        let left = Left {
            at: Instant::now(),
            evaluations: f64::from(limits.evaluations_per_minute),
            time: limits.plugin_time_per_minute.as_secs_f64(),
        };
        let memory = Arc::new(Semaphore::new((limits.memory / UNIT).max(1)));
        Self { limits, left: Mutex::new(left), memory }
    }

    /// What the budget was made of.
    pub fn limits(&self) -> &TeamLimits {
        &self.limits
    }

    /// Takes an evaluation from the budget, or says what is used up.
    pub(super) fn admit(&self, now: Instant) -> Result<(), EvaluationError> {
        let mut left = self.left(now);
        if left.time <= 0.0 {
            let limit = self.limits.plugin_time_per_minute;
            return Err(EvaluationError::Budget(format!("{limit:?} of plugin time")));
        }
        if left.evaluations < 1.0 {
            let limit = self.limits.evaluations_per_minute;
            return Err(EvaluationError::Budget(format!("{limit} evaluations")));
        }
        left.evaluations -= 1.0;
        Ok(())
    }

    /// Notes how long a plugin ran.
    pub(super) fn spent(&self, time: Duration) {
        self.left(Instant::now()).time -= time.as_secs_f64();
    }

    /// Waits for so much memory. More than there is in all is all there is.
    pub(super) async fn memory(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let all = (self.limits.memory / UNIT).max(1);
        let units = u32::try_from(bytes.div_ceil(UNIT).min(all)).unwrap_or(u32::MAX);
        // Never closed, so there is always a permit to wait for.
        self.memory.clone().acquire_many_owned(units).await.ok()
    }

    fn left(&self, now: Instant) -> std::sync::MutexGuard<'_, Left> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let minutes = now.saturating_duration_since(left.at).as_secs_f64() / 60.0;
        left.at = left.at.max(now);
        let most = f64::from(self.limits.evaluations_per_minute);
        left.evaluations = (left.evaluations + most * minutes).min(most);
        let most = self.limits.plugin_time_per_minute.as_secs_f64();
        left.time = (left.time + most * minutes).min(most);
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_used_up_and_comes_back() {
        let limits = TeamLimits {
            evaluations_per_minute: 2,
            plugin_time_per_minute: Duration::from_secs(6),
            ..TeamLimits::default()
        };
        let (budget, start) = (Budget::new(limits), Instant::now());
        budget.admit(start).unwrap();
        budget.admit(start).unwrap();
        let told = budget.admit(start).unwrap_err().to_string();
        assert!(told.contains("2 evaluations"), "{told}");
        budget.admit(start + Duration::from_secs(31)).unwrap();
        budget.spent(Duration::from_secs(7));
        let later = start + Duration::from_secs(90);
        budget.admit(later).unwrap();
        budget.spent(Duration::from_secs(600));
        let told = budget.admit(later).unwrap_err().to_string();
        assert!(told.contains("6s of plugin time"), "{told}");
    }

    #[tokio::test]
    async fn memory_is_given_to_as_many_as_it_is_enough_for() {
        let limits = TeamLimits { memory: 64 << 20, ..TeamLimits::default() };
        let budget = Budget::new(limits);
        let first = budget.memory(40 << 20).await;
        assert_eq!(budget.memory.available_permits(), 24);
        drop(first);
        let all = budget.memory(1 << 30).await;
        assert!(all.is_some());
        assert_eq!(budget.memory.available_permits(), 0);
    }
}
