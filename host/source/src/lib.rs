//! Sources of the answers to queries.
//!
//! A source takes a [`Request`] and returns an [`Answer`]. It knows nothing of mappings, plugins or
//! clients. A new kind of source is a module here and a variant of [`Source`].

mod addresses;
mod client;
mod error;
mod exposition;
mod fetched;
mod nsx_alb;
mod prometheus;
mod query;
mod recording;
mod redact;
mod room;
mod settings;
#[cfg(test)]
#[path = "../../rules/src/promql/shape.rs"]
mod shape;
mod template;

use std::sync::Arc;
use std::time::Duration;

pub use error::{QueryError, SourceError};
pub use exposition::{
    EndpointTargets, ExpositionError, ExpositionLimits, ExpositionQuery, ExpositionReport,
    ExpositionSettings, Function, LabelMatcher, PageError, PageFormat, PageReport, Scheme,
    ScrapeError, TargetPort, TargetReport, TargetSettings,
};
pub use fetched::{Fetched, Gap, StaleSeries};
pub use nsx_alb::{
    AkoNamespace, AlbError, AlbFormat, CallCost, ControllerReport, Entity, Login, NsxAlbQuery,
    NsxAlbSettings, Pick, Step, is_health_score, is_metric_id, may_be_summed,
};
pub use query::{FilledQuery, Query, QueryKind};
use recording::RecordingFile;
pub use room::AnswerRoom;
pub use settings::{
    Credentials, Method, PrometheusSettings, RecordingSettings, SourceSettings, TlsSettings,
    Username,
};
pub use template::Template;

use leadsman_model::data::{Answer, DroppedSeries};
use leadsman_model::endpoints::{EndpointPick, EndpointStore};
use leadsman_model::tenant::Tenant;
use leadsman_rules::ListedSeries;
use leadsman_runtime::telemetry::SourceMetrics;

/// A query of a source.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What is asked.
    pub query: &'a FilledQuery,
    /// How old samples may be; `None` for what the source takes for current.
    pub max_sample_age: Option<Duration>,
    /// When the evaluation began, in milliseconds since the epoch.
    pub now: i64,
    /// On whose behalf: queries wait for their turn by tenant.
    pub tenant: &'a Tenant,
}

/// Where the endpoints of a cluster are known from.
pub type FindEndpoints<'a> = dyn Fn(&EndpointPick) -> Arc<EndpointStore> + 'a;

/// What is said where there is no cluster.
const NO_CLUSTER: &str =
    "there is no cluster to ask; name one with --kubeconfig, or scrape a `url`";

/// The largest recording, in bytes.
const MAX_RECORDING: u64 = 64 << 20;

/// A named upstream.
pub enum Source {
    /// A Prometheus, or anything that answers its HTTP API.
    Prometheus(Box<prometheus::Prometheus>),
    /// A recording that is played back.
    Recording(recording::Recording),
    /// An NSX ALB controller.
    NsxAlb(Box<nsx_alb::NsxAlb>),
    /// Endpoints that are scraped.
    Exposition(Box<exposition::Exposition>),
}

impl Source {
    /// Prepares a source. Does not connect: if the source is down, evaluations fail.
    pub fn new(settings: &SourceSettings) -> Result<Self, SourceError> {
        Self::counted(settings, SourceMetrics::uncounted())
    }

    /// The same, with metrics of what it does.
    pub fn counted(settings: &SourceSettings, metrics: SourceMetrics) -> Result<Self, SourceError> {
        let nowhere =
            |pick: &EndpointPick| Arc::new(EndpointStore::unknown(pick.clone(), NO_CLUSTER));
        Self::in_cluster(settings, metrics, &nowhere)
    }

    /// The same, in a cluster whose endpoints can be found.
    pub fn in_cluster(
        settings: &SourceSettings,
        metrics: SourceMetrics,
        find: &FindEndpoints<'_>,
    ) -> Result<Self, SourceError> {
        match settings {
            SourceSettings::Prometheus(settings) => {
                Ok(Self::Prometheus(Box::new(prometheus::Prometheus::new(settings, metrics)?)))
            }
            SourceSettings::Recording(settings) => {
                let text = leadsman_runtime::files::read_text(&settings.file, MAX_RECORDING)
                    .map_err(|source| SourceError::Read { path: settings.file.clone(), source })?;
                let file = RecordingFile::parse(&text).map_err(|reason| {
                    SourceError::Recording { path: settings.file.clone(), reason }
                })?;
                let recording = recording::Recording::new(file, settings.speed, settings.start_at);
                Ok(Self::Recording(recording))
            }
            SourceSettings::NsxAlb(settings) => {
                Ok(Self::NsxAlb(Box::new(nsx_alb::NsxAlb::new(settings, metrics)?)))
            }
            SourceSettings::Exposition(settings) => {
                let endpoints = match &settings.targets {
                    TargetSettings::Urls(_) => None,
                    TargetSettings::Endpoints(endpoints) => Some(find(&endpoints.pick)),
                };
                let exposition = exposition::Exposition::new(settings, metrics, endpoints)?;
                Ok(Self::Exposition(Box::new(exposition)))
            }
        }
    }

