//! Documents that come, change, go, or cannot be seen.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::document::Document;
use crate::effect::{Effect, Notice};
use crate::state::{CacheState, DocumentState, Source, State, TeamsWatch, TextState};
use crate::watch_config::ConfigEvent;
use leadsman_model::owner::Owner;

impl<P: Clone + PartialEq> State<P> {
    pub(super) fn config_event(&mut self, event: ConfigEvent, effects: &mut Vec<Effect<P>>) {
        match event {
            ConfigEvent::Operator(Ok(document)) => self.seen(Owner::Operator, document),
            ConfigEvent::Operator(Err(reason)) => {
                self.document(&Owner::Operator).source = Source::Unreadable(reason);
            }
            // A watch that is interrupted resumes without an event, so that a rejection could not be
            // taken back.
            ConfigEvent::OperatorUnreachable(reason) => {
                let operator = self.document(&Owner::Operator);
                if operator.document.is_some() {
                    effects.push(Effect::Log(Notice::OperatorUnreachable(reason)));
                } else {
                    operator.source = Source::Unreadable(reason);
                }
            }
            ConfigEvent::Team(document) => {
                if let Some(owner) = document.team_owner() {
                    self.seen(owner, document);
                }
            }
            ConfigEvent::TeamGone(owner) => self.gone(&owner, effects),
            ConfigEvent::Teams(documents) => {
                let listed: BTreeSet<_> =
                    documents.iter().filter_map(|document| document.team_owner()).collect();
                let teams = self.documents.keys().filter(|owner| owner.namespace().is_some());
                let gone: Vec<_> =
                    teams.filter(|owner| !listed.contains(*owner)).cloned().collect();
                for owner in gone {
                    self.gone(&owner, effects);
                }
                for document in documents {
                    if let Some(owner) = document.team_owner() {
                        self.seen(owner, document);
                    }
                }
                self.teams = TeamsWatch::Synced;
            }
            ConfigEvent::TeamsUnreachable(unseen) => {
                if self.teams == TeamsWatch::Synced {
                    effects.push(Effect::Log(Notice::TeamsUnreachable(unseen.reason)));
                } else {
                    self.teams = TeamsWatch::Unreachable(unseen);
                }
            }
        }
    }

    fn seen(&mut self, owner: Owner, document: Arc<Document>) {
        let known = self.document(&owner);
        known.source = Source::Seen;
        if known.document.as_ref() != Some(&document) {
            known.document = Some(document);
            known.text = TextState::Waiting;
        }
    }

    fn gone(&mut self, owner: &Owner, effects: &mut Vec<Effect<P>>) {
        self.documents.remove(owner);
        effects.push(Effect::Forget(owner.clone()));
    }

    /// Takes up what the operator's settings open to each team now.
    pub(super) fn open_to_teams(&mut self) {
        for (owner, document) in &mut self.documents {
            let Some(namespace) = owner.namespace() else { continue };
            match self.settings.policy.team(namespace) {
                Some(team) => document.read_under(Some(team)),
                None => document.close(),
            }
        }
    }
}

impl<P> DocumentState<P> {
    /// What was read under other settings is to be read again.
    fn read_under(&mut self, team: Option<&leadsman_config::valid::Team>) {
        let current = match &self.text {
            TextState::Faulty(revision) | TextState::Valid(revision) => {
                revision.team.as_ref() == team
            }
            TextState::Absent | TextState::Waiting | TextState::Excess(_) => true,
            // The result will be of the settings before.
            TextState::Parsing(_) | TextState::NotAllowed | TextState::Failed(_) => false,
        };
        if !current {
            self.text = match self.document {
                Some(_) => TextState::Waiting,
                None => TextState::Absent,
            };
        }
        if self.last_good.is_none() {
            self.cache = CacheState::NotRead;
        }
    }

    /// Nothing is open to its owner: whatever is served of it ends.
    pub(super) fn close(&mut self) {
        self.text = TextState::NotAllowed;
        self.over_quota.clear();
        (self.last_good, self.in_force) = (None, None);
    }
}
