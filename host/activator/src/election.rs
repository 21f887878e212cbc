//! Leader election: the replica that holds a Lease acts.
//!
//! As in client-go, a Lease has expired when the observer has not seen it renewed for its duration, by the
//! observer's own clock; the times written in the Lease are not compared. A holder counts from before it
//! requested a renewal, and stops acting some seconds before another replica may take the Lease.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, watch};

use crate::marks::{Mark, Marks};
use leadsman_cluster::{Cluster, HeldLease};
use leadsman_runtime::backoff::jittered;
use leadsman_runtime::telemetry::Metrics;

/// The name of the Lease, in the namespace of the adapter.
pub const LEASE: &str = "leadsman-activator";

/// The annotation with the marks of zeros that were set here.
const MARKS: &str = "leadsman.dev/zeros";

/// Why marks are not known, and cannot be written.
const NOT_HELD: &str = "the Lease is not held by this replica any more";

/// The duration of the Lease without a renewal.
const LEASE_DURATION: Duration = Duration::from_secs(15);

/// How long before its expiry the holder begins no further change: a change takes a few requests, each of
/// which has a timeout.
const RELEASE_MARGIN: Duration = Duration::from_secs(6);

/// The interval at which the holder renews it.
const RENEW_INTERVAL: Duration = Duration::from_secs(4);

/// The interval at which others check whether it has expired.
const ELECTION_INTERVAL: Duration = Duration::from_secs(2);

/// The time limit for releasing it.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(3);

/// Until when this replica may act; `None` while it is not elected.
pub(crate) type Term = Option<Instant>;

/// Whether a change may begin now.
pub(crate) fn may_act(term: Term, now: Instant) -> bool {
    term.is_some_and(|until| now < until)
}

/// The Lease as a replica observes it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ObservedLease {
    version: String,
    holder: String,
    duration: Duration,
    /// When this version was observed first.
    since: Instant,
}

/// Whether a replica may take the Lease, or renew it.
fn may_hold(seen: Option<&ObservedLease>, me: &str, now: Instant) -> bool {
    seen.is_none_or(|seen| {
        seen.holder.is_empty()
            || seen.holder == me
            || now.saturating_duration_since(seen.since) >= seen.duration
    })
}

/// This observation after an earlier one.
fn seen_now(before: Option<ObservedLease>, lease: &HeldLease, now: Instant) -> ObservedLease {
    match before {
        Some(before) if before.version == lease.version() => before,
        _ => ObservedLease {
            version: lease.version().to_owned(),
            holder: lease.holder().to_owned(),
            duration: lease.duration(),
            since: now,
        },
    }
}

/// The mark of a workload on the Lease, if it is held.
fn marked_on(held: Option<&HeldLease>, uid: &str) -> Result<Option<Mark>, String> {
    let lease = held.ok_or(NOT_HELD)?;
    Ok(Marks::read(lease.note(MARKS)).get(uid).cloned())
}

/// Takes part in the election.
pub(crate) struct Election {
    cluster: Cluster,
    metrics: Metrics,
    /// The name of this replica: no other has the same.
    me: String,
    /// The Lease, while it is held here.
    held: Mutex<Option<HeldLease>>,
    /// Why the holder is not known.
    trouble: std::sync::Mutex<Option<String>>,
}

