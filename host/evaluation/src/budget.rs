//! What the mappings of one team may use together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

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

/// How much of a budget is used. What was used comes back within a minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BudgetUse {
    /// Of the evaluations of a minute.
    pub evaluations: f64,
    /// Of the plugin time of a minute, in seconds; more than there is after a run that took more.
    pub plugin_time: f64,
    /// Bytes of memory that runs under way may use.
    pub memory: usize,
}

/// The unit in which memory is given.
const UNIT: usize = 1 << 20;

/// A team's budget. What is not used is saved up for at most a minute.
///
/// Plugin time is reserved before a run and settled after it. A run may begin while any time is
/// left that is not reserved, so a team exceeds its budget by one run at most, and pays that back.
#[derive(Debug)]
pub struct Budget {
    limits: TeamLimits,
    account: Mutex<Account>,
    /// A reservation was settled or given back.
    settled: Notify,
    memory: Arc<Semaphore>,
}

#[derive(Debug)]
struct Account {
    /// When it was last refilled.
    at: Instant,
    evaluations: f64,
    /// Seconds of plugin time that are not spent; below zero after a run that took more.
    time: f64,
    /// Seconds that runs under way are expected to take.
    reserved: f64,
}

/// Plugin time of a run that waits or is under way. Given back when it is dropped unsettled.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: Arc<Budget>,
    expected: f64,
}

impl Budget {
    /// A full budget.
    pub fn new(limits: TeamLimits) -> Self {
        let account = Account {
            at: Instant::now(),
            evaluations: f64::from(limits.evaluations_per_minute),
            time: limits.plugin_time_per_minute.as_secs_f64(),
            reserved: 0.0,
        };
        let memory = Arc::new(Semaphore::new((limits.memory / UNIT).max(1)));
        Self { limits, account: Mutex::new(account), settled: Notify::new(), memory }
    }

    /// What the budget was made of.
    pub fn limits(&self) -> &TeamLimits {
        &self.limits
    }

    /// How much of it is used.
    pub fn used(&self, now: Instant) -> BudgetUse {
        let (evaluations, time) = {
            let account = self.account(now);
            (account.evaluations, account.time)
        };
        let most = self.limits.plugin_time_per_minute.as_secs_f64();
        let all = (self.limits.memory / UNIT).max(1);
        BudgetUse {
            evaluations: f64::from(self.limits.evaluations_per_minute) - evaluations,
            plugin_time: most - time,
            memory: all.saturating_sub(self.memory.available_permits()) * UNIT,
        }
    }

    /// Takes an evaluation from the budget, or says what is used up.
    pub(super) fn admit(&self, now: Instant) -> Result<(), EvaluationError> {
        let mut account = self.account(now);
        self.time_left(&account)?;
        if account.evaluations < 1.0 {
            let limit = self.limits.evaluations_per_minute;
            return Err(EvaluationError::Budget(format!("{limit} evaluations")));
        }
        account.evaluations -= 1.0;
        Ok(())
    }

    /// Reserves the plugin time that a run is expected to take. Waits while all that is left is
    /// reserved by runs under way, and fails when it is spent.
    pub(super) async fn reserve(
        self: &Arc<Self>,
        expected: Duration,
    ) -> Result<Reservation, EvaluationError> {
        loop {
            // Looks for news from here on, so that none is missed between the two lines below.
            let settled = self.settled.notified();
            if let Some(reservation) = self.try_reserve(expected, Instant::now())? {
                return Ok(reservation);
            }
            settled.await;
        }
    }

    fn try_reserve(
        self: &Arc<Self>,
        expected: Duration,
        now: Instant,
    ) -> Result<Option<Reservation>, EvaluationError> {
        let mut account = self.account(now);
        self.time_left(&account)?;
        if account.time - account.reserved <= 0.0 {
            return Ok(None);
        }
        let expected = expected.as_secs_f64();
        account.reserved += expected;
        Ok(Some(Reservation { budget: self.clone(), expected }))
    }

    /// Waits for so much memory. More than there is in all is all there is.
    pub(super) async fn memory(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let all = (self.limits.memory / UNIT).max(1);
        let units = u32::try_from(bytes.div_ceil(UNIT).min(all)).unwrap_or(u32::MAX);
        // Never closed, so there is always a permit to wait for.
        self.memory.clone().acquire_many_owned(units).await.ok()
    }

    fn time_left(&self, account: &Account) -> Result<(), EvaluationError> {
        if account.time > 0.0 {
            return Ok(());
        }
        let limit = self.limits.plugin_time_per_minute;
        Err(EvaluationError::Budget(format!("{limit:?} of plugin time")))
    }

