//! The metrics of sources that call their upstream at an interval of their own.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    source: String,
    call: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SourceLabels {
    source: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AddressLabels {
    source: String,
    address: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AskedLabels {
    source: String,
    address: String,
    outcome: &'static str,
}

/// How a call of a source ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// With an answer.
    Ok,
    /// With a status that is no success.
    Refused,
    /// Without a whole answer.
    Failed,
}

impl CallOutcome {
    const ALL: [Self; 3] = [Self::Ok, Self::Refused, Self::Failed];

    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// The metrics of all sources.
#[derive(Clone, Default)]
pub(super) struct AllSources {
    calls: Family<CallLabels, Counter>,
    up: Family<AddressLabels, Gauge>,
    asked: Family<AskedLabels, Counter>,
    scraped_bytes: Family<SourceLabels, Counter>,
    scraped_series: Family<SourceLabels, Counter>,
    real_time: Family<SourceLabels, Gauge>,
    real_time_ended: Family<SourceLabels, Counter>,
    /// The series of the sources that are alive, by name.
    alive: Arc<Mutex<HashMap<String, Weak<Series>>>>,
}

impl AllSources {
    pub(super) fn register(&self, all: &mut Registry) {
        all.register(
            "source_calls",
            "Calls of sources with a cadence of their own, by call and outcome",
            self.calls.clone(),
        );
        all.register(
            "source_address_up",
            "1 while an address of a source answers",
            self.up.clone(),
        );
        all.register(
            "source_address_requests",
            "Requests to an address of a Prometheus, by whether it answered",
            self.asked.clone(),
        );
        all.register(
            "source_scraped_bytes",
            "Bytes of the pages that were scraped",
            self.scraped_bytes.clone(),
        );
        all.register(
            "source_scraped_series",
            "Samples of the pages that were scraped, kept or not",
            self.scraped_series.clone(),
        );
        all.register(
            "source_real_time_objects",
            "Objects of an NSX ALB controller that give samples of real time",
            self.real_time.clone(),
        );
        all.register(
            "source_real_time_ended",
            "How often the real time metrics of an object of an NSX ALB controller have ended",
            self.real_time_ended.clone(),
        );
    }

    pub(super) fn named(&self, name: &str) -> SourceMetrics {
        let mut alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = alive.get(name).and_then(Weak::upgrade) {
            return SourceMetrics(known);
        }
        let series = Arc::new(Series {
            source: name.to_owned(),
            known: Mutex::default(),
            all: self.clone(),
        });
        alive.insert(name.to_owned(), Arc::downgrade(&series));
        SourceMetrics(series)
    }
}

/// The metrics of one source. Its series go with the last of these.
#[derive(Clone)]
pub struct SourceMetrics(Arc<Series>);

struct Series {
    source: String,
    known: Mutex<Known>,
    all: AllSources,
}

/// Labels besides the source.
#[derive(Default)]
struct Known {
    calls: BTreeSet<&'static str>,
    addresses: BTreeSet<String>,
}

impl Known {
    fn name(&mut self, address: &str) {
        if !self.addresses.contains(address) {
            self.addresses.insert(address.to_owned());
        }
    }
}

impl SourceMetrics {
    /// Metrics that nobody sees.
    pub fn uncounted() -> Self {
        AllSources::default().named("")
    }

    /// Calls of this name are to come: those that fail are counted from now on. `rate` of Prometheus
    /// does not see the first failure of a series that appears with it.
    pub fn will_call(&self, call: &'static str) {
        let Series { source, known, all } = &*self.0;
        known.lock().unwrap_or_else(PoisonError::into_inner).calls.insert(call);
        for outcome in [CallOutcome::Refused, CallOutcome::Failed] {
            let of = CallLabels { source: source.clone(), call, outcome: outcome.name() };
            all.calls.get_or_create(&of).inc_by(0);
        }
    }

    /// A call ended. Its name is from a closed set.
    pub fn called(&self, call: &'static str, outcome: CallOutcome) {
        let Series { source, known, all } = &*self.0;
        known.lock().unwrap_or_else(PoisonError::into_inner).calls.insert(call);
        let of = CallLabels { source: source.clone(), call, outcome: outcome.name() };
        all.calls.get_or_create(&of).inc();
    }

    /// The name of the source.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// An address of the configuration may be asked: its failures are counted from now on.
    pub fn will_ask(&self, address: &str) {
        let Series { source, known, all } = &*self.0;
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.name(address);
        let (source, address) = (source.clone(), address.to_owned());
        let outcome = CallOutcome::Failed.name();
        all.asked.get_or_create(&AskedLabels { source, address, outcome }).inc_by(0);
    }

    /// An address of the configuration was asked, and did or did not answer.
    pub fn address_asked(&self, address: &str, outcome: CallOutcome) {
        let Series { source, known, all } = &*self.0;
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.name(address);
        let (source, address) = (source.clone(), address.to_owned());
        all.asked.get_or_create(&AskedLabels { source, address, outcome: outcome.name() }).inc();
    }

    /// A page was read: its size, and how many samples it had.
    pub fn scraped(&self, bytes: usize, series: usize) {
        let Series { source, all, .. } = &*self.0;
        let of = SourceLabels { source: source.clone() };
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        all.scraped_bytes.get_or_create(&of).inc_by(count(bytes));
        all.scraped_series.get_or_create(&of).inc_by(count(series));
    }

    /// So many objects give samples of real time, and so many give none any more since the last time.
    pub fn real_time(&self, current: usize, ended: usize) {
        let Series { source, all, .. } = &*self.0;
        let of = SourceLabels { source: source.clone() };
        all.real_time.get_or_create(&of).set(i64::try_from(current).unwrap_or(i64::MAX));
        let ended = u64::try_from(ended).unwrap_or(u64::MAX);
        all.real_time_ended.get_or_create(&of).inc_by(ended);
    }

    /// Whether an address of the configuration answers.
    pub fn address_up(&self, address: &str, up: bool) {
        let Series { source, known, all } = &*self.0;
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.name(address);
        let of = AddressLabels { source: source.clone(), address: address.to_owned() };
        all.up.get_or_create(&of).set(i64::from(up));
    }
}

impl Drop for Series {
    fn drop(&mut self) {
        let mut alive = self.all.alive.lock().unwrap_or_else(PoisonError::into_inner);
        // One that was made in the meantime counts on in the same series.
        if alive.get(&self.source).is_some_and(|known| known.strong_count() > 0) {
            return;
        }
        alive.remove(&self.source);
        let known = std::mem::take(self.known.get_mut().unwrap_or_else(PoisonError::into_inner));
        for call in known.calls {
            for outcome in CallOutcome::ALL {
                let source = self.source.clone();
                self.all.calls.remove(&CallLabels { source, call, outcome: outcome.name() });
            }
        }
        let of = SourceLabels { source: self.source.clone() };
        self.all.scraped_bytes.remove(&of);
        self.all.scraped_series.remove(&of);
        self.all.real_time.remove(&of);
        self.all.real_time_ended.remove(&of);
        for address in known.addresses {
            for outcome in CallOutcome::ALL {
                let (source, address) = (self.source.clone(), address.clone());
                self.all.asked.remove(&AskedLabels { source, address, outcome: outcome.name() });
            }
            self.all.up.remove(&AddressLabels { source: self.source.clone(), address });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;
    use super::*;

    #[test]
    fn failures_are_counted_from_zero_and_leave_nothing_behind() {
        let all = Metrics::new();
        let source = all.source("lb");
        source.will_call("scrape");
        source.will_ask("https://lb");
        let page = all.encode();
        for counter in [
            r#"calls_total{source="lb",call="scrape",outcome="refused"}"#,
            r#"calls_total{source="lb",call="scrape",outcome="failed"}"#,
            r#"address_requests_total{source="lb",address="https://lb",outcome="failed"}"#,
        ] {
            assert!(
                page.contains(&format!("leadsman_source_{counter} 0\n")),
                "{counter} in {page}"
            );
        }
        drop(source);
        assert!(!all.encode().contains("source=\"lb\""));
    }

    #[test]
    fn the_series_of_a_source_go_with_the_last_of_its_name() {
        let all = Metrics::new();
        let lines = || {
            let text = all.encode();
            text.lines().filter(|line| line.contains("source=\"lb\"")).count()
        };
        let first = all.source("lb");
        first.called("login", CallOutcome::Ok);
        first.address_up("https://lb", true);
        first.address_asked("https://lb", CallOutcome::Ok);
        first.scraped(1000, 10);
        first.real_time(3, 1);
        let second = all.source("lb");
        drop(first);
        second.called("login", CallOutcome::Refused);
        let text = all.encode();
        let counted = "leadsman_source_calls_total{source=\"lb\",call=\"login\",outcome=\"ok\"} 1";
        assert!(text.contains(counted), "{text}");
        assert_eq!(lines(), 8);
        drop(second);
        assert_eq!(lines(), 0);
    }
}
