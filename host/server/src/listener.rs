//! A listener and its connections, each a task that is waited for at the end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::Admission;
use super::connection::Connection;
use super::executor::Executor;
use super::limits::{
    ConnectionLimits, IDLE_TIMEOUT, MAX_AGE, MAX_HEAD_BYTES, MAX_SCALER_STREAMS, MAX_STREAMS,
    REQUEST_HEAD_TIMEOUT,
};
use leadsman_runtime::telemetry::{Listener, Metrics};

/// After an accept that failed.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// A port that is served.
pub struct Server {
    /// Where it listens.
    pub listener: TcpListener,
    /// What is spoken.
    pub protocol: Protocol,
    /// What it serves.
    pub router: Router,
    /// Counts connections.
    pub metrics: Metrics,
}

/// What is spoken on a port.
pub enum Protocol {
    /// HTTP/2 and 1.1 over TLS: the secure port.
    Https(Arc<ServerConfig>),
    /// The same with gRPC, whose calls may stay open: the address for scalers of KEDA.
    Grpc(Arc<ServerConfig>),
    /// HTTP/1.1 in plain text: the admin address.
    Http,
}

impl Server {
    /// Serves until `end`, then lets requests in flight complete, for at most `drain`.
    pub async fn run(self, end: CancellationToken, drain: Duration) {
        let tasks = TaskTracker::new();
        let (acceptor, limits, name) = match self.protocol {
            Protocol::Https(tls) => {
                let acceptor = TlsAcceptor::from(tls);
                (Some(acceptor), ConnectionLimits::API, Listener::Api)
            }
            Protocol::Grpc(tls) => {
                let acceptor = TlsAcceptor::from(tls);
                (Some(acceptor), ConnectionLimits::API, Listener::Scaler)
            }
            Protocol::Http => (None, ConnectionLimits::ADMIN, Listener::Admin),
        };
        let builder = builder(name, tasks.clone());
        let admission = Admission::new(limits);
        let mut jitter = Jitter::default();
        while let Some(accepted) = accept(&self.listener, &end).await {
            let Ok((stream, address)) = accepted else {
                // Out of file descriptors, most likely: one in use must be closed first.
                admission.make_room(Instant::now());
                tokio::time::sleep(ACCEPT_BACKOFF).await;
                continue;
            };
            let connection = Connection {
                builder: builder.clone(),
                router: self.router.clone(),
                admitted: admission.admit(address.ip(), Instant::now()),
                address,
                end: end.clone(),
                max_age: MAX_AGE + MAX_AGE.mul_f64(jitter.next()),
            };
            let (acceptor, metrics) = (acceptor.clone(), self.metrics.clone());
            tasks.spawn(async move {
                let _open = metrics.connection(name);
                if let Some(reason) = connection.serve(acceptor, stream).await {
                    metrics.connection_closed(name, reason);
                }
            });
        }
        drop(self.listener);
        tasks.close();
        // Every client has been asked to send its next request elsewhere (GOAWAY).
        if tokio::time::timeout(drain, tasks.wait()).await.is_err() {
            tracing::warn!(?drain, "connections were still open at the end of the drain");
        }
    }
}

/// The next connection; `None` once the end has come.
async fn accept(
    listener: &TcpListener,
    end: &CancellationToken,
) -> Option<std::io::Result<(TcpStream, SocketAddr)>> {
    let accepted = tokio::select! {
        accepted = listener.accept() => accepted,
        () = end.cancelled() => return None,
    };
    if let Err(error) = &accepted {
        tracing::warn!(%error, "cannot accept a connection");
    }
    Some(accepted)
}

fn builder(name: Listener, tasks: TaskTracker) -> auto::Builder<Executor> {
    let mut builder = auto::Builder::new(Executor::new(tasks));
    let head = match name {
        Listener::Api | Listener::Scaler => REQUEST_HEAD_TIMEOUT,
        // Connections stay open between two scrapes.
        Listener::Admin => IDLE_TIMEOUT,
    };
    let streams = match name {
        Listener::Api | Listener::Admin => MAX_STREAMS,
        Listener::Scaler => MAX_SCALER_STREAMS,
    };
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_buf_size(MAX_HEAD_BYTES as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD_BYTES)
        .max_concurrent_streams(streams)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    match name {
        Listener::Api | Listener::Scaler => builder,
        Listener::Admin => builder.http1_only(),
    }
}

/// Numbers from 0 to 0.2 that lie apart, so that connections that began together do not end so.
#[derive(Default)]
struct Jitter(f64);

impl Jitter {
    fn next(&mut self) -> f64 {
        // Steps of the golden ratio never crowd.
        self.0 = (self.0 + 0.618_034).fract();
        self.0 * 0.2
    }
}
