//! Checks the answer of a delegate: whether it is an object of Kubernetes that answers the request.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, WARNING};
use prost::Message;
use serde::Deserialize;
use serde_json::json;

use super::error::ForwardError;
use super::matching::RequestedMetric;
use leadsman_model::text::one_line;
use leadsman_runtime::decoding::decode;

/// The maximum length of a delegate's texts in messages, in characters.
const MAX_EXCERPT_CHARS: usize = 400;

/// How many warnings of a delegate are passed on, and their maximum length.
const MAX_WARNINGS: usize = 4;
const MAX_WARNING_BYTES: usize = 2000;

/// What each protobuf message of Kubernetes begins with.
const MAGIC: &[u8] = b"k8s\0";

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// An answer of a delegate.
#[derive(Debug, Clone)]
pub struct DelegateAnswer {
    /// Its status: success, or that of an error of the request.
    pub status: StatusCode,
    /// Its content type.
    pub content_type: HeaderValue,
    /// Its body, as it came.
    pub body: Bytes,
    /// The delegate's warnings, as they came.
    pub warnings: Vec<HeaderValue>,
    /// Why it is a stale one, if it is.
    pub stale: Option<String>,
    /// The message of an error, if it has one.
    pub message: Option<String>,
}

/// The kind and the API version that every object of Kubernetes states. The whole JSON is parsed for
/// them, so that a truncated answer is noticed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ObjectHead {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    api_version: String,
    /// Of a Status.
    #[serde(default)]
    message: Option<String>,
}

/// `runtime.Unknown`: says what is in it.
#[derive(Clone, PartialEq, Message)]
struct Unknown {
    #[prost(message, optional, tag = "1")]
    type_meta: Option<TypeMeta>,
    #[prost(bytes = "bytes", tag = "2")]
    raw: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct TypeMeta {
    #[prost(string, tag = "1")]
    api_version: String,
    #[prost(string, tag = "2")]
    kind: String,
}

/// `metav1.Status`, as far as it is for people.
#[derive(Clone, PartialEq, Message)]
struct StatusText {
    #[prost(string, tag = "3")]
    message: String,
}

impl DelegateAnswer {
    /// A good answer.
    pub(super) fn good(body: Bytes, content_type: HeaderValue) -> Self {
        let (warnings, stale, message) = (Vec::new(), None, None);
        Self { status: StatusCode::OK, content_type, body, warnings, stale, message }
    }

    /// Checks the answer to a read. `head` is what its body states.
    pub(super) fn checked(
        head: Result<ObjectHead, ForwardError>,
        asked: &RequestedMetric<'_>,
        accept: Option<&HeaderValue>,
        status: StatusCode,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Self, ForwardError> {
        let message = head.as_ref().ok().and_then(|head| head.message.clone());
        if let Some(error) = refusal(status, message) {
            return Err(error);
        }
        let head = match head {
            // The answer of an API server for an API that it does not serve at all.
            Err(ForwardError::NotKubernetes { found, .. }) if status == StatusCode::NOT_FOUND => {
                return Ok(Self::nothing_there(&found));
            }
            head => head?,
        };
        if status.is_success() {
            head.is_of(asked, accept)?;
        } else if head.kind != "Status" {
            let found = format!("{status} and {}", head.named());
            return Err(ForwardError::Foreign { found, wanted: "a Status".to_owned() });
        }
        let content_type = headers.get(CONTENT_TYPE).cloned();
        let content_type = content_type.unwrap_or(HeaderValue::from_static(JSON));
        let warnings = headers.get_all(WARNING).iter();
        let warnings = warnings.filter(|warning| warning.len() <= MAX_WARNING_BYTES);
        let warnings = warnings.take(MAX_WARNINGS).cloned().collect();
        Ok(Self { status, warnings, message: head.message, ..Self::good(body, content_type) })
    }

    /// A 404 in the format of Kubernetes, in place of one in another format.
    fn nothing_there(found: &str) -> Self {
        let message = format!("there is nothing at this path (404 with {found})");
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": "NotFound", "code": 404,
        });
        let good = Self::good(status.to_string().into(), HeaderValue::from_static(JSON));
        Self { status: StatusCode::NOT_FOUND, message: Some(message), ..good }
    }

