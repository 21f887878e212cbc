//! The metrics of one mapping.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use super::{
    CandidateLabels, FailureLabels, GaugeGuard, HandoverLabels, MappingLabels, Metrics,
    QueryLabels, ReadLabels,
};

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

/// What happened to an evaluation of a changed mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HandoverEvent {
    /// It gave good values, and serves from then on.
    TakenOver,
    /// It failed where the mapping before worked, which goes on serving.
    FellBack,
    /// The time of the mapping before was over.
    Expired,
}

impl HandoverEvent {
    fn name(self) -> &'static str {
        match self {
            Self::TakenOver => "taken_over",
            Self::FellBack => "fell_back",
            Self::Expired => "expired",
        }
    }
}

/// The series of the mappings that are alive, by title.
pub(super) type Titles = Arc<Mutex<HashMap<String, Weak<Series>>>>;

/// The metrics of one mapping. Its series are there for as long as one of these is, and go with the
/// last: what is not configured any more leaves nothing behind.
#[derive(Clone)]
pub struct MappingMetrics(Arc<Series>);

/// The series of one title.
pub(super) struct Series {
    title: String,
    // What every read and evaluation counts is looked up once.
    ok: Counter,
    evaluations: Counter,
    in_use: Gauge,
    /// What stands beside the title in the labels of its series.
    known: Mutex<Known>,
    all: Metrics,
}

/// Labels beside the title.
#[derive(Default)]
struct Known {
    outcomes: BTreeSet<&'static str>,
    reasons: BTreeSet<&'static str>,
    handovers: BTreeSet<&'static str>,
    incomplete: BTreeSet<&'static str>,
    candidate_outcomes: BTreeSet<&'static str>,
    queries: BTreeSet<String>,
}

impl MappingMetrics {
    pub(super) fn named(all: &Metrics, title: &str) -> Self {
        let mut titles = all.titles.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = titles.get(title).and_then(Weak::upgrade) {
            return Self(known);
        }
        let of = MappingLabels { mapping: title.to_owned() };
        let ok = ReadLabels { mapping: title.to_owned(), outcome: ReadOutcome::Ok.name() };
        let series = Arc::new(Series {
            title: title.to_owned(),
            ok: all.reads.get_or_create_owned(&ok),
            evaluations: all.evaluations.get_or_create_owned(&of),
            in_use: all.evaluations_in_use.get_or_create_owned(&of),
            known: Mutex::default(),
            all: all.clone(),
        });
        titles.insert(title.to_owned(), Arc::downgrade(&series));
        Self(series)
    }

    /// A read ended.
    pub fn read(&self, outcome: ReadOutcome) {
        match outcome {
            ReadOutcome::Ok => self.0.ok.inc(),
            outcome => {
                let outcome = outcome.name();
                self.0.known().outcomes.insert(outcome);
                let by = ReadLabels { mapping: self.0.title.clone(), outcome };
                self.0.all.reads.get_or_create(&by).inc()
            }
        };
    }

    /// A read lacked some or all of what was asked for, for a reason from a closed set.
    pub fn incomplete(&self, reason: &'static str) {
        self.0.known().incomplete.insert(reason);
        let by = FailureLabels { mapping: self.0.title.clone(), reason };
        self.0.all.incomplete.get_or_create(&by).inc();
    }

    /// The time of a read.
    pub fn read_took(&self, time: Duration) {
        self.0.all.read_seconds.observe(time.as_secs_f64());
    }

    /// An evaluation ended; failed for a reason from a closed set.
    pub fn evaluated(&self, time: Duration, failed: Option<&'static str>) {
        self.0.evaluations.inc();
        self.0.all.evaluation_seconds.get_or_create(&self.of()).observe(time.as_secs_f64());
        if let Some(reason) = failed {
            self.0.known().reasons.insert(reason);
            let failed = FailureLabels { mapping: self.0.title.clone(), reason };
            self.0.all.evaluation_failures.get_or_create(&failed).inc();
        }
    }

    /// A query ended.
    pub fn queried(&self, query: &str, time: Duration, failed: bool) {
        let known = self.0.known().queries.contains(query);
        if !known {
            self.0.known().queries.insert(query.to_owned());
        }
        let of = QueryLabels { mapping: self.0.title.clone(), query: query.to_owned() };
        self.0.all.queries.get_or_create(&of).inc();
        self.0.all.query_seconds.get_or_create(&of).observe(time.as_secs_f64());
        if failed {
            self.0.all.query_failures.get_or_create(&of).inc();
        }
    }

    /// A run of the plugin ended.
    pub fn plugin_ran(&self, time: Duration, series: usize) {
        let of = self.of();
        self.0.all.plugin_seconds.get_or_create(&of).observe(time.as_secs_f64());
        let series = i64::try_from(series).unwrap_or(i64::MAX);
        self.0.all.plugin_series.get_or_create(&of).set(series);
    }

