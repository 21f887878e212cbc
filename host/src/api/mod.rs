//! The aggregated API: routes, discovery, answers and errors as Kubernetes has them.

mod discovery;
mod fixed;
mod path;
mod read;
mod render;
mod served;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::{StatusCode, Uri};

use crate::server::Readiness;
pub use served::Served;
use status::Status;

/// What the routes share.
#[derive(Clone)]
pub struct ApiState {
    /// What is served now.
    pub served: Arc<Served>,
    /// Whether the process is ready.
    pub readiness: Readiness,
}

/// All routes of the secure port.
pub fn router(state: ApiState) -> Router {
    Router::new()
        .route("/livez", get(fixed::alive))
        .route("/healthz", get(fixed::alive))
        .route("/readyz", get(fixed::ready))
        .route("/version", get(fixed::version))
        .route("/openapi/v2", get(fixed::openapi_v2))
        .route("/openapi/v3", get(fixed::openapi_v3))
        .route("/api", get(fixed::core))
        .route("/apis", get(discovery::groups))
        .route("/apis/{group}", get(discovery::group))
        .route("/apis/{group}/", get(discovery::group))
        .route("/apis/{group}/{version}", get(discovery::resources))
        .route("/apis/{group}/{version}/", get(discovery::resources))
        .route("/apis/custom.metrics.k8s.io/{version}/{*rest}", get(read::custom))
        .route("/apis/external.metrics.k8s.io/{version}/{*rest}", get(read::external))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(state)
}

async fn not_found(State(_): State<ApiState>, uri: Uri) -> Response {
    let message = format!("there is nothing at {}", uri.path());
    Status::new(StatusCode::NOT_FOUND, message).into()
}

async fn method_not_allowed() -> Response {
    Status::new(StatusCode::METHOD_NOT_ALLOWED, "metrics can only be read: use GET").into()
}
