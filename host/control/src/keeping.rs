//! Documents on their way to the disk and back.

use std::collections::BTreeMap;

use super::document::{At, ConfigMapPart, Document};
use super::found::{ConfigOrigin, KEY};
use super::store::Kept;
use leadsman_model::owner::Owner;

pub(super) fn owner_of(document: &Document) -> Option<Owner> {
    match &document.at {
        At::Folder(_) => None,
        At::ConfigMap(part) => {
            Some(Owner::Team { namespace: part.namespace.clone(), name: part.name.as_str().into() })
        }
    }
}

pub(super) fn kept(document: &Document, origin: &ConfigOrigin) -> Kept {
    let binaries = match &document.at {
        At::Folder(_) => BTreeMap::new(),
        At::ConfigMap(part) => part.binaries.clone(),
    };
    Kept::new(origin.to_string(), document.text.clone(), &binaries)
}

pub(super) fn kept_team_document(owner: &Owner, kept: &Kept) -> Option<Document> {
    let Owner::Team { namespace, name } = owner else { return None };
    config_map_document(namespace.as_str(), name, kept)
}

pub(super) fn config_map_document(namespace: &str, name: &str, kept: &Kept) -> Option<Document> {
    let part = ConfigMapPart {
        namespace: namespace.parse().ok()?,
        name: name.to_owned(),
        uid: None,
        binaries: kept.binaries(),
        created: 0,
    };
    let name = format!("ConfigMap {namespace}/{name} {} (kept)", KEY);
    Some(Document { name, text: kept.text.clone(), at: At::ConfigMap(part) })
}
