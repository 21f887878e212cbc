//! The admin server: metrics, and a status page.

mod status;
mod trends;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::CurrentSnapshot;
use crate::in_flight::LongAnswers;
use crate::status::Status;
use leadsman_model::objects::SyncState;
use leadsman_runtime::telemetry::Metrics;
use leadsman_server::Readiness;
use trends::Trends;

const PAGE: &str = include_str!("page.html");

/// The page loads nothing from elsewhere.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
     connect-src 'self'; img-src data:",
);

/// What the routes share.
#[derive(Clone)]
pub struct AdminState {
    /// The current snapshot.
    pub served: Arc<CurrentSnapshot>,
    /// Whether the process is ready.
    pub readiness: Readiness,
    /// The adapter's metrics.
    pub metrics: Metrics,
    /// What the demo adds to the status page.
    pub extra: Arc<Mutex<Option<Value>>>,
    trends: Arc<Mutex<Trends>>,
    pages: Arc<Pages>,
    begun: std::time::Instant,
}

/// Pages of metrics, which everybody may ask for: they are as long as much is configured.
struct Pages {
    /// One is written at a time.
    turn: Arc<Semaphore>,
    in_flight: LongAnswers,
}

impl AdminState {
    /// A state whose uptime starts now.
    pub fn new(served: Arc<CurrentSnapshot>, readiness: Readiness, metrics: Metrics) -> Self {
        Self {
            served,
            readiness,
            metrics,
            extra: Arc::default(),
            trends: Arc::default(),
            pages: Arc::new(Pages {
                turn: Arc::new(Semaphore::new(1)),
                in_flight: LongAnswers::pages(),
            }),
            begun: std::time::Instant::now(),
        }
    }
}

/// All routes of the admin address.
pub fn router(state: AdminState) -> Router {
    // Values need credentials on the API, so here they are for loopback only, which includes
    // forwarded ports. Metrics have no values and are for everybody.
    let values = Router::new()
        .route("/", get(page))
        .route("/status.json", get(status))
        .layer(middleware::from_fn(only_from_here));
    Router::new().route("/metrics", get(metrics)).merge(values).with_state(state)
}

async fn only_from_here(
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if peer.ip().to_canonical().is_loopback() {
        return next.run(request).await;
    }
    let message = "values are shown to this machine alone; forward a port to see them: \
                   kubectl port-forward deployment/leadsman 8080\n";
    (StatusCode::FORBIDDEN, message).into_response()
}

async fn page() -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, PAGE).into_response()
}

async fn metrics(State(state): State<AdminState>) -> Result<Response, Status> {
    // Never closed, so there is always a turn to wait for.
    let turn = state.pages.turn.clone().acquire_owned().await.ok();
    let writing = state.clone();
    // Not on a thread that serves reads. A page that is begun is written to its end, although who
    // asked for it has left: until then it is nobody else's turn.
    let written = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        writing.write_metrics()
    });
    let page = written.await.map_err(|error| {
        tracing::error!(%error, "writing the metrics panicked");
        Status::new(StatusCode::INTERNAL_SERVER_ERROR, "the adapter failed; its log says more")
    })?;
    let page = state.pages.in_flight.admit(0, page.into())?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let mut response = Response::new(page.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(response)
}

impl AdminState {
    fn write_metrics(&self) -> String {
        let served = self.served.now();
        let kinds = served.snapshot.kinds().into_iter().map(|kind| {
            let followed = *kind.state() == SyncState::Synced;
            (kind.resource().to_string(), kind.count(), followed)
        });
        self.metrics.objects(kinds);
        for delegate in served.snapshot.delegates().into_iter().flat_map(|all| all.all()) {
            delegate.report();
        }
        for evaluations in served.snapshot.in_use() {
            let good = evaluations.list().into_iter().filter_map(|(scope, asked, state, _)| {
                // Until a changed mapping has values of its own, those of the one before are served.
                let before = || evaluations.handover(&scope, &asked)?.good;
                state.good.clone().or_else(before)
            });
            let mapping = evaluations.mapping();
            mapping.metrics.age(good.map(|good| good.at.elapsed()).max());
            mapping.metrics.available(mapping.breaker.unavailable().is_none());
        }
        self.metrics.encode()
    }
}

async fn status(State(state): State<AdminState>) -> Response {
    let mut status = {
        let mut trends = state.trends.lock().unwrap_or_else(PoisonError::into_inner);
        status::of(&state.served.now().snapshot, &mut trends)
    };
    status["unserved"] = status::reasons(&state.served.unserved).into();
    status["uptimeSeconds"] = state.begun.elapsed().as_secs().into();
    status["ready"] = state.readiness.check().is_ok().into();
    let extra = state.extra.lock().unwrap_or_else(PoisonError::into_inner).clone();
    status["autoscalers"] = extra.unwrap_or(Value::Null);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, status.to_string()).into_response()
}

#[cfg(test)]
mod tests;
