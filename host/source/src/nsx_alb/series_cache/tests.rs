//! What is asked in a call, and when.

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
    let (mut cache, now) = (SeriesCache::default(), Instant::now());
    for number in 0..50 {
        for family in ["l4_server", "l7_server"] {
            let key = key(Entity::Pool, "*", &format!("{family}.avg_{number}"));
            assert_eq!(cache.request(&key, now), None);
        }
    }
    let calls = cache.due(now);
    assert_eq!(calls.len(), 1);
    let requests = requests(&calls[0]);
    assert_eq!(requests.len(), 2);
    for request in requests {
        let families = request.metrics.iter().map(|metric| metric.split('.').next().unwrap());
        let families: std::collections::BTreeSet<_> = families.collect();
        assert_eq!((request.metrics.len(), families.len()), (50, 1));
    }
    // Objects by hand share calls as well.
    let mut cache = SeriesCache::default();
    for number in 0..100 {
        let _ = cache.request(&key(Entity::Pool, &format!("pool-{number}"), CONNS), now);
    }
    assert_eq!(cache.due(now).len(), 2);
}

#[test]
fn no_call_asks_twice_for_a_metric_of_one_object() {
    let now = Instant::now();
    let real_time = Key { step: Step::FiveSeconds, ..key(Entity::Pool, "pool-1", CONNS) };
    let servers = Key { servers: true, ..key(Entity::Pool, "pool-1", CONNS) };
    for other in [key(Entity::Pool, "*", CONNS), real_time, servers] {
        let mut cache = SeriesCache::default();
        let by_name = key(Entity::Pool, "pool-1", CONNS);
        let _ = (cache.request(&by_name, now), cache.request(&other, now));
        let mut calls = cache.due(now);
        calls.sort();
        let mut expected = vec![vec![by_name.clone()], vec![other.clone()]];
        expected.sort();
        assert_eq!(calls, expected);
    }
    // Other objects, and other metrics of the same one, share a call.
    let mut cache = SeriesCache::default();
    for (pool, metric) in
        [("pool-1", CONNS), ("pool-2", CONNS), ("pool-1", "l7_server.avg_resp_latency")]
    {
        let _ = cache.request(&key(Entity::Pool, pool, metric), now);
    }
    assert_eq!(cache.due(now).len(), 1);
}

#[test]
fn service_engines_have_one_metric_in_a_request() {
    let (mut cache, now) = (SeriesCache::default(), Instant::now());
    for metric in ["se_if.avg_bandwidth", "se_if.avg_rx_pkts"] {
        let _ = cache.request(&key(Entity::ServiceEngine, "*", metric), now);
    }
    let calls = cache.due(now);
    assert_eq!((calls.len(), requests(&calls[0]).len()), (1, 2));
}

#[test]
fn a_metric_is_asked_for_once_for_each_step() {
    let (mut cache, start) = (SeriesCache::default(), Instant::now());
    let key = key(Entity::Pool, "*", CONNS);
    let at = |seconds| start + Duration::from_secs(seconds);
    let _ = cache.request(&key, start);
    // The sample was taken 100 s ago, so that the next is to be there in 200 s and a lag.
    cache.answered(
        std::slice::from_ref(&key),
        vec![row("pool-1", None, 900 * SECOND)],
        start,
        Some(1000 * SECOND),
    );
    assert!(cache.request(&key, at(229)).is_some_and(|known| known.is_ok()));
    assert_eq!(cache.due(at(214)), Vec::<Vec<Key>>::new());
    assert_eq!(cache.due(at(215)).len(), 1, "along with what is due");
    assert_eq!(cache.request(&key, at(230)), None);
    assert_eq!(cache.due(at(230)), [vec![key.clone()]]);
    // Where it is not there in time, it is waited for until the one after it.
    let late = vec![row("pool-1", None, 900 * SECOND)];
    cache.answered(std::slice::from_ref(&key), late, at(230), Some(1230 * SECOND));
    assert!(cache.request(&key, at(529)).is_some());
    assert_eq!(cache.request(&key, at(530)), None);
    cache.answered(std::slice::from_ref(&key), vec![], at(530), Some(1530 * SECOND));
    assert!(cache.request(&key, at(829)).is_some_and(|known| known.unwrap().is_empty()));
    // Where samples have no times, a step after it was asked for.
    let untimed = vec![row("pool-1", None, 1830 * SECOND)];
    cache.answered(std::slice::from_ref(&key), untimed, at(830), None);
    assert!(cache.request(&key, at(1129)).is_some());
    assert_eq!(cache.request(&key, at(1130)), None);
}