    /// How long a query may take; `None` if it takes no time.
    pub fn timeout(&self) -> Option<Duration> {
        match self {
            Self::Prometheus(prometheus) => Some(prometheus.timeout()),
            Self::NsxAlb(controller) => Some(controller.timeout()),
            Self::Exposition(targets) => Some(targets.timeout()),
            Self::Recording(_) => None,
        }
    }

    /// Runs a query.
    pub async fn fetch(&self, request: &Request<'_>) -> Result<Answer, QueryError> {
        Ok(self.fetch_with_gaps(request).await?.answer)
    }

    /// The same, with what the answer does not have.
    pub async fn fetch_with_gaps(&self, request: &Request<'_>) -> Result<Fetched, QueryError> {
        let mut gaps = Vec::new();
        let mut room = AnswerRoom::of(request.tenant);
        let mut answer = match (self, request.query) {
            (Self::Prometheus(prometheus), FilledQuery::PromQl { text, range }) => {
                let (answer, taken) = prometheus.fetch(text, *range, request).await?;
                room = taken;
                answer
            }
            (Self::Recording(recording), FilledQuery::PromQl { text, .. }) => {
                recording.fetch(text, request.now)?
            }
            (Self::NsxAlb(controller), FilledQuery::NsxAlb { query, namespace }) => {
                controller.fetch(query, namespace.as_ref(), request.tenant).await?
            }
            (Self::Exposition(targets), FilledQuery::Exposition { query, namespace }) => {
                let (answer, found) =
                    targets.fetch(query, namespace.as_ref(), request.tenant).await?;
                gaps = found;
                answer
            }
            (_, query) => {
                let source_kind = self.described();
                return Err(QueryError::WrongKind { source_kind, language: query.language() });
            }
        };
        room.resize(answer.bytes())?;
        let mut stale = Vec::new();
        if let Some(limit) = self.max_sample_age(request) {
            let age_of = |time: i64| {
                let age = u64::try_from(request.now.saturating_sub(time)).unwrap_or_default();
                Duration::from_secs(age / 1000)
            };
            let length = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
            let series = answer.data.series();
            let old = answer.drop_older(request.now.saturating_sub(length)).map_err(|newest| {
                let hint = self.why_old(request, &[]);
                QueryError::Stale { age: age_of(newest), limit, hint }
            })?;
            stale = old
                .few
                .into_iter()
                .map(|DroppedSeries { time, labels }| {
                    let (age, hint) = (age_of(time), self.why_old(request, &labels));
                    let reason = format!(
                        "its newest sample is {age:?} old, and maxSampleAge is {limit:?}{hint}"
                    );
                    StaleSeries { labels, reason }
                })
                .collect();
            if let Some(StaleSeries { reason, .. }) = stale.first() {
                let warning = format!(
                    "{} of {series} series are left out; of the first, {reason}",
                    old.count
                );
                answer.warnings.push(warning);
            }
        }
        Ok(Fetched { answer, room, gaps, stale })
    }

    /// How old samples may be.
    fn max_sample_age(&self, request: &Request<'_>) -> Option<Duration> {
        match (self, request.query) {
            (Self::NsxAlb(controller), FilledQuery::NsxAlb { query, .. }) => {
                Some(controller.max_sample_age(query, request.max_sample_age))
            }
            _ => request.max_sample_age,
        }
    }

