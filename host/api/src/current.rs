//! The current snapshot with its precomputed discovery documents, replaced as one.

use std::sync::Arc;
use std::time::Instant;

use arc_swap::{ArcSwap, Guard};
use tokio::sync::watch;

use super::discovery::Discovery;
use leadsman_evaluation::MissingLog;
use leadsman_provider::ReadError;
use leadsman_provider::snapshot::Snapshot;
use leadsman_runtime::telemetry::Metrics;

/// A snapshot with its discovery documents.
pub struct Generation {
    /// The snapshot.
    pub snapshot: Arc<Snapshot>,
    pub(super) discovery: Discovery,
}

/// The current snapshot.
pub struct CurrentSnapshot {
    generation: ArcSwap<Generation>,
    published: watch::Sender<()>,
    /// Why reads found no metric.
    pub(super) unserved: MissingLog,
}

impl CurrentSnapshot {
    /// Starts with a snapshot.
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        let generation = ArcSwap::from_pointee(generation(snapshot));
        Self { generation, published: watch::Sender::new(()), unserved: MissingLog::default() }
    }

    /// Replaces the snapshot. Requests in flight keep the one that they started with.
    pub fn publish(&self, snapshot: Arc<Snapshot>) {
        self.generation.store(Arc::new(generation(snapshot)));
        self.published.send_replace(());
    }

    /// Rebuilds the discovery documents, after the cluster's discovery of a kind has changed, or what a
    /// delegate lists.
    pub fn refresh(&self) {
        // A snapshot that is published meanwhile must not be lost; its documents are up to date.
        self.generation.rcu(|now| Arc::new(generation(now.snapshot.clone())));
    }

    /// The current snapshot.
    pub fn now(&self) -> Arc<Generation> {
        Guard::into_inner(self.generation.load())
    }

    /// Notices each snapshot that is published from now on.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.published.subscribe()
    }

    /// A read found that its metric is not served. Others count for their mapping.
    pub fn note_unserved(&self, error: &ReadError, metrics: &Metrics) {
        if error.is_unserved() {
            metrics.unserved(error.reason());
            self.unserved.note(error.reason(), &error.to_string(), Instant::now());
        }
    }

    /// Waits for a snapshot that is not empty.
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
