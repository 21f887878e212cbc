//! What one attempt does, noted while it is under way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::runs::FinishedRun;
use super::{MAX_CUT_TEXT_BYTES, MAX_TEXT_BYTES, PluginRecord, QueryRecord};
use crate::error::EvaluationError;
use crate::state::next_id;
use leadsman_model::data::{Answer, Input};
use leadsman_model::text;
use leadsman_model::values::Values;
use leadsman_sandbox::{Capture, Trace};
use leadsman_source::FilledQuery;

/// How many warnings of an answer are kept.
const MAX_WARNINGS: usize = 5;

/// What one attempt does.
pub(crate) struct Tracer(Mutex<AttemptRecord>);

struct AttemptRecord {
    queries: Vec<Option<QueryRecord>>,
    /// The bytes of texts that there is room for.
    text_bytes: usize,
    plugin: Option<PluginRecord>,
    capture: Option<Capture>,
}

/// What one query of an attempt does.
#[derive(Clone, Copy)]
pub(crate) struct QueryTracer<'a> {
    tracer: &'a Tracer,
    at: usize,
}

impl Tracer {
    /// An attempt with so many queries.
    pub(crate) fn new(queries: usize) -> Self {
        Self(Mutex::new(AttemptRecord {
            queries: vec![None; queries],
            text_bytes: MAX_TEXT_BYTES,
            plugin: None,
            capture: None,
        }))
    }

    /// The query at a place.
    pub(crate) fn query(&self, at: usize) -> QueryTracer<'_> {
        QueryTracer { tracer: self, at }
    }

    /// The plugin ran for so long.
    pub(crate) fn ran(&self, trace: Trace, took: Duration) {
        let Trace { capture, log, log_dropped, memory } = trace;
        let mut attempt = self.lock();
        attempt.plugin = Some(PluginRecord { took, memory, log, log_dropped });
        attempt.capture = Some(capture);
    }

    /// The plugin was not run on what was answered.
    pub(crate) fn not_run(&self, input: Input) {
        self.lock().capture = Some(Capture::of(input));
    }

    /// The attempt ended with values of a number, or with an error. `None` if nothing was done.
    pub(crate) fn finish(
        self,
        outcome: Result<(u64, Arc<Values>), Arc<EvaluationError>>,
        time: i64,
        took: Duration,
        ahead: bool,
    ) -> Option<FinishedRun> {
        let attempt = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let queries: Vec<_> = attempt.queries.into_iter().flatten().collect();
        if queries.is_empty() && attempt.plugin.is_none() {
            return None;
        }
        let id = outcome.as_ref().map_or_else(|_| next_id(), |(id, _)| *id);
        let outcome = outcome.map(|(_, values)| values);
        let (plugin, capture) = (attempt.plugin, attempt.capture);
        Some(FinishedRun { id, time, took, ahead, queries, plugin, outcome, capture })
    }

    fn lock(&self) -> MutexGuard<'_, AttemptRecord> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QueryTracer<'_> {
    /// It is sent; `None` if it cannot be said for this read.
    pub(crate) fn sent(self, name: &str, query: Option<&FilledQuery>) {
        let mut attempt = self.tracer.lock();
        let mut sent = query.cloned();
        let mut cut = false;
        if let Some(FilledQuery::PromQl { text, .. }) = &mut sent {
            match attempt.text_bytes.checked_sub(text.len()) {
                Some(left) => attempt.text_bytes = left,
                None => {
                    *text = text::excerpt_bytes(text, MAX_CUT_TEXT_BYTES).into_owned();
                    cut = true;
                }
            }
        }
        let Some(record) = attempt.queries.get_mut(self.at) else { return };
        *record = Some(QueryRecord {
            name: name.to_owned(),
            sent,
            cut,
            took: None,
            series: None,
            warnings: Vec::new(),
            error: None,
        });
    }

    /// It was answered: with so many series before the metric selector picked from them.
    pub(crate) fn answered(self, took: Duration, answer: &Answer, before: usize) {
        self.ended(took, |record| {
            record.series = Some((answer.data.series(), before));
            if answer.warnings.is_empty() {
                return;
            }
            let sent = record.sent.as_ref().map(ToString::to_string).unwrap_or_default();
            let warnings = answer.warnings.iter().take(MAX_WARNINGS);
            record.warnings = warnings.map(|text| leadsman_source::redacted(text, &sent)).collect();
        });
    }

    /// It failed.
    pub(crate) fn failed(self, took: Duration, error: &EvaluationError) {
        self.ended(took, |record| record.error = Some(error.to_string()));
    }

    fn ended(self, took: Duration, change: impl FnOnce(&mut QueryRecord)) {
        let mut attempt = self.tracer.lock();
        if let Some(Some(record)) = attempt.queries.get_mut(self.at) {
            record.took = Some(took);
            change(record);
        }
    }
}
