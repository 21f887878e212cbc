//! The adapter's own metrics.
//!
//! Labels are names from the configuration and reasons from closed sets, never error messages. So
//! the configuration bounds the number of time series.

mod autoscalers;
mod connections;
mod delegate;
#[cfg(test)]
mod documented;
mod expiry;
mod labels;
mod listing;
mod mapping;
mod outcome;
mod process;
mod registration;
mod scaler;
mod source;
mod spans;

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::traffic::{AllTraffic, SourceTraffic};
use autoscalers::AutoscalerMetrics;
pub use autoscalers::EventOutcome;
use connections::ConnectionMetrics;
pub use connections::{CloseReason, Listener};
use delegate::AllDelegates;
pub use delegate::{DelegateMetrics, DelegateOutcome};
use expiry::Expiry;
use labels::{
    ActivationLabels, CandidateLabels, DenialLabels, FailureLabels, HandoverLabels, KindLabels,
    LoadLabels, MappingLabels, QueryLabels, ReadLabels, RejectionLabels, RunLabels, TaskLabels,
};
pub use listing::ListingMetrics;
pub use mapping::MappingMetrics;
use mapping::Titles;
pub use outcome::{ActivationEvent, HandoverEvent, ReadOutcome};
pub use scaler::ScalerMetrics;
use source::AllSources;
pub use source::{CallOutcome, SourceMetrics};
pub use spans::{SpanDrop, SpanMetrics};

/// The outcomes of loading a configuration.
const LOADED: &str = "ok";
const REJECTED: &str = "rejected";

type Seconds = Gauge<f64, AtomicU64>;

/// All metrics of the process.
#[derive(Clone)]
pub struct Metrics {
    registry: std::sync::Arc<Registry>,
    reads: Family<ReadLabels, Counter>,
    incomplete: Family<FailureLabels, Counter>,
    empty: Family<MappingLabels, Counter>,
    served_age: Family<MappingLabels, Histogram, fn() -> Histogram>,
    unserved: Family<DenialLabels, Counter>,
    read_seconds: Histogram,
    evaluations: Family<MappingLabels, Counter>,
    evaluation_failures: Family<FailureLabels, Counter>,
    evaluation_seconds: Family<MappingLabels, Histogram, fn() -> Histogram>,
    evaluations_in_use: Family<MappingLabels, Gauge>,
    values_age: Family<MappingLabels, Seconds>,
    values_refused: Family<MappingLabels, Counter>,
    handovers: Family<HandoverLabels, Counter>,
    activations: Family<ActivationLabels, Counter>,
    activator_leads: Gauge,
    queries: Family<QueryLabels, Counter>,
    query_failures: Family<QueryLabels, Counter>,
    query_seconds: Family<QueryLabels, Histogram, fn() -> Histogram>,
    plugin_seconds: Family<RunLabels, Histogram, fn() -> Histogram>,
    plugin_series: Family<MappingLabels, Gauge>,
    connections: ConnectionMetrics,
    denied: Family<DenialLabels, Counter>,
    objects: Family<KindLabels, Gauge>,
    objects_followed: Family<KindLabels, Gauge>,
    task_panics: Family<TaskLabels, Counter>,
    configuration: Gauge,
    candidates: Family<CandidateLabels, Counter>,
    differences: Family<MappingLabels, Counter>,
    available: Family<MappingLabels, Gauge>,
    rejected: Family<RejectionLabels, Gauge>,
    loads: Family<LoadLabels, Counter>,
    listing: ListingMetrics,
    scaler: ScalerMetrics,
    sources: AllSources,
    spans: SpanMetrics,
    autoscalers: AutoscalerMetrics,
    expiry: Expiry,
    delegates: AllDelegates,
    traffic: AllTraffic,
    titles: Titles,
}

fn slow() -> Histogram {
    Histogram::new([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0])
}

fn fast() -> Histogram {
    Histogram::new([0.000_01, 0.000_03, 0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 1.0])
}

/// From what a small plugin takes to the longest limit of a run.
fn run() -> Histogram {
    Histogram::new([0.000_03, 0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0])
}

