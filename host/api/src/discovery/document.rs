//! A document with an entity tag, so that clients that have it are spared the body.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use ring::digest::{SHA256, digest};
use serde_json::Value;

/// A document with its hash.
#[derive(Clone)]
pub(crate) struct Document {
    body: Bytes,
    etag: HeaderValue,
}

impl Document {
    pub(crate) fn new(value: &Value) -> Self {
        let body = Bytes::from(value.to_string());
        let hash: String =
            digest(&SHA256, &body).as_ref().iter().take(16).map(|b| format!("{b:02x}")).collect();
        let etag = HeaderValue::try_from(format!("\"{hash}\""))
            .unwrap_or(HeaderValue::from_static("\"\""));
        Self { body, etag }
    }

    /// The document, or 304 if the client has it.
    pub(crate) fn answer(&self, headers: &HeaderMap, content_type: HeaderValue) -> Response {
        let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let known = known.flat_map(|value| value.split(',')).map(str::trim);
        let unquoted = |etag: &str| etag.trim_start_matches("W/").trim_matches('"').to_owned();
        let own = unquoted(self.etag.to_str().unwrap_or_default());
        let tags = [(ETAG, self.etag.clone())];
        if known.into_iter().any(|etag| etag == "*" || unquoted(etag) == own) {
            return (StatusCode::NOT_MODIFIED, tags).into_response();
        }
        (tags, [(CONTENT_TYPE, content_type)], self.body.clone()).into_response()
    }
}
