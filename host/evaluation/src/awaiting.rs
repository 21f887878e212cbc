//! Spans of evaluations. An evaluation belongs to the trace of the read that started it, and links the
//! other reads that waited for it.

use std::sync::{Mutex, PoisonError};

use super::error::EvaluationError;
use super::mapping::Mapping;
use super::state::Evaluated;
use leadsman_model::names::Scope;
use leadsman_trace::{self as trace, Context, Span, SpanKind};

/// How many reads are noted between two attempts: as many as a span names.
const MAX_NOTED: usize = 32;

/// The spans of the reads that wait for the end of the attempt under way, in order of arrival.
#[derive(Debug, Default)]
pub(super) struct WaitingReads(Mutex<Vec<Context>>);

impl WaitingReads {
    /// The read that runs here waits. Nothing where it is not sampled.
    pub(super) fn note(&self) {
        let Some(context) = trace::current() else { return };
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < MAX_NOTED && !noted.contains(&context) {
            noted.push(context);
        }
    }

    fn take(&self) -> Vec<Context> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An attempt begins. One that is made ahead of reads has a trace of its own.
    pub(super) fn begin(&self, mapping: &Mapping, scope: &Scope, is_ahead: bool) -> Span {
        if !trace::is_on() {
            return Span::none();
        }
        let waiting = self.take();
        let mut span = match waiting.first() {
            Some(first) if !is_ahead => {
                trace::child_of("evaluation", SpanKind::Internal, Some(first))
            }
            _ => trace::root("evaluation"),
        };
        waiting.into_iter().for_each(|read| span.link(read));
        if span.is_sampled() {
            span.set("leadsman.mapping", mapping.title());
            span.set("leadsman.scope", scope.to_string());
            span.set("leadsman.ahead", is_ahead);
        }
        span
    }

    /// The attempt has ended, and so has the wait for it.
    pub(super) fn end(&self, mut span: Span, outcome: &Result<Evaluated, EvaluationError>) {
        if !trace::is_on() {
            return;
        }
        // Those that came while it was under way.
        self.take().into_iter().for_each(|read| span.link(read));
        if !span.is_sampled() {
            return;
        }
        match outcome {
            Ok(evaluated) => {
                span.set("leadsman.values", evaluated.values.served.len());
                span.set("leadsman.refused", evaluated.values.refused_count);
            }
            Err(error) => {
                span.set("error.type", error.reason());
                span.fail(error.to_string());
            }
        }
    }
}

/// The span of a read's wait for an evaluation. Lasts for as long as it is held.
pub(super) fn waiting(mapping: &Mapping, scope: &Scope) -> Span {
    let mut span = trace::child("wait", SpanKind::Internal);
    if span.is_sampled() {
        span.set("leadsman.mapping", mapping.title());
        span.set("leadsman.scope", scope.to_string());
    }
    span
}
