//! The handle by which a request controls its connection.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::{CancellationToken, DropGuard};

use super::activity::{Activity, InFlight};
use crate::auth::Peer;

/// The connection of a request: who is at its other end, and what answers that are sent little by little
/// need. It is among the extensions of every request.
#[derive(Debug, Clone)]
pub struct ConnectionHandle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    peer: Arc<Peer>,
    address: SocketAddr,
    activity: Arc<Activity>,
    closing: CancellationToken,
    stalled: CancellationToken,
}

/// An answer that is not complete. While there is one, the connection is not idle.
pub struct OpenCall {
    _in_flight: InFlight,
}

impl ConnectionHandle {
    pub(super) fn new(peer: Arc<Peer>, address: SocketAddr, activity: Arc<Activity>) -> Self {
        let (closing, stalled) = (CancellationToken::new(), CancellationToken::new());
        Self(Arc::new(Shared { peer, address, activity, closing, stalled }))
    }

    /// One without a connection, for requests that are made within the process.
    pub fn unconnected() -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::new(Arc::default(), address, Activity::new(Instant::now()))
    }

    /// The client, as the handshake shows it.
    pub fn peer(&self) -> &Arc<Peer> {
        &self.0.peer
    }

    /// The address of the client.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Keeps the connection from being closed as idle for as long as an answer is not complete.
    pub fn open_call(&self) -> OpenCall {
        OpenCall { _in_flight: self.0.activity.request() }
    }

    /// Waits until the connection is about to close: what can end in order ends now.
    pub async fn closing(&self) {
        self.0.closing.cancelled().await;
    }

    /// Closes the connection at once: its client does not receive what is sent to it.
    pub fn drop_stalled(&self) {
        self.0.stalled.cancel();
    }

    pub(super) async fn stalled(&self) {
        self.0.stalled.cancelled().await;
    }

    pub(super) fn close(&self) {
        self.0.closing.cancel();
    }

    pub(super) fn closes_on_drop(&self) -> DropGuard {
        self.0.closing.clone().drop_guard()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::limits::IDLE_TIMEOUT;

    #[tokio::test]
    async fn an_open_call_keeps_its_connection_and_learns_of_its_end() {
        let now = Instant::now();
        let activity = Activity::new(now);
        let handle =
            ConnectionHandle::new(Arc::default(), ([127, 0, 0, 1], 1).into(), activity.clone());
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
