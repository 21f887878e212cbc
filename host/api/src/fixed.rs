//! Static answers: health, version, OpenAPI.

use std::sync::LazyLock;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use super::ApiState;
use super::discovery::Document;
use super::status::{JSON, json};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// `/livez` and `/healthz`: 200 while the process answers.
pub(super) async fn alive() -> Response {
    ([(header::CONTENT_TYPE, TEXT)], "ok").into_response()
}

/// `/readyz`: 200 while a configuration is served and the process is not shutting down. Sources that
/// are down do not count: an adapter that is not ready would make discovery of the cluster fail.
pub(super) async fn ready(State(state): State<ApiState>) -> Response {
    match state.readiness.check() {
        Ok(()) => alive().await,
        Err(why) => {
            let headers = [(header::CONTENT_TYPE, TEXT)];
            (StatusCode::SERVICE_UNAVAILABLE, headers, why).into_response()
        }
    }
}

/// `/version`
pub(super) async fn version() -> Response {
    let version = env!("CARGO_PKG_VERSION");
    let mut parts = version.split('.');
    let body = json!({
        "major": parts.next().unwrap_or_default(),
        "minor": parts.next().unwrap_or_default(),
        "gitVersion": format!("v{version}"),
    });
    json(body.to_string())
}

/// `/api`: an empty list of versions, since clients ask whether the core group is served.
pub(super) async fn core() -> Response {
    let body = json!({"kind": "APIVersions", "versions": [], "serverAddressByClientCIDRs": []});
    json(body.to_string())
}

static OPENAPI_V2: LazyLock<Document> = LazyLock::new(|| {
    Document::new(&json!({
        "swagger": "2.0",
        "info": {"title": "Leadsman", "version": env!("CARGO_PKG_VERSION")},
        "paths": {},
    }))
});

static OPENAPI_V3: LazyLock<Document> = LazyLock::new(|| Document::new(&json!({"paths": {}})));

/// `/openapi/v2`
pub(super) async fn openapi_v2(headers: HeaderMap) -> Response {
    OPENAPI_V2.answer(&headers, JSON)
}

/// `/openapi/v3`
pub(super) async fn openapi_v3(headers: HeaderMap) -> Response {
    OPENAPI_V3.answer(&headers, JSON)
}
