//! Who may see the page: it shows values of all namespaces.
//!
//! By default this machine alone, which includes forwarded ports. Or users of the cluster: a bearer
//! token says who they are, and a SubjectAccessReview whether they may `get` the path `/status`. Then
//! this machine needs a token, too: a proxy in the pod, as service meshes have them, connects from it
//! on behalf of everybody.
//!
//! A page of somebody else, open in a browser of this machine, is on this machine as well: its site may
//! give its own name this machine's address. So this machine is asked for by an address or by a name
//! that no site has.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::uri::Authority;
use http::{HeaderValue, StatusCode, header};

use super::AdminState;
use crate::status::Status;
use leadsman_server::ConnectionHandle;
use leadsman_server::auth::Auth;

/// The path whose right is the right to the page, whichever part of it is requested.
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
    Extension(connection): Extension<ConnectionHandle>,
    request: Request,
    next: Next,
) -> Response {
    let auth = match &state.access {
        Access::ThisMachine => return only_from_here(connection.address(), request, next).await,
        Access::Users(auth) => auth,
    };
    let (parts, body) = request.into_parts();
    match auth.admit_token(&parts.headers, PATH, connection.peer()).await {
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
    Extension(connection): Extension<ConnectionHandle>,
    request: Request,
    next: Next,
) -> Response {
    match &state.access {
        Access::ThisMachine => only_from_here(connection.address(), request, next).await,
        Access::Users(_) => next.run(request).await,
    }
}

async fn only_from_here(address: SocketAddr, request: Request, next: Next) -> Response {
    let is_from_here = address.ip().to_canonical().is_loopback();
    if is_from_here && !is_asked_by_a_site(&request) {
        return next.run(request).await;
    }
    if is_from_here {
        let message = "values are not shown under the name of a site, which may be anybody's: open \
                       localhost or an address in its place, or let users of the cluster see them: \
                       --admin-auth=cluster\n";
        return (StatusCode::FORBIDDEN, message).into_response();
    }
    let message = "values are shown to this machine alone; forward a port to see them: \
                   kubectl port-forward deployment/leadsman 8080; or let users of the cluster see \
                   them: --admin-auth=cluster\n";
    (StatusCode::FORBIDDEN, message).into_response()
}

/// Whether the requested host may be that of a site: its name has a dot and is no address. A client that
/// states no name is no browser.
fn is_asked_by_a_site(request: &Request) -> bool {
    let stated = match request.headers().get(header::HOST) {
        Some(stated) => Authority::try_from(stated.as_bytes()),
        None => match request.uri().authority() {
            Some(stated) => Ok(stated.clone()),
            None => return false,
        },
    };
    let Ok(stated) = stated else { return true };
    let host = stated.host().trim_start_matches('[').trim_end_matches(']');
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let is_of_nobody = !host.contains('.') || host.ends_with(".localhost");
    !is_of_nobody && host.parse::<IpAddr>().is_err()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn asked(uri: &str, host: Option<&str>) -> bool {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = uri.parse().unwrap();
        if let Some(host) = host {
            request.headers_mut().insert(header::HOST, host.parse().unwrap());
        }
        is_asked_by_a_site(&request)
    }

    #[test]
    fn a_site_that_gives_itself_this_machines_address_sees_nothing() {
        for own in [
            "localhost:8080",
            "127.0.0.1:8080",
            "[::1]:8080",
            "localhost",
            "a.localhost.",
            "node-7",
        ] {
            assert!(!asked("/status.json", Some(own)), "{own}");
        }
        for site in ["rebound.example:8080", "rebound.example.", "127.0.0.1.example", "", "a b"] {
            assert!(asked("/status.json", Some(site)), "{site}");
        }
        assert!(!asked("/status.json", None));
        assert!(!asked("http://localhost:8080/status.json", None));
        assert!(asked("http://rebound.example:8080/status.json", None));
    }
}
