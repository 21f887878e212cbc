//! Metrics of connections.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::GaugeGuard;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CloseLabels {
    listener: &'static str,
    reason: &'static str,
}

/// A listening address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// The secure port.
    Api,
    /// The admin address.
    Admin,
    /// The address for scalers of KEDA.
    Scaler,
}

/// Why the server closed a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// The TLS handshake took too long.
    Handshake,
    /// The first request took too long.
    FirstRequest,
    /// It was idle for too long.
    Idle,
    /// It was evicted in favour of a new connection.
    Evicted,
    /// Its client does not receive what is sent to it.
    Stalled,
}

/// Metrics of connections.
#[derive(Debug, Clone, Default)]
pub(super) struct ConnectionMetrics {
    open: Gauge,
    closed: Family<CloseLabels, Counter>,
}

impl ConnectionMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("connections", "Open connections to the metrics API", self.open.clone());
        registry.register(
            "connections_closed",
            "Connections that the server closed by listener and reason",
            self.closed.clone(),
        );
    }

    pub(super) fn open(&self, listener: Listener) -> Option<GaugeGuard> {
        (listener == Listener::Api).then(|| GaugeGuard::one(&self.open))
    }

    pub(super) fn closed(&self, listener: Listener, reason: CloseReason) {
        let listener = match listener {
            Listener::Api => "api",
            Listener::Admin => "admin",
            Listener::Scaler => "scaler",
        };
        let reason = match reason {
            CloseReason::Handshake => "handshake",
            CloseReason::FirstRequest => "first_request",
            CloseReason::Idle => "idle",
            CloseReason::Evicted => "evicted",
            CloseReason::Stalled => "stalled",
        };
        self.closed.get_or_create(&CloseLabels { listener, reason }).inc();
    }
}
