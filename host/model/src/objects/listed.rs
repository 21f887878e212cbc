//! Objects that the configuration lists, where there is no cluster to ask.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::store::{ObjectList, ObjectStore};
use crate::names::Namespace;
use crate::resource::Resource;

/// An object that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedObject {
    /// Its kind.
    pub resource: Resource,
    /// Its namespace, if it lives in one.
    pub namespace: Option<Namespace>,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// The kinds of the objects that a configuration lists.
pub fn listed(list: &[ListedObject]) -> HashMap<Resource, Arc<ObjectStore>> {
    let mut listings: HashMap<&Resource, ObjectList> = HashMap::new();
    for object in list {
        let namespace = object.namespace.as_ref().map_or("", |namespace| namespace.as_str());
        let labels = object.labels.iter().map(|(key, value)| (key.clone(), value.clone()));
        let listing = listings.entry(&object.resource).or_default();
        listing.add(namespace, &object.name, labels.collect());
    }
    listings
        .into_iter()
        .map(|(resource, listing)| {
            let kind = ObjectStore::starting(resource.clone());
            kind.replace(listing);
            (resource.clone(), Arc::new(kind))
        })
        .collect()
}
