//! The series that there are for the rules: listed by a task, at an interval.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::bindings::Bindings;
use super::event::Event;
use super::mapping_spec::Sources;
use super::state::SeriesState;
use leadsman_cluster::Cluster;
use leadsman_config::valid;
use leadsman_model::resource::Resource;
use leadsman_rules::ListedSeries;
use leadsman_runtime::backoff::Backoff;
use leadsman_runtime::clock;
use leadsman_runtime::supervise::supervised;
use leadsman_runtime::telemetry::Metrics;
use leadsman_source::Source;

/// How many lists are requested at once.
const MAX_CONCURRENT_LISTS: usize = 4;

/// How long to wait after a failure; each further one doubles it.
const MIN_BACKOFF: Duration = Duration::from_secs(1);

/// The longest wait after a failure: metrics are missing until the source is back and was asked.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// A list that takes long before it fails is a burden: the wait is so many times as long at least.
const RETRY_SHARE: u32 = 4;

/// A series that is missing from so many lists in a row is gone. An upstream that has just started,
/// or a partial answer, takes nothing away at once.
const MISSED_LISTS: u8 = 3;

/// The series seen so far, by query.
#[derive(Default, Clone)]
pub(super) struct SeriesIndex {
    queries: BTreeMap<String, Query>,
    /// The kinds of objects that the cluster has; empty without one.
    pub(super) resources: Arc<[Resource]>,
    /// Whether those are all that there are.
    pub(super) resources_known: bool,
    /// Why they are not known.
    resources_fault: Option<String>,
}

/// The series of one query.
#[derive(Default, Clone)]
struct Query {
    seen: Arc<ListedSeries>,
    /// How often in a row a name was missing.
    missed: BTreeMap<Arc<str>, u8>,
    /// Why the newest list could not be had.
    fault: Option<String>,
    /// Whether it was requested at least once.
    asked: bool,
}

impl SeriesIndex {
    /// What was seen for a series query.
    pub(super) fn seen(&self, query: &str) -> Option<&ListedSeries> {
        self.queries.get(query).map(|query| &*query.seen)
    }

    /// The same, shared.
    pub(super) fn shared(&self, query: &str) -> Option<Arc<ListedSeries>> {
        self.queries.get(query).map(|query| query.seen.clone())
    }

    /// Whether a list for a series query ended, well or not.
    pub(super) fn was_asked(&self, query: &str) -> bool {
        self.queries.get(query).is_some_and(|query| query.asked)
    }

    /// Why the newest list for a series query could not be had.
    pub(super) fn fault(&self, query: &str) -> Option<&str> {
        self.queries.get(query)?.fault.as_deref()
    }

    /// A list for a series query ended.
    #[cfg(test)]
    pub(super) fn answered(&mut self, query: &str, answer: Result<ListedSeries, String>) {
        self.queries.entry(query.to_owned()).or_default().take(answer);
    }

    /// Whether each query was answered, or failed, at least once.
    fn is_complete(&self, rules: &valid::Rules) -> bool {
        let mut queries = rules.series_queries().into_iter();
        queries.all(|query| self.queries.get(query).is_some_and(|query| query.asked))
    }
}

impl Query {
    fn take(&mut self, answer: Result<ListedSeries, String>) {
        self.asked = true;
        let mut new = match answer {
            Ok(new) => new,
            Err(reason) => {
                self.fault = Some(reason);
                return;
            }
        };
        self.fault = None;
        let mut missed = BTreeMap::new();
        for (name, labels) in &*self.seen {
            if new.contains_key(name) {
                continue;
            }
            let count = self.missed.get(name).copied().unwrap_or(0) + 1;
            if count < MISSED_LISTS {
                missed.insert(name.clone(), count);
                new.insert(name.clone(), labels.clone());
            }
        }
        self.missed = missed;
        self.seen = Arc::new(new);
    }
}

/// The answer to one series query.
pub struct SeriesList {
    /// The query.
    pub query: String,
    /// How long the answer took.
    pub took: Duration,
    /// What was seen, or why nothing was.
    pub seen: Result<ListedSeries, String>,
}

