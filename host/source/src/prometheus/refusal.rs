//! Answers that are no results: errors of Prometheus, of proxies before it, and of what is no Prometheus.

use http::StatusCode;
use http::header::HeaderValue;

use super::decode;
use crate::error::shortened;
use crate::{QueryError, redact};
use leadsman_model::data::Answer;
use leadsman_model::text;

/// How many characters of an answer that is no result are passed on.
const MAX_EXCERPT_CHARS: usize = 160;

pub(super) fn decoded(
    content_type: Option<&HeaderValue>,
    body: &[u8],
) -> Result<Answer, QueryError> {
    decode::answer(body).map_err(|reason| not_decoded(content_type, body, reason))
}

/// What is not even said to be JSON is no answer of a Prometheus: that says more than where it cannot
/// be read.
pub(super) fn not_decoded(
    content_type: Option<&HeaderValue>,
    body: &[u8],
    reason: String,
) -> QueryError {
    match content_type {
        Some(kind) if !kind.as_bytes().starts_with(b"application/json") => {
            let shown = excerpt(body).unwrap_or_default();
            let kind = kind.to_str().unwrap_or("an unknown type");
            QueryError::NotPrometheus(shortened(&format!(
                "it is {kind}, not JSON, so there is no Prometheus API at this `url`: {shown}"
            )))
        }
        _ => QueryError::decode(reason),
    }
}

/// Prometheus reports errors in JSON, a proxy in another format.
pub(super) fn refused(status: StatusCode, body: &[u8]) -> QueryError {
    match decode::refusal(body) {
        Some((kind, message)) => {
            QueryError::Api { status, kind: shortened(&kind), message: shortened(&message) }
        }
        None => QueryError::Status { status, excerpt: excerpt(body) },
    }
}

/// What Prometheus says, without the labels of others' series. The whole of it is in the log, at the
/// level debug.
pub(super) fn redacted(error: QueryError, query: &str) -> QueryError {
    let redact = |text: String| {
        let message = redact::message(&text, query);
        if message != text {
            tracing::debug!(query, text, "the source's own words");
        }
        message
    };
    match error {
        QueryError::Api { status, kind, message } => {
            QueryError::Api { status, kind: redact(kind), message: redact(message) }
        }
        QueryError::Decode(reason) => QueryError::Decode(redact::excerpt(&reason)),
        QueryError::NotPrometheus(reason) => QueryError::NotPrometheus(redact::excerpt(&reason)),
        QueryError::NoAddress(errors) => {
            let each = errors.into_iter().map(|(at, error)| (at, redacted(error, query)));
            QueryError::NoAddress(each.collect())
        }
        QueryError::Warnings(warnings) => QueryError::Warnings(redact(warnings)),
        other => other,
    }
}

/// The beginning of a body in one line without tags, for people.
pub(crate) fn excerpt(body: &[u8]) -> Option<String> {
    let page = String::from_utf8_lossy(&body[..body.len().min(4096)]);
    let mut plain = String::new();
    let mut in_tag = false;
    for c in page.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                plain.push(' ');
            }
            _ if in_tag => {}
            c if c.is_control() => plain.push(' '),
            c => plain.push(c),
        }
    }
    let words: Vec<_> = plain.split_whitespace().collect();
    let line = redact::excerpt(&words.join(" "));
    let short = text::excerpt(&line, MAX_EXCERPT_CHARS);
    (!short.is_empty()).then(|| format!("\"{short}\""))
}
