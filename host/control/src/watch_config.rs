//! Where documents are, and the tasks that watch them there and send each change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use tokio::sync::mpsc;

use super::document::{ConfigMapPart, Document, DocumentLocation};
use super::event::Event;
use super::watch_files::FileEvents;
use leadsman_cluster::{Cluster, ConfigMapEvent, WatchFailure};
use leadsman_config::{self as config, Flags, Parsed};
use leadsman_model::names::Namespace;
use leadsman_model::owner::Owner;
use leadsman_runtime::files;

/// The key of a document in its ConfigMap.
pub const KEY: &str = "config.yaml";

/// The label that marks a team's ConfigMap.
pub const LABEL: &str = "leadsman.dev/config=true";

/// Where the operator's configuration is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigOrigin {
    /// In a file.
    File(PathBuf),
    /// In a ConfigMap.
    ConfigMap {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

impl std::fmt::Display for ConfigOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::ConfigMap { namespace, name } => write!(f, "ConfigMap {namespace}/{name}"),
        }
    }
}

/// A change of a document, or why changes cannot be seen.
#[derive(Debug, Clone)]
pub(super) enum ConfigEvent {
    /// The operator's document as it is now, or why there is none.
    Operator(Result<Arc<Document>, String>),
    /// Whether there is an operator's document cannot be seen for now.
    OperatorUnreachable(String),
    /// A team's document as it is now.
    Team(Arc<Document>),
    /// A team's document is gone.
    TeamGone(Owner),
    /// These are all teams' documents.
    Teams(Vec<Arc<Document>>),
    /// Teams' documents cannot be seen for now.
    TeamsUnreachable(WatchFailure),
}

/// Reads the operator's document once, for those who only look at it.
pub async fn read(
    origin: &ConfigOrigin,
    flags: &Flags,
    cluster: Option<&Cluster>,
) -> Result<Parsed, String> {
    let (namespace, name) = match origin {
        ConfigOrigin::File(path) => {
            return config::read(path, flags)
                .map_err(|error| format!("{:#}", anyhow::Error::from(error)));
        }
        ConfigOrigin::ConfigMap { namespace, name } => (namespace, name),
    };
    let cluster = cluster.ok_or("there is no cluster to ask for the ConfigMap")?;
    let mut changes = pin!(cluster.config_map(namespace, name));
    match changes.next().await {
        Some(Ok(Some(config_map))) => Ok(document(config_map)?.parse(None, flags)),
        Some(Err(reason)) => Err(reason),
        Some(Ok(None)) | None => Err(format!("there is no ConfigMap {namespace}/{name}")),
    }
}

/// Watches the operator's document. Does not end by itself.
pub(super) async fn operator<P>(
    origin: &ConfigOrigin,
    cluster: Option<&Cluster>,
    events: &mpsc::Sender<Event<P>>,
) {
    match (origin, cluster) {
        (ConfigOrigin::File(path), _) => file(path, events).await,
        (ConfigOrigin::ConfigMap { namespace, name }, Some(cluster)) => {
            config_map(cluster, namespace, name, events).await;
        }
        (ConfigOrigin::ConfigMap { .. }, None) => {
            let reason = "there is no cluster to ask for it; name one with --kubeconfig".to_owned();
            send(events, ConfigEvent::Operator(Err(reason))).await;
            std::future::pending().await
        }
    }
}

async fn file<P>(path: &Path, events: &mpsc::Sender<Event<P>>) {
    // From before the first look on: nothing is missed.
    let mut hints = FileEvents::of(path);
    let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
    let mut seen = None;
    loop {
        let found = match read_config(path).await {
            Ok(text) => {
                let name = path.display().to_string();
                let location = DocumentLocation::Folder(folder.clone());
                Ok(Arc::new(Document { name, text, location }))
            }
            Err(error) => Err(error.to_string()),
        };
        if seen.as_ref() != Some(&found) {
            seen = Some(found.clone());
            send(events, ConfigEvent::Operator(found)).await;
        }
        hints.next().await;
    }
}

/// Reads the configuration, which may come through a pipe where it is only checked.
async fn read_config(path: &Path) -> std::io::Result<String> {
    let owned = path.to_owned();
    files::blocking(path, move || std::fs::read_to_string(owned)).await
}

async fn config_map<P>(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    events: &mpsc::Sender<Event<P>>,
) {
    let mut changes = pin!(cluster.config_map(namespace, name));
    while let Some(found) = changes.next().await {
        let event = match found {
            Ok(Some(config_map)) => ConfigEvent::Operator(document(config_map).map(Arc::new)),
            Ok(None) => {
                ConfigEvent::Operator(Err(format!("there is no ConfigMap {namespace}/{name}")))
            }
            Err(reason) => ConfigEvent::OperatorUnreachable(reason),
        };
        send(events, event).await;
    }
}

/// Watches all teams' documents. Does not end by itself.
pub(super) async fn teams<P>(cluster: &Cluster, events: &mpsc::Sender<Event<P>>) {
    let mut changes = pin!(cluster.config_maps(LABEL));
    while let Some(change) = changes.next().await {
        let event = match change {
            Ok(ConfigMapEvent::Synced(all)) => ConfigEvent::Teams(
                all.into_iter().filter_map(team_document).map(Arc::new).collect(),
            ),
            Ok(ConfigMapEvent::Applied(config_map)) => match team_document(*config_map) {
                Some(document) => ConfigEvent::Team(Arc::new(document)),
                None => continue,
            },
            Ok(ConfigMapEvent::Deleted { namespace, name }) => match namespace.parse() {
                Ok(namespace) => {
                    ConfigEvent::TeamGone(Owner::Team { namespace, name: name.into() })
                }
                Err(_) => continue,
            },
            Err(unseen) => ConfigEvent::TeamsUnreachable(unseen),
        };
        send(events, event).await;
    }
}

/// A ConfigMap without a document is one all the same: an empty text says what is missing.
fn team_document(config_map: ConfigMap) -> Option<Document> {
    match document(config_map) {
        Ok(document) => Some(document),
        Err(reason) => {
            tracing::error!(reason, "a ConfigMap with the label cannot be used");
            None
        }
    }
}

fn document(config_map: ConfigMap) -> Result<Document, String> {
    let metadata = config_map.metadata;
    let (namespace, name) =
        (metadata.namespace.unwrap_or_default(), metadata.name.unwrap_or_default());
    let namespace: Namespace = namespace.parse().map_err(|error| format!("{error}"))?;
    let text = config_map.data.unwrap_or_default().remove(KEY).unwrap_or_default();
    let binaries: BTreeMap<_, _> = config_map
        .binary_data
        .unwrap_or_default()
        .into_iter()
        .map(|(key, bytes)| (key, bytes.0.into()))
        .collect();
    let part = ConfigMapPart {
        namespace,
        name,
        uid: metadata.uid,
        binaries,
        created: metadata.creation_timestamp.map_or(0, |time| time.0.as_second()),
    };
    let name = format!("ConfigMap {}/{} {KEY}", part.namespace, part.name);
    Ok(Document { name, text, location: DocumentLocation::ConfigMap(part) })
}

async fn send<P>(events: &mpsc::Sender<Event<P>>, event: ConfigEvent) {
    // Nobody listens any more once the process ends.
    let _ = events.send(Event::Config(event)).await;
}
