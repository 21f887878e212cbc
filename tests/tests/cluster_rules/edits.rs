//! Edits of a file that is served.

use leadsman_tests::cluster::{Adapter, ControlPlane, Hpa, Metric, Target, Trust, Workload};
use leadsman_tests::rules::joined;
use leadsman_tests::{Folder, LoadBalancer, Prometheus, Traffic, paths};
use serde_json::json;

/// The pool of the load balancer in front of kuard.
const POOL: &str = "k8s-03-cluster--kuard.nsx.rockhomelab.org_-routing-ns1-kuard-ingress";
const METRIC: &str = "avi_l4_server_avg_open_conns";

/// User 3: a Prometheus that scrapes the controller with the labels of a Service, and a rule that
/// is added when the autoscaler exists already.
#[tokio::test]
async fn a_rule_that_is_added_scales_by_the_connections_of_a_load_balancer() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let workload = Workload::deployment(&admin, "routing-ns1", "kuard-deployment", 1).await;
    let metadata = json!({"namespace": "routing-ns1", "name": "avilb"});
    let spec = json!({"clusterIP": "None", "ports": [{"port": 443}]});
    admin
        .apply(&json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}))
        .await;
    let balancer = LoadBalancer::start(POOL, "l4_server.avg_open_conns").await;
    balancer.set("10.142.0.32:8080", 1000.0);
    balancer.set("10.142.0.33:8080", 13.4);
    let applications = Traffic::start().await;
    let job = balancer.job("namespace: routing-ns1, service: avilb, endpoint: https");
    let prometheus = Prometheus::scraping_with_jobs(&applications.url(), &[job]).await;
    prometheus.wait_for(METRIC).await;

    let mut folder = Folder::mounted();
    folder.configure(joined(&["counter"]));
    let adapter = Adapter::new(plane, "rules", &["pods", "services", "namespaces"]).await;
    let url = prometheus.url();
    let (certificate, key) = adapter.serving_certificate("tls", adapter.authority());
    let files = [certificate, key].map(|path| path.display().to_string());
    let arguments = [
        ["--prometheus-url", &url],
        ["--metrics-relist-interval", "1s"],
        ["--tls-cert-file", &files[0]],
        ["--tls-private-key-file", &files[1]],
    ];
    let leadsman = adapter.start_file(&folder.config(), arguments.as_flattened()).await;
    let authority = adapter.authority().pem();
    let port = leadsman.api().port();
    let registration = adapter.register(port, Trust::Authority(&authority)).await;

    let target = Target::Value("200");
    let metric = Metric::object(METRIC, "v1", "Service", "avilb", target);
    let hpa = Hpa::create(&admin, &workload, 1..=5, &[metric]).await;
    let said = "could not find the metric avi_l4_server_avg_open_conns for services";
    let condition = hpa.wait_condition("ScalingActive", said).await;
    assert_eq!(condition.status, "False", "{condition:?}");

    folder.configure(joined(&["counter", "load-balancer"]));
    let status = hpa.wait_desired(5).await;
    let value = &status["currentMetrics"][0]["object"]["current"]["value"];
    assert_eq!(value, "1013400m", "{status:#}");
    // As the user wrote it.
    let path = format!("{}/namespaces/routing-ns1/services/avilb/{METRIC}/", paths::CUSTOM_V1);
    assert_eq!(admin.read(&path).await.value(), "1013400m");

    balancer.set("10.142.0.32:8080", 0.0);
    balancer.set("10.142.0.33:8080", 0.0);
    hpa.wait_desired(1).await;
    registration.remove().await;
}
