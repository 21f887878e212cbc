//! All owners' documents: as they are now, as they were when they were good, and what is open to
//! whom of them.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use super::document::{At, Document};
use super::found::ConfigOrigin;
use super::keeping::{config_map_document, kept_team_document, owner_of};
use super::policy::Policy;
use super::state::{Good, State};
use super::store::{Kept, Store};
use leadsman_cluster::ConfigMapReference;
use leadsman_config::{Flags, Parsed, valid};
use leadsman_document::Fault;
use leadsman_model::names::Namespace;
use leadsman_model::owner::Owner;

/// All owners' documents.
pub(super) struct Owners {
    pub(super) states: BTreeMap<Owner, State>,
    /// Where the operator's is.
    pub(super) origin: ConfigOrigin,
    /// What the command line says beside it.
    flags: Flags,
    pub(super) store: Option<Arc<Store>>,
}

impl Owners {
    pub(super) fn new(origin: ConfigOrigin, flags: Flags, store: Option<Arc<Store>>) -> Self {
        Self { states: BTreeMap::new(), origin, flags, store }
    }

    /// An owner's document as it is now.
    pub(super) fn put(&mut self, owner: Owner, document: Document) {
        let state = self.states.entry(owner).or_default();
        state.unreadable = None;
        state.document = Some(document);
    }

    /// An owner's document is gone.
    pub(super) fn remove(&mut self, owner: &Owner) {
        self.states.remove(owner);
        if let Some(store) = &self.store {
            store.forget_document(&owner.to_string());
        }
    }

    /// Reads an owner's document as it is now.
    pub(super) fn read(&mut self, owner: &Owner, policy: &Policy) {
        let team = match owner.namespace() {
            None => None,
            Some(namespace) => match self.open_to(owner, namespace, policy) {
                Some(team) => Some(team),
                None => return self.nothing_open(owner, &namespace.clone()),
            },
        };
        let Some(state) = self.states.get_mut(owner) else { return };
        let Some(document) = state.document.clone() else { return };
        if let Some(good) = &state.good
            && good.served
            && state.faults.is_empty()
            && good.document == document
            && good.team == team
        {
            return;
        }
        let Parsed { document: located, config, faults } =
            document.parse(team.as_ref(), &self.flags);
        let located = Arc::new(located);
        let whole = faults.is_empty();
        state.faults = faults;
        state.located = Some(located.clone());
        state.dirty = true;
        let good = Good { document, located, config: Arc::new(config), team, served: whole };
        // What was taken from a team holds at once: what was good under other rules goes, too.
        state.good.take_if(|old| !old.holds_for(&good.team));
        let keeps = !whole && state.good.as_ref().is_some_and(|old| old.served);
        if whole || !keeps {
            state.good = Some(good);
            if !whole {
                state.set = None;
            }
        }
        if !whole && !keeps {
            // The first document that is seen has faults: what was kept goes on.
            self.restore(owner, policy);
        }
    }

    /// Takes up what was kept of an owner's document.
    pub(super) fn restore(&mut self, owner: &Owner, policy: &Policy) -> bool {
        let Some(kept) = self.store.as_ref().and_then(|store| store.document(&owner.to_string()))
        else {
            return false;
        };
        self.restore_from(owner, &kept, policy)
    }

    fn restore_from(&mut self, owner: &Owner, kept: &Kept, policy: &Policy) -> bool {
        let document = match owner {
            Owner::Operator if kept.origin != self.origin.to_string() => return false,
            Owner::Operator => self.kept_document(kept),
            Owner::Team { .. } => kept_team_document(owner, kept),
        };
        let Some(document) = document else { return false };
        let team = owner.namespace().and_then(|namespace| self.open_to(owner, namespace, policy));
        if owner.namespace().is_some() && team.is_none() {
            return false;
        }
        let Parsed { document: located, config, faults } =
            document.parse(team.as_ref(), &self.flags);
        if !faults.is_empty() {
            return false;
        }
        tracing::warn!(%owner, "what was served before the start goes on");
        let state = self.states.entry(owner.clone()).or_default();
        let (located, config) = (Arc::new(located), Arc::new(config));
        state.good = Some(Good { document, located, config, team, served: true });
        state.dirty = true;
        true
    }

