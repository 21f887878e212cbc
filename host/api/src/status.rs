//! Errors as `metav1.Status`, and the only place where a status code is chosen.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{StatusCode, header};
use serde::Serialize;

use leadsman_delegate::{DelegateFailure, ForwardError};
use leadsman_evaluation::{EvaluationError, ReadFailure};
use leadsman_model::names::InvalidName;
use leadsman_provider::ReadError;
use leadsman_server::auth::Denied;

/// `metav1.Status` of a failure.
#[derive(Debug, Serialize)]
pub struct Status {
    kind: &'static str,
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    metadata: Empty,
    status: &'static str,
    message: String,
    reason: &'static str,
    code: u16,
}

#[derive(Debug, Serialize)]
struct Empty {}

impl Status {
    /// A failure with its code, and what went wrong and what to do.
    pub fn new(code: StatusCode, message: impl Into<String>) -> Self {
        Self {
            kind: "Status",
            api_version: "v1",
            metadata: Empty {},
            status: "Failure",
            message: message.into(),
            reason: match code {
                StatusCode::BAD_REQUEST => "BadRequest",
                StatusCode::UNAUTHORIZED => "Unauthorized",
                StatusCode::FORBIDDEN => "Forbidden",
                StatusCode::NOT_FOUND => "NotFound",
                StatusCode::METHOD_NOT_ALLOWED => "MethodNotAllowed",
                StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
                StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailable",
                StatusCode::GATEWAY_TIMEOUT => "Timeout",
                _ => "InternalError",
            },
            code: code.as_u16(),
        }
    }

    /// What it says.
    pub(super) fn into_message(self) -> String {
        self.message
    }
}

pub(super) fn code_of_read(error: &ReadError) -> StatusCode {
    match error {
        ReadError::NotFound(_) | ReadError::Absent(_) | ReadError::Unserved { .. } => {
            StatusCode::NOT_FOUND
        }
        ReadError::Bad(_) => StatusCode::BAD_REQUEST,
        ReadError::Refused(_) | ReadError::Unbound(_) => StatusCode::INTERNAL_SERVER_ERROR,
        // The list is tried again soon, and the plugin loaded.
        ReadError::NotSynced { .. }
        | ReadError::Unavailable(_)
        | ReadError::Loading(_)
        | ReadError::Unloaded(_)
        | ReadError::Unlisted(_) => StatusCode::SERVICE_UNAVAILABLE,
        ReadError::Failed { failure, .. } => match failure {
            ReadFailure::Failed { error, .. } => match **error {
                // The upstream failed, which may pass.
                EvaluationError::Query { .. }
                | EvaluationError::Objects(_)
                | EvaluationError::Addresses(_)
                | EvaluationError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
                EvaluationError::Budget(_) | EvaluationError::AnswersOfCaller => {
                    StatusCode::TOO_MANY_REQUESTS
                }
                EvaluationError::Selector { .. } => StatusCode::BAD_REQUEST,
                EvaluationError::Plugin { .. }
                | EvaluationError::ObjectLabels(_)
                | EvaluationError::RuleLabel { .. }
                | EvaluationError::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            },
            ReadFailure::Deadline { .. } => StatusCode::GATEWAY_TIMEOUT,
            ReadFailure::TooMany { .. } | ReadFailure::TooManyOfCaller { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            ReadFailure::NoStandIn { .. } | ReadFailure::ShuttingDown => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        },
    }
}

fn code_of_forward(error: &ForwardError) -> StatusCode {
    match error {
        ForwardError::Path | ForwardError::User => StatusCode::BAD_REQUEST,
        ForwardError::Busy(_) | ForwardError::Delayed { .. } => StatusCode::TOO_MANY_REQUESTS,
        ForwardError::Timeout(_) => StatusCode::GATEWAY_TIMEOUT,
        // It is down, or the adapter cannot speak to it, which may pass.
        ForwardError::Token { .. }
        | ForwardError::Open { .. }
        | ForwardError::Connect(_)
        | ForwardError::Broken(_) => StatusCode::SERVICE_UNAVAILABLE,
        ForwardError::Internal { status, .. } => *status,
        // It answers, and not with what was requested.
        ForwardError::TooLarge(_)
        | ForwardError::Redirect(_)
        | ForwardError::Credentials { .. }
        | ForwardError::NotKubernetes { .. }
        | ForwardError::Foreign { .. }
        | ForwardError::Malformed(_) => StatusCode::BAD_GATEWAY,
        ForwardError::Loop => StatusCode::LOOP_DETECTED,
    }
}

fn code_of_denial(denied: &Denied) -> StatusCode {
    match denied {
        Denied::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Denied::Forbidden(_) => StatusCode::FORBIDDEN,
        // The review failed, which may pass.
        Denied::Unknown(_) => StatusCode::SERVICE_UNAVAILABLE,
        Denied::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
    }
}

impl Status {
    /// The code.
    pub fn code(&self) -> StatusCode {
        StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What went wrong, for people.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<Denied> for Status {
    fn from(denied: Denied) -> Self {
        Self::new(code_of_denial(&denied), denied.to_string())
    }
}

impl From<DelegateFailure> for Status {
    fn from(failed: DelegateFailure) -> Self {
        Self::new(code_of_forward(&failed.cause), failed.to_string())
    }
}

impl IntoResponse for Status {
    fn into_response(self) -> Response {
        self.into()
    }
}

impl From<InvalidName> for Status {
    fn from(error: InvalidName) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error.to_string())
    }
}

// No Retry-After: clients would hold one of the HPA controller's few workers while they retry.
impl From<ReadError> for Status {
    fn from(error: ReadError) -> Self {
        Self::new(code_of_read(&error), error.to_string())
    }
}

impl From<Status> for Response {
    fn from(status: Status) -> Self {
        let code = status.code();
        let body = serde_json::to_vec(&status).unwrap_or_default();
        (code, [(header::CONTENT_TYPE, JSON)], body).into_response()
    }
}

/// Always sent: the HPA controller decodes nothing without it.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An answer in JSON.
pub(super) fn json(body: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}
