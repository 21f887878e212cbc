//! The metrics of calls by scalers of KEDA.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::GaugeGuard;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    call: &'static str,
    outcome: &'static str,
}

/// The metrics of calls by scalers of KEDA.
#[derive(Debug, Clone, Default)]
pub struct ScalerMetrics {
    calls: Family<CallLabels, Counter>,
    open: Gauge,
}

impl ScalerMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "scaler_calls",
            "Calls by scalers of KEDA by how they ended",
            self.calls.clone(),
        );
        registry.register(
            "scaler_open_calls",
            "Calls by scalers of KEDA that stay open for changes",
            self.open.clone(),
        );
    }

    /// Counts a call that has been answered. Calls and outcomes have names from closed sets.
    pub fn answered(&self, call: &'static str, outcome: &'static str) {
        self.calls.get_or_create(&CallLabels { call, outcome }).inc();
    }

    /// Counts a call that stays open, until the guard is dropped.
    pub fn open(&self) -> GaugeGuard {
        GaugeGuard::one(&self.open)
    }
}
