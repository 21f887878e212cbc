//! Who may see the page: it shows values of all namespaces.
//!
//! By default this machine alone, which includes forwarded ports. Or users of the cluster: a bearer
//! token says who they are, and a SubjectAccessReview whether they may `get` the path `/status`. Then
//! this machine needs a token, too: a proxy in the pod, as service meshes have them, connects from it
//! on behalf of everybody.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::AdminState;
use crate::status::Status;
use leadsman_server::auth::{Auth, Peer};

/// The path whose right is the right to the page, whichever part of it is asked for.
const PATH: &str = "/status";

/// Who may see the page.
#[derive(Clone)]
pub enum Access {
    /// This machine.
    ThisMachine,
    /// Users of the cluster who may `get` the path `/status`.
    Users(Arc<Auth>),
}

/// Lets requests through for what shows values.
pub(super) async fn guard(
    State(state): State<AdminState>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    Extension(peer): Extension<Arc<Peer>>,
    request: Request,
    next: Next,
) -> Response {
    let auth = match &state.access {
        Access::ThisMachine => return only_from_here(address, request, next).await,
        Access::Users(auth) => auth,
    };
    let (parts, body) = request.into_parts();
    match auth.admit_token(&parts.headers, PATH, &peer).await {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(denied) => {
            state.metrics.denied(denied.reason());
            tracing::debug!(%denied, path = parts.uri.path(), "a request for the page is refused");
            let mut response = Response::from(Status::from(denied));
            if response.status() == StatusCode::UNAUTHORIZED {
                let scheme = HeaderValue::from_static("Bearer");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
            }
            response
        }
    }
}

/// The files of the page hold no values. Who has to show a token needs them to do so.
pub(super) async fn guard_files(
    State(state): State<AdminState>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    match &state.access {
        Access::ThisMachine => only_from_here(address, request, next).await,
        Access::Users(_) => next.run(request).await,
    }
}

async fn only_from_here(address: SocketAddr, request: Request, next: Next) -> Response {
    if address.ip().to_canonical().is_loopback() {
        return next.run(request).await;
    }
    let message = "values are shown to this machine alone; forward a port to see them: \
                   kubectl port-forward deployment/leadsman 8080; or let users of the cluster see \
                   them: --admin-auth=cluster\n";
    (StatusCode::FORBIDDEN, message).into_response()
}
