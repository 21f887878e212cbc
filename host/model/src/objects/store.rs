//! The objects of one kind: their index, and its state of synchronization with the cluster.

use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::addresses::{AddressOf, AddressState, Addresses, AddressesUnknown};
use super::index::{Index, Labels, Object};
use super::tables::Tables;
use crate::names::Scope;
use crate::object_table::{ObjectColumns, ObjectTable, ObjectTableError, TableRow};
use crate::resource::Resource;
use crate::selector::Selector;

/// The objects of one kind.
#[derive(Debug)]
pub struct ObjectStore {
    resource: Resource,
    index: RwLock<Index>,
    addresses: RwLock<Addresses>,
    address_state: watch::Sender<AddressState>,
    state: ArcSwap<SyncState>,
    first_list_done: watch::Sender<bool>,
    tables: Tables,
}

/// The state of synchronization of an object store with the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncState {
    /// The first list is running.
    Starting,
    /// Listed, and the watch is running.
    Synced,
    /// Listed, but the watch has failed since, for this reason. The objects may be out of date.
    Interrupted(String),
    /// The first list has failed, for this reason.
    Unknown(String),
}

/// The objects of a kind are unknown, since they were never listed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("which {resource} there are is not known: {reason}")]
pub struct NotSynced {
    /// The kind.
    pub resource: Resource,
    /// The reason.
    pub reason: String,
}

impl ObjectStore {
    /// An empty store whose first list is running.
    pub fn starting(resource: Resource) -> Self {
        Self {
            resource,
            index: RwLock::default(),
            addresses: RwLock::default(),
            address_state: watch::Sender::default(),
            state: ArcSwap::from_pointee(SyncState::Starting),
            first_list_done: watch::Sender::new(false),
            tables: Tables::default(),
        }
    }

    /// The kind.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// The state of synchronization.
    pub fn state(&self) -> Arc<SyncState> {
        self.state.load_full()
    }

    /// Fails until the objects were listed once. A watch that fails later does not make them
    /// unknown.
    pub fn ready(&self) -> Result<(), NotSynced> {
        let reason = match &**self.state.load() {
            SyncState::Synced | SyncState::Interrupted(_) => return Ok(()),
            SyncState::Starting => "they are being listed for the first time".to_owned(),
            SyncState::Unknown(reason) => reason.clone(),
        };
        Err(NotSynced { resource: self.resource.clone(), reason })
    }

    /// Waits until the first attempt to list the objects has ended, successfully or not.
    pub async fn first_list(&self) {
        // The sender lives in this store, so the channel cannot close.
        let _ = self.first_list_done.subscribe().wait_for(|&done| done).await;
    }

    /// Records that a list or the watch has failed. What is known already stays. Returns whether
    /// the state has changed.
    pub fn watch_failed(&self, reason: String) -> bool {
        let next = match &**self.state.load() {
            SyncState::Synced | SyncState::Interrupted(_) => SyncState::Interrupted(reason),
            SyncState::Starting | SyncState::Unknown(_) => SyncState::Unknown(reason),
        };
        let changed = *self.state() != next;
        self.state.store(Arc::new(next));
        self.first_list_done.send_replace(true);
        changed
    }

    /// Records that the watch is running again. Returns whether it had failed.
    pub fn watch_resumed(&self) -> bool {
        let interrupted = matches!(&**self.state.load(), SyncState::Interrupted(_));
        if interrupted {
            self.state.store(Arc::new(SyncState::Synced));
        }
        interrupted
    }

    /// Replaces all objects by a new list. Returns whether the store was out of sync before.
    pub fn replace(&self, list: ObjectList) -> bool {
        let mut new = list.0;
        {
            let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
            new.replace_from(&index);
            *index = new;
        }
        let before = self.state.swap(Arc::new(SyncState::Synced));
        self.first_list_done.send_replace(true);
        *before != SyncState::Synced
    }

