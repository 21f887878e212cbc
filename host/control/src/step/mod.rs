//! The machine's one function: an event changes the state, and effects are what follows from it.
//! There is no I/O here, no clock, no task.

mod config;
mod loads;
mod schedule;
mod startup;
mod work;

use std::collections::BTreeMap;

use super::effect::{Effect, Notice};
use super::event::Event;
use super::state::{
    BindingState, CacheState, ClusterAccess, Completeness, DocumentState, Phase, SeriesState,
    Settings, Source, State, TeamsWatch, TextState, Ticket, Work,
};
use super::watch_config::ConfigOrigin;
use leadsman_model::owner::Owner;

/// Takes an event, and says what is to be done.
pub(super) fn step<P: Clone + PartialEq>(state: &mut State<P>, event: Event<P>) -> Vec<Effect<P>> {
    let mut effects = Vec::new();
    state.take(event, &mut effects);
    state.admit();
    state.reconcile(&mut effects);
    state.schedule(&mut effects);
    state.count_loads(&mut effects);
    state.publish(&mut effects);
    effects
}

impl<P: Clone + PartialEq> State<P> {
    /// Nothing is known yet.
    pub(super) fn new(
        origin: ConfigOrigin,
        cluster: ClusterAccess,
        completeness: Completeness,
    ) -> Self {
        Self {
            origin,
            cluster,
            completeness,
            phase: Phase::Starting,
            settings: Settings::default(),
            series: SeriesState::NotNeeded,
            teams: TeamsWatch::NotStarted,
            team_cache: CacheState::NotRead,
            documents: BTreeMap::new(),
            work: Work::default(),
            published: None,
            next_ticket: 0,
        }
    }

    fn take(&mut self, event: Event<P>, effects: &mut Vec<Effect<P>>) {
        match event {
            Event::Config(event) => self.config_event(event, effects),
            Event::Parsed { owner, ticket, result } => {
                self.parsed(&owner, ticket, result, effects);
            }
            Event::Bound { owner, ticket, result } => self.bound(&owner, ticket, result, effects),
            Event::SettingsApplied { revision, result } => {
                self.settings_applied(revision, result, effects);
            }
            Event::CacheRead { owner, document } => self.cache_read(&owner, document),
            Event::TeamCacheRead(documents) => self.team_cache_read(documents),
            Event::FilesChecked { owner, revision, changed } => {
                self.files_checked(&owner, revision, changed);
            }
            Event::PluginChanged(spec) => {
                for document in self.documents.values_mut() {
                    if document.plugins.values().flatten().any(|known| *known == spec) {
                        document.rebind();
                    }
                }
            }
            Event::SeriesListed(series) => {
                self.series = series;
                if let Some(operator) = self.documents.get_mut(&Owner::Operator) {
                    operator.rebind();
                }
            }
            Event::GraceOver => self.grace_over(),
            Event::Resync => self.resync(effects),
        }
    }

    fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        self.next_ticket
    }

    fn document(&mut self, owner: &Owner) -> &mut DocumentState<P> {
        self.documents.entry(owner.clone()).or_default()
    }
}

impl<P> Default for DocumentState<P> {
    fn default() -> Self {
        Self {
            source: Source::NotSynced,
            document: None,
            text: TextState::Absent,
            last_good: None,
            over_quota: Vec::new(),
            in_force: None,
            plugins: BTreeMap::new(),
            requested: None,
            binding: BindingState::Idle,
            bound: None,
            counted: None,
            cache: CacheState::NotRead,
        }
    }
}

impl<P> DocumentState<P> {
    /// Something that it is made of has changed.
    fn rebind(&mut self) {
        if self.in_force.is_some() {
            self.binding = BindingState::Wanted;
        }
    }
}

impl<P> Effect<P> {
    fn panicked(owner: &Owner, work: &'static str, reason: &str) -> Self {
        Self::Log(Notice::Panicked { owner: owner.clone(), work, reason: reason.to_owned() })
    }
}

#[cfg(test)]
mod tests;
