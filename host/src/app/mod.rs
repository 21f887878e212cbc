//! The process: wires all modules, starts them in order and shuts them down in order.

mod descriptors;
mod error;
mod in_cluster;
mod load;
mod observability;
mod options;
mod scaler;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use leadsman_api::admin::{self, Access, AdminSetup, AdminState};
use leadsman_api::{self as api, ApiState, CurrentSnapshot, Hours};
use leadsman_autoscaler::{AutoscalerStore, Followed};
use leadsman_config::ConfigReadError;
use leadsman_control::{ConfigOrigin, Controller, ObjectSource, Runtime, Setup};
use leadsman_delegate::{Delegation, ServiceReference};
use leadsman_evaluation::{EvaluationQuota, Workloads};
use leadsman_runtime::files;
use leadsman_runtime::telemetry::Metrics;
use leadsman_sandbox::{CodeStore, Compiler, Engine};
use leadsman_server::registration;
use leadsman_server::{Certificate, Protocol, Readiness, SelfSigned, Server};

use in_cluster::InCluster;

pub use error::StartError;
pub use load::{LoadedConfig, check, load, load_recording};
pub use options::{AdminAuth, ClusterOptions, Options, ScalerOptions, ServiceName};

/// How long requests in flight may take during shutdown.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// How long evaluations may take to end after the servers.
const TASKS_TIMEOUT: Duration = Duration::from_secs(5);

/// A serving process.
pub struct App {
    /// The address of the API.
    pub api: SocketAddr,
    /// The address of metrics and the status page.
    pub admin: SocketAddr,
    /// The self-signed certificate as PEM, for clients that are to trust it.
    pub certificate: Option<String>,
    /// What is served now.
    pub served: Arc<CurrentSnapshot>,
    /// The autoscalers that the page shows.
    pub autoscalers: Arc<AutoscalerStore>,
    readiness: Readiness,
    /// The servers and the tasks that run as long as they do. One that ends early ends the process.
    tasks: JoinSet<anyhow::Result<()>>,
    runtime: Runtime,
    shutdown_delay: Duration,
    /// Stops `tasks`; `runtime.end` stops the evaluations after them.
    stop: CancellationToken,
    /// The export of spans, which ends last, and what stops it.
    exporting: JoinSet<()>,
    flush: CancellationToken,
}

/// The dependencies of snapshots outside a cluster.
pub fn runtime() -> anyhow::Result<Runtime> {
    leadsman_runtime::tls::install_provider();
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let metrics = Metrics::new();
    Ok(Runtime {
        engine: Engine::new(cores * 2)?,
        delegation: Delegation::new(metrics.clone(), None),
        metrics,
        tasks: TaskTracker::new(),
        quota: EvaluationQuota::default(),
        end: CancellationToken::new(),
        objects: ObjectSource::Listed,
        workloads: Workloads::default(),
    })
}

