//! Counts loads of documents. Each text counts once, as accepted or rejected, when the result is known, and
//! again only when the result changes. A load in progress does not count.

use crate::effect::Effect;
use crate::state::{BindingState, DocumentState, SeriesState, State, TextState};
use leadsman_document::Severity;
use leadsman_model::owner::Owner;

impl<P: Clone + PartialEq> State<P> {
    /// Counts the loads that have ended since the last time.
    pub(super) fn count_loads(&mut self, effects: &mut Vec<Effect<P>>) {
        // Before the series are listed, rules give nothing, which is no fault of theirs.
        let listed = self.series != SeriesState::Pending;
        for (owner, document) in &mut self.documents {
            if matches!(document.text, TextState::Waiting | TextState::Parsing(_)) {
                // Whatever it turns out to be, it is another load.
                document.counted = None;
            }
            let is_known = listed || *owner != Owner::Operator;
            let Some(complete) = document.is_complete().filter(|_| is_known) else { continue };
            if document.counted.replace(complete) != Some(complete) {
                effects.push(Effect::CountLoad { owner: owner.clone(), complete });
            }
        }
    }
}

impl<P> DocumentState<P> {
    /// Whether all that its newest text says is served; `None` while that is not known.
    fn is_complete(&self) -> Option<bool> {
        let newest = match &self.text {
            TextState::Faulty(_) | TextState::Failed(_) => return Some(false),
            TextState::Valid(newest) => newest,
            // Only one that was cached can be in force.
            TextState::Absent => self.last_good.as_ref()?,
            TextState::Waiting
            | TextState::Parsing(_)
            | TextState::NotAllowed
            | TextState::Excess(_) => return None,
        };
        if !self.over_quota.is_empty() {
            return Some(false);
        }
        // It may wait for the documents that come before it.
        self.in_force.as_ref().filter(|in_force| in_force.id == newest.id)?;
        match &self.binding {
            BindingState::Failed(_) => Some(false),
            BindingState::Idle => {
                let bound = self.bound.as_ref().filter(|bound| bound.revision.id == newest.id)?;
                let is_whole = newest.faults.iter().all(|fault| fault.severity < Severity::Part);
                bound.outcome.settled.then_some(is_whole && bound.outcome.complete)
            }
            BindingState::Wanted | BindingState::Running(_) => None,
        }
    }
}
