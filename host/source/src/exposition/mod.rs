//! Scrapes endpoints that expose the Prometheus text format or OpenMetrics: pods, endpoints of Services, and
//! addresses. No monitoring stack is needed.
//!
//! A query scrapes its targets, unless the last scrape is recent enough ([`scrape_cache`]), and is answered
//! from the last samples ([`history`]). So targets are scraped as often as metrics are read, and not at all
//! without reads. Queries wait only once for a target that fails; its values are then absent, with the
//! reason.

mod answer;
mod arriving;
mod error;
mod history;
pub(crate) mod parse;
mod query;
mod report;
mod retained;
mod scrape;
mod scrape_cache;
mod settings;
mod target;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout, timeout_at};

use super::{Gap, PageRow, SourceError};
use crate::client::Client;
use arriving::ArrivingFor;
use leadsman_model::data::Answer;
use leadsman_model::endpoints::EndpointStore;
use leadsman_model::names::Namespace;
use leadsman_model::tenant::Tenant;
use leadsman_runtime::clock;
use leadsman_runtime::telemetry::{CallOutcome, SourceMetrics};
use parse::{PageLimits, PageReader, Sample};
use scrape::{MetricDemands, Page, scrape};
use scrape_cache::{ScrapeCache, ScrapeDecision};
use target::{Target, not_scraped};

pub use error::{ExpositionError, ScrapeError};
pub use parse::{Format as PageFormat, PageError};
pub use query::{ExpositionQuery, Function, LabelMatcher};
pub use report::{ExpositionReport, PageReport, TargetReport};
pub use settings::{
    EndpointTargets, ExpositionLimits, ExpositionSettings, Scheme, TargetPort, TargetSettings,
};

/// How often unused metrics are dropped.
const EVICTION_INTERVAL: Duration = Duration::from_secs(30);

/// How much longer than its time limit the end of a scrape is waited for.
const SCRAPE_TIMEOUT_MARGIN: Duration = Duration::from_secs(1);

/// The name of scrapes in metrics.
const SCRAPE: &str = "scrape";

/// A source that scrapes endpoints.
pub struct Exposition {
    shared: Arc<Shared>,
    /// The tasks of scrapes and of the removal of unused metrics. They end with the source.
    tasks: Mutex<JoinSet<()>>,
}

/// The state that tasks share.
struct Shared {
    settings: ExpositionSettings,
    client: Client,
    metrics: SourceMetrics,
    /// The endpoints of the cluster, unless addresses are scraped.
    endpoints: Option<Arc<EndpointStore>>,
    cache: Mutex<ScrapeCache>,
    arriving: ArrivingFor,
    /// Bounds concurrent scrapes. Targets that failed have few permits of their own, so they do not delay others.
    permits: Semaphore,
    failing_permits: Semaphore,
}

/// The present targets, and why some of the selection is none.
struct Targets {
    list: Vec<Arc<Target>>,
    gaps: Vec<Gap>,
}

impl Exposition {
    pub(super) fn new(
        settings: &ExpositionSettings,
        metrics: SourceMetrics,
        endpoints: Option<Arc<EndpointStore>>,
    ) -> Result<Self, SourceError> {
        let at_once = settings.max_concurrent;
        metrics.will_call(SCRAPE);
        Ok(Self {
            shared: Arc::new(Shared {
                client: Client::new(&settings.tls, settings.timeout)?,
                settings: settings.clone(),
                metrics,
                endpoints,
                cache: Mutex::default(),
                arriving: ArrivingFor::default(),
                permits: Semaphore::new(at_once),
                failing_permits: Semaphore::new((at_once / 4).max(1)),
            }),
            tasks: Mutex::default(),
        })
    }

    /// The time limit of a query: its scrapes run concurrently.
    pub(super) fn timeout(&self) -> Duration {
        self.shared.settings.timeout
    }

