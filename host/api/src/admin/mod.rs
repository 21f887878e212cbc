//! The admin server: metrics, and the page.
//!
//! The page is files (`files`) that follow a stream of events (`events`). Their content is made at most
//! once a second for all of its clients together (`board`), as entries of which only those that have
//! changed are sent (`entries`). What is opened is asked for by itself (`drill_down`).
//! `/status.json` (`status`) is the same for scripts.

mod access;
mod autoscalers;
mod board;
mod drill_down;
mod entries;
mod events;
mod files;
mod mappings;
mod moments;
mod plugins;
mod sources;
mod status;
mod teams;

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::CurrentSnapshot;
use crate::hour::{self, Hours, Trends};
use crate::in_flight::LongAnswers;
use crate::status::Status;
pub use access::Access;
use board::SharedStatus;
use leadsman_model::objects::SyncState;
use leadsman_runtime::supervise::supervised;
use leadsman_runtime::telemetry::Metrics;
use leadsman_server::Readiness;
use moments::Moments;

/// What the admin server is made of.
pub struct AdminSetup {
    /// The current snapshot.
    pub served: Arc<CurrentSnapshot>,
    /// Whether the process is ready.
    pub readiness: Readiness,
    /// The adapter's metrics.
    pub metrics: Metrics,
    /// The autoscalers that are known, and their last hour.
    pub hours: Arc<Hours>,
    /// Who may see the page.
    pub access: Access,
    /// Ends streams of events, so that the end of the process does not wait for them.
    pub end: CancellationToken,
}

/// What the routes share.
#[derive(Clone)]
pub struct AdminState {
    served: Arc<CurrentSnapshot>,
    readiness: Readiness,
    metrics: Metrics,
    hours: Arc<Hours>,
    access: Access,
    end: CancellationToken,
    /// Trends of values, while they are looked at.
    values: Arc<Mutex<Trends>>,
    board: Arc<SharedStatus>,
    pages: Arc<Pages>,
    moments: Moments,
    begun: std::time::Instant,
}

/// Pages that are as long as much is configured: of metrics, which everybody may ask for, and of values.
struct Pages {
    /// One of metrics is written at a time.
    turn: Arc<Semaphore>,
    in_flight: LongAnswers,
    /// The same of values. Who does not receive them keeps nobody from the metrics.
    turn_of_values: Arc<Semaphore>,
    values_in_flight: LongAnswers,
}

impl AdminState {
    /// A state whose uptime starts now.
    pub fn new(setup: AdminSetup) -> Self {
        let AdminSetup { served, readiness, metrics, hours, access, end } = setup;
        Self {
            served,
            readiness,
            metrics,
            hours,
            access,
            end,
            values: Arc::default(),
            board: Arc::default(),
            pages: Arc::new(Pages {
                turn: Arc::new(Semaphore::new(1)),
                in_flight: LongAnswers::pages(),
                turn_of_values: Arc::new(Semaphore::new(1)),
                values_in_flight: LongAnswers::pages(),
            }),
            moments: Moments::new(),
            begun: std::time::Instant::now(),
        }
    }

    /// Follows autoscalers, so that the last hour is there when somebody looks. Never returns.
    pub async fn follow_trends(self) {
        let failed = |_: String| {
            self.metrics.task_panicked("trends");
            std::future::ready(())
        };
        supervised("trends", || self.note_trends(), failed).await;
    }

    async fn note_trends(&self) {
        loop {
            tokio::time::sleep(hour::INTERVAL).await;
            let noting = self.clone();
            // Not on a thread that serves reads: there may be thousands of autoscalers.
            let noted = tokio::task::spawn_blocking(move || drop(noting.overviews()));
            if let Err(error) = noted.await {
                tracing::error!(%error, "noting the trends of autoscalers panicked");
            }
        }
    }
}

/// All routes of the admin address.
pub fn router(state: AdminState) -> Router {
    let values = Router::new()
        .route("/status.json", get(status))
        .route("/status/events", get(events::events))
        .route("/status/explain/{*title}", get(drill_down::explain))
        .layer(middleware::from_fn_with_state(state.clone(), access::guard));
    let files = Router::new()
        .route("/", get(files::index))
        .route("/page/{name}", get(files::file))
        .layer(middleware::from_fn_with_state(state.clone(), access::guard_files));
    // Metrics have no values and are for everybody.
    Router::new().route("/metrics", get(metrics)).merge(values).merge(files).with_state(state)
}

async fn metrics(State(state): State<AdminState>) -> Result<Response, Status> {
    // Never closed, so there is always a turn to wait for.
    let turn = state.pages.turn.clone().acquire_owned().await.ok();
    let writing = state.clone();
    // Not on a thread that serves reads. A page that is begun is written to its end, although who
    // asked for it has left: until then no other page is made.
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

    /// What `/status.json` says.
    fn status(&self) -> String {
        let mut status = {
            let mut trends = self.values.lock().unwrap_or_else(PoisonError::into_inner);
            let generation = self.served.now();
            status::of(&generation.snapshot, &mut trends)
        };
        status["unserved"] = status::reasons(&self.served.unserved).into();
        status["uptimeSeconds"] = self.begun.elapsed().as_secs().into();
        status["ready"] = self.readiness.check().is_ok().into();
        let sections = self.sections();
        status["autoscalers"] = sections.autoscalers;
        status["sources"] = sections.sources.into();
        status["plugins"] = sections.plugins.into();
        status["teams"] = sections.teams.into();
        status.to_string()
    }
}

async fn status(State(state): State<AdminState>) -> Result<Response, Status> {
    // Never closed, so there is always a turn to wait for.
    let turn = state.pages.turn_of_values.clone().acquire_owned().await.ok();
    let writing = state.clone();
    // Not on a thread that serves reads. What is begun is written to its end, as with the metrics.
    let reported = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        writing.status()
    });
    let reported = reported.await.map_err(|error| {
        tracing::error!(%error, "writing the status panicked");
        Status::new(StatusCode::INTERNAL_SERVER_ERROR, "the adapter failed; its log says more")
    })?;
    let reported = state.pages.values_in_flight.admit(0, reported.into())?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, reported).into_response())
}

#[cfg(test)]
mod tests;
