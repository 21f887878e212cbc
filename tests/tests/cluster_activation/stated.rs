//! Numbers of replicas that stand for values that are not known: the real controller asks for them.

use leadsman_tests::cluster::{
    Adapter, ApiClient, ControlPlane, Hpa, Metric, Target, Trust, Workload,
};
use leadsman_tests::{Config, HttpClient, Leadsman, Mapping, Reply, Upstream, eventually, paths};
use serde_json::json;

use super::TIMEOUT;

const WORKLOAD: &str = "workload: {kind: Deployment, name: web}";

/// A mapping whose source cannot be reached, with this number of replicas.
fn stated(mapping: Mapping, then: &str) -> Mapping {
    let policy = format!("{{lastGood: 1s, then: {{target: \"10\", {then}}}}}");
    mapping.query_from("nowhere", "q", "up").set("onError", &policy)
}

fn external(metric: &str, then: &str) -> Mapping {
    stated(Mapping::external(metric), then)
}

fn config(upstream: &Upstream) -> Config {
    let services = |metric: &str, then: &str| {
        let mapping = Mapping::custom(metric, "services").plugin("per-object", "object: service");
        stated(mapping, then)
    };
    let behavior = |behavior: &str| format!("replicas: 4, behavior: {behavior}, {WORKLOAD}");
    let absent = "{lastGood: 1s, then: {replicas: 5, target: 10}}";
    Config::new()
        .prometheus("nowhere", "http://127.0.0.1:9")
        .prometheus("empty", &upstream.url())
        .mapping(external("average", "replicas: 4"))
        .mapping(external("value", &format!("replicas: 5, targetType: value, {WORKLOAD}")))
        .mapping(services("object_average", "replicas: 3"))
        .mapping(services("object_value", &format!("replicas: 6, targetType: value, {WORKLOAD}")))
        .mapping(stated(Mapping::pods("of_pods"), "replicas: 7"))
        .mapping(stated(Mapping::pods("of_present"), &behavior("currentReplicasIfHigher")))
        .mapping(external("current", &format!("behavior: currentReplicas, {WORKLOAD}")))
        .mapping(external("higher", &behavior("currentReplicasIfHigher")))
        .mapping(external("lower", &behavior("currentReplicasIfLower")))
        .mapping(
            Mapping::external("absent").query_from("empty", "q", "nothing").set("onAbsent", absent),
        )
}

/// An autoscaler of a Deployment with so many pods comes to so many.
async fn asked(admin: &ApiClient, namespace: &str, from: usize, metric: Metric, to: usize) -> Hpa {
    let web = Workload::deployment(admin, namespace, "web", from).await;
    let spec = json!({"clusterIP": "None", "ports": [{"port": 80}]});
    let metadata = json!({"namespace": namespace, "name": "front"});
    admin
        .apply(&json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}))
        .await;
    let hpa = Hpa::create(admin, &web, 1..=9, &[metric]).await;
    let active = hpa.wait_condition("ScalingActive", "successfully calculate").await;
    assert_eq!(active.status, "True", "{namespace}: {active:?}");
    hpa.wait_desired(to).await;
    hpa
}

#[tokio::test]
async fn the_controller_asks_for_the_replicas_that_are_stated_for_each_type_of_target() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let upstream = Upstream::start(Reply::vector(&json!([]))).await;
    let adapter = Adapter::new(plane, "stated", &["pods", "services"]).await;
    adapter.account().allow_workloads(&admin).await;
    let leadsman = adapter.start(config(&upstream)).await;
    let trusted = adapter.authority().pem();
    let trust = Trust::Authority(&trusted);
    let registration = adapter.register(leadsman.api().port(), trust).await;
    let (average, value) = (Target::Average("10"), Target::Value("10"));
    let external = |metric: &str, target| Metric::external(metric, target);
    let front = |metric: &str, target| Metric::object(metric, "v1", "Service", "front", target);
    let to = async |namespace: &str, from, metric, to| {
        asked(&admin, namespace, from, metric, to).await;
    };
    tokio::join!(
        to("stated-average", 1, external("average", average), 4),
        to("stated-down", 9, external("average", average), 4),
        to("stated-value", 1, external("value", value), 5),
        to("stated-value-down", 9, external("value", value), 5),
        to("stated-object", 1, front("object_average", average), 3),
        to("stated-object-value", 2, front("object_value", value), 6),
        to("stated-pods", 2, Metric::pods("of_pods", "10"), 7),
        to("stated-present", 1, Metric::pods("of_present", "10"), 4),
        unready(&admin),
        to("stated-absent", 1, external("absent", average), 5),
    );
    tokio::join!(
        to("stated-current", 3, external("current", average), 3),
        to("stated-higher", 6, external("higher", average), 6),
        to("stated-higher-up", 2, external("higher", average), 4),
        to("stated-lower", 6, external("lower", average), 4),
        to("stated-lower-stays", 2, external("lower", average), 2),
    );
    is_told(&admin, &leadsman).await;
    registration.remove().await;
}

