//! The metrics of one mapping.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use super::outcome::{ActivationEvent, HandoverEvent, ReadOutcome};
use super::{
    ActivationLabels, CandidateLabels, FailureLabels, GaugeGuard, HandoverLabels, MappingLabels,
    Metrics, QueryLabels, ReadLabels, RunLabels,
};

/// The series of all live mappings, by title.
pub(super) type Titles = Arc<Mutex<HashMap<String, Weak<Series>>>>;

/// A handle to the metrics of one mapping. The last handle of a title removes its series, so that
/// deleted mappings leave none behind.
#[derive(Clone)]
pub struct MappingMetrics(Arc<Series>);

/// The series of one title.
pub(super) struct Series {
    title: String,
    // The counters of the hot path, looked up once.
    ok: Counter,
    empty: Counter,
    /// Made by the first read that gets values: a mapping that nobody reads has none.
    served_age: OnceLock<Histogram>,
    evaluations: Counter,
    in_use: Gauge,
    /// The other labels of its series, for their removal.
    labels: Mutex<LabelValues>,
    metrics: Metrics,
}

/// The values of all labels but the title.
#[derive(Default)]
struct LabelValues {
    reasons: BTreeSet<&'static str>,
    handovers: BTreeSet<&'static str>,
    activations: BTreeSet<&'static str>,
    incomplete: BTreeSet<&'static str>,
    candidate_outcomes: BTreeSet<&'static str>,
    /// Roles and outcomes.
    runs: BTreeSet<(&'static str, &'static str)>,
    queries: BTreeSet<String>,
}

impl MappingMetrics {
    pub(super) fn named(metrics: &Metrics, title: &str) -> Self {
        let mut titles = metrics.titles.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = titles.get(title).and_then(Weak::upgrade) {
            return Self(series);
        }
        let labels = MappingLabels { mapping: title.to_owned() };
        let ok = ReadLabels { mapping: title.to_owned(), outcome: ReadOutcome::Ok.name() };
        // `rate` of Prometheus does not see the first failure of a series that appears with it.
        for outcome in ReadOutcome::FAILURES {
            let failed = ReadLabels { mapping: title.to_owned(), outcome: outcome.name() };
            metrics.reads.get_or_create(&failed).inc_by(0);
        }
        metrics.values_refused.get_or_create(&labels).inc_by(0);
        let series = Arc::new(Series {
            title: title.to_owned(),
            ok: metrics.reads.get_or_create_owned(&ok),
            empty: metrics.empty.get_or_create_owned(&labels),
            served_age: OnceLock::new(),
            evaluations: metrics.evaluations.get_or_create_owned(&labels),
            in_use: metrics.evaluations_in_use.get_or_create_owned(&labels),
            labels: Mutex::default(),
            metrics: metrics.clone(),
        });
        titles.insert(title.to_owned(), Arc::downgrade(&series));
        Self(series)
    }

    /// Counts a read.
    pub fn read(&self, outcome: ReadOutcome) {
        match outcome {
            ReadOutcome::Ok => self.0.ok.inc(),
            outcome => {
                let mapping = self.0.title.clone();
                let labels = ReadLabels { mapping, outcome: outcome.name() };
                self.0.metrics.reads.get_or_create(&labels).inc()
            }
        };
    }

    /// Counts a read that lacked some or all of what was asked for. The reason is from a closed set.
    pub fn incomplete(&self, reason: &'static str) {
        self.0.labels().incomplete.insert(reason);
        let by = FailureLabels { mapping: self.0.title.clone(), reason };
        self.0.metrics.incomplete.get_or_create(&by).inc();
    }

    /// Counts a read of objects or items that there are that got no value at all.
    pub fn empty(&self) {
        self.0.empty.inc();
    }

    /// Records the age of the values that a read got.
    pub fn served(&self, age: Duration) {
        let of = || self.0.metrics.served_age.get_or_create_owned(&self.labels());
        self.0.served_age.get_or_init(of).observe(age.as_secs_f64());
    }

    /// Records the duration of a read.
    pub fn read_took(&self, time: Duration) {
        self.0.metrics.read_seconds.observe(time.as_secs_f64());
    }

    /// Counts an evaluation and its duration; `failed` is the reason of a failure, from a closed
    /// set.
    pub fn evaluated(&self, time: Duration, failed: Option<&'static str>) {
        self.0.evaluations.inc();
        self.0.metrics.evaluation_seconds.get_or_create(&self.labels()).observe(time.as_secs_f64());
        if let Some(reason) = failed {
            self.0.labels().reasons.insert(reason);
            let labels = FailureLabels { mapping: self.0.title.clone(), reason };
            self.0.metrics.evaluation_failures.get_or_create(&labels).inc();
        }
    }

