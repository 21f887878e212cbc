//! The metrics of lists of series, which rules are for.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::slow;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListLabels {
    outcome: &'static str,
}

/// The metrics of lists of series.
#[derive(Clone)]
pub struct ListingMetrics {
    lists: Family<ListLabels, Counter>,
    seconds: Histogram,
    names: Gauge,
    offered: Gauge,
}

impl ListingMetrics {
    pub(super) fn new() -> Self {
        Self {
            lists: Family::default(),
            seconds: slow(),
            names: Gauge::default(),
            offered: Gauge::default(),
        }
    }

    pub(super) fn register(&self, all: &mut Registry) {
        all.register("series_lists", "Lists of series for rules by outcome", self.lists.clone());
        all.register(
            "series_list_duration_seconds",
            "Time of a list of series",
            self.seconds.clone(),
        );
        all.register("series_names", "Names of series that rules have seen", self.names.clone());
        all.register("rule_metrics", "Metrics that rules give", self.offered.clone());
    }

    /// A list ended.
    pub fn listed(&self, time: Duration, well: bool) {
        let outcome = if well { "ok" } else { "failed" };
        self.lists.get_or_create(&ListLabels { outcome }).inc();
        self.seconds.observe(time.as_secs_f64());
    }

    /// So many names are known by now.
    pub fn names(&self, count: usize) {
        self.names.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// So many metrics are given.
    pub fn offered(&self, count: usize) {
        self.offered.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}
