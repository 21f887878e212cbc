//! Why a delegate cannot be prepared, and why a request to one has no answer.

use std::path::PathBuf;
use std::time::Duration;

use http::StatusCode;
use leadsman_runtime::decoding::Panicked;
use leadsman_runtime::tls::PemError;

/// Why a delegate cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum DelegateError {
    /// A file with certificates cannot be used.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// The client refused its settings.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
    /// The address cannot be used.
    #[error("\"{0}\" is not an address")]
    Address(String),
    /// The Service is that of this adapter.
    #[error(
        "the Service {0} is this adapter's own: its requests would come back without end; name the \
         Service of the other adapter"
    )]
    OwnService(String),
}

/// A request to a delegate without an answer. The text appears in the conditions of autoscalers.
#[derive(Debug, thiserror::Error)]
#[error("the delegate \"{delegate}\" {cause}")]
pub struct DelegateFailure {
    /// The delegate.
    pub delegate: String,
    /// The cause.
    pub cause: ForwardError,
}

/// Why a request to a delegate has no answer, to be read after the name of the delegate.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// The path could mean something else to the delegate.
    #[error("was not asked: a segment of the path is empty, a dot, or holds what no name has")]
    Path,
    /// The name, a group or an attribute of the user cannot be sent.
    #[error("was not asked: the user's name, groups or attributes cannot be sent in headers")]
    User,
    /// A token cannot be read.
    #[error("was not asked: cannot read {path}: {source}")]
    Token {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// As many requests as may be are under way.
    #[error(
        "was not asked within {0:?}: as many requests to it are under way as maxConcurrent allows, of \
         all or of this namespace"
    )]
    Busy(Duration),
    /// It was asked, and what waiting for a place had left of its time was too short.
    #[error(
        "did not answer in what was left of {timeout:?} after {waited:.1?} of waiting: as many requests to it \
         are under way as maxConcurrent allows, of all or of this namespace"
    )]
    Delayed {
        /// Until it was asked.
        waited: Duration,
        /// All of its time.
        timeout: Duration,
    },
    /// It failed several times in a row.
    #[error(
        "is not asked for another {wait:.0?}, as it failed {failures} times in a row: it {last}"
    )]
    Open {
        /// Until it is asked again.
        wait: Duration,
        /// How often it failed.
        failures: u32,
        /// Why, the last time.
        last: String,
    },
    /// A connection was refused or failed.
    #[error("cannot be reached: {}", innermost(.0))]
    Connect(#[source] reqwest::Error),
    /// There was no whole answer in time.
    #[error("did not answer within {0:?}; raise its `timeout` if it needs longer")]
    Timeout(Duration),
    /// The connection broke during the answer.
    #[error("broke off its answer: {}", innermost(.0))]
    Broken(#[source] reqwest::Error),
    /// The answer is larger than it may be.
    #[error("sent more than the limit of {0} bytes; raise its `maxBodyBytes` if that is right")]
    TooLarge(usize),
    /// It sends elsewhere.
    #[error("answered {0}, and redirects are not followed; name the address that it is at")]
    Redirect(StatusCode),
    /// It does not accept the adapter's credentials.
    #[error(
        "refuses the adapter's own credentials ({status}){}; see docs/neighbours.md for what it must \
         trust",
        with_message(.message.as_deref())
    )]
    Credentials {
        /// The status.
        status: StatusCode,
        /// What it says.
        message: Option<String>,
    },
    /// The answer is no answer of Kubernetes.
    #[error("answered {status} with {found} in place of JSON or protobuf of Kubernetes")]
    NotKubernetes {
        /// The status.
        status: StatusCode,
        /// What it said that its answer is.
        found: String,
    },
    /// The answer is of another kind than was asked for.
    #[error("answered with {found}, and {wanted} was asked for")]
    Foreign {
        /// What came.
        found: String,
        /// What should have.
        wanted: String,
    },
    /// The answer is not whole, or is no JSON or protobuf.
    #[error("sent an answer that cannot be read: {0}")]
    Malformed(String),
    /// It failed itself.
    #[error("failed ({status}){}", with_message(.message.as_deref()))]
    Internal {
        /// The status.
        status: StatusCode,
        /// What it says.
        message: Option<String>,
    },
    /// The request came back.
    #[error("sends requests back to this adapter: a loop, which is not followed")]
    Loop,
}

impl From<Panicked> for ForwardError {
    fn from(panicked: Panicked) -> Self {
        Self::Malformed(panicked.to_string())
    }
}

impl ForwardError {
    /// The kind of the error, from a closed set.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::User => "user",
            Self::Token { .. } => "token",
            Self::Busy(_) | Self::Delayed { .. } => "busy",
            Self::Open { .. } => "circuit_open",
            Self::Connect(_) => "connect",
            Self::Timeout(_) => "timeout",
            Self::Broken(_) => "broken",
            Self::TooLarge(_) => "too_large",
            Self::Redirect(_) => "redirect",
            Self::Credentials { .. } => "credentials",
            Self::NotKubernetes { .. } => "not_kubernetes",
            Self::Foreign { .. } => "foreign",
            Self::Malformed(_) => "malformed",
            Self::Internal { .. } => "internal",
            Self::Loop => "loop",
        }
    }

    /// Whether it says that the delegate as a whole does not work, and not that one answer is wrong.
    pub(super) fn is_outage(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::Timeout(_) | Self::Broken(_))
    }

    /// Whether a last good answer may stand for it: the request itself is in order.
    pub(super) fn may_be_replaced(&self) -> bool {
        !matches!(self, Self::Path | Self::User | Self::Loop)
    }
}

/// The innermost cause: the outer ones say only that a request failed.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn with_message(message: Option<&str>) -> String {
    message.map(|message| format!(": {message}")).unwrap_or_default()
}
