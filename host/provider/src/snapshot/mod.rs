//! One generation of the configuration: the table of all metrics.

mod entry;
mod gaps;
mod lazy;
mod lookup;
mod not_loaded;
mod places;
mod reason;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use foldhash::fast::RandomState;

pub use entry::{Entry, EntryState, MeasuredKind, ReadKind, Rejection};
pub use gaps::{NotGiven, RuleGap, RuleGaps, Undecided};
pub use lazy::{Binder, LazyMetric, RuleMetrics, RuleSeries, SeenSeries};
use leadsman_delegate::Delegates;
use leadsman_evaluation::Evaluations;
use leadsman_model::names::MetricName;
use leadsman_model::objects::ObjectStore;
use leadsman_model::serve::Serve;
pub use lookup::{NotServed, ResourceMetrics};
pub use not_loaded::NotLoaded;
pub use places::{Place, Places};
pub use reason::RejectionReason;

/// The immutable table of metrics that requests are answered from.
///
/// Entries of one name stand in order of precedence: mappings in the order of the configuration,
/// then what is rejected, then rules. So a rejected mapping is reported, although a rule gives a
/// metric of that name.
pub struct Snapshot {
    /// Which one it is.
    pub generation: u64,
    entries: Vec<Entry>,
    /// Where the entries of each name stand, whatever they are served as: a request for a metric that
    /// there is none of is given what there is under the name.
    by_name: HashMap<MetricName, Vec<usize>, RandomState>,
    rejections: Vec<Arc<Rejection>>,
    not_loaded: Option<NotLoaded>,
    gaps: Arc<RuleGaps>,
    delegates: Option<Arc<Delegates>>,
    places: RwLock<Arc<Places>>,
}

/// The parts of a snapshot.
#[derive(Default)]
pub struct Contents {
    /// The mappings, in the order of the configuration. No two of them are for the same metric and
    /// kind of objects in the same namespace.
    pub mappings: Vec<Arc<Evaluations>>,
    /// cpu and memory of nodes and pods: both of a kind, or neither.
    pub resource_metrics: Vec<Arc<Evaluations>>,
    /// What is configured and not served, or served as it was before.
    pub rejections: Vec<Rejection>,
    /// The metrics of rules.
    pub rules: RuleMetrics,
    /// Why no configuration of the operator is in force yet: which metrics there are is not known.
    pub not_loaded: Option<NotLoaded>,
    /// What rules do not give.
    pub gaps: Arc<RuleGaps>,
    /// Other adapters, for what is not served here; `None` if there are none.
    pub delegates: Option<Arc<Delegates>>,
    /// Where all of it is written.
    pub places: Arc<Places>,
}

impl Snapshot {
    /// Makes the table.
    pub fn new(generation: u64, contents: Contents) -> Self {
        let Contents {
            mappings,
            resource_metrics,
            rejections,
            rules,
            not_loaded,
            gaps,
            delegates,
            places,
        } = contents;
        let rejections: Vec<_> = rejections.into_iter().map(Arc::new).collect();
        let mut entries = Vec::with_capacity(mappings.len() + rejections.len() + rules.len());
        entries.extend(mappings.into_iter().chain(resource_metrics).map(Entry::ready));
        entries.extend(rejections.iter().filter_map(Entry::rejected));
        entries.extend(rules.iter().cloned().map(Entry::lazy));
        let mut by_name: HashMap<_, Vec<usize>, _> = HashMap::default();
        for (at, entry) in entries.iter().enumerate() {
            by_name.entry(entry.metric.clone()).or_default().push(at);
        }
        let places = RwLock::new(places);
        Self { generation, entries, by_name, rejections, not_loaded, gaps, delegates, places }
    }

