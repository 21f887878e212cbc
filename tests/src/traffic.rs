//! An application whose counters increase over time, which a Prometheus scrapes.
//!
//! Each sample has a timestamp, so that rates are exact even if a scrape is late.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::reply::Reply;
use crate::upstream::Upstream;

/// The application. Series are identified as in an exposition: `requests{pod="web-0"}`.
pub struct Traffic {
    series: Arc<Mutex<BTreeMap<String, Series>>>,
    server: Upstream,
}

/// A value that changes linearly.
#[derive(Debug, Clone, Copy)]
struct Series {
    /// The value at the time `from`, in milliseconds since the epoch.
    value: f64,
    from: u64,
    per_second: f64,
    /// The time of the last sample that was scraped.
    scraped: u64,
}

/// The interval of samples, in milliseconds. A scrape contains all samples since the previous
/// scrape, so the first one of a series that begins in the past has many.
const STEP: usize = 1000;

impl Traffic {
    /// An application without series.
    pub async fn start() -> Self {
        let series = Arc::new(Mutex::new(BTreeMap::new()));
        let server = Upstream::start(page(&series)).await;
        let shared = series.clone();
        server.reply_with(move |_| page(&shared));
        Self { series, server }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Sets the value of a series.
    pub fn set(&self, series: &str, value: f64) {
        self.change(series, |from, old| Series { value, per_second: 0.0, ..next(from, old) });
    }

    /// Sets the rate of a counter, per second.
    pub fn set_rate(&self, series: &str, per_second: f64) {
        self.change(series, |from, old| Series { per_second, ..next(from, old) });
    }

    /// Adds a counter that has increased by `per_second` for the last `seconds` seconds, and
    /// continues to increase.
    pub fn backfill_rate(&self, series: &str, per_second: f64, seconds: u64) {
        self.change(series, |now, _| {
            let from = now - seconds * 1000;
            Series { value: 0.0, from, per_second, scraped: from }
        });
    }

    fn change(&self, series: &str, change: impl FnOnce(u64, Option<Series>) -> Series) {
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(now(), all.get(series).copied());
        // An unchanged rate keeps its origin, since another origin would round differently.
        let same = all.get(series).is_some_and(|old| {
            old.per_second == changed.per_second && old.value_at(changed.from) == changed.value
        });
        if !same {
            all.insert(series.to_owned(), changed);
        }
    }
}

impl Series {
    fn value_at(&self, time: u64) -> f64 {
        self.value + self.per_second * (time.saturating_sub(self.from) as f64) / 1000.0
    }
}

/// The same series with its current value and time as the new origin.
fn next(now: u64, old: Option<Series>) -> Series {
    let fresh = Series { value: 0.0, from: now, per_second: 0.0, scraped: now };
    old.map_or(fresh, |old| Series { value: old.value_at(now), from: now, ..old })
}

/// All samples until now.
fn page(series: &Mutex<BTreeMap<String, Series>>) -> Reply {
    let mut all = series.lock().unwrap_or_else(PoisonError::into_inner);
    let now = now();
    let mut text = String::new();
    for (name, series) in all.iter_mut() {
        for time in (series.scraped..now).step_by(STEP).skip(1).chain([now]) {
            let _ = writeln!(text, "{name} {} {time}", series.value_at(time));
        }
        series.scraped = now;
    }
    Reply::new(200, "text/plain; version=0.0.4", text)
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
