//! Objects that the configuration lists, for use without a cluster.

use std::collections::HashMap;
use std::sync::Arc;

use super::store::{ObjectList, ObjectStore};
use crate::names::Namespace;
use crate::resource::Resource;

/// An object in the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedObject {
    /// Its kind.
    pub resource: Resource,
    /// Its namespace; `None` if it is cluster-scoped.
    pub namespace: Option<Namespace>,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Box<[(String, String)]>,
    /// Where it can be reached.
    pub address: Option<String>,
}

/// Object stores with the objects that a configuration lists, by kind.
pub fn listed(list: &[ListedObject]) -> HashMap<Resource, Arc<ObjectStore>> {
    let mut lists: HashMap<&Resource, ObjectList> = HashMap::new();
    for object in list {
        let namespace = object.namespace.as_ref().map_or("", |namespace| namespace.as_str());
        let labels = object.labels.iter().map(|(key, value)| (key.clone(), value.clone()));
        let list = lists.entry(&object.resource).or_default();
        list.add(namespace, &object.name, labels.collect());
    }
    let stores: HashMap<Resource, Arc<ObjectStore>> = lists
        .into_iter()
        .map(|(resource, list)| {
            let store = ObjectStore::starting(resource.clone());
            store.replace(list);
            (resource.clone(), Arc::new(store))
        })
        .collect();
    for (resource, store) in &stores {
        let of_kind = list.iter().filter(|object| object.resource == *resource);
        store.replace_addresses(of_kind.filter_map(|object| {
            let namespace = object.namespace.as_ref().map_or("", |namespace| namespace.as_str());
            Some((namespace.to_owned(), object.name.clone(), object.address.clone()?))
        }));
    }
    stores
}