/// From values that are new to the longest that old ones are usually served for.
fn ages() -> Histogram {
    Histogram::new([1.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0])
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All metrics, starting from zero.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: std::sync::Arc::default(),
            reads: Family::default(),
            incomplete: Family::default(),
            empty: Family::default(),
            served_age: Family::new_with_constructor(ages),
            unserved: Family::default(),
            read_seconds: fast(),
            evaluations: Family::default(),
            evaluation_failures: Family::default(),
            evaluation_seconds: Family::new_with_constructor(slow),
            evaluations_in_use: Family::default(),
            values_age: Family::default(),
            values_refused: Family::default(),
            handovers: Family::default(),
            activations: Family::default(),
            activator_leads: Gauge::default(),
            queries: Family::default(),
            query_failures: Family::default(),
            query_seconds: Family::new_with_constructor(slow),
            plugin_seconds: Family::new_with_constructor(run),
            plugin_series: Family::default(),
            connections: ConnectionMetrics::default(),
            denied: Family::default(),
            objects: Family::default(),
            objects_followed: Family::default(),
            task_panics: Family::default(),
            configuration: Gauge::default(),
            candidates: Family::default(),
            differences: Family::default(),
            available: Family::default(),
            rejected: Family::default(),
            loads: Family::default(),
            listing: ListingMetrics::new(),
            scaler: ScalerMetrics::default(),
            sources: AllSources::default(),
            spans: SpanMetrics::default(),
            autoscalers: AutoscalerMetrics::default(),
            expiry: Expiry::default(),
            delegates: AllDelegates::default(),
            traffic: AllTraffic::default(),
            titles: Titles::default(),
        };
        let mut every = Registry::default();
        process::register(&mut every);
        let all = every.sub_registry_with_prefix("leadsman");
        process::register_own(all);
        metrics.register(all);
        metrics.registry = std::sync::Arc::new(every);
        metrics
    }

    /// All metrics in the OpenMetrics text format.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }

    /// The metrics of lists of series.
    pub fn listing(&self) -> &ListingMetrics {
        &self.listing
    }

    /// The metrics of the export of traces.
    pub fn spans(&self) -> &SpanMetrics {
        &self.spans
    }

    /// Counts an Event on an autoscaler.
    pub fn autoscaler_event(&self, outcome: EventOutcome) {
        self.autoscalers.count(outcome);
    }

    /// Names who knows when the serving certificate expires, in seconds since the epoch. It is asked
    /// whenever the metrics are.
    pub fn certificate_expires(&self, at: impl Fn() -> Option<i64> + Send + Sync + 'static) {
        self.expiry.is_told_by(at);
    }

    /// The metrics of one source. All that are alive under one name are the same.
    pub fn source(&self, name: &str) -> SourceMetrics {
        self.sources.named(name)
    }

    /// The metrics of one delegate. All that are alive under one name are the same.
    pub fn delegate(&self, name: &str) -> DelegateMetrics {
        self.delegates.named(name)
    }

    /// What is asked of one source, for people. All that are alive under one name are the same.
    pub fn traffic(&self, name: &str) -> std::sync::Arc<SourceTraffic> {
        self.traffic.named(name)
    }

    /// The metrics of one mapping. All handles with the same title share their series, which are
    /// removed with the last handle.
    pub fn mapping(&self, title: &str) -> MappingMetrics {
        MappingMetrics::named(self, title)
    }

    /// Counts an open connection until the guard is dropped. Connections to the admin address are
    /// not counted.
    pub fn connection(&self, listener: Listener) -> Option<GaugeGuard> {
        self.connections.open(listener)
    }

    /// Calls by scalers of KEDA.
    pub fn scaler(&self) -> &ScalerMetrics {
        &self.scaler
    }

    /// Counts a connection that the server has closed.
    pub fn connection_closed(&self, listener: Listener, reason: CloseReason) {
        self.connections.closed(listener, reason);
    }

    /// A read was of a metric that is not served, for a reason from a closed set.
    pub fn unserved(&self, reason: &'static str) {
        self.unserved.get_or_create(&DenialLabels { reason }).inc();
    }

    /// Counts a refused request. The reason is from a closed set.
    pub fn denied(&self, reason: &'static str) {
        self.denied.get_or_create(&DenialLabels { reason }).inc();
    }

    /// Sets the object metrics: for each kind, the number of known objects and whether the watch is
    /// in sync.
    pub fn objects(&self, kinds: impl IntoIterator<Item = (String, usize, bool)>) {
        self.objects.clear();
        self.objects_followed.clear();
        for (resource, count, followed) in kinds {
            let labels = KindLabels { resource };
            self.objects.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
            self.objects_followed.get_or_create(&labels).set(i64::from(followed));
        }
    }

    /// Sets whether this replica takes workloads to zero and from zero.
    pub fn activator_leads(&self, leads: bool) {
        self.activator_leads.set(i64::from(leads));
    }

    /// Counts a panic of a task, which is from a closed set.
    pub fn task_panicked(&self, task: &'static str) {
        self.task_panics.get_or_create(&TaskLabels { task }).inc();
    }

    /// Sets the rejections: owner, mapping and reason of all that is not served as configured.
    pub fn rejected<'a>(&self, all: impl IntoIterator<Item = (String, &'a str, &'static str)>) {
        self.rejected.clear();
        for (owner, mapping, reason) in all {
            let labels = RejectionLabels { owner, mapping: mapping.to_owned(), reason };
            self.rejected.get_or_create(&labels).set(1);
        }
    }

    /// Counts the load of a configuration: accepted as a whole, or rejected at least in part.
    pub fn loaded(&self, owner: String, accepted: bool) {
        let [loaded, rejected] =
            [LOADED, REJECTED].map(|outcome| LoadLabels { owner: owner.clone(), outcome });
        // `rate` of Prometheus does not see the first load of a series that appears with it.
        self.loads.get_or_create(&loaded).inc_by(u64::from(accepted));
        self.loads.get_or_create(&rejected).inc_by(u64::from(!accepted));
    }

    /// Removes the series of an owner whose configuration was deleted.
    pub fn forget_loads(&self, owner: &str) {
        for outcome in [LOADED, REJECTED] {
            self.loads.remove(&LoadLabels { owner: owner.to_owned(), outcome });
        }
    }

    /// Sets the generation of the published snapshot.
    pub fn serving(&self, generation: u64) {
        self.configuration.set(i64::try_from(generation).unwrap_or(i64::MAX));
    }
}

/// Increments a gauge for as long as it lives.
pub struct GaugeGuard(Gauge);

impl GaugeGuard {
    fn one(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn deleted_configurations_leave_no_series() {
        let metrics = Metrics::new();
        for accepted in [true, false] {
            metrics.loaded("shop/metrics".to_owned(), accepted);
            metrics.loaded("bank/metrics".to_owned(), accepted);
        }
        metrics.forget_loads("shop/metrics");
        let page = metrics.encode();
        assert!(!page.contains("shop/metrics"), "{page}");
        assert_eq!(page.matches("bank/metrics").count(), 2, "{page}");
    }
}