    /// The series of a query, with the reasons for gaps. An evaluation of a `namespace` sees only the pods of that
    /// namespace.
    pub(super) async fn fetch(
        &self,
        query: &ExpositionQuery,
        namespace: Option<&Namespace>,
        tenant: &Tenant,
    ) -> Result<(Answer, Vec<Gap>), ExpositionError> {
        let targets = self.shared.targets().await?;
        let is_meant =
            |of: &str| of.is_empty() || namespace.is_none_or(|namespace| namespace.as_str() == of);
        let meant: Vec<_> =
            targets.list.iter().filter(|target| is_meant(&target.key.namespace)).cloned().collect();
        let gaps = targets.gaps.into_iter().filter(|gap| is_meant(&gap.namespace)).collect();
        let is_first = {
            let mut cache = self.shared.cache();
            cache.sync(&targets.list);
            cache.request(query, tenant, Instant::now())
        };
        if is_first {
            self.spawn(forget(Arc::downgrade(&self.shared)));
        }
        self.scrape(&meant, &query.metric).await;
        self.shared.answer(query, &meant, gaps)
    }

    /// Scrapes the targets that are due, and waits for those that do not keep failing.
    async fn scrape(&self, targets: &[Arc<Target>], metric: &str) {
        // A scrape ends at its own time limit, with a reason.
        let time_limit = self.shared.settings.timeout + SCRAPE_TIMEOUT_MARGIN;
        let deadline = tokio::time::Instant::now() + time_limit;
        // A scrape that was under way may not have kept the metric: the next one does.
        let every = self.shared.settings.at_most_every;
        for every in [Some(every), None] {
            let (mut waits, mut begins) = (Vec::new(), Vec::new());
            {
                let mut cache = self.shared.cache();
                let now = Instant::now();
                // Failing targets are waited for only if all targets fail.
                let all_fail = targets.iter().all(|target| cache.is_failing(&target.key));
                for target in targets {
                    let ended = match cache.decide(&target.key, metric, every, now) {
                        ScrapeDecision::Known => continue,
                        ScrapeDecision::UnderWay(ended) => ended,
                        ScrapeDecision::Begin(number, ends) => {
                            let ended = ends.subscribe();
                            begins.push((target.clone(), number, ends));
                            ended
                        }
                    };
                    if all_fail || !cache.is_failing(&target.key) {
                        waits.push(ended);
                    }
                }
                let wanted = cache.requested();
                for (target, number, ends) in begins {
                    let is_failing = cache.is_failing(&target.key);
                    let scrape =
                        self.shared.clone().one(target, wanted.clone(), number, is_failing);
                    // Others may wait for it, too; it is of the trace that it is begun for.
                    self.spawn(leadsman_trace::in_current_span(async move {
                        scrape.await;
                        drop(ends);
                    }));
                }
            }
            if waits.is_empty() {
                return;
            }
            for mut ended in waits {
                // Nothing is ever sent.
                if timeout_at(deadline, ended.changed()).await.is_err() {
                    return;
                }
            }
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(ended) = tasks.try_join_next() {
            if let Err(error) = ended
                && error.is_panic()
            {
                tracing::error!(%error, "a scrape panicked");
            }
        }
        tasks.spawn(task);
    }
}

/// Drops unused metrics at an interval, until none is left.
async fn forget(shared: Weak<Shared>) {
    loop {
        sleep(EVICTION_INTERVAL).await;
        let Some(shared) = shared.upgrade() else { return };
        if shared.cache().drop_unused(Instant::now()) {
            return;
        }
    }
}

impl Shared {
    fn cache(&self) -> MutexGuard<'_, ScrapeCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The targets to scrape.
    async fn targets(&self) -> Result<Targets, ExpositionError> {
        let endpoints = match (&self.settings.targets, &self.endpoints) {
            (settings::TargetSettings::Urls(urls), _) => {
                let list = urls.iter().map(|url| Arc::new(Target::of_url(url))).collect();
                return Ok(Targets { list, gaps: Vec::new() });
            }
            (settings::TargetSettings::Endpoints(settings), Some(store)) => (settings, store),
            (settings::TargetSettings::Endpoints(settings), None) => {
                let reason = "there is no cluster to ask".to_owned();
                return Err(ExpositionError::Unknown { pick: settings.pick.to_string(), reason });
            }
        };
        let (settings, store) = endpoints;
        let _ = timeout(self.settings.timeout, store.first_list()).await;
        let pick = || settings.pick.to_string();
        let endpoints = store
            .endpoints()
            .map_err(|reason| ExpositionError::Unknown { pick: pick(), reason })?;
        let (now, limit) = (clock::now(), self.settings.limits.targets);
        let mut targets = Targets { list: Vec::new(), gaps: Vec::new() };
        for endpoint in endpoints.iter() {
            let gap = match Target::of_endpoint(endpoint, settings, now) {
                Ok(target) if targets.list.len() < limit => {
                    targets.list.push(Arc::new(target));
                    continue;
                }
                Ok(_) => format!("there are more than {limit} targets; raise limits.targets"),
                Err(reason) => reason,
            };
            targets.gaps.push(not_scraped(endpoint, gap));
        }
        if endpoints.is_empty() {
            let (namespace, object) = (String::new(), String::new());
            let reason = format!("there are no running {}", pick());
            targets.gaps.push(Gap { namespace, object, reason });
        }
        Ok(targets)
    }

