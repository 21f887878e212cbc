//! The process: everything wired together, started in order and ended in order.

mod options;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use leadsman_api::admin::{self, AdminState};
use leadsman_api::{self as api, ApiState, Served};
use leadsman_cluster::{Cluster, ConnectError, Watches};
use leadsman_config::{Flags, ReadError};
use leadsman_control::{ConfigOrigin, Controller, Loaded, ObjectSource, Runtime, Setup};
use leadsman_document::Faults;
use leadsman_evaluation::EvaluationQuota;
use leadsman_runtime::files;
use leadsman_runtime::telemetry::Metrics;
use leadsman_sandbox::{CodeStore, Compiler, Engine};
use leadsman_server::auth::Auth;
use leadsman_server::registration;
use leadsman_server::{Certificate, Held, Readiness, Server};

pub use options::{ClusterOptions, Options, ServiceName};

/// How long requests under way may take at the end.
const DRAIN: Duration = Duration::from_secs(20);

/// Why the process cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be read.
    #[error(transparent)]
    Config(#[from] ReadError),
    /// The configuration has faults, and there is no earlier one to go on with.
    #[error("the configuration has faults")]
    Faults(Vec<Faults>),
    /// An address that anyone could read from.
    #[error(
        "the API would listen on {address}, which other machines can reach, and without a cluster \
         nobody can say who may read; use a loopback address such as 127.0.0.1, or name a cluster \
         with --kubeconfig"
    )]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// There is no way to the cluster.
    #[error(transparent)]
    Cluster(#[from] ConnectError),
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
    /// The servers, and what must not end before them.
    tasks: JoinSet<anyhow::Result<()>>,
    runtime: Runtime,
    shutdown_delay: Duration,
    /// Ends the servers; `runtime.end` ends the evaluations after them.
    stop: CancellationToken,
}

/// What mappings run on where there is no cluster.
pub fn runtime() -> anyhow::Result<Runtime> {
    leadsman_runtime::tls::install_provider();
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    Ok(Runtime {
        engine: Engine::new(cores * 2)?,
        metrics: Metrics::new(),
        tasks: TaskTracker::new(),
        quota: EvaluationQuota::default(),
        end: CancellationToken::new(),
        objects: ObjectSource::Listed,
    })
}

/// What a cluster adds.
struct Surroundings {
    cluster: Cluster,
    watches: Arc<Watches>,
    auth: Arc<Auth>,
}

impl Surroundings {
    async fn find(
        options: &ClusterOptions,
        runtime: &Runtime,
        cache: Option<&Path>,
    ) -> Result<Option<Self>, ConnectError> {
        let ClusterOptions::Around { kubeconfig, .. } = options else { return Ok(None) };
        let Some(cluster) = Cluster::connect(kubeconfig.as_deref()).await? else {
            return Ok(None);
        };
        let watches = Watches::new(&cluster, runtime.tasks.clone(), runtime.end.clone());
        let kept = cache.map(|folder| folder.join("authorities.json"));
        let auth = Arc::new(Auth::new(&cluster, kept));
        Ok(Some(Self { cluster, watches: Arc::new(watches), auth }))
    }
}

