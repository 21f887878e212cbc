//! The span of a read. It begins when the request arrives and is recorded only if the request is
//! authorized: whoever may not read cannot fill traces.

use std::future::Future;
use std::time::SystemTime;

use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderName, header};

use leadsman_trace as trace;

/// Answers a read that is authorized, within its span if it is sampled. `begun` is when it arrived.
pub(super) async fn run<F>(request: &Parts, begun: SystemTime, answer: F) -> Response
where
    F: Future<Output = Response>,
{
    let mut span = trace::server("read", &request.headers, begun);
    if !span.is_sampled() {
        return answer.await;
    }
    span.note("authorized");
    span.set("http.request.method", request.method.as_str());
    span.set("url.path", request.uri.path());
    if let Some(query) = request.uri.query() {
        span.set("url.query", query);
    }
    if let Some(agent) = text(&request.headers, &header::USER_AGENT) {
        span.set("user_agent.original", agent);
    }
    let response = span.within(answer).await;
    let status = response.status();
    span.set("http.response.status_code", status.as_u16());
    if let Some(warning) = text(response.headers(), &header::WARNING) {
        span.set("leadsman.warning", warning);
    }
    if status.is_server_error() {
        span.fail(status.to_string());
    }
    response
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
