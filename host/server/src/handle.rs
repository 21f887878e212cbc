//! The handle by which a request controls its connection.

use std::sync::Arc;

use tokio_util::sync::{CancellationToken, DropGuard};

use super::activity::{Activity, InFlight};

/// The connection of a request, for answers that are sent little by little. It is among the extensions
/// of every request.
#[derive(Debug, Clone)]
pub struct ConnectionHandle {
    activity: Arc<Activity>,
    closing: CancellationToken,
    stalled: CancellationToken,
}

/// An answer that is not complete. While there is one, the connection is not idle.
pub struct OpenCall {
    _in_flight: InFlight,
}

impl ConnectionHandle {
    pub(super) fn new(activity: Arc<Activity>) -> Self {
        Self { activity, closing: CancellationToken::new(), stalled: CancellationToken::new() }
    }

    /// Keeps the connection from being closed as idle for as long as an answer is not complete.
    pub fn open_call(&self) -> OpenCall {
        OpenCall { _in_flight: self.activity.request() }
    }

    /// Waits until the connection is about to close: what can end in order ends now.
    pub async fn closing(&self) {
        self.closing.cancelled().await;
    }

    /// Closes the connection at once: its client does not receive what is sent to it.
    pub fn drop_stalled(&self) {
        self.stalled.cancel();
    }

    pub(super) async fn stalled(&self) {
        self.stalled.cancelled().await;
    }

    pub(super) fn close(&self) {
        self.closing.cancel();
    }

    pub(super) fn closes_on_drop(&self) -> DropGuard {
        self.closing.clone().drop_guard()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::limits::IDLE_TIMEOUT;

    #[tokio::test]
    async fn an_open_call_keeps_its_connection_and_learns_of_its_end() {
        let now = Instant::now();
        let activity = Activity::new(now);
        let handle = ConnectionHandle::new(activity.clone());
        let late = now + IDLE_TIMEOUT * 2;
        let call = handle.open_call();
        assert!(activity.overdue(late).is_err());
        drop(call);
        assert!(activity.overdue(late + Duration::from_secs(1)).is_ok());
        let closed = handle.closes_on_drop();
        let reported = handle.clone();
        let waiting = async move { reported.closing().await };
        drop(closed);
        waiting.await;
        handle.drop_stalled();
        handle.stalled().await;
    }
}
