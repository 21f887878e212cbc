//! Errors of scraping. The texts appear in the conditions of autoscalers, after the words
//! `the source "NAME"`.

use std::time::Duration;

use http::StatusCode;

use super::parse::PageError;

/// Why a query has no answer at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpositionError {
    /// The pods of the cluster are not known.
    #[error("does not know which {pick} there are: {reason}")]
    Unknown {
        /// The selection of targets.
        pick: String,
        /// The reason.
        reason: String,
    },
    /// No target could be scraped.
    #[error("could not be scraped: {target} {error}{}", and_others(.others))]
    AllFailed {
        /// The first of them.
        target: String,
        /// Its error.
        error: ScrapeError,
        /// How many others there are.
        others: usize,
    },
}

fn and_others(others: &usize) -> String {
    match others {
        0 => String::new(),
        others => format!(" (and {others} other targets failed)"),
    }
}

/// Why a target has no page. The texts follow the name of the target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScrapeError {
    /// A connection was refused or failed.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// A connection was not made in time.
    #[error("cannot be reached: no connection within {0:?}")]
    ConnectTimeout(Duration),
    /// The page did not come in time.
    #[error("did not send its page within {0:?}; raise `timeout` if it needs longer")]
    Timeout(Duration),
    /// It waited for other scrapes until its deadline.
    #[error("was not scraped within {0:?}: as many scrapes are under way as maxConcurrent allows")]
    Queued(Duration),
    /// The connection broke within the page.
    #[error("broke off its page: {0}")]
    Broken(String),
    /// It answered with an error status.
    #[error("answered {status}{}", .excerpt.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Status {
        /// The status.
        status: StatusCode,
        /// The beginning of the body.
        excerpt: Option<String>,
    },
    /// It sent another content type.
    #[error("sent {kind} in place of metrics: {excerpt}")]
    NotMetrics {
        /// The content type.
        kind: String,
        /// The beginning of the body.
        excerpt: String,
    },
    /// The page exceeds the size limit.
    #[error(
        "sent more than the limit of {limit} bytes; have it expose less, or raise limits.bytes"
    )]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The page cannot be parsed.
    #[error("sent a page that cannot be read: {0}")]
    Page(#[from] PageError),
    /// The requested metrics exceed the memory limit.
    #[error(
        "was left out: the samples that are kept for queries take more than {limit} bytes; ask for \
         fewer series or a shorter `over`, or raise limits.memory"
    )]
    Memory {
        /// The limit.
        limit: usize,
    },
    /// The metrics that teams request exceed their memory limit.
    #[error(
        "has more series of it than there is memory for: what teams ask of this source may take {limit} \
         bytes, and one team half of it; ask for fewer series or a shorter `over`"
    )]
    TeamMemory {
        /// The limit of all teams.
        limit: usize,
    },
    /// A credential cannot be read.
    #[error("{0}")]
    Credential(String),
    /// The scrape itself failed.
    #[error("was not scraped: the adapter failed while it did; its log has more")]
    Internal,
}

impl ExpositionError {
    /// The reason code, for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "query_targets",
            Self::AllFailed { error, .. } => error.reason(),
        }
    }
}

impl ScrapeError {
    /// The reason code, for metrics.
    fn reason(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "query_connect",
            Self::ConnectTimeout(_) => "query_connect_timeout",
            Self::Timeout(_) => "query_timeout",
            Self::Queued(_) => "query_queued",
            Self::Broken(_) => "query_broken",
            Self::Status { .. } => "query_status",
            Self::NotMetrics { .. } | Self::Page(_) | Self::Internal => "query_decode",
            Self::TooLarge { .. } | Self::Memory { .. } | Self::TeamMemory { .. } => {
                "query_too_large"
            }
            Self::Credential(_) => "query_credential",
        }
    }
}

impl ScrapeError {
    /// The same error without quotations of the page.
    pub(super) fn without_quotes(self) -> Self {
        match self {
            Self::Status { status, .. } => Self::Status { status, excerpt: None },
            Self::NotMetrics { kind, .. } => {
                Self::NotMetrics { kind, excerpt: "its own text".to_owned() }
            }
            Self::Page(PageError::Line { line, reason, .. }) => {
                Self::Page(PageError::Line { line, reason, excerpt: "in its own text".to_owned() })
            }
            Self::Page(PageError::Family { family, reason, .. }) => {
                let excerpt = "in its own text".to_owned();
                Self::Page(PageError::Family { family, reason, excerpt })
            }
            other => other,
        }
    }
}