    /// Inserts an object or replaces its labels.
    pub fn apply(&self, namespace: &str, name: &str, labels: Labels) {
        self.index.write().unwrap_or_else(PoisonError::into_inner).insert(namespace, name, labels);
    }

    /// Removes an object.
    pub fn delete(&self, namespace: &str, name: &str) {
        self.index.write().unwrap_or_else(PoisonError::into_inner).remove(namespace, name);
    }

    /// Records where an object can be reached, or that this is not known any more. It may come
    /// before the object itself, and after it is gone: both come from watches of their own.
    pub fn set_address(&self, namespace: &str, name: &str, address: Option<&str>) {
        let mut addresses = self.addresses.write().unwrap_or_else(PoisonError::into_inner);
        addresses.set(namespace, name, address);
    }

    /// Whether whoever asks is the first that needs addresses, and has to see to it that they become
    /// known.
    pub fn follow_addresses(&self) -> bool {
        self.address_state.send_if_modified(|state| {
            let first = *state == AddressState::Unfollowed;
            if first {
                *state = AddressState::Starting;
            }
            first
        })
    }

    /// Replaces all addresses by a new list.
    pub fn replace_addresses(&self, all: impl IntoIterator<Item = AddressOf>) {
        self.addresses.write().unwrap_or_else(PoisonError::into_inner).replace(all);
        self.address_state.send_replace(AddressState::Known);
    }

    /// Records that addresses cannot be listed. What is known already stays. Returns whether the
    /// state has changed.
    pub fn addresses_failed(&self, reason: String) -> bool {
        self.address_state.send_if_modified(|state| {
            let unknown = AddressState::Unknown(reason);
            let changed = *state != AddressState::Known && *state != unknown;
            if changed {
                *state = unknown;
            }
            changed
        })
    }

    /// Waits until the first attempt to list addresses has ended, and fails if they are not known.
    pub async fn addresses(&self) -> Result<(), AddressesUnknown> {
        let mut state = self.address_state.subscribe();
        // The sender lives in this store, so the channel cannot close.
        let ended = state.wait_for(|state| *state != AddressState::Starting).await;
        match ended.as_deref() {
            Ok(AddressState::Unknown(reason)) => {
                Err(AddressesUnknown { resource: self.resource.clone(), reason: reason.clone() })
            }
            _ => Ok(()),
        }
    }

    /// A number that changes with the objects of the namespace.
    pub fn version(&self, namespace: &str) -> u64 {
        self.index.read().unwrap_or_else(PoisonError::into_inner).version(namespace)
    }

    /// Whether the object exists.
    pub fn exists(&self, namespace: &str, name: &str) -> bool {
        self.index.read().unwrap_or_else(PoisonError::into_inner).contains(namespace, name)
    }

    /// The number of objects.
    pub fn count(&self) -> usize {
        self.index.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The names of the objects of a namespace that match a selector, sorted.
    pub fn select(&self, namespace: &str, selector: &Selector) -> Vec<Arc<str>> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).select(namespace, selector)
    }

    /// The objects of a namespace that match a selector, sorted by name, with their labels.
    pub fn objects(&self, namespace: &str, selector: &Selector) -> Vec<Object> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        index.matching(namespace, selector).into_iter().cloned().collect()
    }

    /// An object with its labels, by namespace and name.
    pub fn object(&self, namespace: &str, name: &str) -> Option<Object> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        index.object(namespace, name).cloned()
    }

    /// The namespaces that have objects, sorted.
    pub fn namespaces(&self) -> Vec<String> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).namespaces()
    }

    /// All objects of a scope, for plugins that request them. Expensive for many objects, so tables
    /// are cached until the objects change; the index is not locked while a table is built.
    pub fn table(
        &self,
        scope: &Scope,
        columns: &ObjectColumns,
    ) -> Result<Arc<ObjectTable>, ObjectTableError> {
        let namespace = scope.namespace().map(|namespace| namespace.as_str());
        let (version, objects) = {
            let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
            let addresses = self.addresses.read().unwrap_or_else(PoisonError::into_inner);
            let of_addresses = if columns.addresses { addresses.version() } else { 0 };
            let version = (index.version_of(namespace), of_addresses);
            if let Some(table) = self.tables.get(scope, columns, version) {
                return Ok(table);
            }
            let owned = |(namespace, object): (&str, &Object)| {
                let address = match columns.addresses {
                    true => addresses.get(namespace, &object.name).map(str::to_owned),
                    false => None,
                };
                (namespace.to_owned(), object.clone(), address)
            };
            (version, index.iter(namespace).map(owned).collect::<Vec<_>>())
        };
        let rows = objects.iter().map(|(namespace, object, address)| TableRow {
            namespace,
            name: &object.name,
            labels: object.labels(),
            address: address.as_deref(),
        });
        let table = Arc::new(ObjectTable::new(rows, columns)?);
        self.tables.put(scope, columns, version, table.clone());
        Ok(table)
    }
}

