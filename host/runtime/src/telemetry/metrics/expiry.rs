//! The expiry of the serving certificate. It is looked up at each scrape, since the certificate may be
//! replaced at any time.

use std::fmt;
use std::sync::{Arc, OnceLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

type LookUp = Box<dyn Fn() -> Option<i64> + Send + Sync>;

/// When the serving certificate expires.
#[derive(Clone, Default)]
pub(super) struct Expiry(Arc<OnceLock<LookUp>>);

impl Expiry {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(self.clone()));
    }

    pub(super) fn is_told_by(&self, look_up: impl Fn() -> Option<i64> + Send + Sync + 'static) {
        // There is one certificate; the first that reports it does so to the end.
        let _ = self.0.set(Box::new(look_up));
    }
}

impl fmt::Debug for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Expiry")
    }
}

impl Collector for Expiry {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(at) = self.0.get().and_then(|look_up| look_up()) else { return Ok(()) };
        let gauge = ConstGauge::new(at);
        let help = "When the serving certificate expires, in seconds since the epoch.";
        gauge.encode(encoder.encode_descriptor(
            "certificate_not_after_timestamp_seconds",
            help,
            None,
            gauge.metric_type(),
        )?)
    }
}
