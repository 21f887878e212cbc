//! Loading a configuration once, in a process that serves nothing.

use tokio_util::sync::DropGuard;

use super::{ClusterOptions, InCluster, StartError, check_readable, compiler, runtime};
use leadsman_cluster::Cluster;
use leadsman_config::Flags;
use leadsman_control::{ConfigOrigin, Controller, FirstLoad, ObjectSource, Runtime, Setup};
use leadsman_evaluation::EvaluationQuota;

/// Loads a configuration as a start does, without serving it.
pub async fn check(
    config: ConfigOrigin,
    flags: &Flags,
    cluster: &ClusterOptions,
) -> Result<FirstLoad, StartError> {
    Ok(load(config, flags, cluster).await?.loaded)
}

/// A configuration that is loaded for use in this process, and not served. Objects are watched until
/// it is dropped.
pub struct LoadedConfig {
    /// The result of loading.
    pub loaded: FirstLoad,
    /// The cluster, if there is one.
    pub cluster: Option<Cluster>,
    _end_on_drop: DropGuard,
}

/// Loads a configuration once, with all rule metrics of the current series.
pub async fn load(
    config: ConfigOrigin,
    flags: &Flags,
    cluster: &ClusterOptions,
) -> Result<LoadedConfig, StartError> {
    load_in(runtime()?, config, flags, cluster).await
}

/// The same for one evaluation, which is recorded as a whole.
pub async fn load_recording(
    config: ConfigOrigin,
    flags: &Flags,
    cluster: &ClusterOptions,
) -> Result<LoadedConfig, StartError> {
    let runtime = Runtime { quota: EvaluationQuota::recording_whole(), ..runtime()? };
    load_in(runtime, config, flags, cluster).await
}

async fn load_in(
    mut runtime: Runtime,
    config: ConfigOrigin,
    flags: &Flags,
    cluster: &ClusterOptions,
) -> Result<LoadedConfig, StartError> {
    check_readable(&config)?;
    let in_cluster = InCluster::connect(cluster, &runtime, None).await?;
    if let Some(in_cluster) = &in_cluster {
        runtime.objects = ObjectSource::Watched(in_cluster.reflectors.clone());
    }
    let cluster = in_cluster.map(|in_cluster| in_cluster.cluster);
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
    Ok(LoadedConfig { loaded, cluster, _end_on_drop: end })
}