impl App {
    /// Starts everything. It serves when this returns.
    pub async fn start(options: &Options) -> Result<Self, StartError> {
        let mut runtime = runtime()?;
        let cache = options.cache.as_deref();
        let compiler = compiler(cache)?;
        let around = Surroundings::find(&options.cluster, &runtime, cache).await?;
        let addresses = options.addresses(around.is_some());
        if around.is_none()
            && let Some(&address) = addresses.iter().find(|address| !address.ip().is_loopback())
        {
            return Err(StartError::NotLoopback { address });
        }
        if let Some(around) = &around {
            runtime.objects = ObjectSource::Watched(around.watches.clone());
        }
        readable(&options.config)?;
        let (controller, loaded) = Controller::new(Setup {
            runtime: runtime.clone(),
            compiler,
            cache: options.cache.clone(),
            origin: options.config.clone(),
            flags: options.flags.clone(),
            cluster: around.as_ref().map(|around| around.cluster.clone()),
            all: false,
        });
        let served = Arc::new(Served::new(controller.empty()));
        let publisher = served.clone();
        let controller = controller.run(move |snapshot| publisher.publish(snapshot));
        let (api_listener, api) = listen(&addresses).await?;
        let (admin_listener, admin) = listen(&[options.admin]).await?;
        let readiness = Readiness::default();
        let mut app = Self {
            api,
            admin,
            certificate: None,
            page: AdminState::new(served.clone(), readiness.clone(), runtime.metrics.clone()),
            readiness: readiness.clone(),
            tasks: JoinSet::new(),
            runtime,
            shutdown_delay: options.shutdown_delay,
            stop: CancellationToken::new(),
        };
        let certificate = app.certificate(options, around.as_ref())?;
        let router = api::router(ApiState {
            served: served.clone(),
            readiness: readiness.clone(),
            auth: around.as_ref().map(|around| around.auth.clone()),
            metrics: Arc::new(app.runtime.metrics.clone()),
        });
        let server = Server {
            listener: api_listener,
            tls: certificate.server_config().map_err(anyhow::Error::from)?,
            router,
            metrics: app.runtime.metrics.clone(),
        };
        let stop = app.stop.clone();
        app.tasks.spawn(async move {
            server.run(stop, DRAIN).await;
            Ok(())
        });
        let stop = app.stop.clone().cancelled_owned();
        let router = admin::router(app.page.clone());
        app.tasks.spawn(async move {
            let serve = axum::serve(
                admin_listener,
                router.into_make_service_with_connect_info::<SocketAddr>(),
            );
            Ok(serve.with_graceful_shutdown(stop).await?)
        });
        app.until_stopped(controller);
        match around {
            Some(around) => app.live_in(around, loaded, served),
            None => {
                let loaded = loaded.await.map_err(anyhow::Error::from)?;
                // Whoever started this sees what is wrong; a pod goes on and waits for better.
                if !loaded.faults.is_empty() {
                    let faults = loaded.faults.into_iter().map(|(_, faults)| faults);
                    return Err(StartError::Faults(faults.collect()));
                }
                readiness.ready();
            }
        }
        tracing::info!(
            api = format!("https://{api}"),
            admin = format!("http://{admin}"),
            "serving"
        );
        Ok(app)
    }

    /// The serving certificate, and who keeps it right.
    fn certificate(
        &mut self,
        options: &Options,
        around: Option<&Surroundings>,
    ) -> anyhow::Result<Certificate> {
        if let Some((cert, key)) = &options.tls {
            return Ok(Certificate::files(cert.clone(), key.clone())?);
        }
        // Serves until an authority that the cluster trusts has made a better one.
        let (held, pem) = Held::self_made(self.api.ip())?;
        self.certificate = Some(pem);
        if let Some(around) = around
            && let Some(service) = options.cluster.service(&around.cluster)
        {
            let (cluster, held) = (around.cluster.clone(), held.clone());
            self.until_stopped(async move { registration::keep(&cluster, &service, &held).await });
        }
        Ok(Certificate::Held(held))
    }

    /// Follows what the cluster says, and is ready when it has said enough.
    fn live_in(
        &mut self,
        around: Surroundings,
        loaded: oneshot::Receiver<Loaded>,
        served: Arc<Served>,
    ) {
        let Surroundings { cluster, watches, auth } = around;
        let follower = auth.clone();
        self.until_stopped(async move { follower.follow(&cluster).await });
        let mut learned = watches.learned();
        let refreshed = served.clone();
        self.until_stopped(async move {
            while learned.changed().await.is_ok() {
                refreshed.refresh();
            }
        });
        let readiness = self.readiness.clone();
        self.until_stopped(async move {
            readiness.waiting("waiting for the cluster to say whom to trust");
            auth.settled().await;
            readiness.waiting("waiting for the configuration to be loaded");
            let usable = async {
                // Without anything to serve, whatever is served now goes on elsewhere.
                match loaded.await {
                    // What is wrong with a team's is that team's.
                    Ok(loaded) if loaded.operator_is_whole() => loaded.snapshot,
                    _ => served.usable().await,
                }
            };
            let snapshot = usable.await;
            for kind in snapshot.kinds() {
                readiness.waiting(format!("waiting for the list of {}", kind.resource()));
                // One that cannot be listed does not keep the others from being served.
                kind.settled().await;
            }
            readiness.ready();
            std::future::pending().await
        });
    }

