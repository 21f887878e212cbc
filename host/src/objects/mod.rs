//! The objects that exist, by kind, namespace and name, with their labels.
//!
//! Everything that asks which objects there are asks [`Objects`]. It is filled from the
//! configuration's list; the watch of a cluster will fill the same index.

use std::collections::{BTreeMap, HashMap};

use crate::config::valid;
use crate::model::data::ObjectTable;
use crate::model::names::Scope;
use crate::model::resource::Resource;
use crate::model::selector::Selector;

/// The objects of the kinds that mappings serve.
#[derive(Debug, Default)]
pub struct Objects {
    kinds: HashMap<Resource, Kind>,
}

/// The objects of one kind, by namespace (empty for none) and name.
type Kind = BTreeMap<Box<str>, BTreeMap<Box<str>, ObjectLabels>>;

type ObjectLabels = Vec<(Box<str>, Box<str>)>;

impl Objects {
    /// The objects that a configuration lists.
    pub fn listed(list: &[valid::Object]) -> Self {
        let mut objects = Self::default();
        for object in list {
            let namespace = object.namespace.as_ref().map_or("", |namespace| namespace.as_str());
            let labels =
                object.labels.iter().map(|(k, v)| (k.as_str().into(), v.as_str().into())).collect();
            objects
                .kinds
                .entry(object.resource.clone())
                .or_default()
                .entry(namespace.into())
                .or_default()
                .insert(object.name.as_str().into(), labels);
        }
        objects
    }

    /// A number that changes when any answer of this index may change.
    pub fn version(&self) -> u64 {
        // The list of a configuration lives and dies with its snapshot.
        0
    }

    /// Whether an object exists. The namespace is empty for kinds that live in none.
    pub fn exists(&self, resource: &Resource, namespace: &str, name: &str) -> bool {
        self.kinds
            .get(resource)
            .and_then(|kind| kind.get(namespace))
            .is_some_and(|names| names.contains_key(name))
    }

    /// The names of the objects of a namespace that a selector picks, in order.
    pub fn select<'a>(
        &'a self,
        resource: &Resource,
        namespace: &str,
        selector: &Selector,
    ) -> Vec<&'a str> {
        let names = self.kinds.get(resource).and_then(|kind| kind.get(namespace));
        names
            .into_iter()
            .flatten()
            .filter(|(_, labels)| {
                selector.matches(|key| {
                    labels.iter().find(|(name, _)| **name == *key).map(|(_, value)| &**value)
                })
            })
            .map(|(name, _)| &**name)
            .collect()
    }

    /// All objects of a kind in a scope, for plugins that ask for them.
    pub fn table(&self, resource: &Resource, scope: &Scope) -> ObjectTable {
        let mut table = ObjectTable::default();
        for (namespace, names) in self.kinds.get(resource).into_iter().flatten() {
            if scope.namespace().is_some_and(|scope| scope.as_str() != &**namespace) {
                continue;
            }
            for (name, labels) in names {
                table.names.push(name.to_string());
                table.namespaces.push(namespace.to_string());
                let labels = labels.iter().map(|(k, v)| (k.to_string(), v.to_string()));
                table.labels.push(labels.collect());
            }
        }
        table
    }
}
