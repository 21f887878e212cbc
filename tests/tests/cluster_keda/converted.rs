//! A web site that KEDA scales, and what `leadsman convert` makes of it: the same replicas for the same load.

use leadsman_tests::Leadsman;
use leadsman_tests::cluster::{Adapter, Hpa, ScaledObject, Trust, Workload};
use serde_json::json;
use tempfile::TempDir;

use super::{EXTERNAL, Scene};

const NAMESPACE: &str = "converted-site";

/// Loads, as ten times the requests a second, and the replicas for a threshold of 100. For one replica fewer
/// each is beyond the tolerance of a tenth, since a rate rises over time.
const LOADS: [(f64, usize); 6] =
    [(0.0, 1), (121.0, 2), (690.0, 7), (244.006, 3), (2000.0, 8), (50.0, 1)];

fn requests(scene: &Scene, ten_times: f64) {
    let labels = r#"namespace="converted-site",ingress="my-ingress",host="test.ru""#;
    let counter = format!("nginx_ingress_controller_requests{{{labels}}}");
    scene.traffic.set_rate(&counter, ten_times / 10.0);
}

#[tokio::test]
async fn a_converted_scaled_object_gets_the_replicas_that_keda_gave_it() {
    let scene = Scene::new("metrics-of-converted", "").await;
    let admin = scene.admin();
    let workload = Workload::deployment(&admin, NAMESPACE, "my-deployment-apache", 1).await;
    requests(&scene, 0.0);
    let query = r#"sum(irate(nginx_ingress_controller_requests{namespace="converted-site"}[3m])) by (ingress)*10"#;
    let trigger = json!({
        "type": "prometheus",
        "metadata": {
            "serverAddress": scene.prometheus.url(),
            "metricName": "nginx_ingress_requests",
            "threshold": "100",
            "query": query,
        },
    });
    let spec = json!({
        "minReplicaCount": 1, "maxReplicaCount": 8, "pollingInterval": 30, "cooldownPeriod": 300,
    });
    ScaledObject::create(&admin, &workload, &trigger, &spec).await;
    let registration = scene.keda.register().await;
    let autoscaler = Hpa::created(&admin, &workload).await;
    for (load, replicas) in LOADS {
        requests(&scene, load);
        autoscaler.wait_desired(replicas).await;
    }

    // The ScaledObject as it is in the cluster, with everything that KEDA wrote into it.
    let folder = TempDir::new().expect("a folder");
    let kubeconfig = scene.plane.admin_kubeconfig().display().to_string();
    let convert =
        ["convert", "--kubeconfig", &kubeconfig, "--namespace", NAMESPACE, "--output", "out"];
    let report = Leadsman::command(&convert, folder.path()).await;
    assert_eq!(report.code, Some(0), "{}", report.output);
    report.assert_contains(&["1 object: 1 whole"]);
    let adapter = Adapter::new(scene.plane, "metrics-of-conversion", &[]).await;
    let file = |name: &str| folder.path().join("out").join(name);
    let files = adapter.serving_certificate("tls", adapter.authority());
    let [certificate, key] = [&files.0, &files.1].map(|file| file.to_str().expect("UTF-8"));
    let arguments = ["--tls-cert-file", certificate, "--tls-private-key-file", key];
    let leadsman = adapter.start_file(&file("config.yaml"), &arguments).await;

    // The autoscaler keeps its name: what is applied replaces the metrics of KEDA's. There is no garbage
    // collector here, so that it stays without its owner.
    let gone = ["delete", "scaledobject", "-n", NAMESPACE, workload.name(), "--timeout=60s"];
    scene.plane.kubectl(&gone).await.ok();
    registration.route_api_to(EXTERNAL, leadsman.api().port(), Trust::Unverified).await;
    let written = file("autoscalers.yaml").display().to_string();
    let apply = ["apply", "--server-side", "--force-conflicts", "-f", &written];
    scene.plane.kubectl(&apply).await.ok();
    for (load, replicas) in LOADS {
        requests(&scene, load);
        autoscaler.wait_desired(replicas).await;
    }
    registration.remove_one(EXTERNAL).await;
}
