//! Recent queries of each source for people: number, latency and last result. The metrics for Prometheus are
//! counters and histograms; a page has no earlier scrape to compute a rate from.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::clock;

/// The most queries of a source whose times are kept: 24 bytes each.
const MAX_TIMES: usize = 2048;

/// For how long the time of a query counts.
const TIMES_WINDOW: Duration = Duration::from_secs(300);

/// What "a minute" is.
const MINUTE: Duration = Duration::from_secs(60);

/// The longest message of a failure that is kept, in characters.
const MAX_MESSAGE: usize = 1000;

/// What is asked of all sources, by name. A source is forgotten with its last user.
#[derive(Debug, Clone, Default)]
pub(super) struct AllTraffic(Arc<Mutex<HashMap<String, Weak<SourceTraffic>>>>);

impl AllTraffic {
    pub(super) fn named(&self, name: &str) -> Arc<SourceTraffic> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(name).and_then(Weak::upgrade) {
            return known;
        }
        all.retain(|_, known| known.strong_count() > 0);
        let new = Arc::new(SourceTraffic::default());
        all.insert(name.to_owned(), Arc::downgrade(&new));
        new
    }
}

/// What is asked of one source.
#[derive(Debug, Default)]
pub struct SourceTraffic {
    in_flight: AtomicUsize,
    past: Mutex<RecentQueries>,
}

#[derive(Debug, Default)]
struct RecentQueries {
    /// When each of the newest queries ended, and how long it took.
    times: VecDeque<(Instant, Duration)>,
    last_success: Option<i64>,
    last_failure: Option<(i64, String)>,
}

/// What was asked of a source lately.
#[derive(Debug, Clone, PartialEq)]
pub struct TrafficSummary {
    /// Queries under way.
    pub in_flight: usize,
    /// Queries that ended within the last minute; a rate where these are more than are kept.
    pub per_minute: f64,
    /// How long 99 of 100 queries of the last five minutes took at most; `None` if there was none.
    pub p99: Option<Duration>,
    /// When one was last answered, in milliseconds since the epoch.
    pub last_success: Option<i64>,
    /// When one last failed, in milliseconds since the epoch, and why.
    pub last_failure: Option<(i64, String)>,
}

/// A query under way. It is over when this is dropped.
#[derive(Debug)]
pub struct QueryUnderWay<'a> {
    traffic: &'a SourceTraffic,
    begun: Instant,
}

impl SourceTraffic {
    /// A query begins.
    pub fn begin(&self) -> QueryUnderWay<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        QueryUnderWay { traffic: self, begun: Instant::now() }
    }

    /// What was asked lately.
    pub fn summary(&self, now: Instant) -> TrafficSummary {
        let past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        let within = |window: Duration| {
            past.times
                .iter()
                .filter(move |(ended, _)| now.saturating_duration_since(*ended) < window)
        };
        let mut took: Vec<_> = within(TIMES_WINDOW).map(|(_, took)| *took).collect();
        took.sort_unstable();
        let p99 = took.get((took.len() * 99).div_ceil(100).saturating_sub(1)).copied();
        let minute = within(MINUTE).count();
        let per_minute = match past.times.front() {
            // All that are kept are of the last minute: there were more.
            Some((oldest, _)) if minute == MAX_TIMES => {
                let span = now.saturating_duration_since(*oldest).max(Duration::from_millis(1));
                minute as f64 * MINUTE.as_secs_f64() / span.as_secs_f64()
            }
            _ => minute as f64,
        };
        TrafficSummary {
            in_flight: self.in_flight.load(Ordering::Relaxed),
            per_minute,
            p99,
            last_success: past.last_success,
            last_failure: past.last_failure.clone(),
        }
    }

    fn ended(&self, now: Instant, took: Duration, failure: Option<String>) {
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        past.times.push_back((now, took));
        if past.times.len() > MAX_TIMES {
            past.times.pop_front();
        }
        match failure {
            None => past.last_success = Some(clock::now()),
            Some(message) => {
                let message = message.chars().take(MAX_MESSAGE).collect();
                past.last_failure = Some((clock::now(), message));
            }
        }
    }
}

impl QueryUnderWay<'_> {
    /// It was answered, or failed for this reason.
    pub fn ended(self, failure: Option<String>) {
        let now = Instant::now();
        self.traffic.ended(now, now.saturating_duration_since(self.begun), failure);
    }
}

impl Drop for QueryUnderWay<'_> {
    fn drop(&mut self) {
        self.traffic.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_lately_is_summed_up() {
        let traffic = SourceTraffic::default();
        let start = Instant::now();
        let none = traffic.summary(start);
        assert_eq!((none.in_flight, none.per_minute, none.p99), (0, 0.0, None));
        let under_way = traffic.begin();
        assert_eq!(traffic.summary(start).in_flight, 1);
        under_way.ended(Some("x".repeat(5000)));
        let summary = traffic.summary(Instant::now());
        assert_eq!((summary.in_flight, summary.last_success), (0, None));
        assert_eq!(summary.last_failure.unwrap().1.len(), MAX_MESSAGE);
        // One that nobody waits for any more counts as nothing.
        drop(traffic.begin());
        assert_eq!(traffic.summary(Instant::now()).in_flight, 0);
        assert!(traffic.summary(Instant::now()).last_success.is_none());
    }

    #[test]
    fn the_slowest_of_a_hundred_is_beyond_the_99th() {
        let traffic = SourceTraffic::default();
        let start = Instant::now();
        for at in 1..=100 {
            traffic.ended(start, Duration::from_millis(at), None);
        }
        let summary = traffic.summary(start);
        assert_eq!(summary.p99, Some(Duration::from_millis(99)));
        assert_eq!(summary.per_minute, 100.0);
        let later = traffic.summary(start + Duration::from_secs(61));
        assert_eq!((later.per_minute, later.p99), (0.0, Some(Duration::from_millis(99))));
        assert_eq!(traffic.summary(start + Duration::from_secs(301)).p99, None);
    }

    #[test]
    fn of_many_a_rate_is_told() {
        let (traffic, start) = (SourceTraffic::default(), Instant::now());
        for _ in 0..MAX_TIMES * 2 {
            traffic.ended(start, Duration::ZERO, None);
        }
        let summary = traffic.summary(start + Duration::from_secs(30));
        assert_eq!(summary.per_minute, 2.0 * 2048.0);
    }

    #[test]
    fn a_source_is_forgotten_with_its_last_user() {
        let all = AllTraffic::default();
        let first = all.named("prometheus");
        first.ended(Instant::now(), Duration::ZERO, None);
        assert!(Arc::ptr_eq(&first, &all.named("prometheus")));
        drop(first);
        assert!(all.named("prometheus").summary(Instant::now()).last_success.is_none());
    }
}