    /// The message of an error.
    pub(super) fn message(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Option<String> {
        head(status, headers, body).ok()?.message
    }

    /// Why a request of the adapter itself has failed.
    pub(super) fn refusal(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> ForwardError {
        let message = Self::message(status, headers, body);
        let refused = refusal(status, message.clone());
        refused.unwrap_or(ForwardError::Internal { status, message })
    }
}

/// What a status means that is neither a success nor an error of the request.
fn refusal(status: StatusCode, message: Option<String>) -> Option<ForwardError> {
    Some(match status {
        status if status.is_redirection() => ForwardError::Redirect(status),
        StatusCode::LOOP_DETECTED => ForwardError::Loop,
        // It is this adapter that it does not know: whoever asked has been authenticated here.
        StatusCode::UNAUTHORIZED => ForwardError::Credentials { status, message },
        status if status.is_server_error() => ForwardError::Internal { status, message },
        _ => return None,
    })
}

/// Reads an answer to a request at once.
pub fn read_answer(
    asked: &RequestedMetric<'_>,
    accept: Option<&HeaderValue>,
    status: StatusCode,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<DelegateAnswer, ForwardError> {
    DelegateAnswer::checked(head(status, headers, &body), asked, accept, status, headers, body)
}

/// The kind and version of a body. A long one is parsed on another thread, so that no other read waits.
pub(super) async fn read_head(
    status: StatusCode,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<ObjectHead, ForwardError> {
    let mut of_body = HeaderMap::new();
    if let Some(kind) = headers.get(CONTENT_TYPE) {
        of_body.insert(CONTENT_TYPE, kind.clone());
    }
    let whole = body.clone();
    decode(body.len(), move || head(status, &of_body, &whole)).await?
}

/// The same at once.
fn head(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Result<ObjectHead, ForwardError> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let malformed = |why: String| ForwardError::Malformed(one_line(&why, MAX_EXCERPT_CHARS));
    if kind.eq_ignore_ascii_case(JSON) {
        let head: ObjectHead =
            serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
        return Ok(head.shortened());
    }
    if kind.eq_ignore_ascii_case(PROTOBUF) {
        let Some(rest) = body.strip_prefix(MAGIC) else {
            return Err(malformed("it does not begin as protobuf of Kubernetes does".to_owned()));
        };
        let unknown = Unknown::decode(body.slice_ref(rest));
        let unknown = unknown.map_err(|error| malformed(error.to_string()))?;
        let TypeMeta { api_version, kind } = unknown.type_meta.unwrap_or_default();
        let of_status = (kind == "Status").then(|| StatusText::decode(unknown.raw));
        let message = of_status.and_then(Result::ok).map(|status| status.message);
        return Ok(ObjectHead { kind, api_version, message }.shortened());
    }
    let found = match kind {
        "" => "no content type".to_owned(),
        kind => format!("\"{}\"", one_line(kind, MAX_EXCERPT_CHARS)),
    };
    Err(ForwardError::NotKubernetes { status, found })
}

impl ObjectHead {
    /// With bounded texts, which are used in messages.
    fn shortened(mut self) -> Self {
        self.message = self.message.map(|message| one_line(&message, MAX_EXCERPT_CHARS));
        self
    }

    fn named(&self) -> String {
        if self.kind.is_empty() && self.api_version.is_empty() {
            return "something that is no object of Kubernetes".to_owned();
        }
        one_line(&format!("{} of {}", self.kind, self.api_version), MAX_EXCERPT_CHARS)
    }

    /// Whether it answers the request.
    fn is_of(
        &self,
        asked: &RequestedMetric<'_>,
        accept: Option<&HeaderValue>,
    ) -> Result<(), ForwardError> {
        let version = format!("{}/{}", asked.api.group(), asked.version);
        if self.api_version == version && asked.api.kinds().contains(&self.kind.as_str()) {
            return Ok(());
        }
        // kubectl asks for a table.
        let accept = accept.and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        let transformed = ["Table", "PartialObjectMetadata", "PartialObjectMetadataList"];
        let is_asked = || accept.contains(&format!("as={}", self.kind));
        if self.api_version.starts_with("meta.k8s.io/")
            && transformed.contains(&self.kind.as_str())
            && is_asked()
        {
            return Ok(());
        }
        let wanted = format!("{} of {version}", asked.api.kinds().join(" or "));
        Err(ForwardError::Foreign { found: self.named(), wanted })
    }
}

#[cfg(test)]
mod tests;