    fn kept_document(&self, kept: &Kept) -> Option<Document> {
        let at = match &self.origin {
            ConfigOrigin::File(path) => {
                At::Folder(path.parent().map_or_else(PathBuf::new, PathBuf::from))
            }
            ConfigOrigin::ConfigMap { namespace, name } => {
                return config_map_document(namespace, name, kept);
            }
        };
        Some(Document { name: format!("{} (kept)", kept.origin), text: kept.text.clone(), at })
    }

    /// Reads all teams' documents again: what is open to one may depend on the others.
    pub(super) fn read_teams(&mut self, policy: &Policy) {
        for owner in self.teams() {
            self.read(&owner, policy);
        }
    }

    /// What is open to a team's document: what the older ones of its namespace left.
    fn open_to(
        &self,
        owner: &Owner,
        namespace: &Namespace,
        policy: &Policy,
    ) -> Option<valid::Team> {
        let mut team = policy.team(namespace)?.clone();
        let own = self.age(owner);
        for (other, state) in &self.states {
            let older =
                other != owner && other.namespace() == Some(namespace) && self.age(other) < own;
            if let (true, Some(good)) = (older, &state.good) {
                let limits = &mut team.limits;
                limits.mappings = limits.mappings.saturating_sub(good.config.mappings.len());
                limits.plugins = limits.plugins.saturating_sub(good.config.plugins.len());
            }
        }
        Some(team)
    }

    /// In which order owners have a right to a metric.
    fn age(&self, owner: &Owner) -> (bool, i64, Owner) {
        let created = self.states.get(owner).and_then(|state| {
            let document = state.document.as_ref();
            match &document.or(state.good.as_ref().map(|good| &good.document))?.at {
                At::ConfigMap(part) => Some(part.created),
                At::Folder(_) => None,
            }
        });
        (*owner != Owner::Operator, created.unwrap_or_default(), owner.clone())
    }

    fn nothing_open(&mut self, owner: &Owner, namespace: &Namespace) {
        let Some(state) = self.states.get_mut(owner) else { return };
        let message = format!(
            "the operator's configuration opens nothing to the namespace {namespace}; it would be \
             an entry under `teams`"
        );
        (state.good, state.set) = (None, None);
        state.faults = vec![Fault::at("", message)];
        state.located = None;
    }

    /// The ConfigMaps that documents stand in.
    pub(super) fn config_maps(&self) -> HashMap<Owner, ConfigMapReference> {
        let reference = |(owner, state): (&Owner, &State)| match &state.document.as_ref()?.at {
            At::Folder(_) => None,
            At::ConfigMap(part) => Some((
                owner.clone(),
                ConfigMapReference {
                    namespace: part.namespace.to_string(),
                    name: part.name.clone(),
                    uid: part.uid.clone(),
                },
            )),
        };
        self.states.iter().filter_map(reference).collect()
    }

    /// Takes up what was kept of teams' documents.
    pub(super) fn restore_teams(&mut self, policy: &Policy) {
        let Some(store) = self.store.clone() else { return };
        for (name, kept) in store.documents() {
            let Some((namespace, name)) = name.split_once('/') else { continue };
            let Ok(namespace) = namespace.parse() else { continue };
            let owner = Owner::Team { namespace, name: name.into() };
            self.restore_from(&owner, &kept, policy);
        }
    }

    /// Takes in all teams' documents: those that are not among them are gone.
    pub(super) fn put_teams(&mut self, documents: Vec<Document>) {
        let found: Vec<_> = documents.iter().filter_map(owner_of).collect();
        let gone: Vec<_> =
            self.teams().into_iter().filter(|owner| !found.contains(owner)).collect();
        for owner in gone {
            self.remove(&owner);
        }
        for (owner, document) in found.into_iter().zip(documents) {
            self.put(owner, document);
        }
    }

    fn teams(&self) -> Vec<Owner> {
        self.states.keys().filter(|owner| owner.namespace().is_some()).cloned().collect()
    }

    /// All of them, in the order in which they have a right to a metric.
    pub(super) fn in_order(&self) -> Vec<(&Owner, &State)> {
        let mut order: Vec<_> = self.states.iter().collect();
        order.sort_by_key(|(owner, _)| self.age(owner));
        order
    }
}