/// Asks a source once for all series that rules are for.
pub async fn list_series(rules: &valid::Rules, source: &Source) -> Vec<SeriesList> {
    list_queries(rules, source, &rules.series_queries()).await
}

/// The same for some of the series queries.
async fn list_queries(
    rules: &valid::Rules,
    source: &Source,
    queries: &BTreeSet<&str>,
) -> Vec<SeriesList> {
    let valid::Discovery { source: name, max_age, .. } = &rules.discovery;
    let max_age = i64::try_from(max_age.as_millis()).unwrap_or(i64::MAX);
    let since = clock::now().saturating_sub(max_age);
    let ask = |query: &str| {
        let query = query.to_owned();
        async move {
            let begun = Instant::now();
            let seen = source.series(&query, since).await;
            let seen = seen.map_err(|error| format!("the source \"{name}\" {error}"));
            SeriesList { query, took: begun.elapsed(), seen }
        }
    };
    let asked: Vec<_> = queries.iter().copied().map(ask).collect();
    stream::iter(asked).buffer_unordered(MAX_CONCURRENT_LISTS).collect().await
}

/// The task that lists.
struct Listing {
    rules: Arc<valid::Rules>,
    source: Arc<Source>,
    now: watch::Receiver<Arc<SeriesIndex>>,
    // Ends with this value.
    _task: JoinSet<()>,
}

impl Listing {
    /// Lists from now on. What `before` saw of the same source is known from the start.
    fn start(lister: Lister, before: Option<&Self>) -> Self {
        let (rules, source) = (lister.rules.clone(), lister.source.clone());
        let mut known = SeriesIndex::default();
        if let Some(before) = before.filter(|before| Arc::ptr_eq(&before.source, &source)) {
            known = (*before.now()).clone();
            let used = rules.series_queries();
            known.queries.retain(|query, _| used.contains(query.as_str()));
        }
        let (listed, now) = watch::channel(Arc::new(known));
        let mut task = JoinSet::new();
        task.spawn(async move {
            supervised("listing series", || lister.run(&listed), |_| std::future::ready(())).await;
        });
        Self { rules, source, now, _task: task }
    }

    /// Whether it lists for these rules from this source.
    fn is_for(&self, rules: &Arc<valid::Rules>, source: &Arc<Source>) -> bool {
        self.rules == *rules && Arc::ptr_eq(&self.source, source)
    }

    /// The series seen so far.
    fn now(&self) -> Arc<SeriesIndex> {
        self.now.borrow().clone()
    }

    /// Whether every query was answered, or failed, at least once.
    fn is_complete(&self) -> bool {
        self.now.borrow().is_complete(&self.rules)
    }
}

/// The listing for the rules in force.
pub(super) struct Listings {
    now: Option<Listing>,
    cluster: Option<Cluster>,
    metrics: Metrics,
    events: mpsc::Sender<Event<Arc<Bindings>>>,
}

impl Listings {
    pub(super) fn new(
        cluster: Option<Cluster>,
        metrics: Metrics,
        events: mpsc::Sender<Event<Arc<Bindings>>>,
    ) -> Self {
        Self { now: None, cluster, metrics, events }
    }

    /// Lists for these rules from now on. Unchanged ones keep their listing.
    pub(super) fn follow(&mut self, rules: Option<&Arc<valid::Rules>>, sources: &Sources) {
        let wanted = rules.and_then(|rules| {
            let (_, source) = sources.get(&rules.discovery.source)?;
            Some((rules, source))
        });
        let Some((rules, source)) = wanted else {
            self.now = None;
            return;
        };
        if self.now.as_ref().is_some_and(|now| now.is_for(rules, source)) {
            return;
        }
        let lister = Lister {
            rules: rules.clone(),
            source: source.clone(),
            cluster: self.cluster.clone(),
            metrics: self.metrics.clone(),
            events: self.events.clone(),
        };
        self.now = Some(Listing::start(lister, self.now.as_ref()));
    }

    /// What was seen so far; `None` if there are no rules.
    pub(super) fn listed(&self) -> Option<Arc<SeriesIndex>> {
        self.now.as_ref().map(Listing::now)
    }

