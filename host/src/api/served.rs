//! What is served now: a snapshot and what is precomputed of it, swapped as one.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use super::discovery::Discovery;
use crate::snapshot::Snapshot;

/// A snapshot with its discovery documents.
pub struct Generation {
    /// The snapshot.
    pub snapshot: Arc<Snapshot>,
    pub(super) discovery: Discovery,
}

/// What is served now.
pub struct Served(ArcSwap<Generation>);

impl Served {
    /// Begins with a snapshot.
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        Self(ArcSwap::from_pointee(generation(snapshot)))
    }

    /// Serves another snapshot from now on. Requests under way end on theirs.
    pub fn publish(&self, snapshot: Arc<Snapshot>) {
        self.0.store(Arc::new(generation(snapshot)));
    }

    /// Tells again what is served: a cluster has said something new of a kind.
    pub fn refresh(&self) {
        self.publish(self.now().snapshot.clone());
    }

    /// What is served now.
    pub fn now(&self) -> Arc<Generation> {
        Guard::into_inner(self.0.load())
    }
}

fn generation(snapshot: Arc<Snapshot>) -> Generation {
    let discovery = Discovery::of(&snapshot);
    Generation { snapshot, discovery }
}
