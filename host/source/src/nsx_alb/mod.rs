//! NSX ALB (VMware Avi Load Balancer): metrics of pools, virtual services and service engines, from the
//! controller's API.
//!
//! Evaluations read from a cache, and the controller is queried at the interval of its own samples
//! ([`series_cache`]): one call at a time, for all keys that are due. Objects that AKO has created are found
//! by their markers ([`markers`]), from lists that are renewed every few minutes.

mod answer;
mod controller;
mod cookies;
mod costs;
mod credentials;
mod decode;
mod error;
mod following;
mod lists;
mod login;
mod markers;
mod objects;
mod query;
mod real_time;
mod report;
mod request;
mod send;
mod series_cache;
mod session;
mod settings;
mod shared_call;
#[path = "../../../../plugin-sdk/src/summable.rs"]
mod summable;
mod text;
mod timestamp;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;

use super::SourceError;
use crate::error::shortened;
use controller::Controller;
use decode::Row;
use following::has_real_time;
use leadsman_model::data::Answer;
use leadsman_model::names::Namespace;
use leadsman_model::tenant::Tenant;
use leadsman_runtime::clock;
use leadsman_runtime::decoding::decode as decode_bounded;
use leadsman_runtime::telemetry::SourceMetrics;
use lists::{EMPTY_LIST_INTERVAL, List, ListKey};
use objects::Listing;
use request::Target;
use series_cache::{Key, SeriesCache, SeriesResult};

pub use costs::CallCost;
pub use error::AlbError;
pub use query::{AkoNamespace, Entity, NsxAlbQuery, Pick, is_metric_id};
pub use report::ControllerReport;
pub use settings::{AlbFormat, Login, NsxAlbSettings, Step};
pub use summable::{is_health_score, may_be_summed};

/// A controller.
pub struct NsxAlb {
    settings: NsxAlbSettings,
    controller: Arc<Controller>,
    cache: Mutex<SeriesCache>,
    lists: Mutex<HashMap<ListKey, List>>,
    real_time: Mutex<real_time::Watch>,
    metrics: SourceMetrics,
    /// Held while the controller is asked: what others wait for may be known afterwards.
    turn: tokio::sync::Mutex<()>,
    /// Tells whoever ends the session that the source is not used any more.
    in_use: watch::Sender<()>,
}

/// How old samples may be at least: those of real time metrics need some seconds to arrive.
const MIN_SAMPLE_AGE: Duration = Duration::from_secs(60);

/// How old samples of a step may be where a query does not say.
fn default_max_age(step: Step) -> Duration {
    MIN_SAMPLE_AGE.max(3 * step.length())
}

impl NsxAlb {
    pub(super) fn new(
        settings: &NsxAlbSettings,
        metrics: SourceMetrics,
    ) -> Result<Self, SourceError> {
        Ok(Self {
            settings: settings.clone(),
            controller: Arc::new(Controller::new(settings, metrics.clone())?),
            cache: Mutex::default(),
            lists: Mutex::default(),
            real_time: Mutex::default(),
            metrics,
            turn: tokio::sync::Mutex::default(),
            in_use: watch::Sender::new(()),
        })
    }

    /// The series of a query. `namespace` is that of the evaluation, which is on behalf of a tenant.
    pub(super) async fn fetch(
        &self,
        query: &NsxAlbQuery,
        namespace: Option<&Namespace>,
        tenant: &Tenant,
    ) -> Result<Answer, AlbError> {
        let (list, objects) = match self.objects(query).await? {
            None => (None, None),
            Some((list, objects)) => (Some(list), Some(objects)),
        };
        let target = match (&query.pick, &objects) {
            (Pick::Uuid(uuid), _) => Target::One(uuid.as_str().into()),
            (Pick::Name(name), Some(objects)) => {
                let tenant = &self.settings.tenant;
                let object = answer::named(query, name, objects, tenant);
                Target::One(object?.uuid.as_str().into())
            }
            _ => Target::All,
        };
        let key = Key {
            entity: query.entity,
            target,
            servers: query.servers,
            step: query.step.unwrap_or(self.settings.step),
            metric: query.metric.as_str().into(),
        };
        self.cache().admit(&key, tenant, Instant::now())?;
        let rows = self.rows(&key).await;
        // An object that was made anew has another uuid.
        let is_gone = match &rows {
            Ok(rows) => rows.is_empty(),
            Err(error) => matches!(error, AlbError::Refused { .. }),
        };
        if let (Some(list), Target::One(_)) = (&list, &key.target)
            && is_gone
            && let Some(list) = self.lists().get_mut(list)
        {
            list.due = list.due.min(list.made + key.step.length().min(EMPTY_LIST_INTERVAL));
        }
        let mut rows = rows?;
        let follows = query.step.is_none() && self.settings.follows_real_time;
        if follows && objects.as_ref().is_some_and(|objects| has_real_time(objects, &key.target)) {
            rows = self.in_real_time(&key, rows, tenant).await;
        }
        // One value is its own sum.
        if query.summed && rows.len() > 1 && rows.iter().any(|row| row.sum_invalid) {
            return Err(AlbError::NotSummable { metric: query.metric.clone() });
        }
        Ok(answer::answer(query, &rows, objects.as_deref(), namespace))
    }

    /// How old samples may be: by default three steps, for a sample is as old as a step before the
    /// next one is there.
    pub(super) fn max_sample_age(&self, query: &NsxAlbQuery, asked: Option<Duration>) -> Duration {
        asked.unwrap_or_else(|| default_max_age(query.step.unwrap_or(self.settings.step)))
    }