impl App {
    /// Starts the process. It is serving when this returns.
    pub async fn start(options: &Options) -> Result<Self, StartError> {
        descriptors::raise_limit();
        let mut runtime = runtime()?;
        let exporter = match &options.traces {
            Some(traces) => {
                let started = leadsman_trace::start(traces, runtime.metrics.spans());
                Some(started.map_err(anyhow::Error::from)?)
            }
            None => None,
        };
        let cache = options.cache.as_deref();
        let compiler = compiler(cache)?;
        let in_cluster = InCluster::connect(&options.cluster, &runtime, cache).await?;
        let addresses = options.addresses(in_cluster.is_some());
        let of_scaler = options.scaler.as_ref().map(|scaler| scaler.address);
        if in_cluster.is_none()
            && let Some(&address) =
                addresses.iter().chain(&of_scaler).find(|address| !address.ip().is_loopback())
        {
            return Err(StartError::NotLoopback { address });
        }
        if let Some(in_cluster) = &in_cluster {
            runtime.objects = ObjectSource::Watched(in_cluster.reflectors.clone());
            let cluster = in_cluster.cluster.clone();
            runtime.workloads = Workloads::new(move |workload| {
                let cluster = cluster.clone();
                Box::pin(async move { cluster.replicas(&workload).await })
            });
            let own = options.cluster.service(&in_cluster.cluster);
            let own = own.map(|own| ServiceReference { namespace: own.namespace, name: own.name });
            runtime.delegation = Delegation::new(runtime.metrics.clone(), own);
        }
        check_readable(&options.config)?;
        let (controller, loaded) = Controller::new(Setup {
            runtime: runtime.clone(),
            compiler,
            cache: options.cache.clone(),
            origin: options.config.clone(),
            flags: options.flags.clone(),
            cluster: in_cluster.as_ref().map(|in_cluster| in_cluster.cluster.clone()),
            all: false,
        });
        let served = Arc::new(CurrentSnapshot::new(controller.empty()));
        let publisher = served.clone();
        let controller = controller.run(move |snapshot| publisher.publish(snapshot));
        let (api_listener, api) = listen(&addresses).await?;
        let (admin_listener, admin) = listen(&[options.admin]).await?;
        let readiness = Readiness::default();
        let stop = CancellationToken::new();
        let autoscalers = match &in_cluster {
            Some(in_cluster) => in_cluster.reflectors.autoscalers(),
            None => Arc::new(AutoscalerStore::new(Followed::NoCluster)),
        };
        let hours = Arc::new(Hours::new(autoscalers.clone()));
        let page = AdminState::new(AdminSetup {
            served: served.clone(),
            readiness: readiness.clone(),
            metrics: runtime.metrics.clone(),
            hours: hours.clone(),
            access: access(options.admin_auth, in_cluster.as_ref())?,
            end: stop.clone(),
        });
        let mut app = Self {
            api,
            admin,
            certificate: None,
            served: served.clone(),
            autoscalers,
            readiness: readiness.clone(),
            tasks: JoinSet::new(),
            runtime,
            shutdown_delay: options.shutdown_delay,
            stop,
            exporting: JoinSet::new(),
            flush: CancellationToken::new(),
        };
        if let Some(exporter) = exporter {
            app.export_spans(exporter);
        }
        let certificate = app.certificate(options, in_cluster.as_ref())?;
        let router = api::router(ApiState {
            served: served.clone(),
            readiness: readiness.clone(),
            auth: in_cluster.as_ref().map(|in_cluster| in_cluster.auth.clone()),
            metrics: Arc::new(app.runtime.metrics.clone()),
            hours,
        });
        let expires = certificate.clone();
        app.runtime.metrics.certificate_expires(move || expires.not_after());
        let tls = Arc::new(certificate.server_config().map_err(anyhow::Error::from)?);
        let scaler = match &options.scaler {
            Some(scaler) => {
                let auth = in_cluster.as_ref().map(|in_cluster| in_cluster.auth.clone());
                Some(app.serve_scaler(scaler, auth, served.clone(), tls.clone()).await?)
            }
            None => None,
        };
        app.serve(api_listener, Protocol::Https(tls), router);
        app.serve(admin_listener, Protocol::Http, admin::router(page.clone()));
        app.spawn_until_stopped(page.follow_trends());
        let (mut listed, refreshed) = (app.runtime.delegation.changes(), served.clone());
        app.spawn_until_stopped(controller);
        app.spawn_until_stopped(async move {
            while listed.changed().await.is_ok() {
                let refreshing = refreshed.clone();
                // Not on a thread that serves reads: delegates may list many metrics.
                let refreshed = tokio::task::spawn_blocking(move || refreshing.refresh()).await;
                if let Err(error) = refreshed {
                    tracing::error!(%error, "making the discovery documents panicked");
                }
            }
        });
        match in_cluster {
            Some(in_cluster) => {
                if options.autoscaler_events {
                    app.write_autoscaler_events(in_cluster.cluster.clone(), served.clone());
                }
                app.follow_cluster(in_cluster, loaded, served);
            }
            None => {
                let loaded = loaded.await.map_err(anyhow::Error::from)?;
                // The user sees the faults at once; a pod waits for the next edit instead.
                if loaded.refuses_a_document() {
                    let faults = loaded.faults.into_iter().map(|(_, faults)| faults);
                    return Err(StartError::Faults(faults.collect()));
                }
                readiness.ready();
            }
        }
        tracing::info!(
            api = format!("https://{api}"),
            admin = format!("http://{admin}"),
            scaler = scaler.map(|address| format!("https://{address}")),
            "serving"
        );
        Ok(app)
    }

