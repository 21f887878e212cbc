//! Limits of connections: how many there may be, and how long each phase may take.

use std::time::Duration;

/// From the accepted connection to the end of the TLS handshake.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// From the handshake to the whole head of the first request. An HTTP/2 preface that never comes and
/// a head that is sent byte by byte end with it.
pub(super) const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// For the head of a later HTTP/1 request on the secure port.
pub(super) const REQUEST_HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum size of the head of a request, in bytes: the front proxy sends all groups of a user. Each
/// connection may have one that is not complete.
pub(super) const MAX_HEAD_BYTES: u32 = 64 << 10;

/// The requests in flight on one HTTP/2 connection: as many as hyper allows by default.
pub(super) const MAX_STREAMS: u32 = 200;

/// The same on the address for scalers of KEDA, which sends everything through one connection: two calls
/// that stay open for each of some thousand triggers, and room for the others.
pub(super) const MAX_SCALER_STREAMS: u32 = 5000;

/// Without a request that begins or is answered. Longer than the usual interval of scrapes and of
/// the HPA controller, whose connections stay open between two requests.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(120);

/// A connection is asked to close after about this time. One of HTTP/2 would stay with this process
/// for good otherwise, and a process that starts later would never be asked.
pub(super) const MAX_AGE: Duration = Duration::from_secs(300);

/// From a GOAWAY to the end of the connection.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection without a request yet is as good as one with requests for this long: its client may
/// be in the middle of the handshake.
pub(super) const HANDSHAKE_GRACE: Duration = Duration::from_secs(2);

/// How many connections a listener has at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ConnectionLimits {
    /// In total. A further one is accepted in place of the least valuable of them.
    pub(super) total: usize,
    /// From one address, of those that never made an authorized request with credentials.
    pub(super) unauthorized_per_address: usize,
}

impl ConnectionLimits {
    /// Of the secure port, and of the address for scalers. The aggregator and its clients hold a handful,
    /// and so does KEDA.
    pub(super) const API: Self = Self { total: 2000, unauthorized_per_address: 500 };

    /// Of the admin address: scrapes, and people who look at the page.
    pub(super) const ADMIN: Self = Self { total: 200, unauthorized_per_address: 100 };
}
