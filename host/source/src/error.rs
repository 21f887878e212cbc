//! Why a source cannot be made, and why a query of it has no answer.

use std::path::PathBuf;
use std::time::Duration;

/// Why a source cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A recording cannot be read.
    #[error("{path} is not a recording: {reason}")]
    Recording {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file does not hold what it should.
    #[error("{path} holds no {wanted} in PEM form")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        wanted: &'static str,
    },
    /// The client refused its settings.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
}

/// Why a query has no answer. The texts end up in the conditions of autoscalers.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The connection broke while the answer came.
    #[error("broke off its answer: {}", innermost(.0))]
    Broken(#[source] reqwest::Error),
    /// There is no connection.
    #[error("cannot be reached: {}", innermost(.0))]
    Connect(#[source] reqwest::Error),
    /// The answer did not come in time.
    #[error("did not answer within {0:?}")]
    Timeout(Duration),
    /// A proxy, or something that is no Prometheus, answered.
    #[error("answered {status} in place of a result{}", .excerpt.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Status {
        /// The status.
        status: http::StatusCode,
        /// The beginning of the body.
        excerpt: Option<String>,
    },
    /// Prometheus refused or could not evaluate.
    #[error("refused the query ({status}, {kind}): {message}")]
    Api {
        /// The status.
        status: http::StatusCode,
        /// The kind of the error.
        kind: String,
        /// What it said.
        message: String,
    },
    /// The answer is larger than it may be.
    #[error(
        "sent more than the limit of {limit} bytes; aggregate in the query, or raise maxBodyBytes"
    )]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The answer is no result.
    #[error("sent something that is no result: {0}")]
    Decode(String),
    /// The answer is partial, and that was not to be accepted.
    #[error("warned, and failOnWarnings is set: {0}")]
    Warnings(String),
    /// A credential cannot be read.
    #[error("was not asked: cannot read {path}")]
    Credential {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What the file holds cannot be sent.
    #[error("was not asked: {path} does not hold a credential that can be sent")]
    UnusableCredential {
        /// The file.
        path: PathBuf,
    },
    /// A recording does not have the query.
    #[error("is a recording that does not have this query: {0}")]
    NotRecorded(String),
}

impl QueryError {
    /// The kind of the error, as metrics count it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Broken(_) => "query_broken",
            Self::Connect(_) => "query_connect",
            Self::Timeout(_) => "query_timeout",
            Self::Status { .. } => "query_status",
            Self::Api { .. } => "query_api",
            Self::TooLarge { .. } => "query_too_large",
            Self::Decode(_) => "query_decode",
            Self::Warnings(_) => "query_warnings",
            Self::Credential { .. } | Self::UnusableCredential { .. } => "query_credential",
            Self::NotRecorded(_) => "query_not_recorded",
        }
    }
}

/// What is at the bottom of an error says the most: "connection refused" and not "error sending
/// request".
fn innermost(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