    /// Where what is served is written, as far as it is known.
    pub fn places(&self) -> Arc<Places> {
        self.places.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the places in documents, which have moved while nothing else has changed.
    pub fn moved(&self, places: Arc<Places>) {
        *self.places.write().unwrap_or_else(PoisonError::into_inner) = places;
    }

    /// The whole table, in order of precedence.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries of one name, in order of precedence.
    pub fn of_name(&self, metric: &str) -> impl Iterator<Item = &Entry> {
        self.by_name.get(metric).into_iter().flatten().filter_map(|&at| self.entries.get(at))
    }

    /// All that is served. A rule may serve what a mapping does.
    pub fn served(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_served())
    }

    /// What is configured and not served, or served as it was before.
    pub fn rejections(&self) -> &[Arc<Rejection>] {
        &self.rejections
    }

    /// Other adapters, for what is not served here, if there are any.
    pub fn delegates(&self) -> Option<&Arc<Delegates>> {
        self.delegates.as_ref()
    }

    /// What rules do not give.
    pub fn gaps(&self) -> &RuleGaps {
        &self.gaps
    }

    /// The evaluations that there are: all but those of metrics that were never read. Those of a rule
    /// may stand for a mapping as well.
    pub fn in_use(&self) -> impl Iterator<Item = &Arc<Evaluations>> {
        let mut known = HashSet::new();
        let all = self.entries.iter().filter_map(Entry::evaluations);
        all.filter(move |evaluations| known.insert(Arc::as_ptr(evaluations)))
    }

    /// Whether there is nothing to serve, and nobody to pass requests to.
    pub fn is_empty(&self) -> bool {
        self.served().next().is_none() && self.delegates.is_none()
    }

    /// The kinds of objects that mappings and resource metrics are served for, each once.
    pub fn kinds(&self) -> Vec<Arc<ObjectStore>> {
        let mut kinds: Vec<_> =
            self.ready().filter_map(|known| known.mapping().kind.clone()).collect();
        kinds.sort_by(|a, b| a.resource().cmp(b.resource()));
        kinds.dedup_by(|a, b| a.resource() == b.resource());
        kinds
    }

    /// Whether these contents would serve the very same.
    pub fn serves(&self, other: &Contents) -> bool {
        let ready = other.mappings.iter().chain(&other.resource_metrics);
        let lazy = self.entries.iter().filter_map(|entry| match &entry.state {
            EntryState::Lazy(metric) => Some(metric),
            EntryState::Ready(_) | EntryState::Rejected(_) => None,
        });
        same(self.ready(), ready)
            && same(lazy, other.rules.iter())
            && same(self.delegates.iter(), other.delegates.iter())
    }

    /// Whether these contents reject and lack the very same.
    pub fn rejects(&self, other: &Contents) -> bool {
        self.gaps == other.gaps
            && self.rejections.iter().map(AsRef::as_ref).eq(&other.rejections)
            && self.not_loaded == other.not_loaded
    }

    /// Why no configuration is in force yet, if there is none: which metrics there are is not known.
    pub fn not_loaded(&self) -> Option<&NotLoaded> {
        self.not_loaded.as_ref()
    }

    /// How many metrics of mappings are served, and how many of rules, without resource metrics.
    pub fn counts(&self) -> (usize, usize) {
        let metrics =
            || self.served().filter(|entry| !matches!(entry.serve, Serve::ResourceMetrics(_)));
        let of_rules = |entry: &&Entry| matches!(entry.state, EntryState::Lazy(_));
        let of_rules = metrics().filter(of_rules).count();
        (metrics().count() - of_rules, of_rules)
    }

    fn ready(&self) -> impl Iterator<Item = &Arc<Evaluations>> {
        self.entries.iter().filter_map(|entry| match &entry.state {
            EntryState::Ready(evaluations) => Some(evaluations),
            EntryState::Lazy(_) | EntryState::Rejected(_) => None,
        })
    }
}

/// Whether two sequences hold the same values, not only equal ones.
fn same<'a, T: 'a>(
    one: impl Iterator<Item = &'a Arc<T>>,
    other: impl Iterator<Item = &'a Arc<T>>,
) -> bool {
    one.map(Arc::as_ptr).eq(other.map(Arc::as_ptr))
}
