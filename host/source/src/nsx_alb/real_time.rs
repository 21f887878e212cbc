//! Real-time metrics: whether they are enabled for an object, and when they end. A controller does not
//! report the end: its samples become averages of five minutes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::MIN_SAMPLE_AGE;
use super::decode::Row;
use super::query::Entity;
use super::request::Target;
use super::series_cache::Key;
use super::settings::Step;

/// How long an object without a sample is remembered, in milliseconds.
const ENDED_RETENTION: i64 = 3_600_000;

/// The most objects that are remembered: as many as a list may have.
const MAX_REMEMBERED: usize = super::objects::MAX_OBJECTS;

/// What the analytics policy of an object says of real time metrics; `None` where it does not say. Its
/// form is looked at as far as it is known: a list is never refused for it.
pub(super) fn switched_on(entity: Entity, policy: Option<&Value>) -> Option<bool> {
    let policy = policy?;
    match entity {
        Entity::VirtualService => policy.get("metrics_realtime_update")?.get("enabled")?.as_bool(),
        Entity::Pool => policy.get("enable_realtime_metrics")?.as_bool(),
        Entity::ServiceEngine => None,
    }
}

/// Which objects have given samples of real time, and which of them give none any more.
#[derive(Default)]
pub(super) struct Watch(HashMap<Arc<str>, RealTimeRecord>);

/// An object that has given samples of real time.
struct RealTimeRecord {
    /// When it was seen in an answer last, in milliseconds since the epoch.
    time: i64,
    has_ended: bool,
}

impl Watch {
    /// Takes note of the samples that answer some keys. Gives the objects whose real time metrics have
    /// ended since the last time, by uuid; `None` if no key asks for real time.
    pub(super) fn answered(
        &mut self,
        keys: &[Key],
        rows: &[Row],
        now: i64,
    ) -> Option<Vec<Arc<str>>> {
        let (mut of_all, mut of_one) = (HashSet::new(), HashSet::new());
        for key in keys.iter().filter(|key| key.step == Step::FiveSeconds) {
            match &key.target {
                Target::All => {
                    of_all.insert(&*key.metric);
                }
                Target::One(uuid) => {
                    of_one.insert((&*key.metric, &**uuid));
                }
            }
        }
        if of_all.is_empty() && of_one.is_empty() {
            return None;
        }
        let mut newest: HashMap<&str, i64> = HashMap::new();
        for row in rows {
            let (metric, uuid) = (row.metric.as_str(), row.entity.as_str());
            if of_all.contains(metric) || of_one.contains(&(metric, uuid)) {
                let time = newest.entry(uuid).or_insert(row.time);
                *time = row.time.max(*time);
            }
        }
        let mut ended = Vec::new();
        for (uuid, time) in newest {
            let is_current = now.saturating_sub(time) <= current_age();
            if let Some(seen) = self.0.get_mut(uuid) {
                if !is_current && !seen.has_ended {
                    ended.push(Arc::from(uuid));
                }
                *seen = RealTimeRecord { time: now, has_ended: !is_current };
            } else if is_current && self.0.len() < MAX_REMEMBERED {
                // What never was in real time has none that could end.
                self.0.insert(uuid.into(), RealTimeRecord { time: now, has_ended: false });
            }
        }
        self.0.retain(|_, seen| now.saturating_sub(seen.time) < ENDED_RETENTION);
        ended.sort();
        Some(ended)
    }

    /// How many objects give samples of real time, and how many gave such and give none any more.
    pub(super) fn counts(&self) -> (usize, usize) {
        let ended = self.0.values().filter(|seen| seen.has_ended).count();
        (self.0.len() - ended, ended)
    }

    /// Whether an object gives samples of real time no more.
    pub(super) fn has_ended(&self, uuid: &str) -> bool {
        self.0.get(uuid).is_some_and(|seen| seen.has_ended)
    }
}

/// The series of averages, with newer samples of real time in place of those that have some.
pub(super) fn preferred(newest: &[Row], averages: Arc<Vec<Row>>, now: i64) -> Arc<Vec<Row>> {
    let is_current = |row: &&Row| now.saturating_sub(row.time) <= current_age();
    let of = |row: &Row| (row.entity.clone(), row.server.clone());
    let current: Vec<&Row> = newest.iter().filter(is_current).collect();
    if current.is_empty() {
        return averages;
    }
    let known: HashSet<_> = current.iter().map(|row| of(row)).collect();
    let others = averages.iter().filter(|row| !known.contains(&of(row)));
    Arc::new(current.into_iter().chain(others).cloned().collect())
}

/// How old a sample of real time is at most, in milliseconds.
fn current_age() -> i64 {
    i64::try_from(MIN_SAMPLE_AGE.as_millis()).unwrap_or(i64::MAX)
}

/// Why samples of one object, or of all that a query is for, may be older than they should be.
pub(super) fn why_old(mut states: impl Iterator<Item = RealTimeState>) -> &'static str {
    let first = states.next().unwrap_or(RealTimeState::Unknown);
    let all = states.try_fold(first, |all, state| (state == all).then_some(all));
    match all.unwrap_or(RealTimeState::Unknown) {
        RealTimeState::Ended => {
            "; it had real time metrics and they have ended: switch them on again, or say `step: 5m`"
        }
        RealTimeState::Off => {
            "; real time metrics are switched off in its analytics_policy: switch them on, or say \
             `step: 5m`"
        }
        RealTimeState::Unknown => {
            "; are real time metrics switched on for it, and has their duration not ended?"
        }
    }
}