/// Pods that run and are not ready count for a metric of pods: the present replicas stay as they are.
async fn unready(admin: &ApiClient) {
    let namespace = "stated-unready";
    let web = Workload::deployment(admin, namespace, "web", 6).await;
    for pod in web.pods().await.iter().skip(1) {
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}");
        let condition = json!({"type": "Ready", "status": "False"});
        admin.merge_status(&path, &json!({"conditions": [condition]})).await;
    }
    let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/web");
    admin.merge_status(&path, &json!({"readyReplicas": 1, "availableReplicas": 1})).await;
    let hpa = Hpa::create(admin, &web, 1..=9, &[Metric::pods("of_present", "10")]).await;
    let active = hpa.wait_condition("ScalingActive", "successfully calculate").await;
    assert_eq!(active.status, "True", "{active:?}");
    let status = hpa.wait_desired(6).await;
    let average = &status["currentMetrics"][0]["pods"]["current"]["averageValue"];
    assert_eq!(average, "10", "{status:#}");
}

/// In the answer, in the metrics, on the status page, and by `explain`.
async fn is_told(admin: &ApiClient, leadsman: &Leadsman) {
    let plane = ControlPlane::shared().await;
    let answer = admin.read(&paths::external("stated-average", "average")).await;
    assert_eq!(answer.value(), "40", "{answer:#?}");
    let told = "average is not known, and 40 (for 4 replicas) stands for it, as onError says";
    assert!(answer.header("warning").contains(told), "{answer:#?}");
    for (metric, label) in [
        ("leadsman_reads_total", ("outcome", "stale")),
        ("leadsman_reads_incomplete_total", ("reason", "stated")),
    ] {
        let labels = [("mapping", "external/average"), label];
        assert!(leadsman.metric(metric, &labels).await >= Some(1.0), "{metric}");
    }
    let status = leadsman.status().await;
    let mappings = status["mappings"].as_array().cloned().unwrap_or_default();
    let average = mappings.iter().find(|mapping| mapping["metric"] == "average");
    let incomplete = average.map(|mapping| mapping["incomplete"].to_string()).unwrap_or_default();
    assert!(incomplete.contains("for 4 replicas"), "{status:#}");
    let kubeconfig = plane.admin_kubeconfig().display().to_string();
    let arguments = ["explain", "hpa", "stated-average/web", "--kubeconfig", &kubeconfig];
    let explained = Leadsman::command(&arguments, std::path::Path::new(".")).await;
    explained.assert_contains(&["40 (for 4 replicas) stands for it"]);
}

/// Without the right, the read fails with the reason, and the autoscaler keeps its replicas.
#[tokio::test]
async fn replicas_that_cannot_be_looked_at_are_told() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let upstream = Upstream::start(Reply::vector(&json!([]))).await;
    let adapter = Adapter::new(plane, "stated-rights", &["pods", "services"]).await;
    let leadsman = adapter.start(config(&upstream)).await;
    Workload::deployment(&admin, "stated-rights", "web", 2).await;
    let root = HttpClient::with_certificate(plane.authorities().admin());
    let path = paths::external("stated-rights", "higher");
    let failure = leadsman.get_as(&root, &path).await.failure();
    assert_eq!(failure.code, 503, "{failure:?}");
    failure.assert_contains(&[
        "cannot be reached",
        "the replicas that onError states cannot be asked for",
        "Deployment web of namespace stated-rights",
        "forbidden",
    ]);
    // A number that needs no workload is served all the same.
    let average = paths::external("stated-rights", "average");
    assert_eq!(leadsman.get_as(&root, &average).await.value(), "40");
    adapter.account().allow_workloads(&admin).await;
    eventually("the number for four replicas", TIMEOUT, async || {
        let answer = leadsman.get_as(&root, &path).await;
        if answer.is_success() && answer.value() == "40" {
            Ok(())
        } else {
            Err(format!("{answer:#?}"))
        }
    })
    .await;
    // A workload that there is none of.
    let nowhere = paths::external("default", "higher");
    let failure = leadsman.get_as(&root, &nowhere).await.failure();
    failure.assert_contains(&["Deployment web of namespace default", "there is no such workload"]);
}
