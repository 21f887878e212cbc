//! Sources: where the answers of queries come from.
//!
//! A source takes a [`Request`] and gives an [`Answer`] or says why not. It knows nothing of
//! mappings, plugins or who asks. A new kind of source is a module here and an arm of [`Source`].

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

/// What is asked of a source.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The query.
    pub promql: &'a str,
    /// Duration and step of a range query.
    pub range: Option<(Duration, Duration)>,
    /// When the evaluation began, in milliseconds since the epoch.
    pub now: i64,
    /// On whose behalf: queries wait for their turn by tenant.
    pub tenant: &'a Tenant,
}

/// A named upstream.
pub enum Source {
    /// A Prometheus, or anything that answers its HTTP API.
    Prometheus(Box<prometheus::Prometheus>),
    /// A recording.
    Recording(recording::Recording),
}

impl Source {
    /// Makes a source ready. Does not connect: a source that is down is a fault of evaluations.
    pub fn new(settings: &SourceSettings) -> Result<Self, SourceError> {
        match settings {
            SourceSettings::Prometheus(settings) => {
                Ok(Self::Prometheus(Box::new(prometheus::Prometheus::new(settings)?)))
            }
            SourceSettings::Recording(settings) => {
                let text = std::fs::read_to_string(&settings.file)
                    .map_err(|source| SourceError::Read { path: settings.file.clone(), source })?;
                let file = RecordingFile::parse(&text).map_err(|reason| {
                    SourceError::Recording { path: settings.file.clone(), reason }
                })?;
                let recording = recording::Recording::new(file, settings.speed, settings.start_at);
                Ok(Self::Recording(recording))
            }
        }
    }

    /// Asks.
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

/// Reads a list of series that comes in pieces.
pub fn prometheus_series<'b>(pieces: impl IntoIterator<Item = &'b [u8]>) -> Result<Seen, String> {
    prometheus::series(pieces)
}

/// Reads an answer of Prometheus' HTTP API, as it was written down.
pub fn prometheus_answer(body: &[u8]) -> Result<Answer, String> {
    prometheus::answer(body)
}
