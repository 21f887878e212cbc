//! Reads of metrics: from the request to the provider and back.

use std::borrow::Cow;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, StatusCode, Uri, header};

use super::ApiState;
use super::path::{self, parameter};
use super::render::{self, CustomVersion};
use super::status::{Status, json};
use crate::provider::{self, CustomRequest, ExternalRequest, Found, ReadError};

/// `/apis/custom.metrics.k8s.io/{v1beta1,v1beta2}/…`
pub(super) async fn custom(State(state): State<ApiState>, uri: Uri) -> Response {
    let version = match uri.path().split('/').nth(3) {
        Some("v1beta1") => CustomVersion::V1Beta1,
        Some("v1beta2") => CustomVersion::V1Beta2,
        _ => return nothing_at(&uri),
    };
    let Some(path) = path::custom(uri.path()) else { return nothing_at(&uri) };
    let (labels, series) =
        (parameter(uri.query(), "labelSelector"), parameter(uri.query(), "metricLabelSelector"));
    let request = CustomRequest {
        raw: raw(&uri),
        namespace: path.namespace.as_deref(),
        resource: &path.resource,
        target: path.target(),
        metric: &path.metric,
        label_selector: &labels,
        metric_selector: &series,
    };
    let served = state.served.now();
    let found = provider::custom(&served.snapshot, &request, |resource, selector, values| {
        render::custom(version, resource, &path.metric, selector, values)
    });
    answer(found.await)
}

/// `/apis/external.metrics.k8s.io/v1beta1/…`
pub(super) async fn external(State(state): State<ApiState>, uri: Uri) -> Response {
    if uri.path().split('/').nth(3) != Some("v1beta1") {
        return nothing_at(&uri);
    }
    let Some((namespace, metric)) = path::external(uri.path()) else { return nothing_at(&uri) };
    let labels: Cow<'_, str> = parameter(uri.query(), "labelSelector");
    let request = ExternalRequest {
        raw: raw(&uri),
        namespace: &namespace,
        metric: &metric,
        label_selector: &labels,
    };
    let served = state.served.now();
    let found =
        provider::external(&served.snapshot, &request, |items| render::external(&metric, items));
    answer(found.await)
}

fn raw(uri: &Uri) -> &str {
    uri.path_and_query().map_or("", |raw| raw.as_str())
}

fn answer(found: Result<Found, ReadError>) -> Response {
    match found {
        Ok(Found { body, warning }) => {
            let mut response = json(body);
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
