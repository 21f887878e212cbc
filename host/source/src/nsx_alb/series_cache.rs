//! The requested metrics of a controller, their newest series, and when each is due again. No I/O, no clock.
//!
//! Many mappings need few calls: all keys that are due share them. A metric is requested once in each step
//! of the controller, shortly after its next sample is expected.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::decode::Row;
use super::error::AlbError;
use super::query::Entity;
use super::request::{MetricRequest, Target};
use super::settings::Step;
use super::shared_call::SharedCall;
use leadsman_model::tenant::Tenant;

/// A metric of one object, or of all of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) entity: Entity,
    pub(super) target: Target,
    pub(super) servers: bool,
    pub(super) step: Step,
    pub(super) metric: Arc<str>,
}

/// The series of a key, or why there are none.
pub(super) type SeriesResult = Result<Arc<Vec<Row>>, AlbError>;

/// The requested keys, each with its newest series.
#[derive(Default)]
pub(super) struct SeriesCache(HashMap<Key, Entry>);

struct Entry {
    wanted: Instant,
    known: Option<(SeriesResult, Instant)>,
    /// Whether it needs a call of its own, since a shared one failed because of it.
    alone: bool,
    /// The team that requested it first, unless the operator requests it.
    of: Option<Tenant>,
}

/// A key that was not requested for so long, beyond two steps, is dropped.
const UNUSED_RETENTION: Duration = Duration::from_secs(120);

/// The maximum number of keys of a team, besides those that others request: some for each mapping of its quota.
/// Each is part of a call in each step.
const MAX_KEYS_OF_TEAM: usize = 200;

/// The delay before another attempt after an error, and after a refused metric.
const RETRY_DELAY: Duration = Duration::from_secs(1);
const REFUSED_RETRY_DELAY: Duration = Duration::from_secs(30);

impl SeriesCache {
    /// Whether a tenant may request a key. A team has a bound on its keys; those that others request do not
    /// count for it.
    pub(super) fn admit(
        &mut self,
        key: &Key,
        tenant: &Tenant,
        now: Instant,
    ) -> Result<(), AlbError> {
        if let Some(entry) = self.0.get_mut(key) {
            if matches!(tenant, Tenant::Operator { .. }) {
                entry.of = None;
            }
            return Ok(());
        }
        let of = matches!(tenant, Tenant::Team { .. }).then(|| tenant.clone());
        if of.is_some() {
            let of_team = |entry: &&Entry| entry.of == of;
            if self.0.values().filter(of_team).count() >= MAX_KEYS_OF_TEAM {
                self.drop_unused(now);
            }
            if self.0.values().filter(of_team).count() >= MAX_KEYS_OF_TEAM {
                return Err(AlbError::TooManyMetrics { limit: MAX_KEYS_OF_TEAM });
            }
        }
        self.0.insert(key.clone(), Entry { wanted: now, known: None, alone: false, of });
        Ok(())
    }

    /// Drops keys that nobody has requested for a while.
    fn drop_unused(&mut self, now: Instant) {
        self.0.retain(|key, entry| {
            let kept = UNUSED_RETENTION + 2 * key.step.length();
            now.saturating_duration_since(entry.wanted) < kept
        });
    }

    /// Requests a key. Returns its series while they are recent enough.
    pub(super) fn request(&mut self, key: &Key, now: Instant) -> Option<SeriesResult> {
        let new = Entry { wanted: now, known: None, alone: false, of: None };
        let entry = self.0.entry(key.clone()).or_insert(new);
        entry.wanted = now;
        let (known, due) = entry.known.as_ref()?;
        (now < *due).then(|| known.clone())
    }

    /// The newest series of a key, however old they are.
    pub(super) fn newest(&self, key: &Key) -> Option<SeriesResult> {
        self.0.get(key)?.known.as_ref().map(|(known, _)| known.clone())
    }

    /// The time of the newest sample of all.
    pub(super) fn newest_time(&self) -> Option<i64> {
        let known = self.0.values().filter_map(|entry| entry.known.as_ref()?.0.as_ref().ok());
        known.flat_map(|rows| rows.iter().map(|row| row.time)).max()
    }

