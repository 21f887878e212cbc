//! One API group of three adapters: Leadsman owns it, and KEDA and prometheus-adapter get the rest.

use leadsman_tests::cluster::{
    ControlPlane, Hpa, Keda, Metric, PrometheusAdapter, ScaledObject, Target, Trust, Workload,
};
use leadsman_tests::{Folder, Prometheus, Traffic};
use serde_json::json;

use super::{EXTERNAL, Scene};

const NAMESPACE: &str = "shared";

/// A rule of prometheus-adapter for an external metric that Leadsman does not have.
const RULES: &str = "
externalRules:
  - seriesQuery: 'waiting{namespace!=\"\"}'
    resources: {overrides: {namespace: {resource: namespace}}}
    name: {as: waiting_by_rule}
    metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
";

#[tokio::test]
async fn an_autoscaler_of_each_of_three_adapters_is_served_by_one_group() {
    // The addresses of the others are part of the configuration.
    let (plane, keda) = (ControlPlane::shared().await, Keda::shared().await);
    let traffic = Traffic::start().await;
    let prometheus = Prometheus::scraping(&traffic.url()).await;
    traffic.set(&format!(r#"waiting{{namespace="{NAMESPACE}"}}"#), 25.0);
    prometheus.wait_for("waiting").await;
    let other = PrometheusAdapter::start(plane, RULES, &prometheus.url()).await;
    let files = Folder::plain();
    let (certificate, key) = (files.path("proxy.crt"), files.path("proxy.key"));
    plane.authorities().aggregator().write(&certificate, &key);
    let authority = files.path("keda-ca.crt");
    std::fs::write(&authority, keda.authority().pem()).expect("a file");
    let auth = format!("auth: {{frontProxy: {{certFile: {certificate:?}, keyFile: {key:?}}}}}");
    let delegates = format!(
        "delegates:
  - {{name: keda, url: '{}', caFile: {authority:?}, {auth}, apis: [external], listEvery: 1s,
     selectorLabel: scaledobject.keda.sh/name}}
  - {{name: prometheus-adapter, url: '{}', insecureSkipTLSVerify: true, {auth}, apis: [external],
     listEvery: 1s}}
",
        keda.url(),
        other.url()
    );
    let scene = Scene::new("metrics-of-three", &delegates).await;
    let admin = scene.admin();
    let backlog = |length: f64| {
        scene.traffic.set(&format!(r#"backlog{{namespace="{NAMESPACE}"}}"#), length);
    };
    backlog(35.0);
    let workload = async |name: &str| Workload::deployment(&admin, NAMESPACE, name, 1).await;
    let by_keda = workload("by-keda").await;
    let by_other = workload("by-prometheus-adapter").await;
    let own = workload("by-leadsman").await;
    let registration = scene.keda.register().await;
    registration.route_api_to(EXTERNAL, scene.leadsman.api().port(), Trust::Unverified).await;
    registration.wait_one_available(EXTERNAL).await;

    // KEDA's autoscaler reads from KEDA, through Leadsman; KEDA itself asks Leadsman for the value.
    let client = scene.reader("keda-of-shared", NAMESPACE).await;
    scene.trust(NAMESPACE, &client).await;
    let trigger = json!({
        "type": "external",
        "metadata": {
            "scalerAddress": scene.address(), "metric": "backlog", "targetAverageValue": "10",
        },
        "authenticationRef": {"name": "leadsman"},
    });
    let spec = json!({"minReplicaCount": 1, "maxReplicaCount": 8, "pollingInterval": 5});
    ScaledObject::create(&admin, &by_keda, &trigger, &spec).await;
    let average = Target::Average("10");
    let of_rule = [Metric::external("waiting_by_rule", average)];
    let of_rule = Hpa::create(&admin, &by_other, 1..=8, &of_rule).await;
    let of_mapping =
        Hpa::create(&admin, &own, 1..=8, &[Metric::external("backlog", average)]).await;

    let of_scaler = Hpa::created(&admin, &by_keda).await;
    of_mapping.wait_desired(4).await;
    of_scaler.wait_desired(4).await;
    of_rule.wait_desired(3).await;
    backlog(55.0);
    traffic.set(&format!(r#"waiting{{namespace="{NAMESPACE}"}}"#), 65.0);
    of_mapping.wait_desired(6).await;
    of_scaler.wait_desired(6).await;
    of_rule.wait_desired(7).await;
    registration.remove_one(EXTERNAL).await;
}