    fn account(&self, now: Instant) -> MutexGuard<'_, Account> {
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        let minutes = now.saturating_duration_since(account.at).as_secs_f64() / 60.0;
        account.at = account.at.max(now);
        let most = f64::from(self.limits.evaluations_per_minute);
        account.evaluations = (account.evaluations + most * minutes).min(most);
        let most = self.limits.plugin_time_per_minute.as_secs_f64();
        account.time = (account.time + most * minutes).min(most);
        account
    }
}

impl Reservation {
    /// Looks again, before the run begins: others may have taken more than they were expected to.
    pub(super) fn confirm(&self, now: Instant) -> Result<(), EvaluationError> {
        self.budget.time_left(&self.budget.account(now))
    }

    /// The run took so long.
    pub(super) fn settle(self, took: Duration) {
        self.budget.account(Instant::now()).time -= took.as_secs_f64();
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.account(Instant::now()).reserved -= self.expected;
        self.budget.settled.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(evaluations: u32, seconds: u64) -> Arc<Budget> {
        Arc::new(Budget::new(TeamLimits {
            evaluations_per_minute: evaluations,
            plugin_time_per_minute: Duration::from_secs(seconds),
            ..TeamLimits::default()
        }))
    }

    fn reserved(budget: &Arc<Budget>, seconds: f64) -> Option<Reservation> {
        budget.try_reserve(Duration::from_secs_f64(seconds), Instant::now()).unwrap()
    }

    #[test]
    fn a_budget_is_used_up_and_comes_back() {
        let (budget, start) = (budget(2, 6), Instant::now());
        budget.admit(start).unwrap();
        budget.admit(start).unwrap();
        let reported = budget.admit(start).unwrap_err().to_string();
        assert!(reported.contains("2 evaluations"), "{reported}");
        budget.admit(start + Duration::from_secs(31)).unwrap();
        reserved(&budget, 1.0).unwrap().settle(Duration::from_secs(7));
        let used = budget.used(Instant::now());
        assert!(used.plugin_time > 0.9 && used.memory == 0, "{used:?}");
        let later = start + Duration::from_secs(90);
        budget.admit(later).unwrap();
        reserved(&budget, 1.0).unwrap().settle(Duration::from_secs(600));
        let reported = budget.admit(later).unwrap_err().to_string();
        assert!(reported.contains("6s of plugin time"), "{reported}");
    }

    #[test]
    fn what_runs_under_way_will_take_is_not_given_twice() {
        let budget = budget(600, 6);
        let first = reserved(&budget, 3.0).unwrap();
        let second = reserved(&budget, 3.0).unwrap();
        assert!(reserved(&budget, 3.0).is_none(), "all of it is reserved");
        // One that takes less leaves room for another.
        first.settle(Duration::from_millis(2300));
        let third = reserved(&budget, 3.0).unwrap();
        assert!(reserved(&budget, 3.0).is_none());
        // One that did not run took nothing.
        drop(third);
        let third = reserved(&budget, 3.0).unwrap();
        second.settle(Duration::from_millis(2300));
        third.settle(Duration::from_millis(2300));
        // 6.9 of 6 seconds: one run more than there was, and no other.
        let spent = budget.try_reserve(Duration::ZERO, Instant::now()).unwrap_err().to_string();
        assert!(spent.contains("6s of plugin time"), "{spent}");
    }

    #[test]
    fn a_run_that_was_admitted_looks_again_before_it_begins() {
        let budget = budget(600, 6);
        let now = Instant::now();
        let [one, other] = [0.1, 0.1].map(|expected| reserved(&budget, expected).unwrap());
        other.confirm(now).unwrap();
        one.settle(Duration::from_secs(9));
        assert!(matches!(other.confirm(now), Err(EvaluationError::Budget(_))));
    }

    #[tokio::test]
    async fn a_run_waits_for_time_that_others_reserved() {
        let budget = budget(600, 6);
        let first = reserved(&budget, 6.0).unwrap();
        let waiting = budget.reserve(Duration::from_secs(1));
        let settle = async { first.settle(Duration::from_secs(1)) };
        let (reservation, ()) = tokio::join!(waiting, settle);
        drop(reservation.unwrap());
        let first = reserved(&budget, 6.0).unwrap();
        let waiting = budget.reserve(Duration::from_secs(1));
        let settle = async { first.settle(Duration::from_secs(9)) };
        let (refused, ()) = tokio::join!(waiting, settle);
        assert!(matches!(refused, Err(EvaluationError::Budget(_))));
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
