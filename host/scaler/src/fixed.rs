//! Static answers.

use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri, header};

use super::grpc;
use leadsman_api::Status;

pub(super) async fn not_found(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path();
    let content = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content.is_some_and(|content| content.starts_with("application/grpc")) {
        let message = format!(
            "there is no call {path}; this is externalscaler.ExternalScaler of KEDA 2.21 and before"
        );
        return grpc::refusal(&Status::new(StatusCode::NOT_IMPLEMENTED, message));
    }
    let message = format!(
        "there is nothing at {path}; values are at \
         /scaler/v1/namespaces/NAMESPACE/external/METRIC, \
         /scaler/v1/namespaces/NAMESPACE/custom/RESOURCE/NAME/METRIC and \
         /scaler/v1/custom/RESOURCE/NAME/METRIC"
    );
    Status::new(StatusCode::NOT_FOUND, message).into()
}

pub(super) async fn method_not_allowed() -> Response {
    let message = "values can only be read: GET for JSON, and POST for calls of gRPC alone";
    Status::new(StatusCode::METHOD_NOT_ALLOWED, message).into()
}