    /// The calls to make now that one is due, each as its keys. Keys that are due within a moment are included,
    /// so that they need no call of their own. Drops unused keys.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Vec<Key>> {
        self.drop_unused(now);
        let is_due = |key: &Key, entry: &Entry| {
            entry.known.as_ref().is_none_or(|(_, due)| *due <= now + lag(key.step) / 2)
        };
        let due = self.0.iter().filter(|(key, entry)| is_due(key, entry));
        let mut shared = BTreeMap::<_, Vec<Key>>::new();
        let mut calls = Vec::new();
        for (key, entry) in due {
            if entry.alone {
                calls.push(vec![key.clone()]);
                continue;
            }
            let family = key.metric.split('.').next().unwrap_or_default().to_owned();
            let single = (!key.entity.takes_many_metrics()).then(|| key.metric.clone());
            let of = (key.entity, key.target.clone(), key.servers, key.step, family, single);
            shared.entry(of).or_default().push(key.clone());
        }
        let mut shared_calls: Vec<SharedCall> = Vec::new();
        for request in shared.into_values() {
            match shared_calls.iter_mut().find(|call| call.can_take(&request)) {
                Some(call) => call.take(request),
                None => {
                    let mut call = SharedCall::default();
                    call.take(request);
                    shared_calls.push(call);
                }
            }
        }
        calls.extend(shared_calls.into_iter().map(|call| call.into_keys()));
        calls
    }

    /// A call was answered at a time, in milliseconds since the epoch; `None` if samples have no times
    /// of their own, so that nobody knows when the next one is there.
    pub(super) fn answered(
        &mut self,
        keys: &[Key],
        rows: Vec<Row>,
        at: Instant,
        time: Option<i64>,
    ) {
        let mut by_metric = HashMap::<String, Vec<Row>>::new();
        for row in rows {
            by_metric.entry(row.metric.clone()).or_default().push(row);
        }
        for key in keys {
            let Some(entry) = self.0.get_mut(key) else { continue };
            let all = by_metric.get(&*key.metric).map(Vec::as_slice).unwrap_or_default();
            let of_key = of_key(key, all);
            let newest = of_key.iter().map(|row| row.time).max();
            let wait = time.map(|time| until_next(key.step, newest, time));
            entry.alone = false;
            entry.known = Some((Ok(Arc::new(of_key)), at + wait.unwrap_or(key.step.length())));
        }
    }

    /// A call failed.
    pub(super) fn failed(&mut self, keys: &[Key], error: &AlbError, now: Instant) {
        let refused = matches!(error, AlbError::Refused { .. });
        for key in keys {
            let Some(entry) = self.0.get_mut(key) else { continue };
            if refused {
                entry.alone = true;
            }
            let retry = if refused { REFUSED_RETRY_DELAY } else { RETRY_DELAY };
            entry.known = Some((Err(error.clone()), now + retry));
        }
    }
}

/// The series of a key among those of its metric. A pool whose servers have series has one of its own
/// besides them, or not.
fn of_key(key: &Key, rows: &[Row]) -> Vec<Row> {
    let is_meant = |row: &&Row| match &key.target {
        Target::All => true,
        Target::One(uuid) => row.entity == **uuid,
    };
    let have_own: HashSet<&str> = match key.servers {
        true => HashSet::new(),
        false => {
            let own = rows.iter().filter(|row| row.server.is_none());
            own.map(|row| row.entity.as_str()).collect()
        }
    };
    let is_chosen = |row: &&Row| match key.servers {
        true => row.server.is_some(),
        false => row.server.is_none() || !have_own.contains(row.entity.as_str()),
    };
    rows.iter().filter(is_meant).filter(is_chosen).cloned().collect()
}

/// The delay between the time of a sample and its availability.
fn lag(step: Step) -> Duration {
    (step.length() / 10).clamp(Duration::from_secs(1), Duration::from_secs(30))
}

/// The time until the sample after the newest is expected.
fn until_next(step: Step, newest: Option<i64>, now: i64) -> Duration {
    let (length, lag) = (step.length(), lag(step));
    let in_milliseconds = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let Some(newest) = newest else { return length };
    let since = now.saturating_sub(newest.saturating_add(in_milliseconds(lag)));
    let left = in_milliseconds(length) - since.rem_euclid(in_milliseconds(length));
    Duration::from_millis(u64::try_from(left).unwrap_or_default())
}

/// The metric requests of a call.
pub(super) fn requests(keys: &[Key]) -> Vec<MetricRequest> {
    let mut requests: Vec<MetricRequest> = Vec::new();
    for key in keys {
        let family = |metric: &str| metric.split('.').next().map(str::to_owned);
        let joins = |request: &&mut MetricRequest| {
            key.entity.takes_many_metrics()
                && request.entity == key.entity
                && request.target == key.target
                && request.servers == key.servers
                && request.step == key.step
                && request.metrics.first().and_then(|metric| family(metric)) == family(&key.metric)
        };
        match requests.iter_mut().rev().find(joins) {
            Some(request) => request.metrics.push(key.metric.clone()),
            None => requests.push(MetricRequest {
                entity: key.entity,
                target: key.target.clone(),
                servers: key.servers,
                step: key.step,
                metrics: vec![key.metric.clone()],
            }),
        }
    }
    requests
}

#[cfg(test)]
pub(super) mod tests;
