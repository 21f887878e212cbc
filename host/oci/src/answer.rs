//! Reads response bodies with limits on their size.

use http::header;
use reqwest::{Response, Url};
use serde::Deserialize;

use super::error::PullError;
use leadsman_model::reference::{Digest, Digester};
use leadsman_model::text::one_line;

/// The maximum size of an error response that is read, in bytes.
const MAX_ERROR_BYTES: u64 = 16 << 10;

/// How many characters of a text from a registry a message shows.
const MAX_MESSAGE_CHARS: usize = 200;

/// A text from a registry, shortened and without control characters.
pub(super) fn shown(text: &str) -> String {
    one_line(text, MAX_MESSAGE_CHARS)
}

/// The host of an address, and its port unless that is the usual one.
pub(super) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Reads a response body of at most `limit` bytes.
pub(super) async fn bounded(
    response: Response,
    limit: u64,
    what: &str,
) -> Result<Vec<u8>, PullError> {
    Ok(digested(response, limit, what).await?.0)
}

/// Reads a response body of at most `limit` bytes, and its digest. It is computed incrementally: that
/// of a large body at once would block a thread of the runtime.
pub(super) async fn digested(
    mut response: Response,
    limit: u64,
    what: &str,
) -> Result<(Vec<u8>, Digest), PullError> {
    let size = response.content_length();
    let too_large = |size| PullError::TooLarge { what: what.to_owned(), size, limit };
    if size.is_some_and(|size| size > limit) {
        return Err(too_large(size));
    }
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let expected = size.and_then(|size| usize::try_from(size).ok()).unwrap_or_default();
    let mut bytes = Vec::with_capacity(expected);
    let mut digester = Digester::new();
    let from = host(response.url());
    loop {
        let chunk = response.chunk().await;
        match chunk.map_err(|error| PullError::of_request(from.clone(), error))? {
            None => return Ok((bytes, digester.finish())),
            Some(chunk) if chunk.len() > most - bytes.len() => return Err(too_large(None)),
            Some(chunk) => {
                digester.update(&chunk);
                bytes.extend_from_slice(&chunk);
            }
        }
    }
}

pub(super) fn media_type(response: &Response) -> Option<String> {
    let text = response.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next().unwrap_or_default().trim().to_owned())
}

/// The message of an error response: the first of its errors, or the beginning of its text.
pub(super) async fn error_message(response: Response) -> Option<String> {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<Fault>,
    }
    #[derive(Deserialize)]
    struct Fault {
        code: String,
        #[serde(default)]
        message: String,
    }
    let body = bounded(response, MAX_ERROR_BYTES, "the error").await.ok()?;
    let first = serde_json::from_slice::<Errors>(&body).ok();
    let text = match first.and_then(|it| it.errors.into_iter().next()) {
        Some(fault) => format!("{} {}", fault.code, fault.message),
        None => String::from_utf8_lossy(&body).into_owned(),
    };
    Some(shown(text.trim())).filter(|text| !text.is_empty())
}
