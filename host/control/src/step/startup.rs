//! The start: the grace period, and when the first load is complete.

use crate::effect::Effect;
use crate::state::{
    BindingState, CacheState, ClusterAccess, Completeness, DocumentState, Phase, SeriesState,
    SettingsState, Source, State, TeamsWatch, TextState,
};
use leadsman_model::owner::Owner;

impl<P: Clone + PartialEq> State<P> {
    /// What is unavailable by now is replaced by what was cached.
    pub(super) fn grace_over(&mut self) {
        if self.phase == Phase::Starting {
            self.phase = Phase::Late;
        }
        let unseen = format!("{} has not been seen yet", self.origin);
        let operator = self.document(&Owner::Operator);
        if operator.source == Source::NotSynced {
            operator.source = Source::Unreadable(unseen);
        }
    }

    /// A fault may have been in a file that the document names, and that has changed by now.
    pub(super) fn resync(&mut self, effects: &mut Vec<Effect<P>>) {
        for (owner, document) in &self.documents {
            let TextState::Faulty(revision) = &document.text else { continue };
            if !revision.files.is_empty() && self.work.checking_files.insert(owner.clone()) {
                effects.push(Effect::CheckFiles {
                    owner: owner.clone(),
                    revision: revision.id,
                    files: revision.files.clone(),
                });
            }
        }
    }

    /// Publishes what there is, if that differs from what was published, and reports the first
    /// load once it is complete.
    pub(super) fn publish(&mut self, effects: &mut Vec<Effect<P>>) {
        let loaded = self.is_loaded();
        if self.phase == Phase::Starting && !loaded {
            return;
        }
        let publication = self.publication();
        if self.published.as_ref() != Some(&publication) {
            let reference = |(owner, document): (&Owner, &DocumentState<P>)| {
                Some((owner.clone(), document.document.as_ref()?.reference()?))
            };
            let config_maps = self.documents.iter().filter_map(reference).collect();
            self.published = Some(publication.clone());
            effects.push(Effect::Publish { publication, config_maps });
        }
        // A team that takes its time, or whose registry does, delays nobody but itself.
        let operator = self.documents.get(&Owner::Operator);
        let late = self.completeness == Completeness::Operator
            && self.phase == Phase::Late
            && self.settings_are_current()
            && operator.is_some_and(DocumentState::is_loaded);
        if self.phase != Phase::Running && (loaded || late) {
            self.phase = Phase::Running;
            effects.push(Effect::ReportLoaded);
        }
    }

    /// Whether everything was loaded once, or failed to.
    fn is_loaded(&self) -> bool {
        let waits = self.phase == Phase::Starting;
        let teams = self.settings.policy.0.teams.is_empty()
            || self.cluster == ClusterAccess::None
            || self.teams == TeamsWatch::Synced
            || !waits;
        teams
            && self.documents.contains_key(&Owner::Operator)
            && self.settings_are_current()
            && (self.series != SeriesState::Pending || !waits)
            && self.team_cache != CacheState::Reading
            && self.documents.values().all(DocumentState::is_loaded)
    }

    /// Whether the settings are those of the operator's document.
    pub(super) fn settings_are_current(&self) -> bool {
        let operator = self.documents.get(&Owner::Operator);
        let in_force = operator.and_then(|operator| operator.in_force.as_ref());
        matches!(self.settings.state, SettingsState::Settled)
            && in_force.is_none_or(|revision| self.settings.revision == Some(revision.id))
    }
}

impl<P> DocumentState<P> {
    /// Whether all that can be known of it is known.
    fn is_loaded(&self) -> bool {
        let seen = self.source != Source::NotSynced || self.last_good.is_some();
        let read = !matches!(self.text, TextState::Waiting | TextState::Parsing(_));
        let cache = !matches!(self.cache, CacheState::Reading | CacheState::Found(_));
        let bound = match (&self.in_force, &self.binding) {
            (None, _) | (_, BindingState::Failed(_)) => true,
            (Some(revision), BindingState::Idle) => self
                .bound
                .as_ref()
                .is_some_and(|bound| bound.revision.id == revision.id && bound.outcome.settled),
            (Some(_), BindingState::Wanted | BindingState::Running(_)) => false,
        };
        seen && read && cache && bound
    }
}
