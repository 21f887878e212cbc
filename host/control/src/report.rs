//! Reporting the status of documents: in the log, in the metrics, and as Events on their ConfigMaps.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};

use super::reason::Reason;
use leadsman_cluster::{Cluster, ConfigMapReference, Events};
use leadsman_model::owner::Owner;
use leadsman_provider::snapshot::Rejection;
use leadsman_runtime::telemetry::Metrics;

/// How many Events may wait to be written. More than these say nothing new.
const MAX_WAITING: usize = 100;

/// Reports what has changed.
pub(super) struct Report {
    metrics: Metrics,
    events: Option<mpsc::Sender<EventRecord>>,
    before: Vec<Arc<Rejection>>,
}

/// An Event to be written.
struct EventRecord {
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

    /// Reports what is rejected now and was not before, and what is no longer. `about` are the
    /// ConfigMaps of the documents.
    pub(super) fn publish(
        &mut self,
        now: &[Arc<Rejection>],
        about: &HashMap<Owner, ConfigMapReference>,
    ) {
        // What is being loaded is neither good nor bad yet.
        let known = now.iter().filter(|one| one.reason != Reason::Loading);
        for rejected in known.filter(|one| !self.before.contains(one)) {
            let (owner, title) = (rejected.owner.to_string(), &rejected.title);
            let (reason, message) = (rejected.reason, &rejected.message);
            let is_served = [Reason::ConfigWarning, Reason::UnknownLabel].contains(&reason);
            let (instead, goes_on) = match rejected.serving {
                _ if is_served => ("what is configured", ""),
                true => ("what was there before", "; what was served before goes on"),
                false => ("nothing", ""),
            };
            tracing::warn!(
                owner,
                mapping = title,
                reason = reason.as_str(),
                serving = instead,
                "{message}"
            );
            let message = format!("{title}: {message}{goes_on}");
            self.event(about.get(&rejected.owner), true, reason.as_str(), message);
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
        let warnings = [Reason::ConfigWarning, Reason::UnknownLabel, Reason::NoMetrics];
        let rejected =
            now.iter().filter(|rejected| !warnings.contains(&rejected.reason)).map(|rejected| {
                (rejected.owner.to_string(), rejected.title.as_str(), rejected.reason.as_str())
            });
        self.metrics.rejected(rejected);
        // Until it is loaded, what was reported before stands.
        let mut before = now.to_vec();
        before.retain(|one| one.reason != Reason::Loading);
        let loading = |one: &Arc<Rejection>| {
            now.iter().any(|now| now.reason == Reason::Loading && same(now, one))
        };
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
        let record = EventRecord { about: about.clone(), bad, reason, message };
        if events.try_send(record).is_err() {
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
    sender: mpsc::Sender<EventRecord>,
    writer: EventWriter,
}

/// Writes Events one after another: reporting never delays the controller.
pub(super) struct EventWriter(Mutex<Writing>);

struct Writing {
    events: Events,
    waiting: mpsc::Receiver<EventRecord>,
    /// Whether the last one could not be written.
    failing: bool,
}

impl EventQueue {
    pub(super) fn of(cluster: &Cluster) -> Self {
        let (sender, waiting) = mpsc::channel(MAX_WAITING);
        let writing = Writing { events: Events::of(cluster), waiting, failing: false };
        Self { sender, writer: EventWriter(Mutex::new(writing)) }
    }
}

impl EventWriter {
    /// Does not end by itself.
    pub(super) async fn run(&self) {
        let mut writing = self.0.lock().await;
        while let Some(record) = writing.waiting.recv().await {
            writing.write(record).await;
        }
        std::future::pending().await
    }
}

impl Writing {
    async fn write(&mut self, record: EventRecord) {
        let EventRecord { about, bad, reason, message } = record;
        match self.events.write(&about, bad, reason, &message).await {
            Ok(()) => self.failing = false,
            Err(error) if self.failing => tracing::debug!(error, "an Event cannot be written"),
            Err(error) => {
                self.failing = true;
                let (namespace, name) = (about.namespace, about.name);
                tracing::warn!(namespace, name, error, "an Event cannot be written");
            }
        }
    }
}