    /// Values were refused.
    pub fn refused(&self, count: usize) {
        if count > 0 {
            self.0.all.values_refused.get_or_create(&self.of()).inc_by(count as u64);
        }
    }

    /// An evaluation of a changed mapping has taken over, or has not.
    pub fn handed_over(&self, event: HandoverEvent) {
        let outcome = event.name();
        self.0.known().handovers.insert(outcome);
        let by = HandoverLabels { mapping: self.0.title.clone(), outcome };
        self.0.all.handovers.get_or_create(&by).inc();
    }

    /// An evaluation is in use, until the guard is dropped.
    pub fn evaluation_began(&self) -> GaugeGuard {
        GaugeGuard::one(&self.0.in_use)
    }

    /// A shadow evaluation ended: its outcome, and how many values differed.
    pub fn shadow_evaluated(&self, outcome: &'static str, differences: usize) {
        self.0.known().candidate_outcomes.insert(outcome);
        let by = CandidateLabels { mapping: self.0.title.clone(), outcome };
        self.0.all.candidates.get_or_create(&by).inc();
        if differences > 0 {
            self.0.all.differences.get_or_create(&self.of()).inc_by(differences as u64);
        }
    }

    /// Whether evaluations of the mapping are made, or its circuit breaker is open.
    pub fn available(&self, available: bool) {
        self.0.all.available.get_or_create(&self.of()).set(i64::from(available));
    }

    /// The age of the oldest values that are served; `None` while there are none.
    pub fn age(&self, age: Option<Duration>) {
        match age {
            Some(age) => {
                self.0.all.values_age.get_or_create(&self.of()).set(age.as_secs_f64());
            }
            None => {
                self.0.all.values_age.remove(&self.of());
            }
        }
    }

    fn of(&self) -> MappingLabels {
        self.0.of()
    }
}

impl Series {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self) -> MappingLabels {
        MappingLabels { mapping: self.title.clone() }
    }
}

impl Drop for Series {
    fn drop(&mut self) {
        let mut titles = self.all.titles.lock().unwrap_or_else(PoisonError::into_inner);
        // One that was made in the meantime counts on in the same series.
        if titles.get(&self.title).is_some_and(|known| known.strong_count() > 0) {
            return;
        }
        titles.remove(&self.title);
        let (all, of, mapping) = (&self.all, self.of(), || self.title.clone());
        let known = std::mem::take(&mut *self.known());
        all.evaluations.remove(&of);
        all.evaluation_seconds.remove(&of);
        all.evaluations_in_use.remove(&of);
        all.values_age.remove(&of);
        all.values_refused.remove(&of);
        all.plugin_seconds.remove(&of);
        all.plugin_series.remove(&of);
        all.differences.remove(&of);
        all.available.remove(&of);
        all.reads.remove(&ReadLabels { mapping: mapping(), outcome: ReadOutcome::Ok.name() });
        for outcome in known.outcomes {
            all.reads.remove(&ReadLabels { mapping: mapping(), outcome });
        }
        for reason in known.incomplete {
            all.incomplete.remove(&FailureLabels { mapping: mapping(), reason });
        }
        for reason in known.reasons {
            all.evaluation_failures.remove(&FailureLabels { mapping: mapping(), reason });
        }
        for outcome in known.handovers {
            all.handovers.remove(&HandoverLabels { mapping: mapping(), outcome });
        }
        for outcome in known.candidate_outcomes {
            all.candidates.remove(&CandidateLabels { mapping: mapping(), outcome });
        }
        for query in known.queries {
            let of = QueryLabels { mapping: mapping(), query };
            all.queries.remove(&of);
            all.query_failures.remove(&of);
            all.query_seconds.remove(&of);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_of_a_mapping_go_with_the_last_of_its_name() {
        let all = Metrics::new();
        let samples = |title: &str| {
            let label = format!("mapping=\"{title}\"");
            all.encode().lines().filter(|line| line.contains(&label)).count()
        };
        let old = all.mapping("pods/old");
        let use_all = |of: &MappingMetrics| {
            of.read(ReadOutcome::Ok);
            of.read(ReadOutcome::Failed);
            of.incomplete("no_series");
            of.evaluated(Duration::ZERO, Some("budget"));
            of.queried("q", Duration::ZERO, true);
            of.plugin_ran(Duration::ZERO, 1);
            of.refused(1);
            of.handed_over(HandoverEvent::FellBack);
            of.shadow_evaluated("same", 1);
            of.available(true);
            of.age(Some(Duration::ZERO));
        };
        use_all(&old);
        assert!(samples("pods/old") > 40, "{}", all.encode());
        // One that takes its place under the same name goes on counting.
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
