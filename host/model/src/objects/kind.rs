//! One kind of objects: its index, and whether the index can be relied on.

use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::index::{Index, Labels, Object};
use crate::data::ObjectTable;
use crate::names::Scope;
use crate::resource::Resource;
use crate::selector::Selector;

/// The objects of one kind.
#[derive(Debug)]
pub struct Kind {
    resource: Resource,
    index: RwLock<Index>,
    state: ArcSwap<KindState>,
    settled: watch::Sender<bool>,
}

/// Whether the objects of a kind are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KindState {
    /// They are being listed for the first time.
    Starting,
    /// They are, and changes are followed.
    Synced,
    /// They were, and changes cannot be followed now: why.
    Interrupted(String),
    /// They never were: why.
    Unknown(String),
}

/// The objects of a kind are not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("which {resource} there are is not known: {reason}")]
pub struct NotSynced {
    /// The kind.
    pub resource: Resource,
    /// Why not.
    pub reason: String,
}

impl Kind {
    /// A kind of which nothing is known yet.
    pub fn starting(resource: Resource) -> Self {
        Self {
            resource,
            index: RwLock::default(),
            state: ArcSwap::from_pointee(KindState::Starting),
            settled: watch::Sender::new(false),
        }
    }

    /// What it is.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// Whether its objects are known.
    pub fn state(&self) -> Arc<KindState> {
        self.state.load_full()
    }

    /// Says whether its objects can be relied on. A change that cannot be followed for a while
    /// makes nothing unknown.
    pub fn ready(&self) -> Result<(), NotSynced> {
        let reason = match &**self.state.load() {
            KindState::Synced | KindState::Interrupted(_) => return Ok(()),
            KindState::Starting => "they are being listed for the first time".to_owned(),
            KindState::Unknown(reason) => reason.clone(),
        };
        Err(NotSynced { resource: self.resource.clone(), reason })
    }

    /// Waits until the first attempt to list them has ended, well or not.
    pub async fn settled(&self) {
        // The sender lives in this kind, so the channel cannot close.
        let _ = self.settled.subscribe().wait_for(|&settled| settled).await;
    }

    /// Objects and their changes cannot be had now. What is known already stays. Says whether
    /// that is news.
    pub fn interrupted(&self, reason: String) -> bool {
        let next = match &**self.state.load() {
            KindState::Synced | KindState::Interrupted(_) => KindState::Interrupted(reason),
            KindState::Starting | KindState::Unknown(_) => KindState::Unknown(reason),
        };
        let news = *self.state() != next;
        self.state.store(Arc::new(next));
        self.settled.send_replace(true);
        news
    }

    /// Changes are followed again. Says whether they were not.
    pub fn resumed(&self) -> bool {
        let interrupted = matches!(&**self.state.load(), KindState::Interrupted(_));
        if interrupted {
            self.state.store(Arc::new(KindState::Synced));
        }
        interrupted
    }

    /// A list of all objects takes the place of what was known. Says whether that was nothing.
    pub fn replace(&self, list: Listing) -> bool {
        let mut new = list.0;
        {
            let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
            new.succeed(&index);
            *index = new;
        }
        let before = self.state.swap(Arc::new(KindState::Synced));
        self.settled.send_replace(true);
        *before != KindState::Synced
    }

    /// An object is there, with these labels.
    pub fn apply(&self, namespace: &str, name: &str, labels: Labels) {
        self.index.write().unwrap_or_else(PoisonError::into_inner).insert(namespace, name, labels);
    }

    /// An object is gone.
    pub fn delete(&self, namespace: &str, name: &str) {
        self.index.write().unwrap_or_else(PoisonError::into_inner).remove(namespace, name);
    }

    /// A number that changes when any answer about this namespace may change.
    pub fn version(&self, namespace: &str) -> u64 {
        self.index.read().unwrap_or_else(PoisonError::into_inner).version(namespace)
    }

    /// Whether there is such an object.
    pub fn exists(&self, namespace: &str, name: &str) -> bool {
        self.index.read().unwrap_or_else(PoisonError::into_inner).contains(namespace, name)
    }

    /// How many objects there are.
    pub fn count(&self) -> usize {
        self.index.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The names of the objects of a namespace that a selector picks, in order.
    pub fn select(&self, namespace: &str, selector: &Selector) -> Vec<Arc<str>> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).select(namespace, selector)
    }

    /// The objects of a namespace that a selector picks, by name, with their labels.
    pub fn objects(&self, namespace: &str, selector: &Selector) -> Vec<Object> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        index.picked(namespace, selector).into_iter().cloned().collect()
    }

    /// An object, with its labels.
    pub fn object(&self, namespace: &str, name: &str) -> Option<Object> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        index.object(namespace, name).cloned()
    }

    /// The namespaces that have objects, in order.
    pub fn namespaces(&self) -> Vec<String> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).namespaces()
    }

    /// All objects of a scope, for plugins that ask for them.
    pub fn table(&self, scope: &Scope) -> ObjectTable {
        let namespace = scope.namespace().map(|namespace| namespace.as_str());
        let mut table = ObjectTable::default();
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        for (namespace, name, labels) in index.iter(namespace) {
            table.names.push(name.to_owned());
            table.namespaces.push(namespace.to_owned());
            let labels = labels.iter().map(|label| (label.0.to_string(), label.1.to_string()));
            table.labels.push(labels.collect());
        }
        table
    }
}

/// A list of all objects of a kind, being made.
#[derive(Debug, Default)]
pub struct Listing(Index);

impl Listing {
    /// Adds an object.
    pub fn add(&mut self, namespace: &str, name: &str, labels: Labels) {
        self.0.insert(namespace, name, labels);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_known_once_is_served_while_changes_cannot_be_followed() {
        let kind = Kind::starting(Resource::known("pods").unwrap());
        assert!(kind.ready().unwrap_err().to_string().contains("pods there are is not known"));
        assert!(kind.interrupted("no right".into()), "news");
        assert!(!kind.interrupted("no right".into()), "no news");
        assert!(kind.ready().unwrap_err().to_string().ends_with("no right"));
        let mut listing = Listing::default();
        listing.add("shop", "a", Vec::new());
        assert!(kind.replace(listing));
        assert!(kind.interrupted("connection lost".into()));
        assert!(kind.ready().is_ok() && kind.exists("shop", "a"));
        assert!(kind.resumed() && !kind.resumed());
        kind.delete("shop", "a");
        assert_eq!((kind.exists("shop", "a"), kind.count()), (false, 0));
    }
}
