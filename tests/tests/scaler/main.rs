//! The address for scalers of KEDA, without a cluster: the calls of the external scaler, and plain JSON.

mod calls;
mod faults;
mod many;
mod plain;
mod pushes;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use leadsman_tests::{Config, Leadsman, Mapping, Reply, ScalerClient, Trigger};
use serde_json::json;

/// How long a scrape, an evaluation and a look of an open call may take together.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// The codes of gRPC.
pub(crate) const INVALID_ARGUMENT: u32 = 3;
pub(crate) const DEADLINE_EXCEEDED: u32 = 4;
pub(crate) const NOT_FOUND: u32 = 5;
pub(crate) const UNIMPLEMENTED: u32 = 12;
pub(crate) const UNAVAILABLE: u32 = 14;

/// An external metric that is evaluated as often as it may be.
pub(crate) fn queue() -> Mapping {
    let mapping = Mapping::external("queue_depth").query("q", "queue_depth");
    mapping.set("refreshAtMostEvery", "1s").set("maxAge", "1s")
}

/// The answer of a source with numbers, each with a label.
pub(crate) fn samples(samples: &[(&str, &str, f64)]) -> Reply {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
    let item = |(label, value, number): &(&str, &str, f64)| json!({"metric": {*label: value}, "value": [now, number.to_string()]});
    Reply::vector(&samples.iter().map(item).collect())
}

/// The answer of a source with the length of a queue.
pub(crate) fn depth(number: f64) -> Reply {
    samples(&[("queue", "orders", number)])
}

/// A trigger of the ScaledObject `shop/site`.
pub(crate) fn trigger(metadata: &[(&str, &str)]) -> Trigger {
    let address = [("scalerAddress", "leadsman.metrics.svc:9443")];
    Trigger::new("shop", "site", &[&address[..], metadata].concat())
}

/// The one that most tests use.
pub(crate) fn of_queue() -> Trigger {
    trigger(&[("metric", "queue_depth"), ("targetAverageValue", "60m"), ("activationTarget", "5")])
}

/// Serves scalers.
pub(crate) async fn serve(config: Config) -> Leadsman {
    Leadsman::start_with(config, &["--scaler-address", "127.0.0.1:0"]).await
}

/// A client of it.
pub(crate) fn client(leadsman: &Leadsman) -> ScalerClient {
    ScalerClient::new(leadsman.scaler())
}