    /// Runs something that does not end by itself for as long as requests are served.
    fn until_stopped(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = work => Err(anyhow::anyhow!("a task ended by itself")),
                () = stop.cancelled() => Ok(()),
            }
        });
    }

    /// Serves until `end` completes, or a server ends by itself, which is an error.
    pub async fn run(mut self, end: impl Future<Output = ()>) -> anyhow::Result<()> {
        let ended = tokio::select! {
            () = end => None,
            ended = self.tasks.join_next() => ended,
        };
        self.readiness.waiting("shutting down");
        if ended.is_none() && !self.shutdown_delay.is_zero() {
            tracing::info!(delay = ?self.shutdown_delay, "asked to end: serving on for a while");
            // The cluster takes a moment to send requests elsewhere.
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
        // Connections of the page have no end of their own.
        let tasks = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN + Duration::from_secs(1), tasks).await.is_err() {
            self.tasks.shutdown().await;
        }
        // Evaluations end last: requests under way may wait for one.
        self.runtime.end.cancel();
        self.runtime.tasks.close();
        self.runtime.tasks.wait().await;
        tracing::info!("ended");
        early
    }
}

/// A file that is not there is a wrong command line.
fn readable(origin: &ConfigOrigin) -> Result<(), ReadError> {
    let ConfigOrigin::File(path) = origin else { return Ok(()) };
    let opened = std::fs::File::open(path);
    opened.map(drop).map_err(|source| ReadError::File { path: path.display().to_string(), source })
}

/// Compiles in children of this process, and keeps what they made.
pub fn compiler(cache: Option<&Path>) -> anyhow::Result<Compiler> {
    let program = std::env::current_exe()?;
    let store = match cache {
        None => None,
        Some(folder) => {
            // What lies beside it is served without being asked for again.
            files::private_folder(folder)?;
            Some(CodeStore::open(&folder.join("code"))?)
        }
    };
    Ok(Compiler::new(program, store))
}

/// Does all that a start does with a configuration, short of serving it.
pub async fn check(
    config: ConfigOrigin,
    flags: &Flags,
    cluster: &ClusterOptions,
) -> Result<Loaded, StartError> {
    Ok(load(config, flags, cluster).await?.loaded)
}

/// A configuration that was loaded to be read from in this process, and not to be served. Objects
/// are followed for as long as it is there.
pub struct Live {
    /// What was loaded.
    pub loaded: Loaded,
    /// The cluster, if there is one.
    pub cluster: Option<Cluster>,
    _end_on_drop: DropGuard,
}

/// Loads a configuration once, with all that it gives by then.
pub async fn load(
    config: ConfigOrigin,
    flags: &Flags,
    cluster: &ClusterOptions,
) -> Result<Live, StartError> {
    let mut runtime = runtime()?;
    readable(&config)?;
    let around = Surroundings::find(cluster, &runtime, None).await?;
    if let Some(around) = &around {
        runtime.objects = ObjectSource::Watched(around.watches.clone());
    }
    let cluster = around.map(|around| around.cluster);
    let (controller, loaded) = Controller::new(Setup {
        runtime: runtime.clone(),
        compiler: compiler(None)?,
        cache: None,
        origin: config,
        flags: flags.clone(),
        cluster: cluster.clone(),
        all: true,
    });
    let end = runtime.end.drop_guard();
    let loaded = tokio::select! {
        loaded = loaded => loaded.map_err(anyhow::Error::from)?,
        () = controller.run(|_| {}) => return Err(anyhow::anyhow!("nothing was loaded").into()),
    };
    Ok(Live { loaded, cluster, _end_on_drop: end })
}

/// Listens on the first of these addresses that there is.
async fn listen(addresses: &[SocketAddr]) -> anyhow::Result<(TcpListener, SocketAddr)> {
    use anyhow::Context as _;
    let listener = TcpListener::bind(addresses).await.with_context(|| {
        let addresses: Vec<_> = addresses.iter().map(SocketAddr::to_string).collect();
        format!("cannot listen on {}; choose another port or address", addresses.join(" or "))
    })?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
