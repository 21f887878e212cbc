//! What is told of documents: in the log, in the metrics, and as Events on their ConfigMaps.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::job::LOADING;
use leadsman_cluster::{Cluster, ConfigMapReference, Events};
use leadsman_model::owner::Owner;
use leadsman_provider::snapshot::Rejection;
use leadsman_runtime::telemetry::Metrics;

/// Events that wait to be written. More than these say nothing new.
const WAITING: usize = 100;

/// Tells what has changed.
pub(super) struct Report {
    metrics: Metrics,
    events: Option<mpsc::Sender<Told>>,
    before: Vec<Arc<Rejection>>,
}

/// An Event.
struct Told {
    about: ConfigMapReference,
    bad: bool,
    reason: &'static str,
    message: String,
}

impl Report {
    pub(super) fn new(metrics: Metrics, events: Option<EventQueue>) -> (Self, Option<EventWriter>) {
        let (events, writer) = events.map(|queue| (queue.sender, queue.writer)).unzip();
        (Self { metrics, events, before: Vec::new() }, writer)
    }

    /// Tells what is rejected now that was not before, and what no more is. `about` are the
    /// ConfigMaps of the documents.
    pub(super) fn tell(
        &mut self,
        now: &[Arc<Rejection>],
        about: &HashMap<Owner, ConfigMapReference>,
    ) {
        // What is being loaded is neither good nor bad yet.
        let now_told = now.iter().filter(|one| one.reason != LOADING);
        for rejected in now_told.filter(|one| !self.before.contains(one)) {
            let (owner, title) = (rejected.owner.to_string(), &rejected.title);
            let (reason, message) = (rejected.reason, &rejected.message);
            let instead = if rejected.serving { "what was there before" } else { "nothing" };
            tracing::warn!(owner, mapping = title, reason, serving = instead, "{message}");
            let goes_on = if rejected.serving { "; what was served before goes on" } else { "" };
            let message = format!("{title}: {message}{goes_on}");
            self.event(about.get(&rejected.owner), true, reason, message);
        }
        let mut better: Vec<&Arc<Rejection>> =
            self.before.iter().filter(|one| !now.iter().any(|now| same(now, one))).collect();
        better.dedup_by(|a, b| same(a, b));
        for rejected in better {
            let (owner, title) = (rejected.owner.to_string(), &rejected.title);
            tracing::info!(owner, mapping = title, "what was rejected is so no more");
            let message = format!("{title}: it is served as it is configured");
            self.event(about.get(&rejected.owner), false, "Loaded", message);
        }
        let told = now
            .iter()
            .map(|rejected| (rejected.owner.to_string(), rejected.title.as_str(), rejected.reason));
        self.metrics.rejected(told);
        // Until it is loaded, what was told before stands.
        let mut before = now.to_vec();
        before.retain(|one| one.reason != LOADING);
        let loading =
            |one: &Arc<Rejection>| now.iter().any(|now| now.reason == LOADING && same(now, one));
        before.extend(std::mem::take(&mut self.before).into_iter().filter(loading));
        self.before = before;
    }

    fn event(
        &self,
        about: Option<&ConfigMapReference>,
        bad: bool,
        reason: &'static str,
        message: String,
    ) {
        let (Some(events), Some(about)) = (&self.events, about) else { return };
        let told = Told { about: about.clone(), bad, reason, message };
        if events.try_send(told).is_err() {
            tracing::warn!("there are more Events than can be written");
        }
    }
}

/// Whether two are about the same thing.
fn same(one: &Rejection, other: &Rejection) -> bool {
    one.owner == other.owner && one.title == other.title
}

/// Events on their way.
pub(super) struct EventQueue {
    sender: mpsc::Sender<Told>,
    writer: EventWriter,
}

/// Writes Events one after another: telling never keeps the work waiting.
pub(super) struct EventWriter {
    events: Events,
    waiting: mpsc::Receiver<Told>,
}

impl EventQueue {
    pub(super) fn of(cluster: &Cluster) -> Self {
        let (sender, waiting) = mpsc::channel(WAITING);
        Self { sender, writer: EventWriter { events: Events::of(cluster), waiting } }
    }
}

impl EventWriter {
    pub(super) async fn run(self) {
        let Self { mut events, mut waiting } = self;
        let mut failing = false;
        while let Some(Told { about, bad, reason, message }) = waiting.recv().await {
            match events.write(&about, bad, reason, &message).await {
                Ok(()) => failing = false,
                Err(error) if failing => tracing::debug!(error, "an Event cannot be written"),
                Err(error) => {
                    failing = true;
                    let (namespace, name) = (about.namespace, about.name);
                    tracing::warn!(namespace, name, error, "an Event cannot be written");
                }
            }
        }
        std::future::pending().await
    }
}