    /// A query is to come: its failures are counted from now on.
    pub fn will_query(&self, query: &str) {
        self.0.metrics.query_failures.get_or_create(&self.query_labels(query)).inc_by(0);
    }

    /// Counts a query and its duration.
    pub fn queried(&self, query: &str, time: Duration, failed: bool) {
        let labels = self.query_labels(query);
        self.0.metrics.queries.get_or_create(&labels).inc();
        self.0.metrics.query_seconds.get_or_create(&labels).observe(time.as_secs_f64());
        if failed {
            self.0.metrics.query_failures.get_or_create(&labels).inc();
        }
    }

    /// Records the duration of a run of a plugin, however it ended. Its role and its outcome are
    /// from closed sets.
    pub fn plugin_ran(&self, role: &'static str, outcome: &'static str, time: Duration) {
        self.0.labels().runs.insert((role, outcome));
        let labels = RunLabels { mapping: self.0.title.clone(), role, outcome };
        self.0.metrics.plugin_seconds.get_or_create(&labels).observe(time.as_secs_f64());
    }

    /// Sets the number of series that a run of the plugin receives.
    pub fn plugin_received(&self, series: usize) {
        let series = i64::try_from(series).unwrap_or(i64::MAX);
        self.0.metrics.plugin_series.get_or_create(&self.labels()).set(series);
    }

    /// Counts refused values.
    pub fn refused(&self, count: usize) {
        if count > 0 {
            self.0.metrics.values_refused.get_or_create(&self.labels()).inc_by(count as u64);
        }
    }

    /// Counts a handover of an evaluation to its changed mapping.
    pub fn handed_over(&self, event: HandoverEvent) {
        let outcome = event.name();
        self.0.labels().handovers.insert(outcome);
        let labels = HandoverLabels { mapping: self.0.title.clone(), outcome };
        self.0.metrics.handovers.get_or_create(&labels).inc();
    }

    /// Counts what came of changing the replicas of a workload.
    pub fn activated(&self, event: ActivationEvent) {
        let outcome = event.name();
        self.0.labels().activations.insert(outcome);
        let labels = ActivationLabels { mapping: self.0.title.clone(), outcome };
        self.0.metrics.activations.get_or_create(&labels).inc();
    }

    /// Counts an evaluation in use until the guard is dropped.
    pub fn evaluation_began(&self) -> GaugeGuard {
        GaugeGuard::one(&self.0.in_use)
    }

    /// Counts a shadow evaluation: its outcome, and the number of values that differ.
    pub fn shadow_evaluated(&self, outcome: &'static str, differences: usize) {
        self.0.labels().candidate_outcomes.insert(outcome);
        let labels = CandidateLabels { mapping: self.0.title.clone(), outcome };
        self.0.metrics.candidates.get_or_create(&labels).inc();
        if differences > 0 {
            self.0.metrics.differences.get_or_create(&self.labels()).inc_by(differences as u64);
        }
    }

    /// Sets whether the mapping is available: its circuit breaker is closed.
    pub fn available(&self, available: bool) {
        self.0.metrics.available.get_or_create(&self.labels()).set(i64::from(available));
    }

    /// Sets the age of the oldest values that are served; `None` if there are none.
    pub fn age(&self, age: Option<Duration>) {
        match age {
            Some(age) => {
                self.0.metrics.values_age.get_or_create(&self.labels()).set(age.as_secs_f64());
            }
            None => {
                self.0.metrics.values_age.remove(&self.labels());
            }
        }
    }

    fn labels(&self) -> MappingLabels {
        self.0.mapping_labels()
    }

    /// The labels of a query, which are known from now on.
    fn query_labels(&self, query: &str) -> QueryLabels {
        let mut labels = self.0.labels();
        if !labels.queries.contains(query) {
            labels.queries.insert(query.to_owned());
        }
        QueryLabels { mapping: self.0.title.clone(), query: query.to_owned() }
    }
}

impl Series {
    fn labels(&self) -> MutexGuard<'_, LabelValues> {
        self.labels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mapping_labels(&self) -> MappingLabels {
        MappingLabels { mapping: self.title.clone() }
    }
}