impl Election {
    pub(crate) fn new(cluster: &Cluster, metrics: Metrics) -> Self {
        let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "leadsman".to_owned());
        // Every `RandomState` has different keys, seeded by the operating system.
        let random = RandomState::new().hash_one(std::process::id());
        let me = format!("{host}_{random:016x}");
        let (cluster, held) = (cluster.clone(), Mutex::default());
        Self { cluster, metrics, me, held, trouble: std::sync::Mutex::default() }
    }

    /// Why this replica does not act, for people.
    pub(crate) fn why_not(&self) -> String {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match &*trouble {
            Some(trouble) => format!("not looked at: {trouble}"),
            None => "looked at by another replica of the adapter".to_owned(),
        }
    }

    /// Records why the holder of the Lease is not known. Returns whether the reason has changed.
    fn is_in_trouble(&self, trouble: Option<String>) -> bool {
        let mut noted = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = *noted != trouble;
        *noted = trouble;
        is_new
    }

    /// Takes part in the election while there are workloads to act on. Does not end.
    pub(crate) async fn run(&self, mut wanted: watch::Receiver<bool>, term: watch::Sender<Term>) {
        let mut seen = None;
        loop {
            if !*wanted.borrow_and_update() {
                self.resign(&term).await;
                if wanted.changed().await.is_err() {
                    // Whoever acts has ended, and the process ends with it.
                    return std::future::pending().await;
                }
                continue;
            }
            let asked = Instant::now();
            match self.attempt(&mut seen, asked).await {
                Ok(true) => self.elected(&term, asked + (LEASE_DURATION - RELEASE_MARGIN)),
                Ok(false) => self.not_elected(&term),
                // It acts on until its term ends, in which nobody else does.
                Err(error) => {
                    if self.is_in_trouble(Some(error.clone())) {
                        tracing::warn!(error, "who activates workloads is not known");
                    }
                    if !may_act(*term.borrow(), Instant::now()) {
                        self.not_elected(&term);
                    }
                    self.wait(ELECTION_INTERVAL, &mut wanted).await;
                    continue;
                }
            }
            self.is_in_trouble(None);
            let every = if term.borrow().is_some() { RENEW_INTERVAL } else { ELECTION_INTERVAL };
            self.wait(every, &mut wanted).await;
        }
    }

    async fn wait(&self, most: Duration, wanted: &mut watch::Receiver<bool>) {
        // The loop finds out what has changed.
        let _ = tokio::time::timeout(jittered(most), wanted.changed()).await;
    }

    /// Whether the Lease is held here now.
    async fn attempt(
        &self,
        seen: &mut Option<ObservedLease>,
        now: Instant,
    ) -> Result<bool, String> {
        let mut held = self.held.lock().await;
        // The holder need not read it: if somebody else has taken it, the version does not match.
        let read = match held.take() {
            Some(lease) => Some(lease),
            None => self.cluster.lease(LEASE).await?,
        };
        *seen = read.as_ref().map(|lease| seen_now(seen.take(), lease, now));
        if !may_hold(seen.as_ref(), &self.me, now) {
            return Ok(false);
        }
        *held = self.cluster.hold_lease(LEASE, read.as_ref(), &self.me, LEASE_DURATION).await?;
        Ok(held.is_some())
    }

    fn elected(&self, term: &watch::Sender<Term>, until: Instant) {
        if term.send_replace(Some(until)).is_none() {
            tracing::info!(replica = self.me, "this replica activates workloads");
            self.metrics.activator_leads(true);
        }
    }

    fn not_elected(&self, term: &watch::Sender<Term>) {
        if term.send_replace(None).is_some() {
            tracing::info!(replica = self.me, "this replica does not activate workloads any more");
            self.metrics.activator_leads(false);
        }
    }

    /// The mark of a workload, if its zero was set by whoever held the Lease. An error if the Lease is not
    /// held here now: without it the marks are not known, and the zero is nobody's yet.
    pub(crate) async fn marked(&self, uid: &str) -> Result<Option<Mark>, String> {
        marked_on(self.held.lock().await.as_ref(), uid)
    }

    /// Marks a workload, or removes its mark. An error if the Lease is not held here any more: then
    /// nothing is written.
    pub(crate) async fn mark(&self, uid: &str, mark: Option<Mark>) -> Result<(), String> {
        let mut held = self.held.lock().await;
        let lease = held.take().ok_or(NOT_HELD)?;
        let mut marks = Marks::read(lease.note(MARKS));
        if !marks.set(uid, mark) {
            *held = Some(lease);
            return Ok(());
        }
        let noted = lease.with_note(MARKS, marks.to_string());
        *held = self.cluster.hold_lease(LEASE, Some(&noted), &self.me, LEASE_DURATION).await?;
        match *held {
            Some(_) => Ok(()),
            None => Err("another replica has taken the Lease".to_owned()),
        }
    }

    /// Releases the Lease if it is held here.
    pub(crate) async fn resign(&self, term: &watch::Sender<Term>) {
        self.not_elected(term);
        let Some(held) = self.held.lock().await.take() else { return };
        let released = self.cluster.release_lease(LEASE, &held);
        match tokio::time::timeout(RELEASE_TIMEOUT, released).await {
            Ok(Ok(())) => tracing::info!(replica = self.me, "the Lease is given up"),
            Ok(Err(error)) => tracing::warn!(error, "the Lease is not given up, and expires"),
            Err(_) => tracing::warn!("the Lease is not given up in time, and expires"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(holder: &str, since: Instant) -> ObservedLease {
        ObservedLease {
            version: "1".to_owned(),
            holder: holder.to_owned(),
            duration: LEASE_DURATION,
            since,
        }
    }

    #[test]
    fn a_lease_is_taken_when_nobody_holds_it_or_it_has_expired() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(may_hold(None, "a", start));
        assert!(may_hold(Some(&seen("", start)), "a", start));
        assert!(may_hold(Some(&seen("a", start)), "a", at(1)), "it is renewed");
        assert!(!may_hold(Some(&seen("b", start)), "a", at(14)));
        assert!(may_hold(Some(&seen("b", start)), "a", at(15)));
    }

    #[test]
    fn without_the_lease_a_zero_is_not_said_to_be_of_somebody_else() {
        assert_eq!(marked_on(None, "uid"), Err(NOT_HELD.to_owned()));
    }

    #[test]
    fn the_holder_stops_before_another_may_begin() {
        let asked = Instant::now();
        let term = Some(asked + (LEASE_DURATION - RELEASE_MARGIN));
        let at = |seconds| asked + Duration::from_secs(seconds);
        assert!(may_act(term, at(8)) && !may_act(term, at(9)));
        assert!(!may_act(None, asked));
        // The other sees the renewal after it was asked for, and so later than its holder counts.
        let other = seen("holder", at(0));
        assert!(!may_hold(
            Some(&other),
            "other",
            at(9) + RELEASE_MARGIN - Duration::from_millis(1)
        ));
        assert!(RENEW_INTERVAL * 2 < LEASE_DURATION - RELEASE_MARGIN, "one renewal may fail");
    }
}
