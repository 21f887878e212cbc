//! Documents: configurations as they were found, whole, with what lies beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use leadsman_config::{self as config, Flags, Origin, Parsed, valid};
use leadsman_model::names::Namespace;

/// A configuration as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Document {
    /// What faults call it.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) at: At,
}

/// Where a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    /// In a folder.
    Folder(PathBuf),
    /// In a ConfigMap.
    ConfigMap(ConfigMapPart),
}

/// What a ConfigMap has beside the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConfigMapPart {
    pub(super) namespace: Namespace,
    pub(super) name: String,
    /// Tells it from another one of the same name, in Events.
    pub(super) uid: Option<String>,
    /// What lies under `binaryData`.
    pub(super) binaries: BTreeMap<String, Arc<[u8]>>,
    /// When it was made, in seconds since the epoch: the older one of two has the right.
    pub(super) created: i64,
}

impl Document {
    /// The namespace of its ConfigMap.
    pub(super) fn namespace(&self) -> Option<&Namespace> {
        match &self.at {
            At::Folder(_) => None,
            At::ConfigMap(part) => Some(&part.namespace),
        }
    }

    pub(super) fn binary(&self, key: &str) -> Option<&Arc<[u8]>> {
        match &self.at {
            At::Folder(_) => None,
            At::ConfigMap(part) => part.binaries.get(key),
        }
    }

    /// Reads it as the operator's with what the command line says, or as a team's with what is
    /// open to it.
    pub(super) fn parse(&self, team: Option<&valid::Team>, flags: &Flags) -> Parsed {
        match (&self.at, team) {
            (At::Folder(folder), _) => {
                config::parse(&self.name, &Origin::Folder(folder), flags, &self.text)
            }
            (At::ConfigMap(part), None) => {
                let keys: BTreeSet<_> = part.binaries.keys().cloned().collect();
                config::parse(&self.name, &Origin::ConfigMap(&keys), flags, &self.text)
            }
            (At::ConfigMap(part), Some(team)) => {
                let keys: BTreeSet<_> = part.binaries.keys().cloned().collect();
                let origin = Origin::Team { keys: &keys, namespace: &part.namespace, team };
                config::parse(&self.name, &origin, &Flags::default(), &self.text)
            }
        }
    }
}
