//! Errors of sources and queries.

use std::path::PathBuf;
use std::time::Duration;

use super::exposition::ExpositionError;
use super::nsx_alb::AlbError;
use leadsman_model::text::one_line;
use leadsman_runtime::decoding::Panicked;
use leadsman_runtime::tls::PemError;

/// Why a source cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A recording is invalid.
    #[error("{path} is not a recording: {reason}")]
    Recording {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// A file with certificates cannot be used.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// The client refused its settings.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
}

/// Why a query has no answer. The texts appear in the conditions of autoscalers.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The connection broke during the answer.
    #[error("broke off its answer: {}", innermost(.0))]
    Broken(#[source] reqwest::Error),
    /// A connection was refused or failed.
    #[error("cannot be reached: {}", innermost(.0))]
    Connect(#[source] reqwest::Error),
    /// A connection was not made in time.
    #[error("cannot be reached: no connection within {0:?}")]
    ConnectTimeout(Duration),
    /// The answer did not come in time.
    #[error("did not answer within {0:?}; raise its `timeout` if it needs longer")]
    Timeout(Duration),
    /// A list of series did not come in time, which is not the time of a query.
    #[error("did not list the series within {0:?}")]
    ListTimeout(Duration),
    /// It waited for other queries until its deadline.
    #[error(
        "was not asked within {0:?}: as many queries of it are under way as maxConcurrent allows, \
         of all or of this namespace"
    )]
    Queued(Duration),
    /// The answer is not Prometheus', but a proxy's for instance.
    #[error(
        "answered {status} in place of a result{}{}",
        wrong_address(.status),
        .excerpt.as_ref().map(|text| format!(": {text}")).unwrap_or_default()
    )]
    Status {
        /// The status.
        status: http::StatusCode,
        /// The beginning of the body.
        excerpt: Option<String>,
    },
    /// Prometheus refused the query or could not evaluate it.
    #[error("refused the query ({status}, {kind}): {message}")]
    Api {
        /// The status.
        status: http::StatusCode,
        /// The kind of the error.
        kind: String,
        /// Its message.
        message: String,
    },
    /// The answer exceeds the size limit.
    #[error(
        "sent more than the limit of {limit} bytes; aggregate in the query, or raise maxBodyBytes"
    )]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The answers for the mappings of a team exceed their memory limit.
    #[error(
        "sent more than there is room for: answers for the mappings of one namespace have {limit} MiB \
         together, and less while those of other namespaces take much, until their plugins have had \
         them; aggregate in the query"
    )]
    NoRoom {
        /// The limit, in MiB.
        limit: usize,
    },
    /// The answer is not a valid result.
    #[error("sent something that is no result: {0}")]
    Decode(String),
    /// The content type of the answer is not JSON.
    #[error("sent something that is no result: {0}")]
    NotPrometheus(String),
    /// None of several addresses has answered: each with its place in the list and its error.
    #[error("has no address that answers: {}", each(.0))]
    NoAddress(Vec<(usize, QueryError)>),
    /// The answer has warnings, and `failOnWarnings` is set.
    #[error("warned, and failOnWarnings is set: {0}")]
    Warnings(String),
    /// A credential cannot be read.
    #[error("was not asked: cannot read {path}")]
    Credential {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The content of the file cannot be sent in a header.
    #[error("was not asked: {path} does not hold a credential that can be sent")]
    UnusableCredential {
        /// The file.
        path: PathBuf,
    },
    /// A recording does not have the query.
    #[error("is a recording that does not have this query: {0}")]
    NotRecorded(String),
    /// An NSX ALB controller has no answer.
    #[error(transparent)]
    NsxAlb(#[from] AlbError),
    /// Targets that are scraped have no answer.
    #[error(transparent)]
    Exposition(#[from] ExpositionError),
    /// The source is of another kind than the query.
    #[error("is {source_kind}, which cannot answer a query in {language}")]
    WrongKind {
        /// What the source is.
        source_kind: &'static str,
        /// What the query is written in.
        language: &'static str,
    },
    /// All samples exceed the maximum age.
    #[error("has no newer sample than one of {age:?} ago, and maxSampleAge is {limit:?}{hint}")]
    Stale {
        /// The age of the newest one.
        age: Duration,
        /// The limit.
        limit: Duration,
        /// A possible cause.
        hint: &'static str,
    },
}

/// The longest text of a source that an error contains, in bytes. It may quote the answer, and appears
/// in conditions, logs and the status page.
const MAX_TEXT: usize = 500;

impl QueryError {
    /// The answer is no result, for a reason that may quote it.
    pub(super) fn decode(reason: impl AsRef<str>) -> Self {
        Self::Decode(shortened(reason.as_ref()))
    }

    /// The reason code, for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Broken(_) => "query_broken",
            Self::Connect(_) => "query_connect",
            Self::ConnectTimeout(_) => "query_connect_timeout",
            Self::Timeout(_) | Self::ListTimeout(_) => "query_timeout",
            Self::Queued(_) => "query_queued",
            Self::Status { .. } => "query_status",
            Self::Api { .. } => "query_api",
            Self::TooLarge { .. } | Self::NoRoom { .. } => "query_too_large",
            Self::Decode(_) | Self::NotPrometheus(_) => "query_decode",
            // Of the one that was asked first.
            Self::NoAddress(errors) => {
                errors.first().map_or("query_connect", |(_, error)| error.reason())
            }
            Self::Warnings(_) => "query_warnings",
            Self::Credential { .. } | Self::UnusableCredential { .. } => "query_credential",
            Self::NotRecorded(_) => "query_not_recorded",
            Self::NsxAlb(error) => error.reason(),
            Self::Exposition(error) => error.reason(),
            Self::WrongKind { .. } => "query_wrong_kind",
            Self::Stale { .. } => "query_stale",
        }
    }
}

impl From<Panicked> for QueryError {
    fn from(panicked: Panicked) -> Self {
        Self::Decode(panicked.to_string())
    }
}

/// The errors of several addresses, which are named by their index: teams read the message.
fn each(errors: &[(usize, QueryError)]) -> String {
    let reported = errors.iter().map(|(at, error)| match at {
        0 => format!("the first of `urls` {error}"),
        at => format!("number {} {error}", at + 1),
    });
    reported.collect::<Vec<_>>().join("; ")
}

/// The beginning of a text of a source, in one line.
pub(super) fn shortened(text: &str) -> String {
    let cut = &text[..text.floor_char_boundary(MAX_TEXT)];
    let mut line = one_line(cut, MAX_TEXT);
    if cut.len() < text.len() {
        line.push('…');
    }
    line
}

/// A hint at the commonest reason for a status.
fn wrong_address(status: &http::StatusCode) -> &'static str {
    match *status {
        http::StatusCode::NOT_FOUND => " (is there a Prometheus API at this `url`?)",
        _ => "",
    }
}

/// The innermost cause: "connection refused" rather than "error sending request".
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    shortened(&inner.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_of_sources_are_cut() {
        assert_eq!(shortened("refused"), "refused");
        assert_eq!(shortened("in\ntwo\u{1b} lines"), "in two  lines");
        let long = "ö".repeat(1 << 20);
        let short = shortened(&long);
        assert!(short.len() <= MAX_TEXT + '…'.len_utf8() && short.ends_with("ö…"));
        assert!(QueryError::decode(&long).to_string().len() < 2 * MAX_TEXT);
    }
}
