//! Where documents are found, and tasks that tell of each change there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::pin::pin;

use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use tokio::sync::mpsc;

use super::document::{At, ConfigMapPart, Document};
use super::watch_files::FileEvents;
use leadsman_cluster::{Cluster, Labelled, Unseen};
use leadsman_config::{self as config, Flags, Parsed};
use leadsman_model::names::Namespace;
use leadsman_runtime::files;

/// What a document is called in a ConfigMap.
pub const KEY: &str = "config.yaml";

/// What tells a team's ConfigMap from others.
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

/// What was found.
#[derive(Debug)]
pub(super) enum Found {
    /// The operator's document as it is now, or why there is none.
    Operator(Result<Document, String>),
    /// Whether there is an operator's document cannot be seen for now.
    OperatorUnseen(String),
    /// A team's document as it is now.
    Team(Box<Document>),
    /// A team's document is gone.
    TeamGone(Namespace, String),
    /// These are all teams' documents.
    Teams(Vec<Document>),
    /// Teams' documents cannot be seen for now.
    TeamsUnseen(Unseen),
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

/// Tells of the operator's document. Does not end by itself.
pub(super) async fn operator(
    origin: &ConfigOrigin,
    cluster: Option<&Cluster>,
    tell: &mpsc::Sender<Found>,
) {
    match (origin, cluster) {
        (ConfigOrigin::File(path), _) => file(path, tell).await,
        (ConfigOrigin::ConfigMap { namespace, name }, Some(cluster)) => {
            config_map(cluster, namespace, name, tell).await;
        }
        (ConfigOrigin::ConfigMap { .. }, None) => {
            let reason = "there is no cluster to ask for it; name one with --kubeconfig".to_owned();
            send(tell, Found::Operator(Err(reason))).await;
            std::future::pending().await
        }
    }
}

async fn file(path: &Path, tell: &mpsc::Sender<Found>) {
    // From before the first look on: nothing is missed.
    let mut events = FileEvents::of(path);
    let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
    let mut seen = None;
    loop {
        let found = match read_config(path).await {
            Ok(text) => {
                let name = path.display().to_string();
                Ok(Document { name, text, at: At::Folder(folder.clone()) })
            }
            Err(error) => Err(error.to_string()),
        };
        if seen.as_ref() != Some(&found) {
            seen = Some(found.clone());
            send(tell, Found::Operator(found)).await;
        }
        events.next().await;
    }
}

/// Reads the configuration, which may come through a pipe where it is only checked.
async fn read_config(path: &Path) -> std::io::Result<String> {
    let owned = path.to_owned();
    files::blocking(path, move || std::fs::read_to_string(owned)).await
}

async fn config_map(cluster: &Cluster, namespace: &str, name: &str, tell: &mpsc::Sender<Found>) {
    let mut changes = pin!(cluster.config_map(namespace, name));
    while let Some(found) = changes.next().await {
        let found = match found {
            Ok(Some(config_map)) => Found::Operator(document(config_map)),
            Ok(None) => Found::Operator(Err(format!("there is no ConfigMap {namespace}/{name}"))),
            Err(reason) => Found::OperatorUnseen(reason),
        };
        send(tell, found).await;
    }
    std::future::pending().await
}

/// Tells of all teams' documents. Does not end by itself.
pub(super) async fn teams(cluster: &Cluster, tell: &mpsc::Sender<Found>) {
    let mut changes = pin!(cluster.config_maps(LABEL));
    while let Some(change) = changes.next().await {
        let found = match change {
            Ok(Labelled::All(all)) => {
                Found::Teams(all.into_iter().filter_map(team_document).collect())
            }
            Ok(Labelled::Now(config_map)) => match team_document(*config_map) {
                Some(document) => Found::Team(Box::new(document)),
                None => continue,
            },
            Ok(Labelled::Gone { namespace, name }) => match namespace.parse() {
                Ok(namespace) => Found::TeamGone(namespace, name),
                Err(_) => continue,
            },
            Err(unseen) => Found::TeamsUnseen(unseen),
        };
        send(tell, found).await;
    }
    std::future::pending().await
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
    Ok(Document { name, text, at: At::ConfigMap(part) })
}

async fn send(tell: &mpsc::Sender<Found>, found: Found) {
    // Nobody listens any more once the process ends.
    let _ = tell.send(found).await;
}
