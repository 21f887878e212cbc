//! The client of kube-apiserver: reflectors, reviews, discovery, Events, workloads, Leases.

mod addresses;
mod autoscalers;
mod config_maps;
mod discovery;
mod endpoints;
mod events;
#[cfg(test)]
mod fake_server;
mod leases;
mod reason;
mod reflectors;
mod review_client;
mod reviews;
mod scaling;
mod throttle;
mod workloads;

use std::path::Path;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use http::Response;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::ListParams;
use kube::client::Body;
use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, Config};

pub use config_maps::{ConfigMapEvent, WatchFailure};
pub use events::{ConfigMapReference, EventSubject, Events};
use leadsman_model::resource::Resource;
pub use leases::HeldLease;
pub use reason::{explain, is_forbidden};
pub use reflectors::Reflectors;
use review_client::ReviewClient;
pub use reviews::{ANONYMOUS, Attributes, Identity, ReviewDecision, ReviewError};
pub use scaling::{AutoscalerReference, MetricOf, NamedMetric, Scaling};
pub use workloads::{Revision, ScaleError, Scaled, WorkloadAutoscaler};

/// For a connection to kube-apiserver.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection to the cluster.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    reviews: ReviewClient,
}

/// Why the cluster cannot be connected to.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be used.
    #[error("cannot use the kubeconfig {path}")]
    Kubeconfig {
        /// The file.
        path: String,
        /// The cause.
        source: KubeconfigError,
    },
    /// The service account of this pod cannot be used.
    #[error(
        "this is a pod of a cluster, and its service account cannot be used; mount its token \
         (automountServiceAccountToken), or give --kubeconfig"
    )]
    ServiceAccount(#[source] InClusterError),
    /// The client cannot be built.
    #[error("cannot make a client for the cluster")]
    Client(#[source] kube::Error),
}

impl Cluster {
    /// The cluster of a kubeconfig, or the one that this process is a pod of; `None` if it is none.
    pub async fn connect(kubeconfig: Option<&Path>) -> Result<Option<Self>, ConnectError> {
        let mut config = match kubeconfig {
            Some(path) => from_file(path).await.map_err(|source| ConnectError::Kubeconfig {
                path: path.display().to_string(),
                source,
            })?,
            // The variable is set in every pod.
            None if std::env::var_os("KUBERNETES_SERVICE_HOST").is_none() => return Ok(None),
            None => Config::incluster().map_err(ConnectError::ServiceAccount)?,
        };
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        // A 503 is an answer, for instance of an APIService that is unavailable. The callers retry
        // within deadlines of their own, and report the cause.
        config.default_retry = false;
        let client = Client::try_from(config).map_err(ConnectError::Client)?;
        Ok(Some(Self::of(client)))
    }

    fn of(client: Client) -> Self {
        Self { reviews: ReviewClient::new(client.clone()), client }
    }

    /// The client, for typed requests.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The namespace of this pod, or of the kubeconfig's context.
    pub fn namespace(&self) -> &str {
        self.client.default_namespace()
    }

    /// All kinds of objects that can be listed. The error is for people.
    pub async fn resources(&self) -> Result<Vec<Resource>, String> {
        discovery::all(&self.client).await
    }

    /// The names of all namespaces. The error is for people.
    pub async fn namespaces(&self) -> Result<Vec<String>, String> {
        let api: Api<Namespace> = Api::all(self.client.clone());
        let list = api.list_metadata(&ListParams::default()).await;
        let list = list.map_err(|error| explain(&error))?;
        Ok(list.items.into_iter().filter_map(|object| object.metadata.name).collect())
    }

    /// The answer at a path, with any status. The error is for people.
    pub async fn get(&self, path: &str) -> Result<Response<Vec<u8>>, String> {
        let request = http::Request::get(path).body(Body::empty());
        let request = request.map_err(|error| error.to_string())?;
        let response = self.client.send(request).await.map_err(|error| explain(&error))?;
        let (head, body) = response.into_parts();
        let body = body.collect_bytes().await.map_err(|error| explain(&error))?;
        Ok(Response::from_parts(head, body.into()))
    }

    /// A ConfigMap as it is now and after each change; `None` while it does not exist. Errors say why
    /// it cannot be watched, for people.
    pub fn config_map(
        &self,
        namespace: &str,
        name: &str,
    ) -> impl Stream<Item = Result<Option<ConfigMap>, String>> + Send + use<> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
        let found = watcher::watch_object(api, name).default_backoff();
        found.map_err(|error| reason::of_watch(&error)).boxed()
    }
}

async fn from_file(path: &Path) -> Result<Config, KubeconfigError> {
    let kubeconfig = Kubeconfig::read_from(path)?;
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await
}