    /// Scrapes one target.
    async fn one(
        self: Arc<Self>,
        target: Arc<Target>,
        wanted: MetricDemands,
        number: u64,
        failing: bool,
    ) {
        let page = self.page(&target, &wanted, failing).await;
        let outcome = match &page {
            Ok(page) => {
                self.metrics.scraped(page.bytes, page.series);
                CallOutcome::Ok
            }
            Err(ScrapeError::Status { .. }) => CallOutcome::Refused,
            Err(_) => CallOutcome::Failed,
        };
        self.metrics.called(SCRAPE, outcome);
        let limit = self.settings.limits.memory;
        let reported = self.cache().ended(&target.key, number, page, limit, Instant::now());
        match reported {
            Some(Err(error)) => {
                tracing::warn!(%target, %error, "a target cannot be scraped; its values are absent");
            }
            Some(Ok(())) => tracing::info!(%target, "a target is scraped again"),
            None => {}
        }
    }

    async fn page(
        &self,
        target: &Arc<Target>,
        wanted: &MetricDemands,
        failing: bool,
    ) -> Result<Page, ScrapeError> {
        let time_limit = self.settings.timeout;
        let deadline = tokio::time::Instant::now() + time_limit;
        let permits = if failing { &self.failing_permits } else { &self.permits };
        let permit = timeout_at(deadline, permits.acquire()).await;
        let _permit = permit.map_err(|_| ScrapeError::Queued(time_limit))?;
        let scrape = scrape(&self.settings, &self.client, &self.arriving, target, wanted);
        timeout_at(deadline, scrape).await.unwrap_or(Err(ScrapeError::Timeout(time_limit)))
    }
}

/// All samples of a page that arrives in pieces.
pub(super) fn rows<'b>(
    format: PageFormat,
    pieces: impl IntoIterator<Item = &'b [u8]>,
) -> Result<Vec<PageRow>, PageError> {
    let usual = ExpositionLimits::default();
    let limits = PageLimits { series: usual.series, labels: usual.labels };
    let mut rows = Vec::new();
    let mut take = |sample: Sample<'_>| {
        let labels = sample.labels.into_iter();
        let labels = labels.map(|(name, value)| (name.into_owned(), value.into_owned()));
        rows.push((sample.name.into_owned(), labels.collect(), sample.value, sample.time));
    };
    let mut reader = PageReader::new(format, limits);
    for piece in pieces {
        reader.feed(piece, &mut take)?;
    }
    reader.end(&mut take)?;
    Ok(rows)
}

impl std::fmt::Debug for Exposition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exposition")
            .field("targets", &self.shared.settings.targets)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
