//! The span of a read. It begins when the request arrives and is recorded only if the request is
//! authorized: whoever may not read cannot fill traces.

use std::time::SystemTime;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, header};

use leadsman_trace as trace;

/// Answers a request that is authorized. `begun` is when it arrived, where there are traces.
pub(super) async fn run(request: Request, next: Next, begun: Option<SystemTime>) -> Response {
    let begun = begun.filter(|_| is_read(request.uri().path()));
    let Some(begun) = begun else { return next.run(request).await };
    let mut span = trace::server("read", request.headers(), begun);
    if !span.is_sampled() {
        return next.run(request).await;
    }
    span.note("authorized");
    span.set("http.request.method", request.method().as_str());
    span.set("url.path", request.uri().path());
    if let Some(query) = request.uri().query() {
        span.set("url.query", query);
    }
    if let Some(agent) = text(request.headers(), &header::USER_AGENT) {
        span.set("user_agent.original", agent);
    }
    let response = span.within(next.run(request)).await;
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

/// Whether something below the version of a group is requested, as values are.
fn is_read(path: &str) -> bool {
    path.split('/').nth(4).is_some_and(|rest| !rest.is_empty())
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_below_the_version_of_a_group() {
        assert!(is_read("/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/depth"));
        for other in ["/apis/external.metrics.k8s.io/v1beta1/", "/apis/a/b", "/version", "/"] {
            assert!(!is_read(other), "{other}");
        }
    }
}