    /// Serves a port until the process ends.
    fn serve(&mut self, listener: TcpListener, protocol: Protocol, router: Router) {
        let metrics = self.runtime.metrics.clone();
        let server = Server { listener, protocol, router, metrics };
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            server.run(stop, DRAIN_TIMEOUT).await;
            Ok(())
        });
    }

    /// The serving certificate, with the task that renews it.
    fn certificate(
        &mut self,
        options: &Options,
        in_cluster: Option<&InCluster>,
    ) -> anyhow::Result<Certificate> {
        if let Some((cert, key)) = &options.tls {
            return Ok(Certificate::files(cert.clone(), key.clone())?);
        }
        // Served until one is issued by an authority that the cluster trusts, if there is a cluster.
        let own = SelfSigned::new(self.api.ip())?;
        let handle = own.handle();
        self.certificate = Some(own.pem().to_owned());
        self.spawn_until_stopped(own.keep_valid());
        if let Some(in_cluster) = in_cluster
            && let Some(service) = options.cluster.service(&in_cluster.cluster)
        {
            let (cluster, handle) = (in_cluster.cluster.clone(), handle.clone());
            self.spawn_until_stopped(async move {
                registration::reconcile(&cluster, &service, &handle).await
            });
        }
        Ok(Certificate::InMemory(handle))
    }

    /// Spawns a task that runs until the servers stop. If it ends earlier, the process ends.
    fn spawn_until_stopped(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = work => Err(anyhow::anyhow!("a task ended by itself")),
                () = stop.cancelled() => Ok(()),
            }
        });
    }

    /// Serves until `end` completes. A task that ends earlier is an error.
    pub async fn run(mut self, end: impl Future<Output = ()>) -> anyhow::Result<()> {
        let ended = tokio::select! {
            () = end => None,
            ended = self.tasks.join_next() => ended,
        };
        self.readiness.shut_down();
        if ended.is_none() && !self.shutdown_delay.is_zero() {
            tracing::info!(delay = ?self.shutdown_delay, "asked to end: serving on for a while");
            // The cluster needs some time to route requests to other replicas.
            tokio::time::sleep(self.shutdown_delay).await;
        }
        self.stop.cancel();
        let early = match ended {
            Some(Ok(Ok(()))) => Err(anyhow::anyhow!("a server ended by itself")),
            Some(Ok(Err(error))) => Err(error),
            Some(Err(error)) => Err(error.into()),
            None => Ok(()),
        };
        tracing::info!("shutting down: requests under way complete");
        let tasks = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN_TIMEOUT + Duration::from_secs(1), tasks).await.is_err() {
            self.tasks.shutdown().await;
        }
        // Evaluations end last: requests in flight may wait for one.
        self.runtime.end.cancel();
        self.runtime.tasks.close();
        if tokio::time::timeout(TASKS_TIMEOUT, self.runtime.tasks.wait()).await.is_err() {
            tracing::warn!("tasks were still running at the end");
        }
        self.flush_spans().await;
        tracing::info!("ended");
        early
    }
}

/// Who may see the page.
fn access(auth: AdminAuth, in_cluster: Option<&InCluster>) -> Result<Access, StartError> {
    match (auth, in_cluster) {
        (AdminAuth::ThisMachine, _) => Ok(Access::ThisMachine),
        (AdminAuth::Cluster, Some(in_cluster)) => Ok(Access::Users(in_cluster.auth.clone())),
        (AdminAuth::Cluster, None) => Err(StartError::NoClusterForPage),
    }
}

/// Checks that the configuration file can be opened: otherwise the command line is wrong.
fn check_readable(origin: &ConfigOrigin) -> Result<(), ConfigReadError> {
    let ConfigOrigin::File(path) = origin else { return Ok(()) };
    let opened = files::open(path);
    opened
        .map(drop)
        .map_err(|source| ConfigReadError::File { path: path.display().to_string(), source })
}

/// A compiler that runs in child processes and stores their output.
pub fn compiler(cache: Option<&Path>) -> anyhow::Result<Compiler> {
    let program = std::env::current_exe()?;
    let store = match cache {
        None => None,
        Some(folder) => {
            // The next start trusts its content, so nobody else may write to it.
            files::private_folder(folder)?;
            Some(CodeStore::open(&folder.join("code"))?)
        }
    };
    Ok(Compiler::new(program, store))
}

/// Listens on the first of these addresses that can be bound.
async fn listen(addresses: &[SocketAddr]) -> anyhow::Result<(TcpListener, SocketAddr)> {
    use anyhow::Context as _;
    let listener = TcpListener::bind(addresses).await.with_context(|| {
        let addresses: Vec<_> = addresses.iter().map(SocketAddr::to_string).collect();
        format!("cannot listen on {}; choose another port or address", addresses.join(" or "))
    })?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
