//! The spans of reloads: from the text of a document to what is served of it.
//!
//! A reload is rare and always sampled. It has a span for each time that its document is parsed and bound,
//! and that something is published meanwhile. It ends when nothing of its owner is under way; if plugins
//! have to be fetched first, binding is a reload of its own.

use std::collections::HashMap;

use leadsman_model::owner::Owner;
use leadsman_trace::{self as trace, Context, Span, SpanKind};

/// The reloads under way: at most one for each owner.
#[derive(Default)]
pub(super) struct Reloads(HashMap<Owner, Span>);

impl Reloads {
    /// Work on an owner's document begins. Gives the span above it.
    pub(super) fn begin(&mut self, owner: &Owner) -> Option<Context> {
        if !trace::is_on() {
            return None;
        }
        let reload = self.0.entry(owner.clone()).or_insert_with(|| {
            let mut span = trace::always("reload");
            span.set("leadsman.owner", owner.to_string());
            span
        });
        reload.context()
    }

    /// Something is published. The spans last for as long as they are held.
    pub(super) fn publishing(&self) -> Vec<Span> {
        let spans = self.0.values().map(|reload| {
            trace::child_of("publish", SpanKind::Internal, reload.context().as_ref())
        });
        spans.collect()
    }

    /// Ends the reloads of owners that nothing is under way for.
    pub(super) fn end(&mut self, is_busy: impl Fn(&Owner) -> bool) {
        self.0.retain(|owner, _| is_busy(owner));
    }
}
