//! Sources of the answers to queries.
//!
//! A source takes a [`Request`] and returns an [`Answer`]. It knows nothing of mappings, plugins or
//! clients. A new kind of source is a module here and a variant of [`Source`].

mod decoding;
mod error;
mod prometheus;
mod query;
mod recording;
mod redact;
mod settings;
#[cfg(test)]
#[path = "../../rules/src/promql/shape.rs"]
mod shape;
mod template;

use std::time::Duration;

pub use error::{QueryError, SourceError};
pub use query::Query;
use recording::RecordingFile;
pub use settings::{
    Credentials, Method, PrometheusSettings, RecordingSettings, SourceSettings, TlsSettings,
};
pub use template::Template;

use leadsman_model::data::Answer;
use leadsman_model::tenant::Tenant;
use leadsman_rules::Seen;

/// A query of a source.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The query's text.
    pub promql: &'a str,
    /// Duration and step of a range query.
    pub range: Option<(Duration, Duration)>,
    /// When the evaluation began, in milliseconds since the epoch.
    pub now: i64,
    /// On whose behalf: queries wait for their turn by tenant.
    pub tenant: &'a Tenant,
}

/// The largest recording, in bytes.
const MAX_RECORDING: u64 = 64 << 20;

/// A named upstream.
pub enum Source {
    /// A Prometheus, or anything that answers its HTTP API.
    Prometheus(Box<prometheus::Prometheus>),
    /// A recording that is played back.
    Recording(recording::Recording),
}

impl Source {
    /// Prepares a source. Does not connect: if the source is down, evaluations fail.
    pub fn new(settings: &SourceSettings) -> Result<Self, SourceError> {
        match settings {
            SourceSettings::Prometheus(settings) => {
                Ok(Self::Prometheus(Box::new(prometheus::Prometheus::new(settings)?)))
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
        }
    }

    /// How long a query may take; `None` if it takes no time.
    pub fn timeout(&self) -> Option<Duration> {
        match self {
            Self::Prometheus(prometheus) => Some(prometheus.timeout()),
            Self::Recording(_) => None,
        }
    }

    /// Runs a query.
    pub async fn fetch(&self, request: &Request<'_>) -> Result<Answer, QueryError> {
        match self {
            Self::Prometheus(prometheus) => prometheus.fetch(request).await,
            Self::Recording(recording) => recording.fetch(request),
        }
    }

    /// The names of the series that a selector picks and that had samples since a time, in
    /// milliseconds since the epoch; with the names of their labels.
    pub async fn series(&self, selector: &str, since: i64) -> Result<Seen, QueryError> {
        match self {
            Self::Prometheus(prometheus) => prometheus.series(selector, since).await,
            Self::Recording(_) => Err(QueryError::NotRecorded(format!("series of {selector}"))),
        }
    }
}

/// Parses a list of series that arrives in pieces.
pub fn prometheus_series<'b>(pieces: impl IntoIterator<Item = &'b [u8]>) -> Result<Seen, String> {
    prometheus::series(pieces)
}

/// Parses an answer of Prometheus' HTTP API.
pub fn prometheus_answer(body: &[u8]) -> Result<Answer, String> {
    prometheus::answer(body)
}
