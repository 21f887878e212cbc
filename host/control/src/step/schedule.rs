//! Derives effects from a changed state: drops what is no longer in force, requests what is missing, and
//! starts work, fairly between namespaces and within bounds.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::document::Document;
use crate::effect::{Binding, Effect};
use crate::state::{
    BindTask, BindingState, CacheState, ClusterAccess, DocumentState, ParseTask, Phase, Purpose,
    SettingsState, Source, State, TeamsWatch, TextState,
};
use leadsman_model::owner::Owner;

/// How many of teams' documents are parsed at once. The operator's waits for none of them.
const MAX_TEAM_PARSES: usize = 2;

/// How many documents of one namespace are parsed at once.
const MAX_PARSES_PER_NAMESPACE: usize = 1;

/// How many documents of one namespace are bound at once: a plugin that takes its time to check
/// configurations delays nobody but its own team.
const MAX_BINDINGS_PER_NAMESPACE: usize = 2;

impl<P: Clone + PartialEq> State<P> {
    /// Drops what is no longer in force and requests what is missing.
    pub(super) fn reconcile(&mut self, effects: &mut Vec<Effect<P>>) {
        self.reconcile_settings(effects);
        for (owner, document) in &mut self.documents {
            let namespace = owner.namespace();
            let open = namespace.and_then(|namespace| self.settings.policy.team(namespace));
            if namespace.is_some() && open.is_none() {
                document.close();
            }
            if let (TextState::Faulty(newest), Some(last_good)) =
                (&document.text, &document.last_good)
                && last_good.team.as_ref() != open
                && newest.team.as_ref() == open
                && newest.document == last_good.document
            {
                // The same text, read under what is open now.
                document.last_good = None;
                document.in_force = None;
            }
            match document.in_force.clone() {
                None => document.end(),
                Some(revision) if document.requested != Some(revision.id) => {
                    document.plugins = self.settings.policy.plugins(&revision);
                    document.requested = Some(revision.id);
                    document.binding = BindingState::Wanted;
                    // What was only looked at must not be served in the place of another one, nor
                    // what was served stay when nothing good is left.
                    let valid = revision.is_valid();
                    document.bound.take_if(|bound| bound.revision.is_valid() != valid);
                }
                Some(_) => {}
            }
            if document.needs_cache(owner) {
                document.cache = CacheState::Reading;
                effects.push(Effect::ReadCache(owner.clone()));
            }
        }
    }

    fn reconcile_settings(&mut self, effects: &mut Vec<Effect<P>>) {
        let operator = self.documents.get(&Owner::Operator);
        if let Some(revision) = operator.and_then(|operator| operator.in_force.clone())
            && matches!(self.settings.state, SettingsState::Settled)
            && self.settings.revision != Some(revision.id)
        {
            let (revision, config) = (revision.id, revision.config.clone());
            self.settings.state = SettingsState::Applying { revision, config: config.clone() };
            effects.push(Effect::ApplySettings { revision, config });
        }
        let teams =
            !self.settings.policy.0.teams.is_empty() && self.cluster == ClusterAccess::Connected;
        if teams && self.teams == TeamsWatch::NotStarted {
            self.teams = TeamsWatch::Starting;
            effects.push(Effect::WatchTeams);
        }
        if teams
            && self.phase != Phase::Starting
            && self.teams != TeamsWatch::Synced
            && self.team_cache == CacheState::NotRead
        {
            self.team_cache = CacheState::Reading;
            effects.push(Effect::ReadTeamCache);
        }
    }

    /// Starts the work that may start.
    pub(super) fn schedule(&mut self, effects: &mut Vec<Effect<P>>) {
        for owner in self.in_turn(|state, owner| state.next_parse(owner).is_some()) {
            if self.may_parse(&owner) {
                self.start_parse(owner, effects);
            }
        }
        if !self.settings_are_current() {
            return;
        }
        let wanted = |state: &Self, owner: &Owner| {
            let document = state.documents.get(owner);
            document.is_some_and(|document| document.binding == BindingState::Wanted)
                && !state.work.binding.contains_key(owner)
        };
        for owner in self.in_turn(wanted) {
            if of_namespace(&self.work.binding, &owner) < MAX_BINDINGS_PER_NAMESPACE {
                self.start_binding(owner, effects);
            }
        }
    }

