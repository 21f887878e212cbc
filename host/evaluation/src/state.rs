//! The state of one evaluation, shared by its readers and its driver.

mod answers;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::awaiting::WaitingReads;
use super::basis::Basis;
use super::cadence::Cadence;
use super::error::EvaluationError;
use super::last_known::LastKnown;
use super::policy::Policy;
use super::predecessor::Predecessor;
use super::quota::QuotaShare;
use super::record::{ReaderLog, RecordPool, RunLog};
use super::stage::Stage;
use answers::Tries;
use leadsman_model::names::Scope;
use leadsman_model::query_params::QueryParams;
use leadsman_model::serve::Serve;
use leadsman_model::values::{MetricValues, ObjectValues, Values};
use leadsman_runtime::clock;

/// The values of an evaluation, and when it began.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// The number of these values. No others of this process have the same.
    pub id: u64,
    /// The number of the evaluation. No other of this process has the same.
    pub evaluation: u64,
    /// The values.
    pub values: Arc<Values>,
    /// What they were made from.
    pub basis: Basis,
    /// The last values of what these lack, where the policy asks for them.
    pub last_known: Arc<LastKnown>,
    /// When the evaluation began.
    pub at: Instant,
    /// The same in milliseconds since the epoch.
    pub time: i64,
    /// How long the queries took.
    pub querying: Duration,
    /// How long the plugin took.
    pub running: Duration,
}

impl Evaluated {
    /// No values of a mapping that is served like this.
    pub(super) fn nothing(serve: &Serve) -> Self {
        let served = match serve {
            Serve::Custom(_) => MetricValues::Objects(ObjectValues::default()),
            Serve::External | Serve::ResourceMetrics(_) => MetricValues::Items(Vec::new()),
        };
        let values = Values { served, refused: Vec::new(), refused_count: 0, not_numbers: 0 };
        Self {
            id: next_id(),
            evaluation: next_id(),
            values: Arc::new(values),
            basis: Basis::default(),
            last_known: Arc::default(),
            at: Instant::now(),
            time: clock::now(),
            querying: Duration::ZERO,
            running: Duration::ZERO,
        }
    }

    /// The same values with the last ones of what they lack and `before` had, of at most so many
    /// objects or items, as far as the policy asks for them.
    pub(super) fn with_last_known(
        self,
        before: Option<&Self>,
        policy: &Policy,
        most: usize,
    ) -> Self {
        let (Some(before), Some(oldest)) = (before, policy.last_known) else { return self };
        let values = &self.values.served;
        let last_known = Arc::new(LastKnown::after(before, values, oldest, self.at, most));
        Self { last_known, ..self }
    }

    /// The same values as those of another evaluation: an answer that is made from them under
    /// another mapping is another answer.
    pub(super) fn carried_to(&self, evaluation: u64) -> Self {
        Self { evaluation, ..self.clone() }
    }
}

/// A number that was not given before.
pub(super) fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A failed evaluation, and when it ended.
#[derive(Debug, Clone)]
pub struct Failed {
    /// Why.
    pub error: Arc<EvaluationError>,
    /// When it ended.
    pub at: Instant,
    /// When the first of the failures in a row ended, of which this is the newest.
    pub since: Instant,
}

/// The outcomes of the newest attempts.
#[derive(Debug, Clone, Default)]
pub struct EvaluationState {
    /// The last good values.
    pub good: Option<Arc<Evaluated>>,
    /// The newest attempt, if it failed.
    pub failed: Option<Failed>,
    /// How many attempts have ended.
    pub attempts: u64,
}

/// One evaluation of a mapping: a scope, and what reads ask beyond it.
pub(super) struct Evaluation {
    /// No other evaluation of this process has the same.
    pub(super) id: u64,
    /// Whose reads it counts for.
    account: AtomicU64,
    /// Counts it for the account, until it is forgotten.
    counted: Mutex<Option<QuotaShare>>,
    /// Whom it came to count for, as it was refused for others.
    tries: Mutex<Tries>,
    /// Another evaluation needs its place.
    evicted: CancellationToken,
    pub(super) scope: Scope,
    pub(super) params: QueryParams,
    state: ArcSwap<EvaluationState>,
    attempts: watch::Sender<u64>,
    /// A read waits for values newer than there are.
    demanded: AtomicBool,
    demand: Notify,
    /// A read changed when the next refresh is due.
    pub(super) noticed: Notify,
    cadence: Mutex<Cadence>,
    /// Milliseconds from `created` to the newest read.
    last_read: AtomicU64,
    created: Instant,
    /// When the attempt under way began, in milliseconds from `created` and plus one; 0 for none.
    under_way: AtomicU64,
    /// What the attempt under way is doing.
    stage: Mutex<Stage>,
    /// What it replaces, until it has good values of its own.
    predecessor: Mutex<Option<Predecessor>>,
    /// Whether its driver is there.
    driven: AtomicBool,
    /// The spans of the reads that wait for an attempt.
    pub(super) awaiting: WaitingReads,
    /// Its last runs.
    pub(super) runs: RunLog,
    /// Who reads it.
    pub(super) readers: ReaderLog,
}

