//! Reports the result for a workload: in the log, in the metrics, on the status page, and as an Event on
//! the workload.

use tokio::sync::{Mutex, mpsc};

use crate::group::Group;
use leadsman_cluster::{EventSubject, Events};
use leadsman_runtime::telemetry::ActivationEvent;

/// The length of the queue of Events. Further ones would say nothing new.
const MAX_WAITING: usize = 100;

/// An Event to be written.
struct Record {
    about: EventSubject,
    action: &'static str,
    bad: bool,
    reason: &'static str,
    message: String,
}

/// Reports results.
pub(crate) struct Report(mpsc::Sender<Record>);

/// Writes Events one after another: reporting delays no decision.
pub(crate) struct EventWriter {
    events: Mutex<(Events, mpsc::Receiver<Record>)>,
}

impl Report {
    pub(crate) fn new(events: Events) -> (Self, EventWriter) {
        let (sender, waiting) = mpsc::channel(MAX_WAITING);
        (Self(sender), EventWriter { events: Mutex::new((events, waiting)) })
    }

    /// The workload was scaled to this number of replicas.
    pub(crate) fn scaled(&self, group: &Group, uid: Option<String>, to: u32) {
        let (workload, mapping) = (&group.workload, group.title());
        let (event, reason, why) = match to {
            0 => (
                ActivationEvent::ToZero,
                "ScaledToZero",
                format!(
                    "the value has been at or below the threshold for {}s",
                    group.settings.cooldown.as_secs()
                ),
            ),
            _ => (
                ActivationEvent::FromZero,
                "ScaledFromZero",
                "the value is above the threshold".to_owned(),
            ),
        };
        group.first().mapping().metrics.activated(event);
        tracing::info!(%workload, mapping, replicas = to, why, "a workload is scaled");
        let message = format!("scaled to {to} replicas by the mapping {mapping}: {why}");
        self.event(group, uid, false, reason, message);
    }

    /// The workload is held or left as it is. Reported whenever the reason changes.
    pub(crate) fn left(&self, group: &Group, before: &str, reported: &str) {
        if before != reported {
            let (workload, mapping) = (&group.workload, group.title());
            tracing::info!(%workload, mapping, "{reported}");
        }
    }

    /// The workload is left to others, for a reason that its owner should know.
    pub(crate) fn left_to_others(&self, group: &Group, uid: Option<String>, reported: &str) {
        let message = format!("the mapping {} does not scale it: {reported}", group.title());
        self.event(group, uid, false, "ActivationLeft", message);
    }

    /// The workload could not be read or scaled.
    pub(crate) fn failed(&self, group: &Group, before: &str, reported: &str) {
        group.first().mapping().metrics.activated(ActivationEvent::Failed);
        if before != reported {
            let (workload, mapping) = (&group.workload, group.title());
            tracing::warn!(%workload, mapping, "{reported}");
            let message = format!("the mapping {mapping} cannot scale it: {reported}");
            self.event(group, None, true, "ActivationFailed", message);
        }
    }

    /// Somebody else changed the workload at the same time.
    pub(crate) fn conflict(&self, group: &Group) {
        group.first().mapping().metrics.activated(ActivationEvent::Conflict);
        tracing::debug!(workload = %group.workload, "it has changed, and is looked at again");
    }

    fn event(
        &self,
        group: &Group,
        uid: Option<String>,
        bad: bool,
        reason: &'static str,
        message: String,
    ) {
        let (namespace, name) = (&group.workload.namespace, &group.workload.name);
        let about = EventSubject {
            api_version: name.api_version().to_owned(),
            kind: name.kind().to_owned(),
            namespace: namespace.to_string(),
            name: name.name().to_owned(),
            uid,
        };
        let record = Record { about, action: "Scale", bad, reason, message };
        if self.0.try_send(record).is_err() {
            tracing::warn!("there are more Events than can be written");
        }
    }
}

impl EventWriter {
    /// Does not end by itself.
    pub(crate) async fn run(&self) {
        let mut events = self.events.lock().await;
        let (events, waiting) = &mut *events;
        let mut failing = false;
        while let Some(Record { about, action, bad, reason, message }) = waiting.recv().await {
            match events.write_about(&about, action, bad, reason, &message).await {
                Ok(()) => failing = false,
                Err(error) if failing => tracing::debug!(error, "an Event cannot be written"),
                Err(error) => {
                    failing = true;
                    let EventSubject { namespace, name, .. } = about;
                    tracing::warn!(namespace, name, error, "an Event cannot be written");
                }
            }
        }
        std::future::pending().await
    }
}