#[test]
fn what_nobody_wants_is_not_asked_for() {
    let (mut cache, start) = (SeriesCache::default(), Instant::now());
    let _ = cache.request(&key(Entity::Pool, "*", CONNS), start);
    assert_eq!(cache.due(start + Duration::from_secs(719)).len(), 1);
    assert_eq!(cache.due(start + Duration::from_secs(720)).len(), 0);
    assert!(cache.0.is_empty());
}

#[test]
fn a_refused_metric_fails_alone_from_then_on() {
    let (mut cache, now) = (SeriesCache::default(), Instant::now());
    let [good, bad] = [CONNS, "l4_server.avg_nonsense"].map(|id| key(Entity::Pool, "*", id));
    let _ = (cache.request(&good, now), cache.request(&bad, now));
    assert_eq!(cache.due(now).len(), 1);
    let status = StatusCode::BAD_REQUEST;
    let error = AlbError::Refused { status, message: "no such metric".to_owned() };
    cache.failed(std::slice::from_ref(&bad), &error, now);
    assert_eq!(cache.request(&bad, now), Some(Err(error)));
    let later = now + REFUSED_RETRY_DELAY;
    let mut calls = cache.due(later);
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

/// Calls in an hour for a hundred mappings of ten metrics of four families, read each second.
fn calls_of_an_hour(step: Step) -> u64 {
    let (mut cache, start, mut calls) = (SeriesCache::default(), Instant::now(), 0);
    let families = ["l4_server", "l7_server", "l4_client", "l7_client"];
    let metric = |mapping: usize| {
        let number = mapping % 10;
        format!("{}.avg_{number}", families[number % families.len()])
    };
    let keys: Vec<_> =
        (0..100).map(|mapping| Key { step, ..key(Entity::Pool, "*", &metric(mapping)) }).collect();
    for second in 0..3600 {
        let now = start + Duration::from_secs(second);
        let missing = keys.iter().filter(|key| cache.request(key, now).is_none()).count();
        if missing == 0 {
            continue;
        }
        let time = i64::try_from(second).unwrap() * SECOND;
        let newest = i64::try_from(second / step.seconds() * step.seconds()).unwrap() * SECOND;
        for asked in cache.due(now) {
            calls += 1;
            let rows = asked
                .iter()
                .map(|key| Row { metric: key.metric.to_string(), ..row("pool-1", None, newest) })
                .collect();
            cache.answered(&asked, rows, now, Some(time));
        }
    }
    calls
}

/// One call in each step, whatever the number of mappings and readers, and one at the beginning.
#[test]
fn calls_a_minute_follow_from_the_step() {
    for (step, each_minute) in [(Step::FiveSeconds, 12.0), (Step::FiveMinutes, 0.2)] {
        let calls = calls_of_an_hour(step);
        assert_eq!(calls, 1 + 3600 / step.seconds(), "{step:?}");
        let per_minute = f64::from(u32::try_from(calls - 1).unwrap()) / 60.0;
        assert!((per_minute - each_minute).abs() < 1e-9, "{per_minute} in steps of {step:?}");
    }
    assert_eq!(calls_of_an_hour(Step::Hour), 2);
}

#[test]
fn a_team_has_a_bound_of_its_own() {
    let (mut cache, now) = (SeriesCache::default(), Instant::now());
    let team = |name: &str| Tenant::Team { namespace: name.parse().unwrap() };
    let pool = |number: usize| key(Entity::Pool, &format!("pool-{number}"), CONNS);
    for number in 0..MAX_KEYS_OF_TEAM {
        assert_eq!(cache.admit(&pool(number), &team("a"), now), Ok(()));
    }
    let one_more = pool(MAX_KEYS_OF_TEAM);
    let refused = Err(AlbError::TooManyMetrics { limit: MAX_KEYS_OF_TEAM });
    assert_eq!(cache.admit(&one_more, &team("a"), now), refused);
    // What it has goes on; others have room; and what they want costs it nothing.
    assert_eq!(cache.admit(&pool(0), &team("a"), now), Ok(()));
    assert_eq!(cache.admit(&one_more, &team("b"), now), Ok(()));
    assert_eq!(cache.admit(&one_more, &team("a"), now), Ok(()));
    for number in 0..2 * MAX_KEYS_OF_TEAM {
        assert_eq!(cache.admit(&pool(1000 + number), &Tenant::default(), now), Ok(()));
    }
    // What the operator wants, too, does not count.
    assert_eq!(cache.admit(&pool(1), &Tenant::default(), now), Ok(()));
    assert_eq!(cache.admit(&pool(500), &team("a"), now), Ok(()));
    assert_eq!(cache.admit(&pool(501), &team("a"), now), refused);
    // What it wants no more makes room.
    let later = now + UNUSED_RETENTION + 2 * Step::FiveMinutes.length();
    assert_eq!(cache.admit(&pool(501), &team("a"), later), Ok(()));
}
