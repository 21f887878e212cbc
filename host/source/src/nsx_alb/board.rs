//! What is wanted of a controller, what is known of it, and when it is to be asked again: without
//! I/O or clock.
//!
//! Many mappings are few calls: everything that is due is asked for at once. A metric is asked for
//! once for each step of the controller, shortly after its next sample should be there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::decode::Row;
use super::error::AlbError;
use super::query::Entity;
use super::request::{MetricRequest, Target};
use super::settings::Step;
use super::shared_call::SharedCall;

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
pub(super) type Known = Result<Arc<Vec<Row>>, AlbError>;

/// What is wanted and known.
#[derive(Default)]
pub(super) struct Board(HashMap<Key, Entry>);

struct Entry {
    wanted: Instant,
    known: Option<(Known, Instant)>,
    /// Whether it made a call fail that it shared with others.
    alone: bool,
}

/// A key that nobody has wanted for so long, beyond two steps, is dropped.
const KEPT_UNWANTED: Duration = Duration::from_secs(120);

/// How long an error counts before another attempt, and how long that of a refused metric does.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_REFUSED: Duration = Duration::from_secs(30);

impl Board {
    /// Somebody wants a key. Gives what is known of it, as long as that counts.
    pub(super) fn want(&mut self, key: &Key, now: Instant) -> Option<Known> {
        let entry =
            self.0.entry(key.clone()).or_insert(Entry { wanted: now, known: None, alone: false });
        entry.wanted = now;
        let (known, due) = entry.known.as_ref()?;
        (now < *due).then(|| known.clone())
    }

    /// The newest that is known of a key, whether it still counts or not.
    pub(super) fn newest(&self, key: &Key) -> Option<Known> {
        self.0.get(key)?.known.as_ref().map(|(known, _)| known.clone())
    }

    /// The time of the newest sample of all.
    pub(super) fn newest_time(&self) -> Option<i64> {
        let known = self.0.values().filter_map(|entry| entry.known.as_ref()?.0.as_ref().ok());
        known.flat_map(|rows| rows.iter().map(|row| row.time)).max()
    }

    /// The calls that are to be made now that one is due, each as the keys that it is for: with what
    /// will be due in a moment, so that it needs no call of its own. Drops what nobody wants any
    /// more.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Vec<Key>> {
        self.0.retain(|key, entry| {
            let kept = KEPT_UNWANTED + 2 * key.step.length();
            now.saturating_duration_since(entry.wanted) < kept
        });
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
            let retry = if refused { RETRY_REFUSED } else { RETRY };
            entry.known = Some((Err(error.clone()), now + retry));
        }
    }
}

/// The series of a key among those of its metric. A pool whose servers have series has one of its own
/// beside them, or not.
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

/// How long after its time a sample is expected to be there.
fn lag(step: Step) -> Duration {
    (step.length() / 10).clamp(Duration::from_secs(1), Duration::from_secs(30))
}

/// How long it takes until the sample after the newest should be there.
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
pub(super) mod tests {
    use super::*;
    use http::StatusCode;

    pub(in super::super) fn key(entity: Entity, target: &str, metric: &str) -> Key {
        let target = match target {
            "*" => Target::All,
            uuid => Target::One(uuid.into()),
        };
        let step = Step::FiveMinutes;
        Key { entity, target, servers: false, step, metric: metric.into() }
    }

    fn row(entity: &str, server: Option<&str>, time: i64) -> Row {
        Row {
            entity: entity.to_owned(),
            metric: "l4_server.avg_open_conns".to_owned(),
            server: server.map(str::to_owned),
            unit: None,
            sum_invalid: false,
            time,
            value: 1.0,
        }
    }

    const CONNS: &str = "l4_server.avg_open_conns";
    const SECOND: i64 = 1000;

    #[test]
    fn a_hundred_metrics_are_few_calls_by_family() {
        let (mut board, now) = (Board::default(), Instant::now());
        for number in 0..50 {
            for family in ["l4_server", "l7_server"] {
                let key = key(Entity::Pool, "*", &format!("{family}.avg_{number}"));
                assert_eq!(board.want(&key, now), None);
            }
        }
        let calls = board.due(now);
        assert_eq!(calls.len(), 1);
        let requests = requests(&calls[0]);
        assert_eq!(requests.len(), 2);
        for request in requests {
            let families = request.metrics.iter().map(|metric| metric.split('.').next().unwrap());
            let families: std::collections::BTreeSet<_> = families.collect();
            assert_eq!((request.metrics.len(), families.len()), (50, 1));
        }
        // Objects by hand share calls as well.
        let mut board = Board::default();
        for number in 0..100 {
            let _ = board.want(&key(Entity::Pool, &format!("pool-{number}"), CONNS), now);
        }
        assert_eq!(board.due(now).len(), 2);
    }

