//! The Secret in which all replicas share their authority.

use std::collections::BTreeMap;

use futures_util::{Stream, StreamExt as _};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, PostParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, ResourceExt as _};

use super::Service;
use super::authority::Authority;
use leadsman_cluster::{Cluster, explain};

/// The Secret with the authority.
pub(super) struct AuthoritySecret {
    api: Api<Secret>,
    name: String,
    /// The Secret as it was read last; only that version is replaced.
    read: tokio::sync::Mutex<Option<Secret>>,
}

impl AuthoritySecret {
    pub(super) fn of(cluster: &Cluster, service: &Service) -> Self {
        Self {
            api: Api::namespaced(cluster.client().clone(), &service.namespace),
            name: format!("{}-ca", service.name),
            read: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A stream of its changes.
    pub(super) fn changes(&self) -> impl Stream<Item = ()> + Send + Unpin + use<> {
        let events = watcher::watch_object(self.api.clone(), &self.name).default_backoff();
        // An error recurs at the next read, which reports it.
        events.filter_map(async |event| event.ok().map(drop)).boxed()
    }

    /// The authority in it; `None` if there is no usable one.
    pub(super) async fn read(&self) -> Result<Option<Authority>, String> {
        let found =
            self.api.get_opt(&self.name).await.map_err(|error| self.failed("read", &error))?;
        *self.read.lock().await = found.clone();
        let Some(secret) = found else { return Ok(None) };
        let data = secret.data.unwrap_or_default();
        let text = |key: &str| {
            let bytes = data.get(key).map(|bytes| bytes.0.clone()).unwrap_or_default();
            String::from_utf8(bytes).unwrap_or_default()
        };
        match Authority::read(text("tls.crt"), text("tls.key"), text("ca.crt")) {
            Ok(authority) => Ok(Some(authority)),
            Err(error) => {
                tracing::error!(
                    secret = self.name,
                    %error,
                    "the authority in the Secret cannot be used; a new one takes its place"
                );
                Ok(None)
            }
        }
    }

    /// Writes an authority. False if the Secret has changed since it was read.
    pub(super) async fn write(&self, authority: &Authority) -> Result<bool, String> {
        let text = |text: &str| ByteString(text.as_bytes().to_vec());
        let data = BTreeMap::from([
            ("ca.crt".to_owned(), text(&authority.bundle)),
            ("tls.crt".to_owned(), text(&authority.certificate)),
            ("tls.key".to_owned(), text(&authority.key)),
        ]);
        let read = self.read.lock().await.clone();
        let written = match read {
            Some(old) => {
                // With its resource version: the first writer wins.
                let new = Secret { data: Some(data), ..old.clone() };
                self.api.replace(&old.name_any(), &PostParams::default(), &new).await
            }
            None => {
                let metadata =
                    ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
                let new = Secret {
                    metadata,
                    data: Some(data),
                    type_: Some("Opaque".to_owned()),
                    ..Secret::default()
                };
                self.api.create(&PostParams::default(), &new).await
            }
        };
        match written {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(self.failed("write", &error)),
        }
    }

    fn failed(&self, what: &str, error: &kube::Error) -> String {
        format!("cannot {what} the Secret {}: {}", self.name, explain(error))
    }
}
