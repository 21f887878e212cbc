//! The autoscalers that are known, bounded in number and bytes.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use crate::manifest::Autoscaler;

/// The most autoscalers that are kept. Each costs an evaluation of its arithmetic when the page is
/// looked at.
pub(crate) const MAX_AUTOSCALERS: usize = 2000;

/// The most memory that they take together, as the API writes them: their namespaces choose their size.
pub(crate) const MAX_BYTES: usize = 16 << 20;

/// Whether the autoscalers are followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// There is no cluster.
    NoCluster,
    /// They are being listed for the first time.
    Starting,
    /// They are known, and their changes followed.
    Synced,
    /// A right is missing. Which one, and how to give it.
    Forbidden(String),
    /// They cannot be listed or watched for now. Why.
    Interrupted(String),
}

/// All that is known at one time.
#[derive(Debug, Clone)]
pub struct KnownAutoscalers {
    /// The autoscalers, by namespace and name.
    pub list: Vec<Arc<Autoscaler>>,
    /// Whether there are more than are kept.
    pub more: bool,
    /// Whether they are followed.
    pub followed: Followed,
}

/// The autoscalers that are known. One task writes, everybody reads.
#[derive(Debug)]
pub struct AutoscalerStore(RwLock<Inner>);

#[derive(Debug)]
struct Inner {
    /// With the size of each.
    known: BTreeMap<(String, String), (Arc<Autoscaler>, usize)>,
    bytes: usize,
    more: bool,
    followed: Followed,
}

impl AutoscalerStore {
    /// A store without autoscalers.
    pub fn new(followed: Followed) -> Self {
        let (known, bytes, more) = (BTreeMap::new(), 0, false);
        Self(RwLock::new(Inner { known, bytes, more, followed }))
    }

    /// These are all there are, each with its size in bytes.
    pub fn replace(&self, all: impl IntoIterator<Item = (Autoscaler, usize)>) {
        let mut inner = self.write();
        *inner =
            Inner { known: BTreeMap::new(), bytes: 0, more: false, followed: Followed::Synced };
        all.into_iter().for_each(|(autoscaler, bytes)| inner.put(autoscaler, bytes));
    }

    /// One is so now, with its size in bytes.
    pub fn apply(&self, autoscaler: Autoscaler, bytes: usize) {
        let mut inner = self.write();
        inner.followed = Followed::Synced;
        inner.put(autoscaler, bytes);
    }

    /// One is gone.
    pub fn delete(&self, namespace: &str, name: &str) {
        let mut inner = self.write();
        inner.followed = Followed::Synced;
        inner.remove(&(namespace.to_owned(), name.to_owned()));
    }

    /// They cannot be followed for now: what was known before stays. Returns whether that is news.
    pub fn watch_failed(&self, why: Followed) -> bool {
        let mut inner = self.write();
        let news = inner.followed != why;
        inner.followed = why;
        news
    }

    /// All that is known now.
    pub fn known(&self) -> KnownAutoscalers {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        KnownAutoscalers {
            list: inner.known.values().map(|(autoscaler, _)| autoscaler.clone()).collect(),
            more: inner.more,
            followed: inner.followed.clone(),
        }
    }

    /// One of them, and whether they are followed.
    pub fn find(&self, namespace: &str, name: &str) -> (Option<Arc<Autoscaler>>, Followed) {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let key = (namespace.to_owned(), name.to_owned());
        let found = inner.known.get(&key).map(|(autoscaler, _)| autoscaler.clone());
        (found, inner.followed.clone())
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn put(&mut self, autoscaler: Autoscaler, bytes: usize) {
        let namespace = autoscaler.metadata.namespace.clone().unwrap_or_default();
        let key = (namespace, autoscaler.metadata.name.clone());
        self.remove(&key);
        if self.known.len() >= MAX_AUTOSCALERS || self.bytes.saturating_add(bytes) > MAX_BYTES {
            self.more = true;
            return;
        }
        self.bytes += bytes;
        self.known.insert(key, (Arc::new(autoscaler), bytes));
    }

    fn remove(&mut self, key: &(String, String)) {
        if let Some((_, bytes)) = self.known.remove(key) {
            self.bytes -= bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Autoscaler {
        let object = serde_json::json!({
            "metadata": {"namespace": "shop", "name": name},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": name}, "maxReplicas": 3},
        });
        serde_json::from_value(object).unwrap()
    }

    fn names(store: &AutoscalerStore) -> Vec<String> {
        store.known().list.iter().map(|known| known.metadata.name.clone()).collect()
    }

    #[test]
    fn what_changes_is_followed() {
        let store = AutoscalerStore::new(Followed::Starting);
        store.replace([(named("b"), 100), (named("a"), 100)]);
        assert_eq!(names(&store), ["a", "b"]);
        store.delete("shop", "b");
        store.apply(named("c"), 100);
        assert_eq!(names(&store), ["a", "c"]);
        let found = |name: &str| store.find("shop", name).0.is_some();
        assert_eq!((found("a"), found("b"), store.find("bank", "a").0), (true, false, None));
        let why = Followed::Forbidden("a right".to_owned());
        assert!(store.watch_failed(why.clone()) && !store.watch_failed(why.clone()));
        assert_eq!((names(&store).len(), store.known().followed), (2, why), "they stay");
        store.replace([]);
        assert_eq!(store.known().followed, Followed::Synced);
    }

    #[test]
    fn number_and_bytes_are_bounded() {
        let store = AutoscalerStore::new(Followed::Starting);
        let many = (0..MAX_AUTOSCALERS + 1).map(|number| (named(&format!("web-{number}")), 1));
        store.replace(many);
        assert!(store.known().more);
        assert_eq!(store.known().list.len(), MAX_AUTOSCALERS);
        store.replace([(named("large"), MAX_BYTES)]);
        assert!(!store.known().more);
        store.apply(named("other"), 1);
        assert!(store.known().more, "there is no room");
        store.apply(named("large"), 10);
        store.apply(named("other"), 1);
        assert_eq!(names(&store), ["large", "other"], "its room is that of its newest version");
    }
}
