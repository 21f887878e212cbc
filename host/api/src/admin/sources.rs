//! Sources, as the page lists them: what is asked of each, how fast it answers, and how it last ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use leadsman_evaluation::{BoundQuery, Evaluations};
use leadsman_runtime::telemetry::TrafficSummary;

/// The most mappings of a source that are listed.
const MAX_MAPPINGS: usize = 20;

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
    let told = |(name, (query, titles)): (String, (&BoundQuery, Vec<String>))| {
        let value = source(&name, query, &titles, now);
        (name, value)
    };
    sources.into_iter().map(told).collect()
}

fn source(name: &str, query: &BoundQuery, titles: &[String], now: Instant) -> Value {
    let TrafficSummary { in_flight, per_minute, p99, last_success, last_failure } =
        query.traffic.summary(now);
    let failed_last = match (last_success, &last_failure) {
        (_, None) => false,
        (None, Some(_)) => true,
        // Of the same millisecond the failure counts.
        (Some(success), Some((failure, _))) => *failure >= success,
    };
    let state = match (failed_last, last_success) {
        (true, _) => "failing",
        (false, Some(_)) => "ok",
        (false, None) => "unread",
    };
    json!({
        "name": name,
        "state": state,
        "inFlight": in_flight,
        "perMinute": per_minute.round(),
        "p99Seconds": p99.map(|time| time.as_secs_f64()),
        "lastSuccess": last_success,
        "lastFailure": last_failure.as_ref().map(|(at, _)| *at),
        "lastError": last_failure.map(|(_, why)| why),
        "told": query.source.state(),
        "mappings": titles.iter().take(MAX_MAPPINGS).collect::<Vec<_>>(),
        "mappingsTotal": titles.len(),
    })
}
