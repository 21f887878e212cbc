//! The objects of one kind in memory, indexed by namespace, name and label.
//!
//! Each label of a namespace is stored once, with a sorted list of the objects that have it. A
//! selector scans the shortest list that it can use, so its cost depends on the objects that match
//! and not on the size of the namespace.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::selector::{Operator, Requirement, Selector};

/// The labels of an object, in any order: keys and values.
pub type Labels = Vec<(String, String)>;

/// All objects of one kind.
#[derive(Debug, Default)]
pub(super) struct Index {
    namespaces: HashMap<Box<str>, Namespace, RandomState>,
    /// The number of changes so far. The version of a namespace is the number of its last change.
    changes: u64,
}

/// The objects of one namespace. Cluster-scoped objects are in the namespace "".
#[derive(Debug, Default)]
struct Namespace {
    version: u64,
    names: BTreeMap<Arc<str>, Id>,
    objects: Vec<Option<Object>>,
    free: Vec<Id>,
    labels: BTreeMap<Label, Vec<Id>>,
}

/// The index of an object within its namespace.
type Id = u32;

/// A key and value, shared by all objects of the namespace that have the label.
type Label = Arc<Pair>;

type Pair = (Arc<str>, Arc<str>);

/// An object of a namespace.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its name.
    pub name: Arc<str>,
    labels: Box<[Label]>,
}

impl Object {
    /// Its labels, by key.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.labels.iter().map(|label| (label.0.as_ref(), label.1.as_ref()))
    }
}

impl Index {
    /// Inserts an object or replaces its labels. Returns whether anything has changed.
    pub(super) fn insert(&mut self, namespace: &str, name: &str, labels: Labels) -> bool {
        let space = match self.namespaces.get_mut(namespace) {
            Some(space) => space,
            None => self.namespaces.entry(namespace.into()).or_default(),
        };
        let changed = space.insert(name, labels);
        if changed {
            self.changes += 1;
            space.version = self.changes;
        }
        changed
    }

    /// Removes an object. Returns whether it existed.
    pub(super) fn remove(&mut self, namespace: &str, name: &str) -> bool {
        let Some(space) = self.namespaces.get_mut(namespace) else { return false };
        if !space.remove(name) {
            return false;
        }
        self.changes += 1;
        space.version = self.changes;
        if space.names.is_empty() {
            self.namespaces.remove(namespace);
        }
        true
    }

    /// Takes over the versions of the index that this one replaces. Unchanged namespaces keep their
    /// version, so that results derived from them stay valid.
    pub(super) fn replace_from(&mut self, older: &Self) {
        self.changes = older.changes;
        for (name, space) in &mut self.namespaces {
            match older.namespaces.get(name) {
                Some(before) if before.has_same_objects(space) => space.version = before.version,
                _ => {
                    self.changes += 1;
                    space.version = self.changes;
                }
            }
        }
        if older.namespaces.keys().any(|name| !self.namespaces.contains_key(name)) {
            self.changes += 1;
        }
    }

    /// A number that changes with the objects of the namespace; 0 while it is empty.
    pub(super) fn version(&self, namespace: &str) -> u64 {
        self.namespaces.get(namespace).map_or(0, |space| space.version)
    }

    /// A number that changes with the objects of a namespace, or with those of all namespaces.
    pub(super) fn version_of(&self, namespace: Option<&str>) -> u64 {
        namespace.map_or(self.changes, |namespace| self.version(namespace))
    }

    /// Whether the object exists.
    pub(super) fn contains(&self, namespace: &str, name: &str) -> bool {
        self.namespaces.get(namespace).is_some_and(|space| space.names.contains_key(name))
    }

    /// The number of objects.
    pub(super) fn len(&self) -> usize {
        self.namespaces.values().map(|space| space.names.len()).sum()
    }

    /// The names of the objects of a namespace that match a selector, sorted.
    pub(super) fn select(&self, namespace: &str, selector: &Selector) -> Vec<Arc<str>> {
        self.matching(namespace, selector).iter().map(|object| object.name.clone()).collect()
    }

    /// The objects of a namespace that match a selector, sorted by name.
    pub(super) fn matching(&self, namespace: &str, selector: &Selector) -> Vec<&Object> {
        self.namespaces.get(namespace).map_or_else(Vec::new, |space| space.select(selector))
    }

    /// An object by namespace and name.
    pub(super) fn object(&self, namespace: &str, name: &str) -> Option<&Object> {
        let space = self.namespaces.get(namespace)?;
        space.object(*space.names.get(name)?)
    }

    /// The namespaces that have objects, sorted.
    pub(super) fn namespaces(&self) -> Vec<String> {
        let mut names: Vec<_> = self.namespaces.keys().map(|name| name.to_string()).collect();
        names.sort_unstable();
        names
    }

    /// All objects of one namespace, or of all namespaces, each with its namespace.
    pub(super) fn iter<'a>(
        &'a self,
        namespace: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a str, &'a Object)> {
        let selected = self
            .namespaces
            .iter()
            .filter(move |(name, _)| namespace.is_none_or(|namespace| namespace == name.as_ref()));
        selected.flat_map(|(namespace, space)| {
            let objects = space.names.values().filter_map(move |&id| space.object(id));
            objects.map(|object| (namespace.as_ref(), object))
        })
    }
}