    /// The owners with work: the operator, then those whose namespace has waited longest, then by
    /// age.
    fn in_turn(&self, has_work: impl Fn(&Self, &Owner) -> bool) -> Vec<Owner> {
        let with_work = self.documents.iter().filter(|(owner, _)| has_work(self, owner));
        let mut order: Vec<_> = with_work
            .map(|(owner, document)| {
                let turn = owner.namespace().map(|namespace| {
                    self.work.last_turn.get(namespace).copied().unwrap_or_default()
                });
                (turn, document.created(), owner.clone())
            })
            .collect();
        order.sort();
        order.into_iter().map(|(_, _, owner)| owner).collect()
    }

    fn may_parse(&self, owner: &Owner) -> bool {
        if *owner == Owner::Operator {
            return true;
        }
        let teams = self.work.parsing.keys().filter(|owner| owner.namespace().is_some()).count();
        teams < MAX_TEAM_PARSES
            && of_namespace(&self.work.parsing, owner) < MAX_PARSES_PER_NAMESPACE
    }

    /// The text of an owner's that is to be parsed next.
    fn next_parse(&self, owner: &Owner) -> Option<(Purpose, Arc<Document>)> {
        if self.work.parsing.contains_key(owner) {
            return None;
        }
        let document = self.documents.get(owner)?;
        match (&document.text, &document.document) {
            (TextState::Waiting, Some(newest)) => return Some((Purpose::Newest, newest.clone())),
            (TextState::NotAllowed, _) => return None,
            _ => {}
        }
        if let Some(revision) = &document.last_good
            && revision.team.as_ref() != self.open_to(owner)
        {
            return Some((Purpose::Recheck, revision.document.clone()));
        }
        match &document.cache {
            CacheState::Found(cached) => Some((Purpose::Restore, cached.clone())),
            CacheState::NotRead | CacheState::Reading | CacheState::Spent => None,
        }
    }

    fn start_parse(&mut self, owner: Owner, effects: &mut Vec<Effect<P>>) {
        let Some((purpose, text)) = self.next_parse(&owner) else { return };
        let (ticket, team) = (self.ticket(), self.open_to(&owner).cloned());
        let task = ParseTask { ticket, purpose, document: text, team };
        if purpose == Purpose::Newest {
            self.document(&owner).text = TextState::Parsing(ticket);
        }
        self.took_turn(&owner);
        self.work.parsing.insert(owner.clone(), task.clone());
        effects.push(Effect::Parse { owner, task });
    }

    fn start_binding(&mut self, owner: Owner, effects: &mut Vec<Effect<P>>) {
        let ticket = self.ticket();
        let Some(document) = self.documents.get_mut(&owner) else { return };
        let Some(revision) = document.in_force.clone() else { return };
        document.binding = BindingState::Running(ticket);
        let binding = Binding {
            owner: owner.clone(),
            ticket,
            plugins: document.plugins.clone(),
            before: document.bound.as_ref().map(|bound| bound.outcome.product.clone()),
            revision: revision.clone(),
        };
        self.took_turn(&owner);
        self.work.binding.insert(owner, BindTask { ticket, revision: revision.id });
        effects.push(Effect::Bind(binding));
    }

    fn took_turn(&mut self, owner: &Owner) {
        let Some(namespace) = owner.namespace() else { return };
        self.work.turns += 1;
        self.work.last_turn.insert(namespace.clone(), self.work.turns);
    }
}

impl<P> DocumentState<P> {
    /// Nothing of it is in force.
    fn end(&mut self) {
        self.bound = None;
        self.requested = None;
        self.plugins.clear();
        self.binding = BindingState::Idle;
    }

    /// Whether a cached document has to replace it.
    fn needs_cache(&self, owner: &Owner) -> bool {
        if self.last_good.is_some() || self.cache != CacheState::NotRead {
            return false;
        }
        match &self.text {
            TextState::Faulty(_) | TextState::Failed(_) => true,
            TextState::Absent => {
                *owner == Owner::Operator && matches!(self.source, Source::Unreadable(_))
            }
            TextState::Waiting
            | TextState::Parsing(_)
            | TextState::Valid(_)
            | TextState::NotAllowed
            | TextState::Excess(_) => false,
        }
    }
}

/// How much work there is for the namespace of an owner.
fn of_namespace<T>(work: &BTreeMap<Owner, T>, owner: &Owner) -> usize {
    work.keys().filter(|other| other.namespace() == owner.namespace()).count()
}
