//! Why an artifact was not pulled, told to the one who configured it.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::manifest::NotAPlugin;
use leadsman_model::reference::Digest;

/// Why an artifact, or a part of it, was not had.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The file with the authorities cannot be read.
    #[error("cannot read {path}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file with the authorities has none.
    #[error("{path} holds no certificate in PEM form")]
    CaPem {
        /// The file.
        path: PathBuf,
    },
    /// The client refused its settings.
    #[error(
        "the HTTP client cannot be made: {}; if this system has no certificates of its own, give \
         caFile", innermost(.0)
    )]
    Client(#[source] reqwest::Error),
    /// There is no connection.
    #[error("{host} cannot be reached: {}", innermost(.source))]
    Connect {
        /// Who was called.
        host: String,
        /// Why not.
        source: reqwest::Error,
    },
    /// The certificate is not one to trust.
    #[error(
        "the certificate of {host} is not trusted ({}); give the certificate of its authority as \
         caFile", innermost(.source)
    )]
    Untrusted {
        /// Whose.
        host: String,
        /// Why.
        source: reqwest::Error,
    },
    /// Plain HTTP came where TLS was expected.
    #[error("{host} does not speak TLS; if it is meant to be read over plain HTTP, set plainHttp")]
    NotTls {
        /// Who.
        host: String,
        /// What was seen.
        source: reqwest::Error,
    },
    /// The connection broke while the answer came.
    #[error("{host} broke off its answer: {}", innermost(.source))]
    Broken {
        /// Who.
        host: String,
        /// How.
        source: reqwest::Error,
    },
    /// It took too long.
    #[error("{what} was not read within {limit:?}")]
    Timeout {
        /// What.
        what: String,
        /// The time that there was.
        limit: Duration,
    },
    /// Credentials are missing.
    #[error(
        "{host} does not let anybody read {repository}: name a pull secret with credentials for it \
         (some registries answer like this as well when the repository does not exist)"
    )]
    NoCredentials {
        /// The registry.
        host: String,
        /// The repository.
        repository: String,
    },
    /// Credentials are not good enough.
    #[error(
        "{host} refuses to let the credentials of the pull secret read {repository}: renew them, \
         or give them the right to pull"
    )]
    Denied {
        /// The registry, or its token service.
        host: String,
        /// The repository.
        repository: String,
    },
    /// How credentials are to be shown cannot be found out, or is not safe.
    #[error("{host} asks for credentials in a way that cannot be answered: {reason}")]
    Challenge {
        /// The registry.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It is not there.
    #[error("{what} does not exist at {host}")]
    NotFound {
        /// What.
        what: String,
        /// Where.
        host: String,
    },
    /// An answer that is none.
    #[error("{host} answered {status} when asked for {what}{}", remark(.said))]
    Status {
        /// Who.
        host: String,
        /// What was asked.
        what: String,
        /// The answer.
        status: http::StatusCode,
        /// What came with it.
        said: Option<String>,
    },
    /// A redirect that is not followed.
    #[error("{host} sends to another address that is not followed: {reason}")]
    Redirect {
        /// Who.
        host: String,
        /// Why not.
        reason: &'static str,
    },
    /// It is larger than it may be.
    #[error("{what} has {}, and the limit is {limit} bytes", amount(.size))]
    TooLarge {
        /// What.
        what: String,
        /// Its size, where it is known.
        size: Option<u64>,
        /// The limit.
        limit: u64,
    },
    /// What came is not what was asked for.
    #[error("{what} came as {found}: the registry holds something else than its name says")]
    Digest {
        /// What.
        what: String,
        /// The digest of what came.
        found: Digest,
    },
    /// More came than was announced.
    #[error("{what} came with more than the {declared} bytes that its manifest declares")]
    Overrun {
        /// What.
        what: String,
        /// What was announced.
        declared: u64,
    },
    /// Something does not have its form.
    #[error("{what} cannot be understood: {reason}")]
    Malformed {
        /// What.
        what: String,
        /// Why.
        reason: String,
    },
    /// It is something else than a plugin.
    #[error("{what} is not a plugin: {reason}")]
    NotAPlugin {
        /// What.
        what: String,
        /// Why not.
        reason: NotAPlugin,
    },
}

impl PullError {
    /// The kind of the error, out of a closed set.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Digest { .. } | Self::Overrun { .. } => "DigestMismatch",
            Self::TooLarge { .. } => "TooLarge",
            Self::NotAPlugin { .. } => "NotAPlugin",
            _ => "PullError",
        }
    }

    /// Whether the fault lies in what was read, and not in that it could not be read.
    pub(super) fn is_of_content(&self) -> bool {
        matches!(
            self,
            Self::NotFound { .. }
                | Self::TooLarge { .. }
                | Self::Digest { .. }
                | Self::Overrun { .. }
                | Self::Malformed { .. }
                | Self::NotAPlugin { .. }
        )
    }

    /// Why a request has no answer.
    pub(super) fn of_request(host: String, error: reqwest::Error) -> Self {
        // An address that a redirect gave may have a signature in it.
        let source = error.without_url();
        match tls_fault(&source) {
            Some(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)) => {
                Self::NotTls { host, source }
            }
            Some(rustls::Error::InvalidCertificate(_)) => Self::Untrusted { host, source },
            _ if source.is_connect() => Self::Connect { host, source },
            _ => Self::Broken { host, source },
        }
    }
}

fn remark(said: &Option<String>) -> String {
    said.as_ref().map(|text| format!(": {text}")).unwrap_or_default()
}

fn amount(size: &Option<u64>) -> String {
    size.map_or_else(|| "more bytes than it may".to_owned(), |size| format!("{size} bytes"))
}

fn tls_fault(error: &reqwest::Error) -> Option<&rustls::Error> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// What is at the bottom of an error says the most: "connection refused" and not "error sending
/// request".
fn innermost(error: &reqwest::Error) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

fn causes<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let first: &'a (dyn Error + 'static) = error;
    std::iter::successors(Some(first), |&error| {
        // The source of an I/O error is the source of the error that it wraps, which is skipped.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|error| -> &(dyn Error + 'static) { error }).or_else(|| error.source())
    })
}