impl Namespace {
    fn object(&self, id: Id) -> Option<&Object> {
        self.objects.get(id as usize)?.as_ref()
    }

    fn insert(&mut self, name: &str, mut labels: Labels) -> bool {
        labels.sort_unstable();
        let same = |object: &Object| {
            let known = object.labels.iter().map(|label| (label.0.as_ref(), label.1.as_ref()));
            known.eq(labels.iter().map(|(key, value)| (key.as_str(), value.as_str())))
        };
        if let Some(&id) = self.names.get(name) {
            if self.object(id).is_some_and(same) {
                return false;
            }
            self.remove(name);
        }
        let id = self.free.pop().unwrap_or_else(|| {
            self.objects.push(None);
            // 2^32 objects of a namespace do not fit into memory.
            Id::try_from(self.objects.len() - 1).unwrap_or(Id::MAX)
        });
        let labels = labels.into_iter().map(|(key, value)| self.label(&key, &value, id)).collect();
        let name: Arc<str> = name.into();
        self.names.insert(name.clone(), id);
        self.objects[id as usize] = Some(Object { name, labels });
        true
    }

    /// Adds an object to the list of a label. Returns the shared label.
    fn label(&mut self, key: &str, value: &str, id: Id) -> Label {
        let wanted: Pair = (key.into(), value.into());
        let label = match self.labels.get_key_value(&wanted) {
            Some((label, _)) => label.clone(),
            None => {
                // Labels with the same key share the key as well.
                let shared = self.range(key).next().map(|(label, _)| label.0.clone());
                Arc::new((shared.unwrap_or(wanted.0), wanted.1))
            }
        };
        let ids = self.labels.entry(label.clone()).or_default();
        if let Err(at) = ids.binary_search(&id) {
            ids.insert(at, id);
        }
        label
    }

    fn remove(&mut self, name: &str) -> bool {
        let Some(id) = self.names.remove(name) else { return false };
        let Some(object) = self.objects.get_mut(id as usize).and_then(Option::take) else {
            return false;
        };
        for label in &object.labels {
            if let Some(ids) = self.labels.get_mut(label) {
                if let Ok(at) = ids.binary_search(&id) {
                    ids.remove(at);
                }
                if ids.is_empty() {
                    self.labels.remove(label);
                }
            }
        }
        self.free.push(id);
        true
    }

    fn has_same_objects(&self, other: &Self) -> bool {
        let listed = |space: &'_ Self| {
            let objects = space.names.values().filter_map(|&id| space.object(id));
            objects.map(|object| (object.name.clone(), object.labels.clone())).collect::<Vec<_>>()
        };
        self.names.len() == other.names.len() && listed(self) == listed(other)
    }

    /// The labels with a key, and the objects that have each.
    fn range<'a>(&'a self, key: &str) -> impl Iterator<Item = (&'a Label, &'a Vec<Id>)> {
        let key: Arc<str> = key.into();
        let first = (key.clone(), Arc::from(""));
        let range = self.labels.range::<Pair, _>((Bound::Included(first), Bound::Unbounded));
        range.take_while(move |(label, _)| label.0 == key)
    }

    fn objects_with(&self, key: &str, value: &str) -> Option<&Vec<Id>> {
        self.labels.get::<Pair>(&(key.into(), value.into()))
    }

    fn select(&self, selector: &Selector) -> Vec<&Object> {
        let shortest = selector
            .requirements()
            .iter()
            .filter_map(|requirement| self.candidates(requirement))
            .min_by_key(|lists| lists.iter().map(|list| list.len()).sum::<usize>());
        let matches = |object: &&Object| {
            selector.matches(|key| {
                let label = object.labels.iter().find(|label| label.0.as_ref() == key);
                label.map(|label| label.1.as_ref())
            })
        };
        let Some(lists) = shortest else {
            let all = self.names.values().filter_map(|&id| self.object(id));
            return all.filter(matches).collect();
        };
        // An object has one value for a key, so the lists of one requirement are disjoint.
        let objects = lists.into_iter().flatten().filter_map(|&id| self.object(id));
        let mut objects: Vec<_> = objects.filter(matches).collect();
        objects.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        objects
    }

    /// The lists of objects that may meet a requirement; `None` if an index does not help.
    fn candidates(&self, requirement: &Requirement) -> Option<Vec<&Vec<Id>>> {
        let key = &requirement.key;
        match &requirement.operator {
            Operator::In(values) => {
                Some(values.iter().filter_map(|value| self.objects_with(key, value)).collect())
            }
            Operator::Exists | Operator::GreaterThan(_) | Operator::LessThan(_) => {
                Some(self.range(key).map(|(_, ids)| ids).collect())
            }
            Operator::NotIn(_) | Operator::DoesNotExist => None,
        }
    }
}

#[cfg(test)]
mod tests;
