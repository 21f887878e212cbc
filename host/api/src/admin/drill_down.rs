//! The details of one mapping, which the page loads when it is opened: its values and their explanation.

use std::sync::PoisonError;

use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::{AdminState, status};
use crate::status::{Status, json as answer};
use leadsman_provider::explanation::{View, explain_mapping};
use leadsman_runtime::clock;

/// The mapping of a title, as `leadsman explain mapping` shows it, without a read: nobody counts as a
/// reader, and nothing is evaluated.
pub(super) async fn explain(
    State(state): State<AdminState>,
    Path(title): Path<String>,
) -> Result<Response, Status> {
    // Never closed, so there is always a turn to wait for. It is that of the status, which is as long.
    let turn = state.pages.turn_of_values.clone().acquire_owned().await.ok();
    let explaining = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        state.explained(&title)
    });
    let reported = explaining.await;
    let reported = reported.map_err(|error| {
        tracing::error!(%error, "explaining a mapping panicked");
        Status::new(StatusCode::INTERNAL_SERVER_ERROR, "the adapter failed; its log says more")
    })??;
    let mut response = answer(reported);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

impl AdminState {
    fn explained(&self, title: &str) -> Result<bytes::Bytes, Status> {
        let generation = self.served.now();
        let snapshot = &generation.snapshot;
        let mut all = snapshot.in_use();
        let Some(evaluations) = all.find(|known| known.mapping().title() == title) else {
            let message = format!("no mapping that is in use is called {title}");
            return Err(Status::new(StatusCode::NOT_FOUND, message));
        };
        let mapping = {
            let mut trends = self.values.lock().unwrap_or_else(PoisonError::into_inner);
            status::mapping(evaluations, &mut trends)
        };
        let explanation = explain_mapping(snapshot, evaluations, View::Everything);
        let reported = json!({"now": clock::now(), "mapping": mapping, "explanation": explanation});
        self.pages.values_in_flight.admit(0, reported.to_string().into())
    }
}
