//! What is served now: a snapshot and what is precomputed of it, swapped as one.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use tokio::sync::watch;

use super::discovery::Discovery;
use crate::snapshot::Snapshot;

/// A snapshot with its discovery documents.
pub struct Generation {
    /// The snapshot.
    pub snapshot: Arc<Snapshot>,
    pub(super) discovery: Discovery,
}

/// What is served now.
pub struct Served {
    generation: ArcSwap<Generation>,
    published: watch::Sender<()>,
}

impl Served {
    /// Begins with a snapshot.
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        let generation = ArcSwap::from_pointee(generation(snapshot));
        Self { generation, published: watch::Sender::new(()) }
    }

    /// Serves another snapshot from now on. Requests under way end on theirs.
    pub fn publish(&self, snapshot: Arc<Snapshot>) {
        self.generation.store(Arc::new(generation(snapshot)));
        self.published.send_replace(());
    }

    /// Tells again what is served: a cluster has said something new of a kind.
    pub fn refresh(&self) {
        // A snapshot that is published meanwhile knows as much, and is not to be lost.
        self.generation.rcu(|now| Arc::new(generation(now.snapshot.clone())));
    }

    /// What is served now.
    pub fn now(&self) -> Arc<Generation> {
        Guard::into_inner(self.generation.load())
    }

    /// Waits for a snapshot that has something to serve.
    pub async fn usable(&self) -> Arc<Snapshot> {
        let mut published = self.published.subscribe();
        loop {
            let snapshot = self.now().snapshot.clone();
            if !snapshot.is_empty() {
                return snapshot;
            }
            // The sender lives in this value, so the channel cannot close.
            let _ = published.changed().await;
        }
    }
}

fn generation(snapshot: Arc<Snapshot>) -> Generation {
    let discovery = Discovery::of(&snapshot);
    Generation { snapshot, discovery }
}
