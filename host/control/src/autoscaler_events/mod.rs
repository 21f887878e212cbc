//! Events on autoscalers: that the values they read turned old, fail, or are there again.
//!
//! The evaluations in use are looked at from time to time, which costs reads nothing. When what reads of
//! one get has changed, the autoscalers that name the metric are looked up, and each gets an Event, within
//! [limits](limits). An autoscaler that names a metric by itself is enough: whether its controller runs is
//! not asked.

mod change;
mod limits;
mod lookup;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use change::{Change, Changes};
use leadsman_cluster::{AutoscalerReference, Cluster, Events};
use leadsman_provider::snapshot::Snapshot;
use leadsman_runtime::telemetry::{EventOutcome, Metrics};
use limits::Limits;
use lookup::Lookup;

/// How often evaluations are looked at. A failure that is over before is not reported.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// How long kube-apiserver may take to store an Event.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Writes Events of changes on autoscalers. Does not end by itself.
pub async fn write_autoscaler_events(
    cluster: &Cluster,
    metrics: &Metrics,
    snapshot: impl Fn() -> Arc<Snapshot>,
) {
    let mut reporter = EventReporter {
        events: Events::of(cluster),
        lookup: Lookup::new(cluster.clone()),
        limits: Limits::default(),
        metrics: metrics.clone(),
        is_failing: false,
    };
    let mut changes = Changes::default();
    let mut looks = interval(CHECK_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let snapshot = snapshot();
        let conditions = snapshot.in_use().flat_map(|evaluations| change::of(evaluations));
        for change in changes.since_last(conditions) {
            if reporter.report(&change).await.is_err() {
                changes.unreported(&change);
            }
        }
    }
}

/// The autoscalers that a change concerns are not known.
struct Unknown;

struct EventReporter {
    events: Events,
    lookup: Lookup,
    limits: Limits,
    metrics: Metrics,
    /// Whether the last Event could not be written.
    is_failing: bool,
}

impl EventReporter {
    /// Reports a change to the autoscalers that it concerns. Fails if they are not known.
    async fn report(&mut self, change: &Change) -> Result<(), Unknown> {
        let namespace = change.of.namespace();
        let known = match self.lookup.scaling(namespace, Instant::now()).await {
            Ok(known) => known,
            Err(reason) => {
                self.failed(&reason);
                return Err(Unknown);
            }
        };
        let concerned = known.iter().filter(|one| one.metrics.iter().any(|m| change.of.is(m)));
        for scaling in concerned {
            let about = &scaling.autoscaler;
            if !self.limits.admit(about, Instant::now()) {
                self.metrics.autoscaler_event(EventOutcome::Limited);
                continue;
            }
            self.write(about, change).await;
        }
        Ok(())
    }

    async fn write(&mut self, about: &AutoscalerReference, change: &Change) {
        let (reason, bad) = change.reason();
        let message = change.message();
        let written = self.events.write_on_autoscaler(about, bad, reason, &message);
        let late = || Err("kube-apiserver does not answer".to_owned());
        match timeout(WRITE_TIMEOUT, written).await.unwrap_or_else(|_| late()) {
            Ok(()) => {
                self.is_failing = false;
                self.metrics.autoscaler_event(EventOutcome::Written);
            }
            Err(reason) => self.failed(&reason),
        }
    }

    /// Logged when it begins, and not each time it repeats.
    fn failed(&mut self, reason: &str) {
        self.metrics.autoscaler_event(EventOutcome::Failed);
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::warn!(reason, "autoscalers cannot be told of their metrics");
        }
    }
}
