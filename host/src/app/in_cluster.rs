//! What a process in a cluster has in addition: the connection, reflectors, authentication and the
//! tasks that follow the cluster.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::{App, ClusterOptions};
use leadsman_activator::Activator;
use leadsman_api::CurrentSnapshot;
use leadsman_cluster::{Cluster, ConnectError, Reflectors};
use leadsman_control::{FirstLoad, Runtime};
use leadsman_server::auth::Auth;

/// The additional dependencies of a process with a cluster.
pub(super) struct InCluster {
    pub(super) cluster: Cluster,
    pub(super) reflectors: Arc<Reflectors>,
    pub(super) auth: Arc<Auth>,
}

impl InCluster {
    /// Connects to the cluster; `None` if there is none.
    pub(super) async fn connect(
        options: &ClusterOptions,
        runtime: &Runtime,
        cache: Option<&Path>,
    ) -> Result<Option<Self>, ConnectError> {
        let ClusterOptions::Connect { kubeconfig, .. } = options else { return Ok(None) };
        let Some(cluster) = Cluster::connect(kubeconfig.as_deref()).await? else {
            return Ok(None);
        };
        let reflectors = Reflectors::new(
            &cluster,
            runtime.metrics.clone(),
            runtime.tasks.clone(),
            runtime.end.clone(),
        );
        let cached = cache.map(|folder| folder.join("authorities.json"));
        let auth = Arc::new(Auth::new(&cluster, cached));
        Ok(Some(Self { cluster, reflectors: Arc::new(reflectors), auth }))
    }
}

impl App {
    /// Follows the cluster's trusted authorities, discovery and objects. Ready once all of them and
    /// the configuration have been loaded.
    pub(super) fn follow_cluster(
        &mut self,
        in_cluster: InCluster,
        loaded: oneshot::Receiver<FirstLoad>,
        served: Arc<CurrentSnapshot>,
    ) {
        let InCluster { cluster, reflectors, auth } = in_cluster;
        let newest = served.clone();
        let activator = Activator::new(&cluster, self.runtime.metrics.clone(), move || {
            newest.now().snapshot.clone()
        });
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            // It gives up its Lease before it ends.
            activator.run(stop.clone()).await;
            match stop.is_cancelled() {
                true => Ok(()),
                false => Err(anyhow::anyhow!("a task ended by itself")),
            }
        });
        let follower = auth.clone();
        self.spawn_until_stopped(async move { follower.follow(&cluster).await });
        let mut discovered = reflectors.discovered();
        let refreshed = served.clone();
        self.spawn_until_stopped(async move {
            while discovered.changed().await.is_ok() {
                refreshed.refresh();
            }
        });
        let readiness = self.readiness.clone();
        self.spawn_until_stopped(async move {
            readiness.waiting("waiting for the trusted authorities of the cluster");
            auth.has_synced().await;
            readiness.waiting("waiting for the configuration to be loaded");
            let usable = async {
                // A replica without a usable snapshot is not ready, so that others serve the requests.
                match loaded.await {
                    // A fault of a team's document affects that team alone.
                    Ok(loaded) if loaded.operator_is_whole() => loaded.snapshot,
                    _ => served.usable().await,
                }
            };
            let snapshot = usable.await;
            for kind in snapshot.kinds() {
                readiness.waiting(format!("waiting for the list of {}", kind.resource()));
                // A list that fails ends the wait, too: one kind does not delay the others.
                kind.first_list().await;
            }
            if let Some(delegates) = snapshot.delegates() {
                readiness.waiting("waiting for the first lists of delegates");
                delegates.first_lists().await;
            }
            readiness.ready();
            std::future::pending().await
        });
    }
}
