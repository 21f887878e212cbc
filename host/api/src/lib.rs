//! The aggregated API: routes, discovery, rendered answers and errors in the formats of Kubernetes.

pub mod admin;
mod current;
mod delegated;
mod discovery;
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

use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use http::{HeaderMap, StatusCode, Uri};

pub use current::CurrentSnapshot;
pub use explain::explain;
pub use hour::Hours;
use leadsman_delegate::HOPS;
use leadsman_runtime::telemetry::Metrics;
use leadsman_server::Readiness;
use leadsman_server::auth::{Auth, Peer};
use read::ReadState;
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
    /// Counts denied requests. Each request clones this state.
    pub metrics: Arc<Metrics>,
    /// The last hour of autoscalers.
    pub hours: Arc<Hours>,
}

/// All routes of the secure port.
pub fn router(state: ApiState) -> Router {
    // Probes have no credentials.
    let health = Router::new()
        .route("/livez", get(fixed::alive))
        .route("/healthz", get(fixed::alive))
        .route("/readyz", get(fixed::ready))
        .method_not_allowed_fallback(method_not_allowed);
    let reads = Router::new()
        .route("/apis/custom.metrics.k8s.io/{version}/{*rest}", get(read::custom))
        .route("/apis/external.metrics.k8s.io/{version}/{*rest}", get(read::external))
        .route("/apis/metrics.k8s.io/{version}/{*rest}", get(read::resource))
        .with_state(ReadState {
            served: state.served.clone(),
            responses: Arc::default(),
            long_answers: Arc::default(),
            metrics: state.metrics.clone(),
            auth: state.auth.clone(),
            hours: state.hours.clone(),
        });
    let guarded = Router::new()
        .route("/version", get(fixed::version))
        .route("/openapi/v2", get(fixed::openapi_v2))
        .route("/openapi/v3", get(fixed::openapi_v3))
        .route("/api", get(fixed::core))
        .route("/apis", get(discovery::groups))
        .route("/apis/{group}", get(discovery::group))
        .route("/apis/{group}/", get(discovery::group))
        .route("/apis/{group}/{version}", get(discovery::resources))
        .route("/apis/{group}/{version}/", get(discovery::resources))
        .merge(reads)
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(state.clone(), guard));
    health.merge(guarded).with_state(state)
}

/// Authorizes every request before it is routed.
async fn guard(
    State(state): State<ApiState>,
    Extension(peer): Extension<Arc<Peer>>,
    request: Request,
    next: Next,
) -> Response {
    let begun = leadsman_trace::is_on().then(std::time::SystemTime::now);
    // One that comes back could come back without end, whoever sent it.
    if request.headers().contains_key(HOPS) && came_back(&state, request.headers()) {
        return delegated::loop_found().into();
    }
    let Some(auth) = &state.auth else { return traced::run(request, next, begun).await };
    let (mut parts, body) = request.into_parts();
    match auth.admit(&mut parts, &peer).await {
        Ok(()) => traced::run(Request::from_parts(parts, body), next, begun).await,
        Err(denied) => {
            state.metrics.denied(denied.reason());
            tracing::debug!(%denied, path = parts.uri.path(), "a request is refused");
            Status::from(denied).into()
        }
    }
}

fn came_back(state: &ApiState, headers: &HeaderMap) -> bool {
    let served = state.served.now();
    served.snapshot.delegates().is_some_and(|delegates| delegates.is_loop(headers))
}

async fn not_found(State(_): State<ApiState>, uri: Uri) -> Response {
    let message = format!("there is nothing at {}", uri.path());
    Status::new(StatusCode::NOT_FOUND, message).into()
}

async fn method_not_allowed() -> Response {
    Status::new(StatusCode::METHOD_NOT_ALLOWED, "metrics can only be read: use GET").into()
}
