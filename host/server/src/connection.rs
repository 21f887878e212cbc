//! One connection, from the handshake to its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::activity::{Activity, Overdue};
use super::admission::Admitted;
use super::executor::Executor;
use super::handle::ConnectionHandle;
use super::limits::{CLOSE_TIMEOUT, HANDSHAKE_TIMEOUT};
use crate::auth::Peer;
use leadsman_runtime::telemetry::CloseReason;

/// A connection that was admitted.
pub(super) struct Connection {
    pub(super) builder: auto::Builder<Executor>,
    pub(super) router: Router,
    pub(super) admitted: Admitted,
    pub(super) address: SocketAddr,
    /// The end of the process.
    pub(super) end: CancellationToken,
    pub(super) max_age: Duration,
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The client closed it, broke the protocol, or it was asked to go elsewhere.
    Orderly,
    /// The server closed it.
    Closed(CloseReason),
}

impl Connection {
    /// Serves it to its end; says why the server closed it, if it did.
    pub(super) async fn serve(
        self,
        acceptor: Option<TlsAcceptor>,
        stream: TcpStream,
    ) -> Option<CloseReason> {
        // Answers are small: waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let end = tokio::select! {
            biased;
            () = self.admitted.evicted.cancelled() => End::Closed(CloseReason::Evicted),
            end = async {
                match acceptor {
                    Some(acceptor) => self.serve_tls(acceptor, stream).await,
                    None => self.serve_http(stream, Peer::default()).await,
                }
            } => end,
        };
        match end {
            End::Orderly => None,
            End::Closed(reason) => {
                tracing::debug!(address = %self.address, ?reason, "closed a connection");
                Some(reason)
            }
        }
    }

    async fn serve_tls(&self, acceptor: TlsAcceptor, stream: TcpStream) -> End {
        let stream = match timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(%error, "TLS handshake failed");
                return End::Orderly;
            }
            Err(_) => return End::Closed(CloseReason::Handshake),
        };
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default().to_vec();
        self.serve_http(stream, Peer::new(certificates)).await
    }

    async fn serve_http<S>(&self, stream: S, peer: Peer) -> End
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (peer, activity) = (Arc::new(peer), self.admitted.activity.clone());
        activity.established(peer.clone(), Instant::now());
        let handle = ConnectionHandle::new(peer, self.address, activity.clone());
        // However this ends, calls that are open learn of it.
        let _closed = handle.closes_on_drop();
        let (routes, of_request) = (TowerToHyperService::new(self.router.clone()), handle.clone());
        let service = service_fn(move |mut request: http::Request<Incoming>| {
            let in_flight = activity.request();
            request.extensions_mut().insert(of_request.clone());
            let response = routes.call(request);
            async move {
                let _in_flight = in_flight;
                let response: Result<http::Response<Body>, Infallible> = response.await;
                response
            }
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let end = tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(error, "connection ended");
                }
                // The time for a request's head may be up in both places at once.
                return match self.admitted.activity.overdue(Instant::now()) {
                    Ok(Overdue::FirstRequest) => End::Closed(CloseReason::FirstRequest),
                    _ => End::Orderly,
                };
            }
            end = self.closing(&handle) => end,
        };
        handle.close();
        if let End::Closed(CloseReason::FirstRequest | CloseReason::Stalled) = end {
            return end;
        }
        // GOAWAY: what is in flight completes, what comes next goes elsewhere.
        connection.as_mut().graceful_shutdown();
        if let Ok(Err(error)) = timeout(CLOSE_TIMEOUT, connection).await {
            tracing::debug!(error, "connection ended");
        }
        end
    }

    /// Waits for a reason to close the connection.
    async fn closing(&self, handle: &ConnectionHandle) -> End {
        tokio::select! {
            () = self.end.cancelled() => End::Orderly,
            () = handle.stalled() => End::Closed(CloseReason::Stalled),
            () = tokio::time::sleep(self.max_age) => End::Orderly,
            overdue = overdue(&self.admitted.activity) => End::Closed(match overdue {
                Overdue::FirstRequest => CloseReason::FirstRequest,
                Overdue::Idle => CloseReason::Idle,
            }),
        }
    }
}

/// Waits until a connection is overdue.
async fn overdue(activity: &Activity) -> Overdue {
    loop {
        match activity.overdue(Instant::now()) {
            Ok(overdue) => return overdue,
            Err(next) => tokio::time::sleep_until(next.into()).await,
        }
    }
}
