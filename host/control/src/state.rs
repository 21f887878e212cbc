//! One owner's document, and what became of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::document::Document;
use super::job::{Refused, Set};
use super::offers::OF_RULES;
use super::plugins::{Handle, Place, Plugins, Wanted};
use super::policy::Policy;
use leadsman_config::{Flags, Parsed, valid};
use leadsman_document::Fault;
use leadsman_sandbox::CompileOwner;

/// What shipped plugins may have: they are ours.
const SHIPPED_BYTES: u64 = 32 << 20;

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
    pub(super) located: Option<Arc<leadsman_document::Document>>,
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
    pub(super) located: Arc<leadsman_document::Document>,
    pub(super) config: Arc<valid::Config>,
    /// What was open to the team when it was read.
    pub(super) team: Option<valid::Team>,
    /// Whether it is served; one that never had a good version is only looked at.
    pub(super) served: bool,
}

impl State {
    /// Whether it is known what can be served of it.
    pub(super) fn is_looked_at(&self) -> bool {
        let seen = self.document.is_some() || self.unreadable.is_some() || self.good.is_some();
        let done = match (&self.good, &self.set) {
            (None, _) => true,
            (Some(_), Some(set)) => set.settled,
            (Some(_), None) => false,
        };
        seen && done && !self.dirty && !self.working
    }
}

impl Good {
    /// Reads it again with what is open to the team now. Says whether it still has no faults: what
    /// was taken from a team holds at once.
    pub(super) fn holds_for(&mut self, team: &Option<valid::Team>) -> bool {
        if self.team == *team {
            return true;
        }
        // Flags are for the operator's, to which everything is open at all times.
        let flags = Flags::default();
        let Parsed { document, config, faults } = self.document.parse(team.as_ref(), &flags);
        (self.located, self.config) = (Arc::new(document), Arc::new(config));
        self.team.clone_from(team);
        faults.is_empty()
    }

    /// The plugins that a document names, looked after from now on.
    pub(super) fn plugins(
        &self,
        policy: &Policy,
        plugins: &mut Plugins,
    ) -> BTreeMap<String, Result<Arc<Handle>, Refused>> {
        let mut named = BTreeMap::new();
        for (name, plugin) in &self.config.plugins {
            let wanted = policy.wanted(&self.document, self.team.as_ref(), name, plugin);
            let owner = match self.document.namespace() {
                Some(namespace) if self.team.is_some() => CompileOwner::Team(namespace.clone()),
                _ => CompileOwner::Operator,
            };
            named.insert(name.clone(), wanted.map(|wanted| plugins.get(&wanted, owner)));
        }
        for shipped in leadsman_shipped_plugins::SHIPPED_PLUGINS {
            let of_rules = self.config.rules.is_some() && OF_RULES.contains(&shipped.name);
            let used =
                of_rules || self.config.mappings.iter().any(|mapping| mapping.runs(shipped.name));
            if used && !named.contains_key(shipped.name) {
                let place = Place::Shipped(shipped.name);
                let wanted = Wanted { place, max_bytes: SHIPPED_BYTES, verify: Vec::new() };
                named.insert(
                    shipped.name.to_owned(),
                    Ok(plugins.get(&wanted, CompileOwner::Shipped)),
                );
            }
        }
        named
    }
}
