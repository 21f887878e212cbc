//! Errors of pulling an artifact, for whoever configured it.

use std::error::Error;
use std::io;
use std::time::Duration;

use super::manifest::NotAPlugin;
use leadsman_model::reference::Digest;
use leadsman_runtime::tls::PemError;

/// An artifact or a part of it cannot be pulled.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The CA file cannot be used.
    #[error(transparent)]
    Ca(#[from] PemError),
    /// The HTTP client cannot be created.
    #[error(
        "the HTTP client cannot be made: {}; if this system has no certificates of its own, give \
         caFile", innermost(.0)
    )]
    Client(#[source] reqwest::Error),
    /// The connection failed.
    #[error("{host} cannot be reached: {}", innermost(.source))]
    Connect {
        /// The host.
        host: String,
        /// Why not.
        source: reqwest::Error,
    },
    /// The server's certificate is not trusted.
    #[error(
        "the certificate of {host} is not trusted ({}); give the certificate of its authority as \
         caFile", innermost(.source)
    )]
    Untrusted {
        /// The host.
        host: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The server answered in plain HTTP instead of TLS.
    #[error("{host} does not speak TLS; if it is meant to be read over plain HTTP, set plainHttp")]
    NotTls {
        /// The host.
        host: String,
        /// The error.
        source: reqwest::Error,
    },
    /// The connection broke during the response.
    #[error("{host} broke off its answer: {}", innermost(.source))]
    Broken {
        /// The host.
        host: String,
        /// The error.
        source: reqwest::Error,
    },
    /// The time limit was exceeded.
    #[error("{what} was not read within {limit:?}")]
    Timeout {
        /// What.
        what: String,
        /// The limit.
        limit: Duration,
    },
    /// The registry requires credentials.
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
    /// The registry rejects the credentials.
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
    /// The authentication challenge is unsupported or unsafe.
    #[error("{host} asks for credentials in a way that cannot be answered: {reason}")]
    Challenge {
        /// The registry.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It does not exist.
    #[error("{what} does not exist at {host}")]
    NotFound {
        /// What.
        what: String,
        /// The host.
        host: String,
    },
    /// An unexpected status.
    #[error("{host} answered {status} when asked for {what}{}", remark(.said))]
    Status {
        /// The host.
        host: String,
        /// What was requested.
        what: String,
        /// The status.
        status: http::StatusCode,
        /// The message of the registry.
        said: Option<String>,
    },
    /// A redirect was refused.
    #[error("{host} sends to another address that is not followed: {reason}")]
    Redirect {
        /// The host.
        host: String,
        /// Why not.
        reason: &'static str,
    },
    /// It exceeds a size limit.
    #[error("{what} has {}, and the limit is {limit} bytes", amount(.size))]
    TooLarge {
        /// What.
        what: String,
        /// Its size in bytes, if it is known.
        size: Option<u64>,
        /// The limit.
        limit: u64,
    },
    /// The content does not match its digest.
    #[error("{what} came as {found}: the registry holds something else than its name says")]
    Digest {
        /// What.
        what: String,
        /// The digest of the content.
        found: Digest,
    },
    /// The content is larger than declared.
    #[error("{what} came with more than the {declared} bytes that its manifest declares")]
    Overrun {
        /// What.
        what: String,
        /// The declared size in bytes.
        declared: u64,
    },
    /// Something is malformed.
    #[error("{what} cannot be understood: {reason}")]
    Malformed {
        /// What.
        what: String,
        /// Why.
        reason: String,
    },
    /// It is not a plugin.
    #[error("{what} is not a plugin: {reason}")]
    NotAPlugin {
        /// What.
        what: String,
        /// Why not.
        reason: NotAPlugin,
    },
}

impl PullError {
    /// The reason, one of a closed set.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Digest { .. } | Self::Overrun { .. } => "DigestMismatch",
            Self::TooLarge { .. } => "TooLarge",
            Self::NotAPlugin { .. } => "NotAPlugin",
            _ => "PullError",
        }
    }

    /// Whether the registry could not be asked, which says nothing of the artifact.
    pub fn is_transient(&self) -> bool {
        !matches!(
            self,
            Self::Digest { .. }
                | Self::Overrun { .. }
                | Self::TooLarge { .. }
                | Self::NotAPlugin { .. }
        )
    }

    /// Whether the content is at fault, rather than access to it.
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

    /// The error of a failed request.
    pub(super) fn of_request(host: String, error: reqwest::Error) -> Self {
        // The URL of a redirect may contain a signature.
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

/// The root cause of an error, which is the most specific: "connection refused" and not "error
/// sending request".
fn innermost(error: &reqwest::Error) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

fn causes<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let first: &'a (dyn Error + 'static) = error;
    std::iter::successors(Some(first), |&error| {
        // The source of an I/O error skips the error that it wraps.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|error| -> &(dyn Error + 'static) { error }).or_else(|| error.source())
    })
}
