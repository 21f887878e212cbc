//! The process: everything wired together, started in order and ended in order.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admin::{self, AdminState};
use crate::api::{self, ApiState, Served};
use crate::config::{self, Parsed, ReadError};
use crate::plugin::Engine;
use crate::server::{Certificate, Readiness, Server};
use crate::snapshot::{Parts, Snapshot};
use crate::telemetry::Metrics;

/// How long requests under way may take at the end.
const DRAIN: Duration = Duration::from_secs(20);

/// What a process is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The configuration's file.
    pub config: PathBuf,
    /// Where the API is served.
    pub api: SocketAddr,
    /// Certificate and key of the server; `None` to make one.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Where metrics and the page are served.
    pub admin: SocketAddr,
}

/// Why the process cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be served.
    #[error(transparent)]
    Config(#[from] ReadError),
    /// An address that anyone could read from.
    #[error(
        "{what} would listen on {address}, which other machines can reach, and this version does \
         not authenticate requests; use a loopback address such as 127.0.0.1"
    )]
    NotLoopback {
        /// Which server.
        what: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// Anything else.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// A process that serves.
pub struct App {
    /// Where the API is served.
    pub api: SocketAddr,
    /// Where metrics and the page are served.
    pub admin: SocketAddr,
    /// The self-made certificate, for those who are to trust it.
    pub certificate: Option<String>,
    /// The state of the page.
    pub page: AdminState,
    readiness: Readiness,
    servers: JoinSet<anyhow::Result<()>>,
    parts: Parts,
    /// Ends the servers; `parts.end` ends the evaluations after them.
    stop: CancellationToken,
}

/// Reads a configuration and builds a snapshot of it. What has no fault in the file goes on to the
/// plugins all the same, so that their faults are told at once with those of the file.
pub fn load(path: &std::path::Path, parts: &Parts) -> Result<Snapshot, ReadError> {
    let Parsed { document, config, mut faults } = config::read(path)?;
    match Snapshot::build(&config, 1, parts) {
        Ok(snapshot) if faults.is_empty() => return Ok(snapshot),
        Ok(_) => {}
        Err(found) => faults.extend(found),
    }
    Err(ReadError::Faults(document.locate(faults)))
}

/// What snapshots are made with.
pub fn parts() -> anyhow::Result<Parts> {
    crate::tls::install_provider();
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    Ok(Parts {
        engine: Engine::new(cores * 2)?,
        metrics: Metrics::new(),
        tasks: TaskTracker::new(),
        end: CancellationToken::new(),
    })
}

impl App {
    /// Starts everything. It serves when this returns.
    pub async fn start(options: &Options) -> Result<Self, StartError> {
        for (what, address) in [("the API", options.api), ("the admin address", options.admin)] {
            if !address.ip().is_loopback() {
                return Err(StartError::NotLoopback { what, address });
            }
        }
        let parts = parts()?;
        let snapshot = load(&options.config, &parts)?;
        parts.metrics.serving(snapshot.generation);
        let served = Arc::new(Served::new(Arc::new(snapshot)));
        let readiness = Readiness::default();
        let certificate = match &options.tls {
            Some((cert, key)) => Certificate::files(cert.clone(), key.clone()),
            None => Certificate::self_made(options.api.ip()),
        };
        let certificate = certificate.map_err(anyhow::Error::from)?;
        let pem = match &certificate {
            Certificate::SelfMade { pem, .. } => Some(pem.clone()),
            Certificate::Files(_) => None,
        };
        let tls = certificate.server_config().map_err(anyhow::Error::from)?;
        let (api_listener, api) = listen(options.api).await?;
        let (admin_listener, admin) = listen(options.admin).await?;
        let router = api::router(ApiState { served: served.clone(), readiness: readiness.clone() });
        let page = AdminState::new(served, readiness.clone(), parts.metrics.clone());
        let stop = CancellationToken::new();
        let mut servers = JoinSet::new();
        let server = Server { listener: api_listener, tls, router, metrics: parts.metrics.clone() };
        let end = stop.clone();
        servers.spawn(async move {
            server.run(end, DRAIN).await;
            Ok(())
        });
        let end = stop.clone().cancelled_owned();
        let admin_router = admin::router(page.clone());
        servers.spawn(async move {
            let serve = axum::serve(admin_listener, admin_router).with_graceful_shutdown(end);
            Ok(serve.await?)
        });
        readiness.set(true);
        tracing::info!(
            api = format!("https://{api}"),
            admin = format!("http://{admin}"),
            "serving"
        );
        Ok(Self { api, admin, certificate: pem, page, readiness, servers, parts, stop })
    }

    /// Serves until `end` completes, or a server ends by itself, which is an error.
    pub async fn run(mut self, end: impl Future<Output = ()>) -> anyhow::Result<()> {
        let ended = tokio::select! {
            () = end => None,
            ended = self.servers.join_next() => ended,
        };
        self.readiness.set(false);
        self.stop.cancel();
        let early = match ended {
            Some(Ok(Ok(()))) => Err(anyhow::anyhow!("a server ended by itself")),
            Some(Ok(Err(error))) => Err(error),
            Some(Err(error)) => Err(error.into()),
            None => Ok(()),
        };
        tracing::info!("shutting down: requests under way complete");
        // Connections of the page have no end of their own.
        let servers = async { while self.servers.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN + Duration::from_secs(1), servers).await.is_err() {
            self.servers.shutdown().await;
        }
        // Evaluations end last: requests under way may wait for one.
        self.parts.end.cancel();
        self.parts.tasks.close();
        self.parts.tasks.wait().await;
        tracing::info!("ended");
        early
    }
}

async fn listen(address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    use anyhow::Context as _;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; choose another port or address"))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
