//! What happens to each request that is not a probe: it is authorized, then answered.

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use tower::ServiceExt as _;

use super::read::{self, ReadRequest, ReadState};
use super::status::Status;
use super::{delegated, method_not_allowed, path, traced};
use leadsman_delegate::{Api, HOPS};
use leadsman_server::ConnectionHandle;

/// Authorizes and answers requests.
///
/// Reads are answered from here, and not by a route: nearly all requests are reads, and their paths
/// are parsed by [`path`] in any case.
pub(super) struct Dispatcher {
    pub(super) reads: ReadState,
    /// What else there is: discovery, and fixed documents.
    pub(super) routes: Router,
}

impl Dispatcher {
    /// Authorizes a request, then answers it.
    pub(super) async fn answer(&self, request: Request) -> Result<Response, Status> {
        let begun = leadsman_trace::is_on().then(std::time::SystemTime::now);
        // One that comes back could come back without end, whoever sent it.
        if request.headers().contains_key(HOPS) && self.came_back(request.headers()) {
            return Err(delegated::loop_found());
        }
        let (mut parts, body) = request.into_parts();
        if let Some(auth) = &self.reads.auth {
            let Some(connection) = parts.extensions.get::<ConnectionHandle>().cloned() else {
                return Err(Status::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "who asks is not known",
                ));
            };
            if let Err(denied) = auth.admit(&mut parts, connection.peer()).await {
                self.reads.metrics.denied(denied.reason());
                tracing::debug!(%denied, path = parts.uri.path(), "a request is refused");
                return Err(denied.into());
            }
        }
        let Some(api) = path::api_of_read(parts.uri.path()) else {
            // Its state is large, and reads never have it.
            let Ok(response) =
                Box::pin(self.routes.clone().oneshot(Request::from_parts(parts, body))).await;
            return Ok(response);
        };
        drop(body);
        let answer = self.read(api, &parts);
        Ok(match begun {
            None => answer.await,
            Some(begun) => Box::pin(traced::run(&parts, begun, answer)).await,
        })
    }

    async fn read(&self, api: Api, request: &Parts) -> Response {
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return method_not_allowed().await;
        }
        let request = ReadRequest::new(request);
        let answer = match api {
            Api::Custom => read::custom(&self.reads, request).await,
            Api::External => read::external(&self.reads, request).await,
            Api::Resource => read::resource(&self.reads, request).await,
        };
        answer.into_response()
    }

    fn came_back(&self, headers: &HeaderMap) -> bool {
        let served = self.reads.served.now();
        served.snapshot.delegates().is_some_and(|delegates| delegates.is_loop(headers))
    }
}