/// What is known of an object whose samples are old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RealTimeState {
    /// It had real time metrics.
    Ended,
    /// Its analytics policy has them switched off.
    Off,
    /// Neither.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::super::series_cache::tests::key;
    use super::*;
    use serde_json::json;

    const CONNS: &str = "l4_server.avg_open_conns";
    const SECOND: i64 = 1000;
    const NOW: i64 = 10_000 * SECOND;

    fn row(entity: &str, age: i64) -> Row {
        Row {
            entity: entity.to_owned(),
            metric: CONNS.to_owned(),
            server: None,
            unit: None,
            sum_invalid: false,
            time: NOW - age * SECOND,
            value: 1.0,
        }
    }

    fn real_time(target: &str) -> Key {
        Key { step: Step::FiveSeconds, ..key(Entity::Pool, target, CONNS) }
    }

    #[test]
    fn an_end_is_told_once_and_a_new_begin_is_seen() {
        let (mut watch, keys) = (Watch::default(), [real_time("*")]);
        let mut reported = |rows: &[Row]| {
            let ended = watch.answered(&keys, rows, NOW).unwrap();
            (ended.iter().map(|uuid| uuid.to_string()).collect::<Vec<_>>(), watch.counts())
        };
        assert_eq!(reported(&[row("pool-1", 5), row("pool-2", 5)]), (vec![], (2, 0)));
        let old = [row("pool-1", 300), row("pool-2", 5)];
        assert_eq!(reported(&old), (vec!["pool-1".to_owned()], (1, 1)));
        assert_eq!(reported(&old), (vec![], (1, 1)));
        assert_eq!(reported(&[row("pool-1", 5), row("pool-2", 5)]), (vec![], (2, 0)));
        // The newest of all series of an object counts.
        assert_eq!(reported(&[row("pool-1", 300), row("pool-1", 5)]), (vec![], (2, 0)));
    }

    #[test]
    fn what_never_was_in_real_time_does_not_end() {
        let mut watch = Watch::default();
        assert_eq!(watch.answered(&[real_time("*")], &[row("pool-1", 300)], NOW), Some(vec![]));
        assert_eq!(watch.counts(), (0, 0));
        assert!(!watch.has_ended("pool-1"));
    }

    #[test]
    fn only_what_was_asked_for_in_real_time_is_looked_at() {
        let mut watch = Watch::default();
        assert_eq!(
            watch.answered(&[key(Entity::Pool, "*", CONNS)], &[row("pool-1", 5)], NOW),
            None
        );
        let keys = [real_time("pool-1"), key(Entity::Pool, "pool-2", CONNS)];
        let _ = watch.answered(&keys, &[row("pool-1", 5), row("pool-2", 5)], NOW);
        assert_eq!(watch.counts(), (1, 0));
    }

    #[test]
    fn what_has_no_samples_any_more_is_forgotten() {
        let (mut watch, keys) = (Watch::default(), [real_time("*")]);
        let _ = watch.answered(&keys, &[row("pool-1", 5)], NOW);
        let _ = watch.answered(&keys, &[], NOW + ENDED_RETENTION - 1);
        assert_eq!(watch.counts(), (1, 0));
        let _ = watch.answered(&keys, &[], NOW + ENDED_RETENTION);
        assert_eq!(watch.counts(), (0, 0));
    }

    #[test]
    fn what_has_real_time_metrics_is_newer_and_the_rest_goes_on_with_averages() {
        let averages = || Arc::new(vec![row("pool-1", 200), row("pool-2", 200)]);
        let ages = |rows: Arc<Vec<Row>>| -> Vec<(String, i64)> {
            rows.iter().map(|row| (row.entity.clone(), (NOW - row.time) / SECOND)).collect()
        };
        let of = |newest: &[Row]| ages(preferred(newest, averages(), NOW));
        let both = |first: i64, second: i64| {
            vec![("pool-1".to_owned(), first), ("pool-2".to_owned(), second)]
        };
        assert_eq!(of(&[row("pool-1", 5)]), both(5, 200));
        assert_eq!(of(&[row("pool-1", 5), row("pool-2", 10)]), both(5, 10));
        // Those of the second have ended, or there are none.
        assert_eq!(of(&[row("pool-1", 5), row("pool-2", 300)]), both(5, 200));
        assert_eq!(of(&[]), both(200, 200));
    }

    #[test]
    fn the_policy_is_read_as_each_kind_has_it() {
        let on = json!({"metrics_realtime_update": {"enabled": true, "duration": 30}});
        let pool_off = json!({"enable_realtime_metrics": false});
        assert_eq!(switched_on(Entity::VirtualService, Some(&on)), Some(true));
        assert_eq!(switched_on(Entity::Pool, Some(&pool_off)), Some(false));
        assert_eq!(switched_on(Entity::Pool, Some(&on)), None);
        for odd in [json!([]), json!("on"), json!({"enable_realtime_metrics": 1}), json!(null)] {
            assert_eq!(switched_on(Entity::Pool, Some(&odd)), None, "{odd}");
        }
        assert_eq!(switched_on(Entity::VirtualService, None), None);
    }

    #[test]
    fn the_reason_is_that_of_all_objects_or_a_question() {
        let ended = why_old([RealTimeState::Ended, RealTimeState::Ended].into_iter());
        assert!(ended.contains("have ended"), "{ended}");
        assert!(why_old([RealTimeState::Off].into_iter()).contains("switched off"));
        for unsure in
            [&[RealTimeState::Ended, RealTimeState::Off][..], &[RealTimeState::Unknown], &[]]
        {
            assert!(why_old(unsure.iter().copied()).ends_with('?'), "{unsure:?}");
        }
    }
}
