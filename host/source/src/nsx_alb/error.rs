//! Errors of a controller. The texts appear in the conditions of autoscalers, after the words
//! `the source "NAME"`.

use std::path::PathBuf;
use std::time::Duration;

use http::StatusCode;

/// Why a controller has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AlbError {
    /// A connection was refused or failed.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// The certificate of the controller is not trusted, or is not for its host.
    #[error("cannot be reached: {0}")]
    Untrusted(String),
    /// The answer did not come in time.
    #[error("did not answer within {0:?}")]
    Timeout(Duration),
    /// The connection broke during the answer.
    #[error("broke off its answer: {0}")]
    Broken(String),
    /// Others' calls were under way for as long as one may take.
    #[error(
        "was not asked within {0:?}: another call of it is under way, and there is one at once"
    )]
    Busy(Duration),
    /// The controller does not take the credentials.
    #[error(
        "refused the login ({status}{}); it is not asked again until a file in {folder} changes, \
         so that the account is not locked",
        .message.as_ref().map(|text| format!(": {text}")).unwrap_or_default()
    )]
    LoginRefused {
        /// The status.
        status: StatusCode,
        /// What it says.
        message: Option<String>,
        /// Where the credentials are.
        folder: PathBuf,
    },
    /// A session that was begun just now is refused.
    #[error(
        "does not accept the session that its own login began ({status}{}); is there a proxy in \
         between that drops cookies, or is the address not that of the controller?",
        .message.as_ref().map(|text| format!(": {text}")).unwrap_or_default()
    )]
    SessionRefused {
        /// The status.
        status: StatusCode,
        /// What it says.
        message: Option<String>,
    },
    /// The user may not do that.
    #[error(
        "does not let this user read {what} (403{}); give its role read access to it in the tenant",
        .message.as_ref().map(|text| format!(": {text}")).unwrap_or_default()
    )]
    Forbidden {
        /// What was requested.
        what: &'static str,
        /// What it says.
        message: Option<String>,
    },
    /// The controller cannot answer now.
    #[error("answered {status} and is asked for its cluster status before anything else{}",
        .excerpt.as_ref().map(|text| format!(": {text}")).unwrap_or_default()
    )]
    Unavailable {
        /// The status.
        status: StatusCode,
        /// The beginning of the body.
        excerpt: Option<String>,
    },
    /// The controller refused the request.
    #[error("refused the request ({status}): {message}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// What it says.
        message: String,
    },
    /// The answer is not the controller's, but a proxy's or a maintenance page.
    #[error("answered {status} with {kind} in place of {wanted}: {excerpt}")]
    NotItsOwn {
        /// The status.
        status: StatusCode,
        /// What it should be.
        wanted: &'static str,
        /// The content type.
        kind: String,
        /// The beginning of the body.
        excerpt: String,
    },
    /// The answer is larger than it may be.
    #[error("sent more than the limit of {limit} bytes; raise maxBodyBytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The answer is not a valid result.
    #[error("sent something that is no result: {0}")]
    Decode(String),
    /// A list of objects does not end.
    #[error("lists its objects without end: page {page} has only what was listed before")]
    PageRepeats {
        /// The page.
        page: u32,
    },
    /// A list of objects is too long.
    #[error("lists more than {limit} objects; use a tenant with fewer")]
    TooManyObjects {
        /// The limit.
        limit: usize,
    },
    /// There is no object of that name.
    #[error("has no {entity} named \"{name}\" in tenant {tenant}; names are case sensitive")]
    UnknownName {
        /// The kind of object.
        entity: &'static str,
        /// The name.
        name: String,
        /// The tenant.
        tenant: String,
    },
    /// There are several objects of that name.
    #[error(
        "has {count} {entity}s named \"{name}\", in the tenants {tenants}; say which with `tenant` \
         or `uuid`"
    )]
    AmbiguousName {
        /// The kind of object.
        entity: &'static str,
        /// The name.
        name: String,
        /// How many.
        count: usize,
        /// Where they are.
        tenants: String,
    },
    /// The mapping adds up what the controller says must not be.
    #[error(
        "says that {metric} must not be summed (metrics_sum_agg_invalid), which the mapping does; set \
         `combine` to average or max"
    )]
    NotSummable {
        /// The id of the metric.
        metric: String,
    },
    /// A team wants more than it may.
    #[error(
        "was not asked: a team has at most {limit} metrics of objects asked for at once; ask for all \
         objects with `ako`, which is one"
    )]
    TooManyMetrics {
        /// The limit.
        limit: usize,
    },
    /// A credential cannot be sent.
    #[error("was not asked: {0} holds no credential that can be sent")]
    UnusableCredential(PathBuf),
}

impl AlbError {
    /// The reason code, for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unreachable(_) | Self::Untrusted(_) => "query_connect",
            Self::Timeout(_) => "query_timeout",
            Self::Broken(_) => "query_broken",
            Self::Busy(_) => "query_queued",
            Self::LoginRefused { .. } => "query_login",
            Self::SessionRefused { .. } => "query_session",
            Self::Forbidden { .. } => "query_forbidden",
            Self::Unavailable { .. } | Self::NotItsOwn { .. } => "query_status",
            Self::Refused { .. } => "query_api",
            Self::TooLarge { .. } => "query_too_large",
            Self::Decode(_) | Self::PageRepeats { .. } | Self::TooManyObjects { .. } => {
                "query_decode"
            }
            Self::UnknownName { .. } | Self::AmbiguousName { .. } => "query_name",
            Self::NotSummable { .. } => "query_summed",
            Self::TooManyMetrics { .. } => "query_too_many_metrics",
            Self::UnusableCredential(_) => "query_credential",
        }
    }

    /// Whether a session may go on after it.
    pub(super) fn leaves_session(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_) | Self::Untrusted(_) | Self::Timeout(_) | Self::Broken(_)
        )
    }

    /// Whether another node of the same controller may do better.
    pub(super) fn is_of_the_node(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_)
                | Self::Untrusted(_)
                | Self::Timeout(_)
                | Self::Broken(_)
                | Self::Unavailable { .. }
                | Self::NotItsOwn { .. }
                | Self::SessionRefused { .. }
        )
    }
}
