//! The aggregated API: routes, discovery, rendered answers and errors in the formats of Kubernetes.

pub mod admin;
mod current;
mod delegated;
mod discovery;
mod dispatch;
mod explain;
mod fixed;
mod hour;
mod in_flight;
mod parameter;
mod path;
mod read;
mod render;
mod responses;
mod status;
mod traced;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use http::{HeaderValue, StatusCode, Uri, header};

pub use current::CurrentSnapshot;
use dispatch::Dispatcher;
pub use explain::explain;
pub use hour::Hours;
use in_flight::LongAnswers;
use leadsman_runtime::telemetry::Metrics;
use leadsman_server::Readiness;
use leadsman_server::auth::Auth;
use read::ReadState;
use responses::ResponseCache;
pub use status::Status;

/// What the routes share.
#[derive(Clone)]
pub struct ApiState {
    /// The current snapshot.
    pub served: Arc<CurrentSnapshot>,
    /// Whether the process is ready.
    pub readiness: Readiness,
    /// Authorizes requests; `None` where only loopback can connect.
    pub auth: Option<Arc<Auth>>,
    /// Counts denied requests, and reads of metrics that are not served.
    pub metrics: Arc<Metrics>,
    /// The last hour of autoscalers.
    pub hours: Arc<Hours>,
}

/// All routes of the secure port.
pub fn router(state: ApiState) -> Router {
    let dispatcher = Arc::new(Dispatcher {
        reads: ReadState {
            served: state.served.clone(),
            responses: ResponseCache::default(),
            long_answers: LongAnswers::default(),
            metrics: state.metrics.clone(),
            auth: state.auth.clone(),
            hours: state.hours.clone(),
        },
        routes: routes(state.clone()),
    });
    // Probes have no credentials.
    Router::new()
        .route("/livez", get(fixed::alive))
        .route("/healthz", get(fixed::alive))
        .route("/readyz", get(fixed::ready))
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(state)
        .fallback(async move |request: Request| dispatcher.answer(request).await)
}

/// What is requested besides values.
fn routes(state: ApiState) -> Router {
    Router::new()
        .route("/version", get(fixed::version))
        .route("/openapi/v2", get(fixed::openapi_v2))
        .route("/openapi/v3", get(fixed::openapi_v3))
        .route("/api", get(fixed::core))
        .route("/apis", get(discovery::groups))
        .route("/apis/{group}", get(discovery::group))
        .route("/apis/{group}/", get(discovery::group))
        .route("/apis/{group}/{version}", get(discovery::resources))
        .route("/apis/{group}/{version}/", get(discovery::resources))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(state)
}

async fn not_found(uri: Uri) -> Response {
    let message = format!("there is nothing at {}", uri.path());
    Status::new(StatusCode::NOT_FOUND, message).into()
}

async fn method_not_allowed() -> Response {
    let refused = Status::new(StatusCode::METHOD_NOT_ALLOWED, "metrics can only be read: use GET");
    let mut response = Response::from(refused);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET,HEAD"));
    response
}
