//! Sends one HTTP request to a node of a controller, and reads the answer within bounds.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, REFERER};
use http::{Method, StatusCode};
use serde_json::Value;
use tokio::time::timeout;

use super::error::AlbError;
use super::request::{Call, CallKind};
use super::session::OpenSession;
use super::settings::NsxAlbSettings;
use crate::SourceError;
use crate::client::Client;
use crate::error::{innermost, shortened};
use crate::prometheus::excerpt;
use leadsman_runtime::tls::is_untrusted;

const VERSION: HeaderName = HeaderName::from_static("x-avi-version");
const TENANT: HeaderName = HeaderName::from_static("x-avi-tenant");
const CSRF: HeaderName = HeaderName::from_static("x-csrftoken");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const ANYTHING: HeaderValue = HeaderValue::from_static("*/*");

/// Sends requests to nodes.
pub(super) struct Sender {
    client: Client,
    timeout: Duration,
    max_body_bytes: usize,
    tenant: String,
    version: Option<String>,
}

/// An answer.
pub(super) struct Received {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Sender {
    pub(super) fn new(settings: &NsxAlbSettings) -> Result<Self, SourceError> {
        Ok(Self {
            client: Client::new(&settings.tls, settings.timeout)?,
            timeout: settings.timeout,
            max_body_bytes: settings.max_body_bytes,
            tenant: settings.tenant.clone(),
            version: settings.api_version.clone(),
        })
    }

    /// Sends a call with a session, and further headers.
    pub(super) async fn send(
        &self,
        url: &str,
        open: &OpenSession,
        call: &Call,
        mut headers: HeaderMap,
    ) -> Result<Received, AlbError> {
        // What a controller calls its Prometheus format differs with versions.
        let accepted = if call.kind == CallKind::MetricsText { ANYTHING } else { JSON };
        headers.insert(ACCEPT, accepted);
        let text = |text: &str| HeaderValue::try_from(text).ok();
        let further = [
            (TENANT, text(&self.tenant)),
            (VERSION, self.version.as_ref().or(open.version.as_ref()).and_then(|v| text(v))),
            // What changes nothing has to come from the controller's own pages all the same.
            (REFERER, text(&format!("{url}/"))),
            (CSRF, open.cookies.csrf()),
            (COOKIE, open.cookies.header()),
        ];
        let further = further.into_iter().filter_map(|(name, value)| Some((name, value?)));
        headers.extend(further);
        leadsman_trace::inject(&mut headers);
        let method = if call.body.is_some() { Method::POST } else { Method::GET };
        let mut outgoing =
            self.client.get().request(method, format!("{url}{}", call.path)).headers(headers);
        if let Some(body) = &call.body {
            outgoing = outgoing.header(CONTENT_TYPE, JSON).body(body.clone());
        }
        let answered = timeout(self.timeout, async {
            let response = outgoing.send().await.map_err(|error| self.not_sent(&error))?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = self.body(response).await?;
            Ok(Received { status, headers, body })
        });
        answered.await.unwrap_or(Err(AlbError::Timeout(self.timeout)))
    }

    async fn body(&self, mut response: reqwest::Response) -> Result<Vec<u8>, AlbError> {
        let limit = self.max_body_bytes;
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
        if announced.is_some_and(|length| length > limit) {
            return Err(AlbError::TooLarge { limit });
        }
        let mut body = Vec::with_capacity(announced.unwrap_or(0));
        let broken = |error: reqwest::Error| AlbError::Broken(innermost(&error));
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > limit {
                return Err(AlbError::TooLarge { limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn not_sent(&self, error: &reqwest::Error) -> AlbError {
        if error.is_timeout() && error.is_connect() {
            let within = self.client.connect_timeout();
            AlbError::Unreachable(format!("no connection within {within:?}"))
        } else if error.is_timeout() {
            AlbError::Timeout(self.timeout)
        } else if is_untrusted(error) {
            AlbError::Untrusted(innermost(error))
        } else {
            AlbError::Unreachable(innermost(error))
        }
    }
}

impl Received {
    /// The body, if it is JSON: a proxy or a page of maintenance answers with 200, too.
    pub(super) fn json(self) -> Result<Vec<u8>, AlbError> {
        match self.first_byte() {
            Some(b'{' | b'[') => Ok(self.body),
            _ => Err(self.not("JSON")),
        }
    }

    /// The body, if it can be metrics in the Prometheus format.
    pub(super) fn text(self) -> Result<Vec<u8>, AlbError> {
        match self.first_byte() {
            None | Some(b'<' | b'{' | b'[') => Err(self.not("metrics")),
            Some(_) => Ok(self.body),
        }
    }

    fn first_byte(&self) -> Option<u8> {
        self.body.iter().copied().find(|byte| !byte.is_ascii_whitespace())
    }

    fn not(&self, wanted: &'static str) -> AlbError {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or("a body of no type").to_owned();
        let excerpt = self.excerpt().unwrap_or_else(|| "nothing".to_owned());
        AlbError::NotItsOwn { status: self.status, wanted, kind, excerpt }
    }

    /// The beginning of the body in one line.
    pub(super) fn excerpt(&self) -> Option<String> {
        self.message().or_else(|| excerpt(&self.body))
    }

    /// What the controller says of an error.
    pub(super) fn message(&self) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        let texts = ["error", "detail", "result", "message"];
        let text = texts.iter().find_map(|key| body.get(key)?.as_str())?;
        (!text.is_empty()).then(|| shortened(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(kind: &str, body: &str) -> Received {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        Received { status: StatusCode::OK, headers, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn a_page_in_place_of_json_is_told() {
        let page = "<html><body><h1>Down for maintenance</h1></body></html>";
        let error = received("text/html", page).json().unwrap_err();
        assert_eq!(
            error.to_string(),
            "answered 200 OK with text/html in place of JSON: \"Down for maintenance\""
        );
        assert_eq!(received("text/plain", " {}").json().unwrap(), b" {}");
        assert!(received("application/json", "").json().is_err());
        let error = received("text/html", page).text().unwrap_err();
        assert!(error.to_string().contains("in place of metrics: \"Down"), "{error}");
        assert!(received("text/plain", "").text().is_err());
        assert_eq!(received("text/plain", "# none").text().unwrap(), b"# none");
    }

    #[test]
    fn the_controllers_own_words_are_passed_on() {
        let reported = |body| received("application/json", body).message();
        assert_eq!(reported(r#"{"error": "no such metric"}"#).as_deref(), Some("no such metric"));
        assert_eq!(reported(r#"{"detail": "CSRF Failed"}"#).as_deref(), Some("CSRF Failed"));
        assert_eq!(reported("<html>"), None);
    }
}