impl Evaluation {
    /// `account` is whose reads it is begun for; `fastest` bounds how often it is refreshed ahead. What
    /// is recorded of it takes its room from a pool.
    pub(super) fn new(
        scope: Scope,
        params: QueryParams,
        account: u64,
        fastest: Duration,
        records: &RecordPool,
    ) -> Self {
        Self {
            id: next_id(),
            account: AtomicU64::new(account),
            counted: Mutex::default(),
            tries: Mutex::default(),
            evicted: CancellationToken::new(),
            scope,
            params,
            state: ArcSwap::default(),
            attempts: watch::Sender::new(0),
            demanded: AtomicBool::new(false),
            demand: Notify::new(),
            noticed: Notify::new(),
            cadence: Mutex::new(Cadence::new(fastest)),
            last_read: AtomicU64::new(0),
            created: Instant::now(),
            under_way: AtomicU64::new(0),
            stage: Mutex::default(),
            predecessor: Mutex::default(),
            driven: AtomicBool::new(true),
            awaiting: WaitingReads::default(),
            runs: RunLog::new(records.clone()),
            readers: ReaderLog::default(),
        }
    }

    /// The evaluation of the mapping that replaces this one's: the same reads are expected. It
    /// carries on `state`, which may be this one's, and `predecessor`. Where it evaluates the `same`,
    /// it carries on what is recorded, too.
    pub(super) fn successor(
        &self,
        fastest: Duration,
        state: &EvaluationState,
        predecessor: Option<Predecessor>,
        same: bool,
    ) -> Self {
        let cadence = self.cadence.lock().unwrap_or_else(PoisonError::into_inner);
        let cadence = Mutex::new(cadence.for_successor(fastest));
        let pool = self.runs.pool();
        let new = Self::new(self.scope.clone(), self.params.clone(), self.account(), fastest, pool);
        let runs = if same { self.runs.carried_on() } else { RunLog::new(pool.clone()) };
        let readers = self.readers.carried_on();
        let good = state.good.as_ref().map(|good| Arc::new(good.carried_to(new.id)));
        let (failed, attempts) = (state.failed.clone(), state.attempts);
        new.state.store(Arc::new(EvaluationState { good, failed, attempts }));
        new.attempts.send_replace(attempts);
        Self { cadence, predecessor: Mutex::new(predecessor), runs, readers, ..new }
    }

    /// What it replaces, while it has no good values of its own.
    pub(super) fn predecessor(&self) -> Option<Predecessor> {
        self.predecessor.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it replaces is evaluated no more.
    pub(super) fn end_predecessor(&self, policy: &Policy, now: Instant) {
        let mut predecessor = self.predecessor.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = predecessor.as_ref().and_then(|of| of.ended(policy, now));
        let before = std::mem::replace(&mut *predecessor, ended);
        drop(predecessor);
        // Its evaluations may end here, which takes locks of their own.
        drop(before);
    }

    /// Whether attempts are made when they are requested.
    pub(super) fn is_driven(&self) -> bool {
        self.driven.load(Ordering::Acquire)
    }

    /// Its driver has ended.
    pub(super) fn driver_ended(&self) {
        self.driven.store(false, Ordering::Release);
        // Whoever waits for an attempt looks again.
        self.attempts.send_modify(|_| {});
    }

    /// Counts it for its account.
    pub(super) fn count(&self, counted: Option<QuotaShare>) {
        *self.counted.lock().unwrap_or_else(PoisonError::into_inner) = counted;
    }

    /// Whether nobody waits for it, and it was not read for two intervals.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        // In this order: one that is not demanded any more is under way.
        let waited_for = self.demanded.load(Ordering::Acquire) || self.waiting(now).is_some();
        !waited_for && self.unread_for(now) >= self.interval() * 2
    }

