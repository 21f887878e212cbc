//! The mappings of one workload, which are decided together: several mappings may name the same one.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;

use crate::decision::{Level, Settings};
use leadsman_evaluation::{ActivationStatus, Evaluations};
use leadsman_model::workload::Workload;
use leadsman_provider::known_now;
use leadsman_provider::snapshot::{Rejection, Snapshot};

/// The maximum number of workloads. Further ones of a configuration are reported as ignored.
pub(crate) const MAX_WORKLOADS: usize = 500;

/// The mappings of one workload.
pub(crate) struct Group {
    pub(crate) workload: Workload,
    pub(crate) settings: Settings,
    /// Never empty.
    members: Vec<Arc<Evaluations>>,
    /// The titles of configured mappings of the same workload that are not loaded, or not yet.
    missing: Vec<String>,
}

/// The workloads that the mappings of a snapshot activate.
pub(crate) fn groups(snapshot: &Snapshot) -> BTreeMap<Workload, Arc<Group>> {
    let mut groups: BTreeMap<Workload, Group> = BTreeMap::new();
    for evaluations in snapshot.in_use() {
        let Some(status) = &evaluations.mapping().activation else { continue };
        let activation = &status.activation;
        let known = groups.len();
        let settings = Settings {
            cooldown: activation.cooldown,
            min_replicas: activation.min_replicas,
            every: activation.every,
            take_over: activation.take_over,
        };
        match groups.get_mut(&activation.workload) {
            Some(group) => group.join(evaluations.clone(), settings),
            None if known >= MAX_WORKLOADS => {
                status.report(format!("not looked at: {MAX_WORKLOADS} other workloads are already"))
            }
            None => {
                let workload = activation.workload.clone();
                let members = vec![evaluations.clone()];
                let missing = Vec::new();
                groups.insert(workload.clone(), Group { workload, settings, members, missing });
            }
        }
    }
    for rejection in snapshot.rejections() {
        let group = rejection.activates.as_ref().and_then(|workload| groups.get_mut(workload));
        if let Some(group) = group.filter(|group| !group.has(rejection)) {
            group.missing.push(rejection.title.clone());
        }
    }
    groups.into_iter().map(|(workload, group)| (workload, Arc::new(group))).collect()
}

impl Group {
    /// Adds another mapping of the same workload. Of two settings, the more careful one applies.
    fn join(&mut self, member: Arc<Evaluations>, other: Settings) {
        self.members.push(member);
        self.settings = both(self.settings, other);
    }

    /// The values of all mappings, combined.
    pub(crate) async fn level(&self) -> Level {
        let mut levels = Vec::with_capacity(self.members.len());
        let missing = self.missing.iter().map(|title| unknown(title, "it is not loaded"));
        for member in &self.members {
            levels.push(level_of(member));
        }
        together(join_all(levels).await.into_iter().chain(missing).collect())
    }

    /// Whether the mapping that is rejected is a member, as it was before.
    fn has(&self, rejection: &Rejection) -> bool {
        let Some((metric, serve)) = &rejection.mapping else { return false };
        self.members.iter().map(|member| member.mapping()).any(|mapping| {
            mapping.owner == rejection.owner && (&mapping.metric, &mapping.serve) == (metric, serve)
        })
    }

    /// Whether the values are those of another group.
    pub(crate) fn reads_like(&self, other: &Self) -> bool {
        self.members.len() == other.members.len()
            && self.missing == other.missing
            && self.members.iter().zip(&other.members).all(|(one, other)| Arc::ptr_eq(one, other))
    }

    /// The mapping that counts for this workload.
    pub(crate) fn first(&self) -> &Arc<Evaluations> {
        &self.members[0]
    }

    /// Records the result for all mappings.
    pub(crate) fn report(&self, reported: &str) {
        for status in self.members.iter().filter_map(|member| status(member)) {
            status.report(reported.to_owned());
        }
    }

    /// What was reported last.
    pub(crate) fn reported(&self) -> String {
        status(self.first()).map(ActivationStatus::reported).unwrap_or_default()
    }

    /// The names of the mappings, for messages.
    pub(crate) fn title(&self) -> String {
        let titles: Vec<_> = self.members.iter().map(|of| of.mapping().title()).collect();
        titles.join(" and ")
    }
}

fn status(member: &Evaluations) -> Option<&ActivationStatus> {
    member.mapping().activation.as_ref()
}

/// The value of one mapping, compared with its threshold.
async fn level_of(member: &Arc<Evaluations>) -> Level {
    let Some(status) = status(member) else {
        return Level::Unknown("the mapping activates nothing".to_owned());
    };
    match known_now(member, &status.activation).await {
        Ok(value) if value > status.activation.threshold => Level::Above,
        Ok(_) => Level::Low,
        Err(why) => unknown(&member.mapping().title(), &why),
    }
}

fn unknown(title: &str, why: &str) -> Level {
    Level::Unknown(format!("{title}: {why}"))
}

/// The settings of a workload that two mappings name.
fn both(one: Settings, other: Settings) -> Settings {
    Settings {
        cooldown: one.cooldown.max(other.cooldown),
        min_replicas: one.min_replicas.max(other.min_replicas),
        every: one.every.min(other.every),
        take_over: one.take_over && other.take_over,
    }
}

/// Combines levels: a workload runs if one is above its threshold, and goes to zero only if all are
/// low.
fn together(levels: Vec<Level>) -> Level {
    let mut together = Level::Low;
    for level in levels {
        match level {
            Level::Above => return Level::Above,
            Level::Unknown(_) if together == Level::Low => together = level,
            Level::Unknown(_) | Level::Low => {}
        }
    }
    together
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_that_is_above_is_enough_and_all_have_to_be_low() {
        let unknown = || Level::Unknown("why".to_owned());
        for (levels, expected) in [
            (vec![Level::Low, Level::Low], Level::Low),
            (vec![Level::Low, Level::Above], Level::Above),
            (vec![unknown(), Level::Above], Level::Above),
            (vec![Level::Low, unknown()], unknown()),
            (vec![unknown(), Level::Low], unknown()),
        ] {
            assert_eq!(together(levels.clone()), expected, "{levels:?}");
        }
    }

    #[test]
    fn the_more_careful_settings_count() {
        let seconds = Duration::from_secs;
        let settings = |cooldown, min_replicas, every, take_over| Settings {
            cooldown: seconds(cooldown),
            min_replicas,
            every: seconds(every),
            take_over,
        };
        let of_both = both(settings(60, 1, 15, true), settings(300, 2, 30, false));
        assert_eq!(of_both, settings(300, 2, 15, false));
        assert_eq!(both(settings(1, 1, 1, true), settings(1, 1, 1, true)), settings(1, 1, 1, true));
    }
}