    #[test]
    fn no_call_asks_twice_for_a_metric_of_one_object() {
        let now = Instant::now();
        let real_time = Key { step: Step::FiveSeconds, ..key(Entity::Pool, "pool-1", CONNS) };
        let servers = Key { servers: true, ..key(Entity::Pool, "pool-1", CONNS) };
        for other in [key(Entity::Pool, "*", CONNS), real_time, servers] {
            let mut board = Board::default();
            let by_name = key(Entity::Pool, "pool-1", CONNS);
            let _ = (board.want(&by_name, now), board.want(&other, now));
            let mut calls = board.due(now);
            calls.sort();
            let mut expected = vec![vec![by_name.clone()], vec![other.clone()]];
            expected.sort();
            assert_eq!(calls, expected);
        }
        // Other objects, and other metrics of the same one, share a call.
        let mut board = Board::default();
        for (pool, metric) in
            [("pool-1", CONNS), ("pool-2", CONNS), ("pool-1", "l7_server.avg_resp_latency")]
        {
            let _ = board.want(&key(Entity::Pool, pool, metric), now);
        }
        assert_eq!(board.due(now).len(), 1);
    }

    #[test]
    fn service_engines_have_one_metric_in_a_request() {
        let (mut board, now) = (Board::default(), Instant::now());
        for metric in ["se_if.avg_bandwidth", "se_if.avg_rx_pkts"] {
            let _ = board.want(&key(Entity::ServiceEngine, "*", metric), now);
        }
        let calls = board.due(now);
        assert_eq!((calls.len(), requests(&calls[0]).len()), (1, 2));
    }

    #[test]
    fn a_metric_is_asked_for_once_for_each_step() {
        let (mut board, start) = (Board::default(), Instant::now());
        let key = key(Entity::Pool, "*", CONNS);
        let at = |seconds| start + Duration::from_secs(seconds);
        let _ = board.want(&key, start);
        // The sample was taken 100 s ago, so that the next is to be there in 200 s and a lag.
        board.answered(
            std::slice::from_ref(&key),
            vec![row("pool-1", None, 900 * SECOND)],
            start,
            Some(1000 * SECOND),
        );
        assert!(board.want(&key, at(229)).is_some_and(|known| known.is_ok()));
        assert_eq!(board.due(at(214)), Vec::<Vec<Key>>::new());
        assert_eq!(board.due(at(215)).len(), 1, "along with what is due");
        assert_eq!(board.want(&key, at(230)), None);
        assert_eq!(board.due(at(230)), [vec![key.clone()]]);
        // Where it is not there in time, it is waited for until the one after it.
        let late = vec![row("pool-1", None, 900 * SECOND)];
        board.answered(std::slice::from_ref(&key), late, at(230), Some(1230 * SECOND));
        assert!(board.want(&key, at(529)).is_some());
        assert_eq!(board.want(&key, at(530)), None);
        board.answered(std::slice::from_ref(&key), vec![], at(530), Some(1530 * SECOND));
        assert!(board.want(&key, at(829)).is_some_and(|known| known.unwrap().is_empty()));
        // Where samples have no times, a step after it was asked for.
        let untimed = vec![row("pool-1", None, 1830 * SECOND)];
        board.answered(std::slice::from_ref(&key), untimed, at(830), None);
        assert!(board.want(&key, at(1129)).is_some());
        assert_eq!(board.want(&key, at(1130)), None);
    }

    #[test]
    fn what_nobody_wants_is_not_asked_for() {
        let (mut board, start) = (Board::default(), Instant::now());
        let _ = board.want(&key(Entity::Pool, "*", CONNS), start);
        assert_eq!(board.due(start + Duration::from_secs(719)).len(), 1);
        assert_eq!(board.due(start + Duration::from_secs(720)).len(), 0);
        assert!(board.0.is_empty());
    }

    #[test]
    fn a_refused_metric_fails_alone_from_then_on() {
        let (mut board, now) = (Board::default(), Instant::now());
        let [good, bad] = [CONNS, "l4_server.avg_nonsense"].map(|id| key(Entity::Pool, "*", id));
        let _ = (board.want(&good, now), board.want(&bad, now));
        assert_eq!(board.due(now).len(), 1);
        let status = StatusCode::BAD_REQUEST;
        let error = AlbError::Refused { status, message: "no such metric".to_owned() };
        board.failed(std::slice::from_ref(&bad), &error, now);
        assert_eq!(board.want(&bad, now), Some(Err(error)));
        let later = now + RETRY_REFUSED;
        let mut calls = board.due(later);
        calls.sort();
        assert_eq!(calls.len(), 2, "{calls:?}");
    }

    #[test]
    fn servers_and_the_pool_itself_are_told_apart() {
        let rows = [
            row("pool-1", None, 1),
            row("pool-1", Some("10.0.0.1:80"), 1),
            row("pool-2", Some("10.0.0.2:80"), 1),
        ];
        let servers = |key: &Key, rows: &[Row]| -> Vec<Option<String>> {
            of_key(key, rows).into_iter().map(|row| row.server).collect()
        };
        let pool = key(Entity::Pool, "pool-1", CONNS);
        assert_eq!(servers(&pool, &rows), [None]);
        let each = Key { servers: true, ..pool.clone() };
        assert_eq!(servers(&each, &rows), [Some("10.0.0.1:80".to_owned())]);
        // A controller that has series for servers alone.
        assert_eq!(servers(&pool, &rows[1..]), [Some("10.0.0.1:80".to_owned())]);
    }
}
