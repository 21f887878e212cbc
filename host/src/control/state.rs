//! One owner's document, and what became of it.

use std::sync::Arc;

use super::document::Document;
use super::job::Set;
use crate::config::{self, Fault, Parsed, valid};

/// An owner's document, and what became of it.
#[derive(Default)]
pub(super) struct State {
    /// As it is now; `None` if it cannot be had.
    pub(super) document: Option<Document>,
    /// Why it cannot be had.
    pub(super) unreadable: Option<String>,
    /// What is wrong with it.
    pub(super) faults: Vec<Fault>,
    /// Where those are.
    pub(super) located: Option<Arc<config::Document>>,
    /// The newest that could be read as a whole.
    pub(super) good: Option<Good>,
    /// What it gives.
    pub(super) set: Option<Arc<Set>>,
    pub(super) dirty: bool,
    pub(super) working: bool,
}

/// A document without faults of its own.
#[derive(Clone)]
pub(super) struct Good {
    pub(super) document: Document,
    pub(super) located: Arc<config::Document>,
    pub(super) config: Arc<valid::Config>,
    /// What was open to the team when it was read.
    pub(super) team: Option<valid::Team>,
    /// Whether it is served; one that never had a good version is only looked at.
    pub(super) served: bool,
}

impl Good {
    /// Reads it again with what is open to the team now. Says whether it still has no faults: what
    /// was taken from a team holds at once.
    pub(super) fn holds_for(&mut self, team: &Option<valid::Team>) -> bool {
        if self.team == *team {
            return true;
        }
        let Parsed { document, config, faults } = self.document.parse(team.as_ref());
        (self.located, self.config) = (Arc::new(document), Arc::new(config));
        self.team.clone_from(team);
        faults.is_empty()
    }
}
