//! Scalers of KEDA: the external scaler (gRPC, package `externalscaler`) with pushes, and JSON for the
//! `metrics-api` trigger.
//!
//! Both give what the metrics APIs give, to clients who may read it there. A call is authenticated by client
//! certificate or bearer token. Its trigger stands for a read of the metrics APIs, which is authorized and
//! made. The answer has another form: the sum of the values, as an autoscaler computes it for external
//! metrics.

mod caller;
mod fixed;
mod grpc;
mod measure;
pub mod messages;
mod permits;
mod plain;
mod push;
mod read;
mod reported_values;
mod service;
mod trigger;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use tokio_util::task::TaskTracker;

use leadsman_api::CurrentSnapshot;
use leadsman_runtime::telemetry::Metrics;
use leadsman_server::auth::Clients;
use permits::CallPermits;
use reported_values::ReportedValues;

/// The maximum number of concurrent calls, in total and of one user. KEDA makes a handful at once.
const MAX_CALLS: usize = 4000;
const MAX_CALLS_OF_USER: usize = 2000;

/// The maximum number of calls that stay open, in total and of one user. KEDA opens two for each push
/// trigger, all as one user. Each is a task of some kilobytes.
const MAX_OPEN_CALLS: usize = 8000;
const MAX_OPEN_CALLS_OF_USER: usize = 4000;

/// The same for clients that may not read what their trigger names. Every account of the cluster can
/// authenticate, and must not take the permits of those that may read.
const MAX_UNENTITLED_CALLS: usize = 400;
const MAX_UNENTITLED_CALLS_OF_USER: usize = 100;

/// What the routes need.
pub struct ScalerState {
    /// The current snapshot.
    pub served: Arc<CurrentSnapshot>,
    /// Authenticates and authorizes; `None` where only loopback can connect.
    pub clients: Option<Clients>,
    /// Counts calls.
    pub metrics: Metrics,
    /// Owns the tasks of calls that stay open. They end with their connections.
    pub tasks: TaskTracker,
    /// Whether a trigger may name another namespace than that of its ScaledObject, and objects that live in
    /// none.
    pub across_namespaces: bool,
}

/// What calls share.
struct Scaler {
    state: ScalerState,
    reported_values: ReportedValues,
    calls: CallPermits,
    open_calls: CallPermits,
    unentitled_calls: CallPermits,
}

/// All routes of the address for scalers.
pub fn router(state: ScalerState) -> Router {
    let scaler = Scaler {
        state,
        reported_values: ReportedValues::default(),
        calls: CallPermits::new("calls", MAX_CALLS, MAX_CALLS_OF_USER),
        open_calls: CallPermits::new(
            "calls that stay open",
            MAX_OPEN_CALLS,
            MAX_OPEN_CALLS_OF_USER,
        ),
        unentitled_calls: CallPermits::new(
            "calls that stay open for metrics that their client may not read",
            MAX_UNENTITLED_CALLS,
            MAX_UNENTITLED_CALLS_OF_USER,
        ),
    };
    Router::new()
        .route("/externalscaler.ExternalScaler/IsActive", post(service::is_active))
        .route("/externalscaler.ExternalScaler/StreamIsActive", post(service::stream_is_active))
        .route("/externalscaler.ExternalScaler/GetMetricSpec", post(service::get_metric_spec))
        .route("/externalscaler.ExternalScaler/StreamMetricSpec", post(service::stream_metric_spec))
        .route("/externalscaler.ExternalScaler/GetMetrics", post(service::get_metrics))
        .route("/scaler/v1/namespaces/{namespace}/external/{metric}", get(plain::external))
        .route(
            "/scaler/v1/namespaces/{namespace}/custom/{kind}/{object}/{metric}",
            get(plain::custom),
        )
        .route("/scaler/v1/custom/{kind}/{object}/{metric}", get(plain::custom_at_root))
        .fallback(fixed::not_found)
        .method_not_allowed_fallback(fixed::method_not_allowed)
        .with_state(Arc::new(scaler))
}
