//! What a connection has been used for.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::limits::{FIRST_REQUEST_TIMEOUT, HANDSHAKE_GRACE, IDLE_TIMEOUT};
use crate::auth::Peer;

/// What a connection has been used for. Requests update it without a lock.
#[derive(Debug)]
pub(super) struct Activity {
    opened: Instant,
    /// Who is at the other end, once the handshake is done.
    peer: OnceLock<(Arc<Peer>, Instant)>,
    any_request: AtomicBool,
    in_flight: AtomicU32,
    /// When a request began or ended last, in milliseconds after `opened`.
    last: AtomicU64,
}

/// How much a connection is worth, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Priority {
    /// It has made no request for longer than a handshake takes.
    Silent,
    /// It made requests, none of them authorized with credentials, and has none in flight.
    Idle,
    /// It is too new to have made a request.
    New,
    /// It has a request in flight.
    Busy,
    /// It made a request that was authorized with credentials.
    Authorized,
    /// The same, with a request in flight.
    AuthorizedBusy,
}

/// What a connection that is asked for nothing is closed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    /// The first request did not come in time.
    FirstRequest,
    /// No request for too long.
    Idle,
}

impl Activity {
    pub(super) fn new(now: Instant) -> Arc<Self> {
        Arc::new(Self {
            opened: now,
            peer: OnceLock::new(),
            any_request: AtomicBool::new(false),
            in_flight: AtomicU32::new(0),
            last: AtomicU64::new(0),
        })
    }

    /// The handshake is done. Counts once.
    pub(super) fn established(&self, peer: Arc<Peer>, now: Instant) {
        // A connection has one handshake.
        let _ = self.peer.set((peer, now));
    }

    /// A request has begun; it ends when the guard is dropped.
    pub(super) fn request(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.any_request.store(true, Ordering::Relaxed);
        self.touch(Instant::now());
        InFlight(self.clone())
    }

    fn touch(&self, now: Instant) {
        let since = now.saturating_duration_since(self.opened).as_millis();
        self.last.store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// When a request began or ended last; when it was opened if there was none.
    pub(super) fn last(&self) -> Instant {
        self.opened + Duration::from_millis(self.last.load(Ordering::Relaxed))
    }

    pub(super) fn priority(&self, now: Instant) -> Priority {
        let authorized = self.peer.get().is_some_and(|(peer, _)| peer.is_authorized());
        let busy = self.in_flight.load(Ordering::Relaxed) > 0;
        match (authorized, busy, self.any_request.load(Ordering::Relaxed)) {
            (true, true, _) => Priority::AuthorizedBusy,
            (true, false, _) => Priority::Authorized,
            (false, true, _) => Priority::Busy,
            (false, false, true) => Priority::Idle,
            (false, false, false)
                if now.saturating_duration_since(self.opened) < HANDSHAKE_GRACE =>
            {
                Priority::New
            }
            (false, false, false) => Priority::Silent,
        }
    }

    /// Whether the connection is to be closed for inactivity, or when to look again.
    pub(super) fn overdue(&self, now: Instant) -> Result<Overdue, Instant> {
        let (due, overdue) = if self.in_flight.load(Ordering::Relaxed) > 0 {
            return Err(now + IDLE_TIMEOUT);
        } else if self.any_request.load(Ordering::Relaxed) {
            (self.last() + IDLE_TIMEOUT, Overdue::Idle)
        } else {
            let established = self.peer.get().map_or(self.opened, |(_, at)| *at);
            (established + FIRST_REQUEST_TIMEOUT, Overdue::FirstRequest)
        };
        if due <= now { Ok(overdue) } else { Err(due) }
    }
}

/// A request in flight.
pub(super) struct InFlight(Arc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.touch(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_gains_priority_with_what_it_is_used_for() {
        let now = Instant::now();
        let activity = Activity::new(now);
        assert_eq!(activity.priority(now), Priority::New);
        assert_eq!(activity.priority(now + HANDSHAKE_GRACE), Priority::Silent);
        let peer = Arc::new(Peer::default());
        activity.established(peer.clone(), now);
        assert_eq!(activity.priority(now + HANDSHAKE_GRACE), Priority::Silent);
        let request = activity.request();
        assert_eq!(activity.priority(now), Priority::Busy);
        peer.set_authorized();
        assert_eq!(activity.priority(now), Priority::AuthorizedBusy);
        drop(request);
        assert_eq!(activity.priority(now), Priority::Authorized);
        let other = Activity::new(now);
        drop(other.request());
        assert_eq!(other.priority(now + HANDSHAKE_GRACE), Priority::Idle);
    }

    #[test]
    fn the_first_request_and_each_later_one_have_a_deadline() {
        let now = Instant::now();
        let activity = Activity::new(now);
        let later = now + Duration::from_secs(5);
        activity.established(Arc::default(), later);
        assert_eq!(activity.overdue(now), Err(later + FIRST_REQUEST_TIMEOUT));
        assert_eq!(activity.overdue(later + FIRST_REQUEST_TIMEOUT), Ok(Overdue::FirstRequest));
        let request = activity.request();
        assert!(activity.overdue(later + IDLE_TIMEOUT * 2).is_err());
        drop(request);
        let due = activity.overdue(now).unwrap_err();
        assert!(due >= now + IDLE_TIMEOUT && due < now + IDLE_TIMEOUT * 2);
        assert_eq!(activity.overdue(due), Ok(Overdue::Idle));
    }
}
