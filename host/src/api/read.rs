//! Reads of metrics: from the request to the provider and back.

use std::borrow::Cow;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};

use super::ApiState;
use super::path::{self, parameter};
use super::render::{CustomVersion, Encoding};
use super::status::Status;
use crate::provider::{self, CustomRequest, ExternalRequest, Found, ReadError};

/// `/apis/custom.metrics.k8s.io/{v1beta1,v1beta2}/…`
pub(super) async fn custom(
    State(state): State<ApiState>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let version = match uri.path().split('/').nth(3) {
        Some("v1beta1") => CustomVersion::V1Beta1,
        Some("v1beta2") => CustomVersion::V1Beta2,
        _ => return nothing_at(&uri),
    };
    let Some(path) = path::custom(uri.path()) else { return nothing_at(&uri) };
    let (labels, series) =
        (parameter(uri.query(), "labelSelector"), parameter(uri.query(), "metricLabelSelector"));
    let encoding = Encoding::asked_for(&headers);
    let request = CustomRequest {
        raw: &raw(&uri, encoding),
        namespace: path.namespace.as_deref(),
        resource: &path.resource,
        target: path.target(),
        metric: &path.metric,
        label_selector: &labels,
        metric_selector: &series,
    };
    let served = state.served.now();
    let found = provider::custom(&served.snapshot, &request, |described, selector, values| {
        encoding.custom(version, described, &path.metric, selector, values)
    });
    answer(encoding, found.await)
}

/// `/apis/external.metrics.k8s.io/v1beta1/…`
pub(super) async fn external(
    State(state): State<ApiState>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if uri.path().split('/').nth(3) != Some("v1beta1") {
        return nothing_at(&uri);
    }
    let Some((namespace, metric)) = path::external(uri.path()) else { return nothing_at(&uri) };
    let labels: Cow<'_, str> = parameter(uri.query(), "labelSelector");
    let encoding = Encoding::asked_for(&headers);
    let request = ExternalRequest {
        raw: &raw(&uri, encoding),
        namespace: &namespace,
        metric: &metric,
        label_selector: &labels,
    };
    let served = state.served.now();
    let found =
        provider::external(&served.snapshot, &request, |items| encoding.external(&metric, items));
    answer(encoding, found.await)
}

/// What tells one request from another. No address has a space.
pub(super) fn raw(uri: &Uri, encoding: Encoding) -> Cow<'_, str> {
    let raw = uri.path_and_query().map_or("", |raw| raw.as_str());
    match encoding {
        Encoding::Json => raw.into(),
        Encoding::Protobuf => format!("{raw} protobuf").into(),
    }
}

/// Values as they are rendered, with what is to be known of them, or why there are none.
pub(super) fn answer(encoding: Encoding, found: Result<Found, ReadError>) -> Response {
    match found {
        Ok(Found { body, warning }) => {
            let mut response = Response::new(body.into());
            response.headers_mut().insert(header::CONTENT_TYPE, encoding.content_type());
            if let Some(warning) = warning.and_then(|warning| warning_header(&warning)) {
                response.headers_mut().insert(header::WARNING, warning);
            }
            response
        }
        Err(error) => error.into(),
    }
}

/// As Kubernetes warns: kubectl prints it, client-go logs it.
fn warning_header(text: &str) -> Option<HeaderValue> {
    let text: String = text
        .chars()
        .map(|c| match c {
            '"' => '\'',
            '\\' => '/',
            c if c.is_ascii_graphic() || c == ' ' => c,
            _ => '?',
        })
        .collect();
    HeaderValue::try_from(format!("299 leadsman \"{text}\"")).ok()
}

fn nothing_at(uri: &Uri) -> Response {
    let message = format!(
        "there is nothing at {}; metrics are at namespaces/NAMESPACE/RESOURCE/NAME/METRIC, \
         RESOURCE/NAME/METRIC or (external) namespaces/NAMESPACE/METRIC",
        uri.path()
    );
    Status::new(StatusCode::NOT_FOUND, message).into()
}
