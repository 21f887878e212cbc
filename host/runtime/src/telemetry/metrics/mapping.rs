//! The metrics of one mapping.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use super::{Counted, FailedFor, Metrics, OfMapping, OfQuery, ReadBy, TriedBy};

/// How a read ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // each stands for the outcome of its name
pub enum ReadOutcome {
    Ok,
    Stale,
    Failed,
    Deadline,
    NotFound,
}

impl ReadOutcome {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Stale => "stale",
            Self::Failed => "failed",
            Self::Deadline => "deadline",
            Self::NotFound => "not_found",
        }
    }
}

/// The metrics of one mapping.
#[derive(Clone)]
pub struct MappingMetrics {
    pub(super) title: String,
    // What every read and evaluation counts is looked up once.
    pub(super) ok: Counter,
    pub(super) evaluations: Counter,
    pub(super) in_use: Gauge,
    pub(super) all: Metrics,
}

impl MappingMetrics {
    /// A read ended.
    pub fn read(&self, outcome: ReadOutcome) {
        match outcome {
            ReadOutcome::Ok => self.ok.inc(),
            outcome => {
                let by = ReadBy { mapping: self.title.clone(), outcome: outcome.name() };
                self.all.reads.get_or_create(&by).inc()
            }
        };
    }

    /// The time of a read.
    pub fn read_took(&self, time: Duration) {
        self.all.read_seconds.observe(time.as_secs_f64());
    }

    /// An evaluation ended; failed for a reason from a closed set.
    pub fn evaluated(&self, time: Duration, failed: Option<&'static str>) {
        self.evaluations.inc();
        self.all.evaluation_seconds.get_or_create(&self.of()).observe(time.as_secs_f64());
        if let Some(reason) = failed {
            let failed = FailedFor { mapping: self.title.clone(), reason };
            self.all.evaluation_failures.get_or_create(&failed).inc();
        }
    }

    /// A query ended.
    pub fn queried(&self, query: &str, time: Duration, failed: bool) {
        let of = OfQuery { mapping: self.title.clone(), query: query.to_owned() };
        self.all.queries.get_or_create(&of).inc();
        self.all.query_seconds.get_or_create(&of).observe(time.as_secs_f64());
        if failed {
            self.all.query_failures.get_or_create(&of).inc();
        }
    }

    /// A run of the plugin ended.
    pub fn plugin_ran(&self, time: Duration, series: usize) {
        let of = self.of();
        self.all.plugin_seconds.get_or_create(&of).observe(time.as_secs_f64());
        let series = i64::try_from(series).unwrap_or(i64::MAX);
        self.all.plugin_series.get_or_create(&of).set(series);
    }

    /// Values were refused.
    pub fn refused(&self, count: usize) {
        if count > 0 {
            self.all.values_refused.get_or_create(&self.of()).inc_by(count as u64);
        }
    }

    /// An evaluation is in use, until the guard is dropped.
    pub fn evaluation_began(&self) -> Counted {
        Counted::one(&self.in_use)
    }

    /// A candidate was tried: how it did, and how many values differed.
    pub fn tried(&self, outcome: &'static str, differences: usize) {
        let by = TriedBy { mapping: self.title.clone(), outcome };
        self.all.candidates.get_or_create(&by).inc();
        if differences > 0 {
            self.all.differences.get_or_create(&self.of()).inc_by(differences as u64);
        }
    }

    /// Whether evaluations of the mapping are made, or given a rest.
    pub fn available(&self, available: bool) {
        self.all.available.get_or_create(&self.of()).set(i64::from(available));
    }

    /// The age of the oldest values that are served; `None` while there are none.
    pub fn age(&self, age: Option<Duration>) {
        match age {
            Some(age) => drop(self.all.values_age.get_or_create(&self.of()).set(age.as_secs_f64())),
            None => drop(self.all.values_age.remove(&self.of())),
        }
    }

    fn of(&self) -> OfMapping {
        OfMapping { mapping: self.title.clone() }
    }
}
