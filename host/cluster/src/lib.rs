//! The Kubernetes cluster that the adapter lives in: the only module that speaks to kube-apiserver.

mod config_maps;
mod discovery;
mod events;
mod reason;
mod reviews;
mod watch;

use std::path::Path;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use http::StatusCode;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::ListParams;
use kube::client::Body;
use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, Config};

pub use config_maps::{Labelled, Unseen};
pub use events::{ConfigMapReference, Events};
use leadsman_model::resource::Resource;
pub use reason::{explain, is_forbidden};
pub use reviews::{Attributes, Decision, Identity, ReviewError};
pub use watch::Watches;

/// How long it may take to reach kube-apiserver.
const CONNECT: Duration = Duration::from_secs(5);

/// The cluster.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
}

/// Why there is no way to the cluster.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be used.
    #[error("cannot use the kubeconfig {path}")]
    Kubeconfig {
        /// The file.
        path: String,
        /// Why.
        source: KubeconfigError,
    },
    /// The service account of this pod cannot be used.
    #[error(
        "this is a pod of a cluster, and its service account cannot be used; mount its token \
         (automountServiceAccountToken), or give --kubeconfig"
    )]
    ServiceAccount(#[source] InClusterError),
    /// No client can be made.
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
            // What tells a pod from any other process.
            None if std::env::var_os("KUBERNETES_SERVICE_HOST").is_none() => return Ok(None),
            None => Config::incluster().map_err(ConnectError::ServiceAccount)?,
        };
        config.connect_timeout = Some(CONNECT);
        // A 503 is an answer: of an APIService that is not available, say. Whoever asks knows
        // whether and how long to go on, and has to tell why it does.
        config.default_retry = false;
        let client = Client::try_from(config).map_err(ConnectError::Client)?;
        Ok(Some(Self { client }))
    }

    /// For requests of any kind.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The namespace of this pod, or of the kubeconfig's context.
    pub fn namespace(&self) -> &str {
        self.client.default_namespace()
    }

    /// All kinds of objects that can be listed. An error says why they are not known.
    pub async fn resources(&self) -> Result<Vec<Resource>, String> {
        discovery::all(&self.client).await
    }

    /// The names of all namespaces. An error says why they are not known.
    pub async fn namespaces(&self) -> Result<Vec<String>, String> {
        let api: Api<Namespace> = Api::all(self.client.clone());
        let list = api.list_metadata(&ListParams::default()).await;
        let list = list.map_err(|error| explain(&error))?;
        Ok(list.items.into_iter().filter_map(|object| object.metadata.name).collect())
    }

    /// What is answered at a path, whatever it is. An error says why nothing is.
    pub async fn get(&self, path: &str) -> Result<(StatusCode, Vec<u8>), String> {
        let request = http::Request::get(path).body(Body::empty());
        let request = request.map_err(|error| error.to_string())?;
        let response = self.client.send(request).await.map_err(|error| explain(&error))?;
        let status = response.status();
        let body = response.into_body().collect_bytes().await.map_err(|error| explain(&error))?;
        Ok((status, body.into()))
    }

    /// A ConfigMap as it is now and after each change; `None` while there is none. An error says
    /// why it cannot be seen.
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
