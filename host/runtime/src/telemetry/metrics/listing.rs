//! The metrics of series listing, which rules are matched against.

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

const FAILED: &str = "failed";

/// The metrics of series listing.
#[derive(Clone)]
pub struct ListingMetrics {
    lists: Family<ListLabels, Counter>,
    seconds: Histogram,
    names: Gauge,
    rule_metrics: Gauge,
}

impl ListingMetrics {
    pub(super) fn new() -> Self {
        let lists = Family::<ListLabels, Counter>::default();
        // `rate` of Prometheus does not see the first failure of a series that appears with it.
        lists.get_or_create(&ListLabels { outcome: FAILED }).inc_by(0);
        Self { lists, seconds: slow(), names: Gauge::default(), rule_metrics: Gauge::default() }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "series_lists",
            "Lists of series for rules by outcome",
            self.lists.clone(),
        );
        registry.register(
            "series_list_duration_seconds",
            "Time of a list of series",
            self.seconds.clone(),
        );
        registry.register(
            "series_names",
            "Names of series that rules have seen",
            self.names.clone(),
        );
        registry.register("rule_metrics", "Metrics that rules give", self.rule_metrics.clone());
    }

    /// Counts a list and its duration.
    pub fn listed(&self, time: Duration, ok: bool) {
        let outcome = if ok { "ok" } else { FAILED };
        self.lists.get_or_create(&ListLabels { outcome }).inc();
        self.seconds.observe(time.as_secs_f64());
    }

    /// Sets the number of known series names.
    pub fn names(&self, count: usize) {
        self.names.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Sets the number of rule metrics.
    pub fn rule_metrics(&self, count: usize) {
        self.rule_metrics.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}