    /// Whether every query was answered, or failed, at least once.
    pub(super) fn state(&self) -> SeriesState {
        match &self.now {
            None => SeriesState::NotNeeded,
            Some(listing) if listing.is_complete() => SeriesState::Listed,
            Some(_) => SeriesState::Pending,
        }
    }
}

struct Lister {
    rules: Arc<valid::Rules>,
    source: Arc<Source>,
    cluster: Option<Cluster>,
    metrics: Metrics,
    events: mpsc::Sender<Event<Arc<Bindings>>>,
}

/// Which lists are requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RequestedLists {
    All,
    /// Those that failed.
    Failed,
}

impl Lister {
    /// Does not end by itself.
    async fn run(&self, listed: &watch::Sender<Arc<SeriesIndex>>) {
        loop {
            let mut begun = Instant::now();
            let mut well = self.list(RequestedLists::All, listed).await;
            let next = Instant::now() + self.rules.discovery.interval;
            let mut backoff = Backoff::new(MIN_BACKOFF, MAX_BACKOFF);
            while !well {
                let again = Instant::now() + retry_after(&mut backoff, begun.elapsed());
                if again >= next {
                    break;
                }
                tokio::time::sleep_until(again.into()).await;
                begun = Instant::now();
                well = self.list(RequestedLists::Failed, listed).await;
            }
            tokio::time::sleep_until(next.into()).await;
        }
    }

    /// Lists once. Says whether all is well now.
    async fn list(&self, wanted: RequestedLists, listed: &watch::Sender<Arc<SeriesIndex>>) -> bool {
        let mut new = (**listed.borrow()).clone();
        let mut queries = self.rules.series_queries();
        if wanted == RequestedLists::Failed {
            queries.retain(|query| new.fault(query).is_some());
        }
        let learned = wanted == RequestedLists::Failed && new.resources_fault.is_none();
        let resources = async { if learned { None } else { self.resources().await } };
        let lists = list_queries(&self.rules, &self.source, &queries);
        let (lists, resources) = tokio::join!(lists, resources);
        // What failed as before changes nothing.
        let mut news = wanted == RequestedLists::All;
        match resources {
            Some(Ok(resources)) => {
                (new.resources, new.resources_known) = (resources, true);
                new.resources_fault = None;
                news = true;
            }
            Some(Err(reason)) => new.resources_fault = Some(reason),
            None => {}
        }
        for SeriesList { query, took, seen } in lists {
            self.metrics.listing().listed(took, seen.is_ok());
            let seen = seen.map_err(|reason| format!("{reason} (listing the series of {query})"));
            let known = new.queries.entry(query).or_default();
            news |= seen.as_ref().err() != known.fault.as_ref();
            if let Err(reason) = &seen
                && known.fault.as_ref() != Some(reason)
            {
                tracing::warn!(reason, "series cannot be listed; what was seen before stays");
            }
            known.take(seen);
        }
        let well = new.resources_fault.is_none()
            && new.queries.values().all(|query| query.fault.is_none());
        if !news {
            return well;
        }
        let names = new.queries.values().map(|query| query.seen.len()).sum();
        self.metrics.listing().names(names);
        let complete = new.is_complete(&self.rules);
        listed.send_replace(Arc::new(new));
        let series = if complete { SeriesState::Listed } else { SeriesState::Pending };
        // Nobody listens any more once the process ends.
        let _ = self.events.send(Event::SeriesListed(series)).await;
        well
    }

    /// The kinds of objects that the cluster has. They matter to names of labels and of
    /// resources that are not of every cluster.
    async fn resources(&self) -> Option<Result<Arc<[Resource]>, String>> {
        let cluster = self.cluster.as_ref()?;
        Some(cluster.resources().await.map(Into::into))
    }
}

/// How long to wait after a failure that took so long.
fn retry_after(backoff: &mut Backoff, took: Duration) -> Duration {
    backoff.next_delay().max(took.saturating_mul(RETRY_SHARE))
}

#[cfg(test)]
mod tests;
