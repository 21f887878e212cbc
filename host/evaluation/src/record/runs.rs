//! The last runs of one evaluation.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::pool::RecordPool;
use super::{
    DropReason, MAX_CUT_TEXT_BYTES, MAX_EVALUATION_BYTES, MAX_EXCERPT_BYTES, MAX_ROW_BYTES,
    MAX_RUNS, PluginRecord, QueryRecord, Rows, RunRecord, StoredRows,
};
use crate::error::EvaluationError;
use leadsman_model::owner::Owner;
use leadsman_model::room::Share;
use leadsman_model::text;
use leadsman_model::values::Values;
use leadsman_sandbox::Capture;
use leadsman_source::FilledQuery;

/// What a query takes in addition to its text, its warnings and its error.
const QUERY_OVERHEAD: usize = 256;

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
    /// What the run takes in addition to its rows.
    bytes: usize,
    /// What its rows take, and its values where there is room for them.
    row_bytes: usize,
    /// Whether its values take room that is not theirs: they are kept while they are the newest good
    /// ones, which are there for reads in any case.
    borrows_values: bool,
    /// The room that it takes in addition to its rows.
    _room: Option<Arc<Share>>,
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
        let FinishedRun { id, time, took, ahead, mut queries, mut plugin, outcome, capture } =
            finished;
        let value_bytes = outcome.as_ref().map_or(0, |values| values.bytes());
        let owns_values = self.pool.keeps_whole() || value_bytes <= MAX_ROW_BYTES;
        let (rows, row_bytes) = match capture {
            None => (Rows::Dropped(DropReason::NotRun), 0),
            Some(capture) => self.keep(owner, capture, if owns_values { value_bytes } else { 0 }),
        };
        let borrows_values = value_bytes > 0 && (!owns_values || row_bytes == 0);
        let mut bytes = own_bytes(&queries, plugin.as_ref());
        let room = self.pool.reserve(owner, bytes).map(Arc::new);
        if room.is_none() {
            queries.iter_mut().for_each(cut);
            if let Some(plugin) = &mut plugin {
                let dropped = std::mem::take(&mut plugin.log).len();
                plugin.log_dropped += u64::try_from(dropped).unwrap_or(u64::MAX);
            }
            bytes = own_bytes(&queries, plugin.as_ref());
        }
        let is_good = outcome.is_ok();
        let run = RunRecord { id, time, took, ahead, queries, plugin, outcome, rows };
        let run = Arc::new(run);
        let mut runs = self.runs();
        let borrowers = runs.iter_mut().filter(|entry| is_good && entry.borrows_values);
        let mut dropped: Vec<_> =
            borrowers.map(|entry| entry.without_rows(DropReason::Older)).collect();
        runs.push_front(Entry { run, bytes, row_bytes, borrows_values, _room: room });
        dropped.extend(shrink(&mut runs));
        drop(runs);
        // Room is given back here, which takes a lock of its own.
        drop(dropped);
    }

    /// Rows as far as there is room for them and for so many bytes of values, with what both take.
    fn keep(&self, owner: &Owner, capture: Capture, value_bytes: usize) -> (Rows, usize) {
        let whole = self.pool.keeps_whole() || capture.bytes() <= MAX_ROW_BYTES;
        let mut capture = if whole { capture } else { capture.excerpt(MAX_EXCERPT_BYTES) };
        // There are many, for a long time.
        capture.shrink_to_fit();
        let bytes = capture.bytes() + value_bytes;
        let room = self.pool.reserve(owner, bytes).or_else(|| {
            // Older runs of the same evaluation are worth less than its newest.
            let mut runs = self.runs();
            let dropped: Vec<_> =
                runs.iter_mut().map(|entry| entry.without_rows(DropReason::Full)).collect();
            drop(runs);
            drop(dropped);
            self.pool.reserve(owner, bytes)
        });
        match room {
            None => (Rows::Dropped(DropReason::Full), 0),
            Some(room) => {
                let kept = Arc::new(StoredRows { capture, _room: room });
                (if whole { Rows::Whole(kept) } else { Rows::Excerpt(kept) }, bytes)
            }
        }
    }

    fn runs(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Drops its rows, and the values whose objects they name. Returns what it was before.
    fn without_rows(&mut self, why: DropReason) -> Arc<RunRecord> {
        let run = self.run.clone();
        let has_rows = run.rows.capture().is_some();
        if has_rows || self.borrows_values {
            let rows = if has_rows { Rows::Dropped(why) } else { run.rows.clone() };
            let outcome = run.outcome.as_ref().map(|values| Arc::new(values.counted_only()));
            let outcome = outcome.map_err(Arc::clone);
            self.run = Arc::new(RunRecord { rows, outcome, ..RunRecord::clone(&run) });
            (self.row_bytes, self.borrows_values) = (0, false);
        }
        run
    }
}

/// Cuts the texts of a query for which there is no room.
fn cut(query: &mut QueryRecord) {
    if let Some(FilledQuery::PromQl { text, .. }) = &mut query.sent
        && text.len() > MAX_CUT_TEXT_BYTES
    {
        *text = text::excerpt_bytes(text, MAX_CUT_TEXT_BYTES).into_owned();
        query.cut = true;
    }
    for reported in query.warnings.iter_mut().chain(&mut query.error) {
        *reported = text::excerpt_bytes(reported, MAX_CUT_TEXT_BYTES).into_owned();
    }
}

/// Keeps the runs within their bounds. Returns what must go. The newest run stays, and so does the
/// newest one that was good: where it fails on and on, its rows show what was different.
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
        dropped.extend(runs.get_mut(at).map(|entry| entry.without_rows(DropReason::Older)));
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

/// What a run takes in addition to its rows and values.
fn own_bytes(queries: &[QueryRecord], plugin: Option<&PluginRecord>) -> usize {
    size_of::<RunRecord>()
        + queries.iter().map(query_bytes).sum::<usize>()
        + plugin.map_or(0, plugin_bytes)
}

fn query_bytes(query: &QueryRecord) -> usize {
    let text = match &query.sent {
        Some(FilledQuery::PromQl { text, .. }) => text.len(),
        Some(FilledQuery::NsxAlb { .. } | FilledQuery::Exposition { .. }) | None => 0,
    };
    let warnings: usize = query.warnings.iter().map(String::len).sum();
    QUERY_OVERHEAD + text + warnings + query.error.as_ref().map_or(0, String::len)
}

fn plugin_bytes(plugin: &PluginRecord) -> usize {
    plugin.log.iter().map(|line| line.message.len() + 32).sum()
}
