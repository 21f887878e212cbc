//! The last runs of one evaluation.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::pool::RecordPool;
use super::{
    Dropped, EXCERPT_BYTES, Kept, MAX_EVALUATION_BYTES, MAX_ROW_BYTES, MAX_RUNS, PluginRecord,
    QueryRecord, Rows, RunRecord,
};
use crate::error::EvaluationError;
use leadsman_model::owner::Owner;
use leadsman_model::values::Values;
use leadsman_sandbox::Capture;
use leadsman_source::FilledQuery;

/// What a query takes beside its text, its warnings and its error.
const QUERY_BYTES: usize = 256;

/// A run that has ended, before it is known what is kept of it. Its fields are those of a [`RunRecord`].
#[allow(missing_docs, reason = "they are those of a RunRecord")]
pub struct FinishedRun {
    pub id: u64,
    pub time: i64,
    pub took: Duration,
    pub ahead: bool,
    pub queries: Vec<QueryRecord>,
    pub plugin: Option<PluginRecord>,
    pub outcome: Result<Arc<Values>, Arc<EvaluationError>>,
    /// All rows and measures; `None` if not all queries were answered.
    pub capture: Option<Capture>,
}

/// The last runs of one evaluation, within bounds.
#[derive(Default)]
pub struct RunLog {
    pool: RecordPool,
    runs: Mutex<VecDeque<Entry>>,
}

#[derive(Clone)]
struct Entry {
    run: Arc<RunRecord>,
    /// What the run takes beside its rows.
    bytes: usize,
    /// What its rows take.
    row_bytes: usize,
}

impl RunLog {
    /// No runs yet; rows take their room from a pool.
    pub fn new(pool: RecordPool) -> Self {
        Self { pool, runs: Mutex::default() }
    }

    /// The room of all records.
    pub(crate) fn pool(&self) -> &RecordPool {
        &self.pool
    }

    /// A log that has the runs of another one.
    pub(crate) fn carried_on(&self) -> Self {
        let runs = Mutex::new(self.runs().clone());
        Self { pool: self.pool.clone(), runs }
    }

    /// The runs, the newest first.
    pub fn list(&self) -> Vec<Arc<RunRecord>> {
        self.runs().iter().map(|entry| entry.run.clone()).collect()
    }

    /// Adds a run of an evaluation of this owner. What must go for it goes: the rows of older runs
    /// first, then these runs.
    pub fn add(&self, owner: &Owner, finished: FinishedRun) {
        let FinishedRun { id, time, took, ahead, queries, plugin, outcome, capture } = finished;
        let (rows, row_bytes) = match capture {
            None => (Rows::Dropped(Dropped::NotRun), 0),
            Some(capture) => self.keep(owner, capture),
        };
        let bytes = size_of::<RunRecord>()
            + queries.iter().map(query_bytes).sum::<usize>()
            + plugin.as_ref().map_or(0, plugin_bytes);
        let run = RunRecord { id, time, took, ahead, queries, plugin, outcome, rows };
        let mut runs = self.runs();
        runs.push_front(Entry { run: Arc::new(run), bytes, row_bytes });
        let dropped = shrink(&mut runs);
        drop(runs);
        // Room is given back here, which takes a lock of its own.
        drop(dropped);
    }

    /// Rows as far as there is room for them, with what they take.
    fn keep(&self, owner: &Owner, capture: Capture) -> (Rows, usize) {
        let whole = self.pool.keeps_whole() || capture.bytes() <= MAX_ROW_BYTES;
        let capture = if whole { capture } else { capture.excerpt(EXCERPT_BYTES) };
        let bytes = capture.bytes();
        let room = self.pool.reserve(owner, bytes).or_else(|| {
            // Older runs of the same evaluation are worth less than its newest.
            let mut runs = self.runs();
            let dropped: Vec<_> =
                runs.iter_mut().map(|entry| entry.without_rows(Dropped::Full)).collect();
            drop(runs);
            drop(dropped);
            self.pool.reserve(owner, bytes)
        });
        match room {
            None => (Rows::Dropped(Dropped::Full), 0),
            Some(room) => {
                let kept = Arc::new(Kept { capture, _room: room });
                (if whole { Rows::Whole(kept) } else { Rows::Excerpt(kept) }, bytes)
            }
        }
    }

    fn runs(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Drops its rows. Returns what it was before.
    fn without_rows(&mut self, why: Dropped) -> Arc<RunRecord> {
        let run = self.run.clone();
        if run.rows.capture().is_some() {
            let without = RunRecord { rows: Rows::Dropped(why), ..RunRecord::clone(&run) };
            self.run = Arc::new(without);
            self.row_bytes = 0;
        }
        run
    }
}

/// Keeps the runs within their bounds. Returns what must go. The newest run stays, and so does the
/// newest one that was good: where it fails on and on, its rows tell what was different.
fn shrink(runs: &mut VecDeque<Entry>) -> Vec<Arc<RunRecord>> {
    let mut dropped = Vec::new();
    while runs.len() > MAX_RUNS {
        let good = newest_good(runs);
        let oldest = (1..runs.len()).rev().find(|&at| Some(at) != good);
        let Some(entry) = oldest.and_then(|at| runs.remove(at)) else { break };
        dropped.push(entry.run);
    }
    let good = newest_good(runs);
    for at in (1..runs.len()).rev().filter(|&at| Some(at) != good) {
        if bytes(runs) <= MAX_EVALUATION_BYTES {
            return dropped;
        }
        dropped.extend(runs.get_mut(at).map(|entry| entry.without_rows(Dropped::Older)));
    }
    while runs.len() > 1 && bytes(runs) > MAX_EVALUATION_BYTES {
        dropped.extend(runs.pop_back().map(|entry| entry.run));
    }
    dropped
}

fn newest_good(runs: &VecDeque<Entry>) -> Option<usize> {
    runs.iter().position(|entry| entry.run.outcome.is_ok())
}

fn bytes(runs: &VecDeque<Entry>) -> usize {
    runs.iter().map(|entry| entry.bytes + entry.row_bytes).sum()
}

fn query_bytes(query: &QueryRecord) -> usize {
    let text = match &query.sent {
        Some(FilledQuery::PromQl { text, .. }) => text.len(),
        Some(FilledQuery::NsxAlb { .. } | FilledQuery::Exposition { .. }) | None => 0,
    };
    let warnings: usize = query.warnings.iter().map(String::len).sum();
    QUERY_BYTES + text + warnings + query.error.as_ref().map_or(0, String::len)
}

fn plugin_bytes(plugin: &PluginRecord) -> usize {
    plugin.log.iter().map(|line| line.message.len() + 32).sum()
}
