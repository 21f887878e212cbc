//! The metrics of delegates.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::{Seconds, slow};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DelegateLabels {
    delegate: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    delegate: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    delegate: String,
    reason: &'static str,
}

/// How a read of a delegate ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DelegateOutcome {
    /// With an answer.
    Ok,
    /// The delegate does not have it.
    NotFound,
    /// The delegate refused the request.
    Refused,
    /// Without an answer.
    Failed,
    /// With the last good answer in place of a failed one.
    LastGood,
}

impl DelegateOutcome {
    const ALL: [Self; 5] = [Self::Ok, Self::NotFound, Self::Refused, Self::Failed, Self::LastGood];

    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotFound => "not_found",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::LastGood => "last_good",
        }
    }
}

/// The metrics of all delegates.
#[derive(Clone)]
pub(super) struct AllDelegates {
    requests: Family<OutcomeLabels, Counter>,
    failures: Family<ReasonLabels, Counter>,
    seconds: Family<DelegateLabels, Histogram, fn() -> Histogram>,
    available: Family<DelegateLabels, Gauge>,
    list_age: Family<DelegateLabels, Seconds>,
    listed: Family<DelegateLabels, Gauge>,
    /// The series of the delegates that are alive, by name.
    alive: Arc<Mutex<HashMap<String, Weak<Series>>>>,
}

impl Default for AllDelegates {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            failures: Family::default(),
            seconds: Family::new_with_constructor(slow),
            available: Family::default(),
            list_age: Family::default(),
            listed: Family::default(),
            alive: Arc::default(),
        }
    }
}

impl AllDelegates {
    pub(super) fn register(&self, all: &mut Registry) {
        all.register(
            "delegate_requests",
            "Reads that were passed to a delegate by how they ended",
            self.requests.clone(),
        );
        all.register(
            "delegate_failures",
            "Requests to a delegate without an answer, lists among them, by reason",
            self.failures.clone(),
        );
        all.register(
            "delegate_request_duration_seconds",
            "Time of a read that was passed to a delegate",
            self.seconds.clone(),
        );
        all.register(
            "delegate_available",
            "0 while a delegate is not asked after failures in a row, or for a loop",
            self.available.clone(),
        );
        all.register(
            "delegate_list_age_seconds",
            "Age of the oldest list of what a delegate has",
            self.list_age.clone(),
        );
        all.register("delegate_metrics", "Metrics that a delegate lists", self.listed.clone());
    }

    pub(super) fn named(&self, name: &str) -> DelegateMetrics {
        let mut alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = alive.get(name).and_then(Weak::upgrade) {
            return DelegateMetrics(known);
        }
        let series = Arc::new(Series {
            delegate: name.to_owned(),
            reasons: Mutex::default(),
            all: self.clone(),
        });
        // `rate` of Prometheus does not see the first failure of a series that appears with it.
        let outcome = DelegateOutcome::Failed.name();
        let failed = OutcomeLabels { delegate: name.to_owned(), outcome };
        self.requests.get_or_create(&failed).inc_by(0);
        alive.insert(name.to_owned(), Arc::downgrade(&series));
        DelegateMetrics(series)
    }
}

/// The metrics of one delegate. Its series go with the last of these.
#[derive(Clone)]
pub struct DelegateMetrics(Arc<Series>);

struct Series {
    delegate: String,
    /// The reasons of failures so far.
    reasons: Mutex<Vec<&'static str>>,
    all: AllDelegates,
}

impl Series {
    fn of(&self) -> DelegateLabels {
        DelegateLabels { delegate: self.delegate.clone() }
    }
}

impl DelegateMetrics {
    /// A read ended.
    pub fn ended(&self, outcome: DelegateOutcome, time: Duration) {
        let Series { delegate, all, .. } = &*self.0;
        let labels = OutcomeLabels { delegate: delegate.clone(), outcome: outcome.name() };
        all.requests.get_or_create(&labels).inc();
        all.seconds.get_or_create(&self.0.of()).observe(time.as_secs_f64());
    }

    /// A request had no answer, for a reason from a closed set.
    pub fn failed(&self, reason: &'static str) {
        let Series { delegate, reasons, all } = &*self.0;
        let mut reasons = reasons.lock().unwrap_or_else(PoisonError::into_inner);
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
        drop(reasons);
        let labels = ReasonLabels { delegate: delegate.clone(), reason };
        all.failures.get_or_create(&labels).inc();
    }

    /// Sets whether it is asked, the age of its lists, and how many metrics they have.
    pub fn state(&self, available: bool, list_age: Option<Duration>, listed: usize) {
        let all = &self.0.all;
        all.available.get_or_create(&self.0.of()).set(i64::from(available));
        if let Some(age) = list_age {
            all.list_age.get_or_create(&self.0.of()).set(age.as_secs_f64());
        }
        let listed = i64::try_from(listed).unwrap_or(i64::MAX);
        all.listed.get_or_create(&self.0.of()).set(listed);
    }
}

impl Drop for Series {
    fn drop(&mut self) {
        let mut alive = self.all.alive.lock().unwrap_or_else(PoisonError::into_inner);
        // One that was made in the meantime counts on in the same series.
        if alive.get(&self.delegate).is_some_and(|known| known.strong_count() > 0) {
            return;
        }
        alive.remove(&self.delegate);
        for outcome in DelegateOutcome::ALL {
            let delegate = self.delegate.clone();
            self.all.requests.remove(&OutcomeLabels { delegate, outcome: outcome.name() });
        }
        let reasons = self.reasons.get_mut().unwrap_or_else(PoisonError::into_inner);
        for reason in std::mem::take(reasons) {
            self.all.failures.remove(&ReasonLabels { delegate: self.delegate.clone(), reason });
        }
        let of = self.of();
        self.all.seconds.remove(&of);
        self.all.available.remove(&of);
        self.all.list_age.remove(&of);
        self.all.listed.remove(&of);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;
    use super::*;

    #[test]
    fn the_series_of_a_delegate_go_with_the_last_of_its_name() {
        let all = Metrics::new();
        let first = all.delegate("keda");
        let failed = "leadsman_delegate_requests_total{delegate=\"keda\",outcome=\"failed\"} 0\n";
        assert!(all.encode().contains(failed), "failures are counted from zero");
        first.ended(DelegateOutcome::Ok, Duration::from_millis(3));
        first.failed("timeout");
        first.state(true, Some(Duration::from_secs(5)), 7);
        let second = all.delegate("keda");
        drop(first);
        second.ended(DelegateOutcome::Ok, Duration::from_millis(3));
        let text = all.encode();
        let counted = "leadsman_delegate_requests_total{delegate=\"keda\",outcome=\"ok\"} 2";
        assert!(text.contains(counted), "{text}");
        assert!(text.contains("leadsman_delegate_metrics{delegate=\"keda\"} 7"), "{text}");
        drop(second);
        assert!(!all.encode().contains("keda"));
    }
}
