//! Results of work: documents that were parsed, bound, or read from the cache, and settings that
//! were put in force.

use std::sync::Arc;

use crate::document::Document;
use crate::effect::{Effect, Notice};
use crate::event::Panicked;
use crate::state::{
    BindingState, Bound, CacheState, Outcome, ParseTask, Purpose, Revision, SeriesState,
    SettingsState, State, TextState, Ticket,
};
use leadsman_config::valid;
use leadsman_document::Fault;
use leadsman_model::owner::Owner;

impl<P: Clone + PartialEq> State<P> {
    pub(super) fn parsed(
        &mut self,
        owner: &Owner,
        ticket: Ticket,
        result: Result<Arc<Revision>, Panicked>,
        effects: &mut Vec<Effect<P>>,
    ) {
        if self.work.parsing.get(owner).is_none_or(|task| task.ticket != ticket) {
            return;
        }
        let Some(task) = self.work.parsing.remove(owner) else { return };
        if let Err(Panicked(reason)) = &result {
            effects.push(Effect::panicked(owner, "parsing", reason));
        }
        match task.purpose {
            Purpose::Newest => self.parsed_newest(owner, ticket, result),
            Purpose::Recheck => self.parsed_again(owner, &task, result.ok()),
            Purpose::Restore => self.parsed_from_cache(owner, &task, result.ok(), effects),
        }
    }

    fn parsed_newest(
        &mut self,
        owner: &Owner,
        ticket: Ticket,
        result: Result<Arc<Revision>, Panicked>,
    ) {
        let Some(document) = self.documents.get_mut(owner) else { return };
        // The document, or what is open to its owner, may be another by now.
        if !matches!(document.text, TextState::Parsing(current) if current == ticket) {
            return;
        }
        document.text = match result {
            Ok(revision) if revision.is_valid() => TextState::Valid(revision),
            Ok(revision) => TextState::Faulty(revision),
            Err(Panicked(reason)) => TextState::Failed(reason),
        };
    }

    /// What was taken from a team holds for its last good document, too.
    fn parsed_again(&mut self, owner: &Owner, task: &ParseTask, found: Option<Arc<Revision>>) {
        let open = self.open_to(owner).cloned();
        let Some(document) = self.documents.get_mut(owner) else { return };
        let current = document.last_good.as_ref().is_some_and(|revision| {
            Arc::ptr_eq(&revision.document, &task.document) && revision.team != open
        });
        if current && task.team == open {
            document.last_good = found.filter(|revision| revision.is_valid());
        }
    }

    fn parsed_from_cache(
        &mut self,
        owner: &Owner,
        task: &ParseTask,
        found: Option<Arc<Revision>>,
        effects: &mut Vec<Effect<P>>,
    ) {
        let open = self.open_to(owner).cloned();
        let Some(document) = self.documents.get_mut(owner) else { return };
        if document.cache != CacheState::Found(task.document.clone()) || task.team != open {
            return;
        }
        document.cache = CacheState::Spent;
        if document.last_good.is_none()
            && !matches!(document.text, TextState::Valid(_) | TextState::NotAllowed)
            && let Some(revision) = found.filter(|revision| revision.is_valid())
        {
            document.last_good = Some(revision);
            effects.push(Effect::Log(Notice::Restored(owner.clone())));
        }
    }

    pub(super) fn bound(
        &mut self,
        owner: &Owner,
        ticket: Ticket,
        result: Result<Outcome<P>, Panicked>,
        effects: &mut Vec<Effect<P>>,
    ) {
        if self.work.binding.get(owner).is_none_or(|task| task.ticket != ticket) {
            return;
        }
        let Some(task) = self.work.binding.remove(owner) else { return };
        if let Err(Panicked(reason)) = &result {
            effects.push(Effect::panicked(owner, "binding", reason));
        }
        // It may be gone by now, or another revision may be in force.
        let Some(document) = self.documents.get_mut(owner) else { return };
        let in_force = document.in_force.clone().filter(|known| known.id == task.revision);
        let Some(revision) = in_force else { return };
        let finished = document.binding == BindingState::Running(ticket);
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(Panicked(reason)) => {
                if finished {
                    document.binding = BindingState::Failed(reason);
                }
                return;
            }
        };
        if finished {
            document.binding = BindingState::Idle;
        }
        let complete = revision.is_valid() && outcome.complete;
        let stored = document
            .bound
            .as_ref()
            .is_some_and(|before| before.revision.id == revision.id && before.outcome.complete);
        if complete && !stored {
            let document = revision.document.clone();
            effects.push(Effect::Store { owner: owner.clone(), document });
        }
        document.bound = Some(Bound { revision, outcome });
    }

    pub(super) fn settings_applied(
        &mut self,
        revision: Ticket,
        result: Result<(Vec<Fault>, SeriesState), Panicked>,
        effects: &mut Vec<Effect<P>>,
    ) {
        let SettingsState::Applying { revision: applying, config } = &self.settings.state else {
            return;
        };
        if *applying != revision {
            return;
        }
        let config = config.clone();
        self.settings.state = SettingsState::Settled;
        self.settings.revision = Some(revision);
        match result {
            Ok((faults, series)) => {
                self.settings.policy.0 = config;
                (self.settings.faults, self.series) = (faults, series);
            }
            Err(Panicked(reason)) => {
                effects.push(Effect::panicked(&Owner::Operator, "applying the settings", &reason));
                let message = format!("the adapter failed while it applied these: {reason}");
                self.settings.faults = vec![Fault::at("", message)];
            }
        }
        self.open_to_teams();
        for document in self.documents.values_mut() {
            // Where its plugins come from, and its sources, may be others.
            document.requested = None;
        }
    }

    pub(super) fn cache_read(&mut self, owner: &Owner, found: Option<Arc<Document>>) {
        let Some(document) = self.documents.get_mut(owner) else { return };
        if document.cache == CacheState::Reading {
            document.cache = found.map_or(CacheState::Spent, CacheState::Found);
        }
    }

    /// Documents of teams that were not seen yet are what they were at the end of the last run.
    pub(super) fn team_cache_read(&mut self, found: Vec<Arc<Document>>) {
        self.team_cache = CacheState::Spent;
        for cached in found {
            let Some(owner) = cached.team_owner() else { continue };
            // By now it is known which there are.
            if self.teams == super::TeamsWatch::Synced {
                return;
            }
            let document = self.document(&owner);
            if document.last_good.is_none() {
                document.cache = CacheState::Found(cached);
            }
        }
    }

    pub(super) fn files_checked(&mut self, owner: &Owner, revision: Ticket, changed: bool) {
        self.work.checking_files.remove(owner);
        let Some(document) = self.documents.get_mut(owner) else { return };
        if let TextState::Faulty(known) = &document.text
            && known.id == revision
            && changed
        {
            document.text = TextState::Waiting;
        }
    }

    /// What the operator opened to a team; `None` for the operator, and for who has nothing.
    pub(super) fn open_to(&self, owner: &Owner) -> Option<&valid::Team> {
        self.settings.policy.team(owner.namespace()?)
    }
}
