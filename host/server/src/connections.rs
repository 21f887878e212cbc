//! Connections to the secure port, each a task that is waited for at the end.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_layer::Layer as _;

use crate::auth::Peer;
use leadsman_runtime::telemetry::Metrics;

/// How long a client may take for the handshake, or for the head of a request.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections at once. The aggregator and its clients hold a handful.
const MOST: usize = 2000;

/// A connection is asked to end after about this time. One of HTTP/2 would stay with this process
/// for good otherwise, and a process that starts later would never be asked.
const AGE: Duration = Duration::from_secs(300);

/// The secure port.
pub struct Server {
    /// Where it listens.
    pub listener: TcpListener,
    /// Its TLS.
    pub tls: ServerConfig,
    /// What it serves.
    pub router: Router,
    /// Counts connections.
    pub metrics: Metrics,
}

impl Server {
    /// Serves until `end`, then lets requests under way complete, for at most `drain`.
    pub async fn run(self, end: CancellationToken, drain: Duration) {
        let tasks = TaskTracker::new();
        let acceptor = TlsAcceptor::from(Arc::new(self.tls));
        let places = Arc::new(Semaphore::new(MOST));
        let mut builder = auto::Builder::new(Executor(tasks.clone()));
        builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(20));
        let mut spread = Spread::default();
        loop {
            // Never closed, so there is always a permit to wait for.
            let place = places.clone().acquire_owned().await.ok();
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = end.cancelled() => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, most likely: those in use must be closed first.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let connection = Connection {
                builder: builder.clone(),
                router: self.router.clone(),
                end: end.clone(),
                age: AGE + AGE.mul_f64(spread.next()),
            };
            let (acceptor, guard) = (acceptor.clone(), self.metrics.connection());
            tasks.spawn(async move {
                let _held = (place, guard);
                connection.serve(acceptor, stream).await;
            });
        }
        drop(self.listener);
        tasks.close();
        // Every client has been told to send its next request elsewhere (GOAWAY).
        if tokio::time::timeout(drain, tasks.wait()).await.is_err() {
            tracing::warn!(?drain, "connections were still open at the end of the drain");
        }
    }
}

struct Connection {
    builder: auto::Builder<Executor>,
    router: Router,
    end: CancellationToken,
    age: Duration,
}

impl Connection {
    async fn serve(self, acceptor: TlsAcceptor, stream: TcpStream) {
        // Answers are small: waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let stream = match tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(%error, "TLS handshake failed");
                return;
            }
            Err(_) => return,
        };
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default().to_vec();
        let peer = Extension(Arc::new(Peer::new(certificates)));
        let service = TowerToHyperService::new(peer.layer(self.router));
        let connection = self.builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = async {
                tokio::select! {
                    () = self.end.cancelled() => {}
                    () = tokio::time::sleep(self.age) => {}
                }
            } => {
                // GOAWAY: what is under way completes, what comes next goes elsewhere.
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(error, "connection ended");
        }
    }
}

/// Numbers from 0 to 0.2 that lie apart, so that connections that began together do not end so.
#[derive(Default)]
struct Spread(f64);

impl Spread {
    fn next(&mut self) -> f64 {
        // Steps of the golden ratio never crowd.
        self.0 = (self.0 + 0.618_034).fract();
        self.0 * 0.2
    }
}

/// Runs the tasks of HTTP/2 connections where they are waited for.
#[derive(Clone)]
pub struct Executor(TaskTracker);

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}