    /// Another needs its place: it is not counted any more, and its driver ends.
    pub(super) fn evict(&self) {
        self.count(None);
        self.evicted.cancel();
    }

    /// Waits until another needs its place.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// Records a read.
    pub(super) fn read(&self, reader: u64, now: Instant) {
        self.last_read.store(self.since_created(now), Ordering::Relaxed);
        let mut cadence = self.cadence.lock().unwrap_or_else(PoisonError::into_inner);
        let before = cadence.due(Duration::ZERO);
        cadence.read(reader, now);
        let after = cadence.due(Duration::ZERO);
        drop(cadence);
        // The driver sleeps until it was last due.
        if before.is_none() || after < before {
            self.noticed.notify_one();
        }
    }

    pub(super) fn state(&self) -> Arc<EvaluationState> {
        self.state.load_full()
    }

    /// Waits until more attempts have ended than these.
    pub(super) async fn attempt_after(&self, attempts: u64) {
        let mut ended = self.attempts.subscribe();
        // The sender lives in this evaluation, so the channel cannot close.
        let _ = ended.wait_for(|&ended| ended > attempts).await;
    }

    /// Requests an attempt, unless one is under way.
    pub(super) fn request_attempt(&self, now: Instant) {
        if self.waiting(now).is_none() {
            self.demanded.store(true, Ordering::Release);
            self.demand.notify_one();
        }
    }

    /// Waits until a read requests an attempt.
    pub(super) async fn attempt_requested(&self) {
        // A demand from before the last attempt began was met by it.
        while !self.demanded.load(Ordering::Acquire) {
            self.demand.notified().await;
        }
    }

    /// An attempt begins. `ahead` if no read waits for it.
    pub(super) fn begin(&self, ahead: bool, now: Instant) {
        self.enter(Stage::Querying);
        self.under_way.store(self.since_created(now) + 1, Ordering::Relaxed);
        // In this order: whoever finds that it is not demanded any more finds it under way.
        self.demanded.store(false, Ordering::Release);
        if ahead {
            self.cadence.lock().unwrap_or_else(PoisonError::into_inner).begin_unread();
        }
    }

    /// The attempt under way enters a stage.
    pub(super) fn enter(&self, stage: Stage) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    /// What the attempt under way is doing.
    pub(super) fn stage(&self) -> Stage {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An attempt ended.
    pub(super) fn publish(&self, outcome: Result<Evaluated, Arc<EvaluationError>>) {
        let old = self.state.load();
        let now = Instant::now();
        let since = old.failed.as_ref().map_or(now, |failed| failed.since);
        let attempts = old.attempts + 1;
        let new = match outcome {
            Ok(good) => EvaluationState { good: Some(Arc::new(good)), failed: None, attempts },
            Err(error) => EvaluationState {
                good: old.good.clone(),
                failed: Some(Failed { error, at: now, since }),
                attempts,
            },
        };
        // In this order: a read that finds the new state wanting finds no attempt under way, and
        // asks for one.
        let has_good = new.good.is_some();
        // Nobody has a turn in between, who would take the outcome of this attempt for that of its own.
        let tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        self.under_way.store(0, Ordering::Release);
        self.state.store(Arc::new(new));
        drop(tries);
        if has_good {
            // The handover is over.
            let before = self.predecessor.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(before);
        }
        self.attempts.send_replace(attempts);
    }

    /// How long the attempt under way has lasted.
    pub(super) fn waiting(&self, now: Instant) -> Option<Duration> {
        let begun = self.under_way.load(Ordering::Relaxed).checked_sub(1)?;
        Some(Duration::from_millis(self.since_created(now).saturating_sub(begun)))
    }

    /// When to refresh, if the present values were read.
    pub(super) fn due(&self, took: Duration) -> Option<Instant> {
        self.cadence.lock().unwrap_or_else(PoisonError::into_inner).due(took)
    }

    pub(super) fn interval(&self) -> Duration {
        self.cadence.lock().unwrap_or_else(PoisonError::into_inner).interval()
    }

    /// How long nobody has read.
    pub(super) fn unread_for(&self, now: Instant) -> Duration {
        let last = self.last_read.load(Ordering::Relaxed);
        Duration::from_millis(self.since_created(now).saturating_sub(last))
    }

    fn since_created(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.created).as_millis();
        u64::try_from(elapsed).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests;