/// Builds a list of all objects of a kind.
#[derive(Debug, Default)]
pub struct ObjectList(Index);

impl ObjectList {
    /// Adds an object.
    pub fn add(&mut self, namespace: &str, name: &str, labels: Labels) {
        self.0.insert(namespace, name, labels);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object_table::ObjectLabels;

    #[test]
    fn listed_objects_stay_known_while_the_watch_fails() {
        let store = ObjectStore::starting(Resource::known("pods").unwrap());
        assert!(store.ready().unwrap_err().to_string().contains("pods there are is not known"));
        assert!(store.watch_failed("no right".into()), "the state has changed");
        assert!(!store.watch_failed("no right".into()), "the state is the same");
        assert!(store.ready().unwrap_err().to_string().ends_with("no right"));
        let mut list = ObjectList::default();
        list.add("shop", "a", Vec::new());
        assert!(store.replace(list));
        assert!(store.watch_failed("connection lost".into()));
        assert!(store.ready().is_ok() && store.exists("shop", "a"));
        assert!(store.watch_resumed() && !store.watch_resumed());
        store.delete("shop", "a");
        assert_eq!((store.exists("shop", "a"), store.count()), (false, 0));
    }

    #[tokio::test]
    async fn addresses_are_waited_for_and_a_failure_is_told() {
        let store = ObjectStore::starting(Resource::known("pods").unwrap());
        assert_eq!(store.addresses().await, Ok(()), "nobody has asked for them");
        assert!(store.follow_addresses() && !store.follow_addresses());
        assert!(store.addresses_failed("no right".into()));
        assert!(!store.addresses_failed("no right".into()), "the state is the same");
        let unknown = store.addresses().await.unwrap_err();
        assert!(unknown.to_string().ends_with("is not known: no right"), "{unknown}");
        store.replace_addresses([]);
        assert!(!store.addresses_failed("connection lost".into()), "what is known stays");
        assert_eq!(store.addresses().await, Ok(()));
    }

    #[test]
    fn a_table_has_the_addresses_that_are_known_when_it_is_asked_for_them() {
        let store = ObjectStore::starting(Resource::known("pods").unwrap());
        let mut list = ObjectList::default();
        list.add("shop", "a", Vec::new());
        list.add("shop", "b", Vec::new());
        store.replace(list);
        let scope = Scope::Namespace("shop".parse().unwrap());
        let labels = ObjectLabels::Keys([].into());
        let columns = ObjectColumns { labels: labels.clone(), addresses: true };
        let reported = || {
            let table = store.table(&scope, &columns).unwrap();
            let text = |&text: &u32| table.dictionary.get(text).to_owned();
            table.addresses.iter().map(text).collect::<Vec<_>>()
        };
        assert_eq!(reported(), ["", ""]);
        store.set_address("shop", "b", Some("10.0.0.2"));
        assert_eq!(reported(), ["", "10.0.0.2"]);
        let without = store.table(&scope, &ObjectColumns::labels(labels)).unwrap();
        assert!(without.addresses.is_empty());
        store.set_address("shop", "b", None);
        assert_eq!(reported(), ["", ""]);
    }
}
