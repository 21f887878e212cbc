//! Documents: configurations as they were seen, whole, with what lies beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use leadsman_cluster::ConfigMapReference;
use leadsman_config::{self as config, DocumentOrigin, Flags, Parsed, valid};
use leadsman_model::names::Namespace;
use leadsman_model::owner::Owner;

/// A configuration as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Document {
    /// Its name in messages.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) location: DocumentLocation,
}

/// Where a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DocumentLocation {
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
    /// The entries of `binaryData`.
    pub(super) binaries: BTreeMap<String, Arc<[u8]>>,
    /// `creationTimestamp`, in seconds since the epoch: of two owners, the older one has the right.
    pub(super) created: i64,
}

impl Document {
    fn config_map(&self) -> Option<&ConfigMapPart> {
        match &self.location {
            DocumentLocation::Folder(_) => None,
            DocumentLocation::ConfigMap(part) => Some(part),
        }
    }

    /// The owner, if this is a team's.
    pub(super) fn team_owner(&self) -> Option<Owner> {
        let part = self.config_map()?;
        let (namespace, name) = (part.namespace.clone(), part.name.as_str().into());
        Some(Owner::Team { namespace, name })
    }

    /// The ConfigMap it is in.
    pub(super) fn reference(&self) -> Option<ConfigMapReference> {
        let part = self.config_map()?;
        Some(ConfigMapReference {
            namespace: part.namespace.to_string(),
            name: part.name.clone(),
            uid: part.uid.clone(),
        })
    }

    /// The namespace of its ConfigMap.
    pub(super) fn namespace(&self) -> Option<&Namespace> {
        Some(&self.config_map()?.namespace)
    }

    /// When its ConfigMap was created, in seconds since the epoch; 0 for a file.
    pub(super) fn created(&self) -> i64 {
        self.config_map().map_or(0, |part| part.created)
    }

    pub(super) fn binary(&self, key: &str) -> Option<&Arc<[u8]>> {
        self.config_map()?.binaries.get(key)
    }

    /// Parses it as the operator's, with the command line's flags, or as a team's, with what is
    /// open to the team.
    pub(super) fn parse(&self, team: Option<&valid::Team>, flags: &Flags) -> Parsed {
        match (&self.location, team) {
            (DocumentLocation::Folder(folder), _) => {
                config::parse(&self.name, &DocumentOrigin::Folder(folder), flags, &self.text)
            }
            (DocumentLocation::ConfigMap(part), None) => {
                let keys: BTreeSet<_> = part.binaries.keys().cloned().collect();
                config::parse(&self.name, &DocumentOrigin::ConfigMap(&keys), flags, &self.text)
            }
            (DocumentLocation::ConfigMap(part), Some(team)) => {
                let keys: BTreeSet<_> = part.binaries.keys().cloned().collect();
                let origin = DocumentOrigin::Team { keys: &keys, namespace: &part.namespace, team };
                config::parse(&self.name, &origin, &Flags::default(), &self.text)
            }
        }
    }
}
