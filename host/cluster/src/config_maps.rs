//! A watch of the ConfigMaps with a label, in all namespaces.

use futures_util::{Stream, StreamExt as _};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, ResourceExt as _};

use super::{Cluster, reason};

/// A change of the ConfigMaps with a label.
#[derive(Debug)]
pub enum ConfigMapEvent {
    /// These are all.
    Synced(Vec<ConfigMap>),
    /// One is so now.
    Applied(Box<ConfigMap>),
    /// One is gone, or has the label no more.
    Deleted {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// Why ConfigMaps cannot be listed or watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchFailure {
    /// Whether RBAC denies it.
    pub forbidden: bool,
    /// Why, for people.
    pub reason: String,
}

impl Cluster {
    /// The ConfigMaps with a label, in all namespaces, and each change. An error says why they cannot
    /// be watched for now.
    pub fn config_maps(
        &self,
        label: &str,
    ) -> impl Stream<Item = Result<ConfigMapEvent, WatchFailure>> + Send + use<> {
        let api: Api<ConfigMap> = Api::all(self.client.clone());
        let events = watcher(api, watcher::Config::default().labels(label)).default_backoff();
        let mut listed = Vec::new();
        events
            .filter_map(move |event| {
                let event = match event {
                    Ok(watcher::Event::Init) => {
                        listed.clear();
                        None
                    }
                    Ok(watcher::Event::InitApply(config_map)) => {
                        listed.push(config_map);
                        None
                    }
                    Ok(watcher::Event::InitDone) => {
                        Some(Ok(ConfigMapEvent::Synced(std::mem::take(&mut listed))))
                    }
                    Ok(watcher::Event::Apply(config_map)) => {
                        Some(Ok(ConfigMapEvent::Applied(Box::new(config_map))))
                    }
                    Ok(watcher::Event::Delete(config_map)) => Some(Ok(ConfigMapEvent::Deleted {
                        namespace: config_map.namespace().unwrap_or_default(),
                        name: config_map.name_any(),
                    })),
                    Err(error) => Some(Err(WatchFailure {
                        forbidden: reason::is_forbidden(&error),
                        reason: reason::of_watch(&error),
                    })),
                };
                std::future::ready(event)
            })
            .boxed()
    }
}
