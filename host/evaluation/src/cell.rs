//! The state of one evaluation, and what readers and its driver say to each other.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::{Notify, watch};

use super::cadence::Cadence;
use super::error::EvaluationError;
use super::quota::Counted;
use leadsman_model::asked::Asked;
use leadsman_model::names::Scope;
use leadsman_model::values::Values;

/// What an evaluation gave, and when.
#[derive(Debug)]
pub struct Evaluated {
    /// The number of these values. No others of this process have the same.
    pub id: u64,
    /// The number of the evaluation. No other of this process has the same.
    pub evaluation: u64,
    /// The values.
    pub values: Values,
    /// When the evaluation began.
    pub at: Instant,
    /// The same in milliseconds since the epoch.
    pub time: i64,
    /// How long the queries took.
    pub querying: Duration,
    /// How long the plugin took.
    pub running: Duration,
}

/// A number that was not given before.
pub(super) fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// An evaluation that gave nothing, and when.
#[derive(Debug, Clone)]
pub struct Failed {
    /// Why.
    pub error: Arc<EvaluationError>,
    /// When it ended.
    pub at: Instant,
}

/// The newest of one evaluation.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The last good values.
    pub good: Option<Arc<Evaluated>>,
    /// The newest attempt, if it failed.
    pub failed: Option<Failed>,
    /// How many attempts have ended.
    pub attempts: u64,
}

/// One evaluation: a scope, and what is asked of it.
pub(super) struct Cell {
    /// No other evaluation of this process has the same.
    pub(super) id: u64,
    /// Counts it for whoever began it.
    pub(super) counted: Counted,
    pub(super) scope: Scope,
    pub(super) asked: Asked,
    state: ArcSwap<State>,
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
    /// Whether the queries of the attempt under way have been answered.
    answered: AtomicBool,
}

impl Cell {
    /// `fastest` bounds how often the cell is refreshed ahead.
    pub(super) fn new(scope: Scope, asked: Asked, counted: Counted, fastest: Duration) -> Self {
        Self {
            id: next_id(),
            counted,
            scope,
            asked,
            state: ArcSwap::default(),
            attempts: watch::Sender::new(0),
            demanded: AtomicBool::new(false),
            demand: Notify::new(),
            noticed: Notify::new(),
            cadence: Mutex::new(Cadence::new(fastest)),
            last_read: AtomicU64::new(0),
            created: Instant::now(),
            under_way: AtomicU64::new(0),
            answered: AtomicBool::new(false),
        }
    }

    /// A cell for another mapping that takes this one's place: the same reads are expected of it.
    pub(super) fn successor(&self, fastest: Duration) -> Self {
        let cadence = self.cadence.lock().unwrap_or_else(PoisonError::into_inner);
        let cadence = Mutex::new(cadence.succeed(fastest));
        Self {
            cadence,
            ..Self::new(self.scope.clone(), self.asked.clone(), self.counted.hand_over(), fastest)
        }
    }

    /// Notes a read.
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

    pub(super) fn state(&self) -> Arc<State> {
        self.state.load_full()
    }

    /// Waits until more attempts have ended than these.
    pub(super) async fn attempt_after(&self, attempts: u64) {
        let mut ended = self.attempts.subscribe();
        // The sender lives in this cell, so the channel cannot close.
        let _ = ended.wait_for(|&ended| ended > attempts).await;
    }

    /// Asks for an attempt, unless one is under way.
    pub(super) fn want(&self, now: Instant) {
        if self.waiting(now).is_none() {
            self.demanded.store(true, Ordering::Release);
            self.demand.notify_one();
        }
    }

    /// Waits until a read asks for an attempt.
    pub(super) async fn wanted(&self) {
        // What was asked for before the last attempt began was answered by it.
        while !self.demanded.load(Ordering::Acquire) {
            self.demand.notified().await;
        }
    }

    /// An attempt begins. `ahead` if no read waits for it.
    pub(super) fn begin(&self, ahead: bool, now: Instant) {
        self.demanded.store(false, Ordering::Release);
        self.answered.store(false, Ordering::Relaxed);
        self.under_way.store(self.since_created(now) + 1, Ordering::Relaxed);
        if ahead {
            self.cadence.lock().unwrap_or_else(PoisonError::into_inner).begin_unread();
        }
    }

    /// The queries of the attempt under way have been answered: the plugin is next.
    pub(super) fn answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// Whether the attempt under way is past its queries.
    pub(super) fn is_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// An attempt ended.
    pub(super) fn publish(&self, outcome: Result<Evaluated, EvaluationError>) {
        if let Ok(good) = &outcome {
            self.counted.set_bytes(good.values.bytes());
        }
        let old = self.state.load();
        let attempts = old.attempts + 1;
        let new = match outcome {
            Ok(good) => State { good: Some(Arc::new(good)), failed: None, attempts },
            Err(error) => State {
                good: old.good.clone(),
                failed: Some(Failed { error: Arc::new(error), at: Instant::now() }),
                attempts,
            },
        };
        // In this order: a read that finds the new state wanting finds no attempt under way, and
        // asks for one.
        self.under_way.store(0, Ordering::Release);
        self.state.store(Arc::new(new));
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