    /// Logs out once the source is not used any more or `end` completes.
    pub(super) fn log_out_after<F>(
        &self,
        end: F,
    ) -> impl Future<Output = ()> + Send + 'static + use<F>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let controller = self.controller.clone();
        let mut in_use = self.in_use.subscribe();
        async move {
            tokio::select! {
                () = end => {}
                // Nothing is ever sent.
                _ = in_use.changed() => {}
            }
            controller.log_out().await;
        }
    }

    /// How long a query may take.
    pub(super) fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    /// Waits until the controller may be asked.
    async fn turn(&self) -> Result<tokio::sync::MutexGuard<'_, ()>, AlbError> {
        let limit = self.settings.timeout;
        timeout(limit, self.turn.lock()).await.map_err(|_| AlbError::Busy(limit))
    }

    async fn rows(&self, key: &Key) -> SeriesResult {
        if let Some(known) = self.cache().request(key, Instant::now()) {
            return known;
        }
        let _turn = self.turn().await?;
        if let Some(known) = self.cache().request(key, Instant::now()) {
            return known;
        }
        let due = self.cache().due(Instant::now());
        for keys in due {
            self.ask(&keys).await;
        }
        let never = || Err(AlbError::Decode("nothing was asked".to_owned()));
        self.cache().newest(key).unwrap_or_else(never)
    }

    /// Asks for the metrics of some keys in one call, and of each alone if that is refused: one
    /// unknown id makes a controller refuse them all.
    async fn ask(&self, keys: &[Key]) {
        match self.metrics(keys).await {
            Err(AlbError::Refused { .. }) if keys.len() > 1 => {
                for key in keys {
                    let alone = std::slice::from_ref(key);
                    let answered = self.metrics(alone).await;
                    self.note(alone, answered);
                }
            }
            answered => self.note(keys, answered),
        }
    }

    fn note(&self, keys: &[Key], answered: Result<Vec<Row>, AlbError>) {
        let now = Instant::now();
        match answered {
            Ok(rows) => {
                let time = self.samples_have_times().then(clock::now);
                if let Some(time) = time {
                    self.watch_real_time(keys, &rows, time);
                }
                self.cache().answered(keys, rows, now, time);
            }
            Err(error) => self.cache().failed(keys, &error, now),
        }
    }

    async fn metrics(&self, keys: &[Key]) -> Result<Vec<Row>, AlbError> {
        if self.settings.format == AlbFormat::Prometheus {
            return self.text(keys).await;
        }
        let call = request::metrics(&series_cache::requests(keys));
        let body = self.controller.call(&call).await?;
        let now = clock::now();
        let target = keys.first().map(|key| key.target.clone());
        let decoded = decode_bounded(body.len(), move || match (call.body, target) {
            (None, Some(Target::One(uuid))) => decode::one(&body, &uuid, now),
            _ => decode::many(&body, now),
        });
        let decoded = decoded.await.map_err(|error| AlbError::Decode(error.to_string()))?;
        decoded.map_err(|reason| AlbError::Decode(shortened(&reason)))
    }

    /// The same in the Prometheus format, one request after the other.
    async fn text(&self, keys: &[Key]) -> Result<Vec<Row>, AlbError> {
        let mut rows = Vec::new();
        for request in text::requests(keys) {
            let call = request::text(&request, &self.settings.tenant);
            let page = self.controller.call(&call).await?;
            let now = clock::now();
            let read = decode_bounded(page.len(), move || text::rows(&page, &request.metrics, now));
            let read = read.await.map_err(|error| AlbError::Decode(error.to_string()))?;
            rows.extend(read.map_err(|reason| AlbError::Decode(shortened(&reason)))?);
        }
        Ok(rows)
    }

    /// Whether the controller says when samples were taken.
    fn samples_have_times(&self) -> bool {
        self.settings.format == AlbFormat::Json
    }

    fn cache(&self) -> MutexGuard<'_, SeriesCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Parses metrics, of many objects or of one, and a page of objects, and joins both.
pub(super) fn parse(metrics: &[u8], list: &[u8]) -> Result<Answer, String> {
    let mut listing = Listing::of(Entity::Pool);
    listing.add(list).map_err(|error| error.to_string())?;
    let rows =
        decode::many(metrics, i64::MAX).or_else(|_| decode::one(metrics, "pool-1", i64::MAX))?;
    let query = NsxAlbQuery {
        entity: Entity::Pool,
        metric: String::new(),
        pick: Pick::Ako("k8s".to_owned()),
        tenant: None,
        namespace: AkoNamespace::Any,
        servers: false,
        step: None,
        summed: false,
    };
    Ok(answer::answer(&query, &rows, Some(&listing.end()), None))
}

/// Parses metrics in the Prometheus format, and counts the series.
pub(super) fn parse_page(page: &[u8]) -> Result<usize, String> {
    Ok(text::rows(page, &[report::METRIC.into()], 0)?.len())
}

/// Parses the answer to a login; the error is for people.
pub(super) fn parse_login(
    status: u16,
    set_cookie: &[&[u8]],
    body: &[u8],
) -> Result<(Vec<u8>, Option<String>), String> {
    let status = http::StatusCode::from_u16(status).map_err(|error| error.to_string())?;
    login::parse(status, set_cookie, body).map_err(|error| error.to_string())
}

impl std::fmt::Debug for NsxAlb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NsxAlb").field("urls", &self.settings.urls).finish_non_exhaustive()
    }
}
