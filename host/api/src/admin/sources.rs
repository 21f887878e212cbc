//! The sources of the page: rate of queries, latency, and the result of the last one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use leadsman_evaluation::{BoundQuery, Evaluations};
use leadsman_runtime::clock;
use leadsman_runtime::telemetry::TrafficSummary;

/// The most mappings of a source that are listed.
const MAX_MAPPINGS: usize = 20;

/// Nothing was answered for this long, in milliseconds, before it is said that nothing is: one query that
/// fails among others that do not is a fault of that query.
const FAILING_AFTER: i64 = 15_000;

/// For this long it is said that some queries fail.
const FAILURE_MAX_AGE: i64 = 60_000;

/// Each source that a mapping asks, in the order of names.
pub(super) fn of<'e>(
    all: impl Iterator<Item = &'e Arc<Evaluations>>,
    now: Instant,
) -> BTreeMap<String, Value> {
    let mut sources: BTreeMap<String, (&BoundQuery, Vec<String>)> = BTreeMap::new();
    for evaluations in all {
        let mapping = evaluations.mapping();
        for query in &mapping.queries {
            let name = query.source_name.clone();
            let (_, titles) = sources.entry(name).or_insert_with(|| (query, Vec::new()));
            if titles.last() != Some(&mapping.title()) {
                titles.push(mapping.title());
            }
        }
    }
    let reported = |(name, (query, titles)): (String, (&BoundQuery, Vec<String>))| {
        let value = source(&name, query, &titles, now);
        (name, value)
    };
    sources.into_iter().map(reported).collect()
}

fn source(name: &str, query: &BoundQuery, titles: &[String], now: Instant) -> Value {
    let TrafficSummary { in_flight, per_minute, p99, last_success, last_failure } =
        query.traffic.summary(now);
    let last_failed = last_failure.as_ref().map(|(at, _)| *at);
    json!({
        "name": name,
        "state": state(last_success, last_failed, clock::now()),
        "inFlight": in_flight,
        "perMinute": per_minute.round(),
        "p99Seconds": p99.map(|time| time.as_secs_f64()),
        "lastSuccess": last_success,
        "lastFailure": last_failed,
        "lastError": last_failure.map(|(_, why)| why),
        "told": query.source.state(),
        "mappings": titles.iter().take(MAX_MAPPINGS).collect::<Vec<_>>(),
        "mappingsTotal": titles.len(),
    })
}

/// The state of a source that last answered and last failed at these times, in milliseconds since the
/// epoch.
fn state(answered: Option<i64>, failed: Option<i64>, now: i64) -> &'static str {
    match (answered, failed) {
        (None, None) => "unread",
        (Some(_), None) => "ok",
        (None, Some(_)) => "failing",
        (Some(answered), Some(failed)) if failed >= answered && now - answered >= FAILING_AFTER => {
            "failing"
        }
        (_, Some(failed)) if now - failed < FAILURE_MAX_AGE => "someFail",
        _ => "ok",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_query_that_fails_is_no_source_that_fails() {
        let now = 1_000_000;
        for (answered, failed, expected) in [
            (None, None, "unread"),
            (Some(1), None, "ok"),
            (None, Some(now), "failing"),
            (Some(now - 1000), Some(now), "someFail"),
            (Some(now), Some(now - 1000), "someFail"),
            (Some(now), Some(now - 61_000), "ok"),
            (Some(now - 15_000), Some(now - 14_000), "failing"),
            // Nobody asks any more.
            (Some(now - 70_000), Some(now - 80_000), "ok"),
        ] {
            assert_eq!(state(answered, failed, now), expected, "{answered:?} {failed:?}");
        }
    }
}
