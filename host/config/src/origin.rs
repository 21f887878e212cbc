//! The origin of a document, which decides the files that it may name and what it may configure.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::valid;
use leadsman_model::names::Namespace;

/// The origin of a document.
#[derive(Debug, Clone, Copy)]
pub enum DocumentOrigin<'a> {
    /// A file of the operator, in this folder.
    Folder(&'a Path),
    /// A ConfigMap of the operator, with these keys under `binaryData`.
    ConfigMap(&'a BTreeSet<String>),
    /// A ConfigMap of a team.
    Team {
        /// The keys under `binaryData`.
        keys: &'a BTreeSet<String>,
        /// The team's namespace.
        namespace: &'a Namespace,
        /// What the operator allows it.
        team: &'a valid::Team,
    },
}

impl DocumentOrigin<'_> {
    /// The file that a path refers to.
    pub(super) fn file(&self, path: &str) -> Result<PathBuf, String> {
        match self {
            Self::Folder(folder) => Ok(folder.join(path)),
            Self::ConfigMap(_) if Path::new(path).is_absolute() => Ok(PathBuf::from(path)),
            Self::ConfigMap(_) => Err(format!(
                "\"{path}\" is relative, and a ConfigMap lies in no folder; write the whole path"
            )),
            Self::Team { .. } => {
                Err("files of the adapter are for the operator's configuration".to_owned())
            }
        }
    }

    /// The location of a plugin's file.
    pub(super) fn plugin(&self, file: &str) -> Result<valid::Location, String> {
        let keys = match self {
            Self::Folder(folder) => return Ok(valid::Location::File(folder.join(file))),
            Self::ConfigMap(_) if Path::new(file).is_absolute() => {
                return Ok(valid::Location::File(PathBuf::from(file)));
            }
            Self::ConfigMap(keys) | Self::Team { keys, .. } => keys,
        };
        if keys.contains(file) {
            return Ok(valid::Location::Key(file.to_owned()));
        }
        let hint = leadsman_document::suggestion(file, keys.iter().map(String::as_str));
        Err(format!("the ConfigMap has no key \"{file}\" under binaryData{hint}"))
    }

    /// The namespace and the team, for a team's document.
    pub(super) fn team(&self) -> Option<(&Namespace, &valid::Team)> {
        match self {
            Self::Team { namespace, team, .. } => Some((namespace, team)),
            Self::Folder(_) | Self::ConfigMap(_) => None,
        }
    }
}