    /// What may be the cause if samples are older: of a series with these labels, or of all where there
    /// are none.
    fn why_old(&self, request: &Request<'_>, labels: &[(String, String)]) -> &'static str {
        match (self, request.query) {
            (Self::NsxAlb(controller), FilledQuery::NsxAlb { query, .. }) => {
                let uuid = labels.iter().find(|(name, _)| name == "uuid");
                controller.why_old(query, uuid.map(|(_, uuid)| uuid.as_str()))
            }
            _ => "",
        }
    }

    /// Its state, for people: asks an NSX ALB controller for everything that queries would need.
    /// `None` for other kinds.
    pub async fn report(&self) -> Option<Result<ControllerReport, AlbError>> {
        match self {
            Self::NsxAlb(controller) => Some(controller.report().await),
            Self::Prometheus(_) | Self::Recording(_) | Self::Exposition(_) => None,
        }
    }

    /// The state of the targets of a source that is scraped: scrapes all of them. `None` for other
    /// kinds.
    pub async fn scrape_report(&self) -> Option<Result<ExpositionReport, ExpositionError>> {
        match self {
            Self::Exposition(targets) => Some(targets.report().await),
            Self::Prometheus(_) | Self::Recording(_) | Self::NsxAlb(_) => None,
        }
    }

    /// What is known of it without asking, for people. `None` for kinds without a session, and for
    /// a Prometheus with one address.
    pub fn state(&self) -> Option<String> {
        match self {
            Self::NsxAlb(controller) => Some(controller.state()),
            Self::Prometheus(prometheus) => prometheus.state(),
            Self::Exposition(targets) => Some(targets.state()),
            Self::Recording(_) => None,
        }
    }

    /// Sends a query to each address of a Prometheus that has several, and says which answered.
    /// `None` for others.
    pub async fn ask_each(
        &self,
        promql: &str,
        now: i64,
    ) -> Option<Vec<(String, Result<(), QueryError>)>> {
        match self {
            Self::Prometheus(prometheus) if prometheus.has_several_addresses() => {
                Some(prometheus.ask_each(promql, now).await)
            }
            _ => None,
        }
    }

    /// Logs out where there is a session, once the source is not used any more or `end` completes.
    pub fn log_out_after<F>(
        &self,
        end: F,
    ) -> Option<impl Future<Output = ()> + Send + 'static + use<F>>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        match self {
            Self::NsxAlb(controller) => Some(controller.log_out_after(end)),
            Self::Prometheus(_) | Self::Recording(_) | Self::Exposition(_) => None,
        }
    }

    /// Where a query can be looked at in a browser, at a time in milliseconds since the epoch. `None`
    /// for sources without such a page.
    pub fn link(&self, query: &FilledQuery, time: i64) -> Option<String> {
        match (self, query) {
            (Self::Prometheus(prometheus), FilledQuery::PromQl { text, range }) => {
                prometheus.link(text, *range, time)
            }
            _ => None,
        }
    }

    fn described(&self) -> &'static str {
        match self {
            Self::Prometheus(_) => "a Prometheus",
            Self::Recording(_) => "a recording",
            Self::NsxAlb(_) => "an NSX ALB controller",
            Self::Exposition(_) => "endpoints that are scraped",
        }
    }

    /// The names of the series that a selector picks and that had samples since a time, in
    /// milliseconds since the epoch; with the names of their labels.
    pub async fn series(&self, selector: &str, since: i64) -> Result<ListedSeries, QueryError> {
        match self {
            Self::Prometheus(prometheus) => prometheus.series(selector, since).await,
            Self::Recording(_) => Err(QueryError::NotRecorded(format!("series of {selector}"))),
            Self::NsxAlb(_) | Self::Exposition(_) => Err(QueryError::WrongKind {
                source_kind: self.described(),
                language: "the series queries of rules",
            }),
        }
    }
}

/// Parses a list of series that arrives in pieces.
pub fn prometheus_series<'b>(
    pieces: impl IntoIterator<Item = &'b [u8]>,
) -> Result<ListedSeries, String> {
    prometheus::series(pieces)
}

/// Parses what an NSX ALB controller sends, metrics of many objects or of one and a list of objects,
/// and joins both.
pub fn nsx_alb_answer(metrics: &[u8], list: &[u8]) -> Result<Answer, String> {
    nsx_alb::parse(metrics, list)
}

/// A sample of a page: its name, labels, value, and time in milliseconds since the epoch.
pub type PageRow = (String, Vec<(String, String)>, f64, Option<i64>);

/// Parses a page that arrives in pieces.
pub fn exposition_page<'b>(
    format: PageFormat,
    pieces: impl IntoIterator<Item = &'b [u8]>,
) -> Result<Vec<PageRow>, String> {
    exposition::rows(format, pieces).map_err(|error| error.to_string())
}

/// Parses metrics of an NSX ALB controller in the Prometheus format. Gives the number of series of the
/// metric that every pool has.
pub fn nsx_alb_page(page: &[u8]) -> Result<usize, String> {
    nsx_alb::parse_page(page)
}

/// Parses how an NSX ALB controller answers a login: its status, its headers `Set-Cookie` and its body.
/// Gives the header `Cookie` of later requests, and the version of the controller.
pub fn nsx_alb_login(
    status: u16,
    set_cookie: &[&[u8]],
    body: &[u8],
) -> Result<(Vec<u8>, Option<String>), String> {
    nsx_alb::parse_login(status, set_cookie, body)
}

/// What a source says, as it may be repeated to a reader of one namespace: without labels of series
/// that the query does not name itself.
pub fn redacted(text: &str, query: &str) -> String {
    redact::message(text, query)
}

/// Parses an answer of Prometheus' HTTP API.
pub fn prometheus_answer(body: &[u8]) -> Result<Answer, String> {
    prometheus::answer(body)
}
