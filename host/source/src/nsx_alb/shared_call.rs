//! Which metric requests share a call.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::query::Entity;
use super::request::Target;
use super::series_cache::Key;

/// The maximum number of metric requests in a call.
const MAX_REQUESTS: usize = 64;

/// A call that is being put together of several metric requests. An answer names the object, the server
/// and the metric of a series, and not the request that it belongs to: so a call never asks twice for a
/// metric of one object, as by its name and among all of its kind, or in two steps.
#[derive(Default)]
pub(super) struct SharedCall {
    requests: usize,
    keys: Vec<Key>,
    asked: HashMap<(Entity, Arc<str>), RequestedObjects>,
}

/// The objects for which a metric is requested.
enum RequestedObjects {
    All,
    Named(HashSet<Arc<str>>),
}

impl SharedCall {
    /// Whether a metric request can be part of it. Its keys are given.
    pub(super) fn can_take(&self, request: &[Key]) -> bool {
        let is_apart =
            |key: &Key| match (self.asked.get(&(key.entity, key.metric.clone())), &key.target) {
                (None, _) => true,
                (Some(RequestedObjects::Named(named)), Target::One(uuid)) => !named.contains(uuid),
                (Some(_), _) => false,
            };
        self.requests < MAX_REQUESTS && request.iter().all(is_apart)
    }

    /// Takes the keys of one metric request.
    pub(super) fn take(&mut self, request: Vec<Key>) {
        self.requests += 1;
        for key in &request {
            let of = (key.entity, key.metric.clone());
            match &key.target {
                Target::All => drop(self.asked.insert(of, RequestedObjects::All)),
                Target::One(uuid) => {
                    let asked = self
                        .asked
                        .entry(of)
                        .or_insert_with(|| RequestedObjects::Named(HashSet::new()));
                    if let RequestedObjects::Named(named) = asked {
                        named.insert(uuid.clone());
                    }
                }
            }
        }
        self.keys.extend(request);
    }

    /// The keys that it is for.
    pub(super) fn into_keys(self) -> Vec<Key> {
        self.keys
    }
}