impl Drop for Series {
    fn drop(&mut self) {
        let metrics = &self.metrics;
        let mut titles = metrics.titles.lock().unwrap_or_else(PoisonError::into_inner);
        // A new handle with this title, created in the meantime, continues the same series.
        if titles.get(&self.title).is_some_and(|series| series.strong_count() > 0) {
            return;
        }
        titles.remove(&self.title);
        let (labels, mapping) = (self.mapping_labels(), || self.title.clone());
        let values = std::mem::take(&mut *self.labels());
        metrics.empty.remove(&labels);
        metrics.served_age.remove(&labels);
        metrics.evaluations.remove(&labels);
        metrics.evaluation_seconds.remove(&labels);
        metrics.evaluations_in_use.remove(&labels);
        metrics.values_age.remove(&labels);
        metrics.values_refused.remove(&labels);
        metrics.plugin_series.remove(&labels);
        metrics.differences.remove(&labels);
        metrics.available.remove(&labels);
        for outcome in ReadOutcome::ALL {
            metrics.reads.remove(&ReadLabels { mapping: mapping(), outcome: outcome.name() });
        }
        for reason in values.incomplete {
            metrics.incomplete.remove(&FailureLabels { mapping: mapping(), reason });
        }
        for reason in values.reasons {
            metrics.evaluation_failures.remove(&FailureLabels { mapping: mapping(), reason });
        }
        for outcome in values.handovers {
            metrics.handovers.remove(&HandoverLabels { mapping: mapping(), outcome });
        }
        for outcome in values.activations {
            metrics.activations.remove(&ActivationLabels { mapping: mapping(), outcome });
        }
        for outcome in values.candidate_outcomes {
            metrics.candidates.remove(&CandidateLabels { mapping: mapping(), outcome });
        }
        for (role, outcome) in values.runs {
            metrics.plugin_seconds.remove(&RunLabels { mapping: mapping(), role, outcome });
        }
        for query in values.queries {
            let labels = QueryLabels { mapping: mapping(), query };
            metrics.queries.remove(&labels);
            metrics.query_failures.remove(&labels);
            metrics.query_seconds.remove(&labels);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_without_a_reason_are_counted_from_zero() {
        let all = Metrics::new();
        let samples = || {
            let page = all.encode();
            page.lines().filter(|line| line.contains("mapping=\"pods/load\"")).count()
        };
        let mapping = all.mapping("pods/load");
        mapping.will_query("q");
        let page = all.encode();
        for counter in [
            r#"reads_total{mapping="pods/load",outcome="stale"}"#,
            r#"reads_total{mapping="pods/load",outcome="failed"}"#,
            r#"reads_total{mapping="pods/load",outcome="deadline"}"#,
            r#"values_refused_total{mapping="pods/load"}"#,
            r#"query_failures_total{mapping="pods/load",query="q"}"#,
        ] {
            assert!(page.contains(&format!("leadsman_{counter} 0\n")), "{counter} in {page}");
        }
        // One for each reason would be some forty for each mapping.
        assert!(!page.contains("reason="), "{page}");
        assert_eq!(samples(), 9, "{page}");
        drop(mapping);
        assert_eq!(samples(), 0);
    }

    #[test]
    fn the_last_handle_removes_the_series_of_a_mapping() {
        let all = Metrics::new();
        let samples = |title: &str| {
            let label = format!("mapping=\"{title}\"");
            all.encode().lines().filter(|line| line.contains(&label)).count()
        };
        let old = all.mapping("pods/old");
        let use_all = |mapping: &MappingMetrics| {
            mapping.read(ReadOutcome::Ok);
            mapping.read(ReadOutcome::Failed);
            mapping.incomplete("no_series");
            mapping.evaluated(Duration::ZERO, Some("budget"));
            mapping.queried("q", Duration::ZERO, true);
            mapping.plugin_ran("serving", "ok", Duration::ZERO);
            mapping.plugin_ran("candidate", "plugin_timeout", Duration::ZERO);
            mapping.plugin_received(1);
            mapping.refused(1);
            mapping.handed_over(HandoverEvent::FellBack);
            mapping.activated(ActivationEvent::ToZero);
            mapping.shadow_evaluated("same", 1);
            mapping.available(true);
            mapping.age(Some(Duration::ZERO));
            mapping.empty();
            mapping.served(Duration::ZERO);
        };
        use_all(&old);
        assert!(samples("pods/old") > 40, "{}", all.encode());
        // A new handle with the same title continues the series.
        let next = all.mapping("pods/old");
        drop(old);
        next.read(ReadOutcome::Ok);
        assert!(
            all.encode().contains("leadsman_reads_total{mapping=\"pods/old\",outcome=\"ok\"} 2")
        );
        drop(next);
        assert_eq!(samples("pods/old"), 0, "{}", all.encode());
        for number in 0..100 {
            use_all(&all.mapping(&format!("pods/name-{number}")));
        }
        assert_eq!(samples("pods/name-99"), 0);
        assert!(all.titles.lock().unwrap().is_empty());
    }
}
