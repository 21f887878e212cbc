//! Operation in a cluster: outages, kubectl and doctor, changes of replicas and certificates.

mod certificates;
mod clients;
mod doctor;
mod kinds;
mod outages;
mod told;
mod traces;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use leadsman_tests::cluster::{
    API_SERVICES, Adapter, ApiClient, Balancer, ControlPlane, Hpa, Metric, Readers, Registration,
    Rule, Subject, Target, Trust, Workload, path_of,
};
use leadsman_tests::{
    Answer, Authority, CheckReport, Collector, Config, Exporter, HttpClient, Leadsman, Mapping,
    Prometheus, Recorder, Reply, Traffic, Upstream, eventually, paths,
};
use serde_json::{Value, json};

const EXTERNAL: &str = API_SERVICES[2];
const TIMEOUT: Duration = Duration::from_secs(40);

/// The metric `load` of pods and the external metric `depth`.
fn config(url: &str) -> Config {
    Config::new()
        .prometheus("prometheus", url)
        .mapping(load("pods"))
        .mapping(Mapping::external("depth").query("q", "depth"))
}

/// The metric `load` of a kind, whose series have the object's name in the label `pod`.
fn load(resource: &str) -> Mapping {
    let promql = r#"load{namespace="${namespace}"}"#;
    Mapping::custom("load", resource).plugin("per-object", "object: pod").query("q", promql)
}

/// A source with the value 30 for each of these objects.
async fn thirty(objects: &[&str]) -> Upstream {
    let values: Vec<_> = objects.iter().map(|&object| (object, "30")).collect();
    Upstream::start(Reply::pods(&values)).await
}

/// A user with all rights, directly at the adapter's port.
fn root(plane: &ControlPlane) -> HttpClient {
    HttpClient::with_certificate(plane.authorities().admin())
}

/// Reads a path until the response is as expected.
async fn reads(
    what: &str,
    mut read: impl AsyncFnMut() -> Answer,
    good: impl Fn(&Answer) -> bool,
) -> Answer {
    eventually(what, TIMEOUT, async || {
        let answer = read().await;
        if good(&answer) { Ok(answer) } else { Err(format!("{answer:#?}")) }
    })
    .await
}

/// Another adapter's Service for an APIService.
fn of_keda() -> Value {
    json!({"spec": {"service": {"namespace": "keda", "name": "metrics"}}})
}
