//! `leadsman takeover` of the API group of KEDA, and back.

use leadsman_tests::cluster::{Hpa, Readers, ScaledObject, Workload};
use leadsman_tests::{CheckReport, Config, Folder, HttpClient, Leadsman, eventually, paths};
use serde_json::json;

use super::{EXTERNAL, Scene, TIMEOUT, delegates};

/// The namespace of Leadsman, and that of what is scaled.
const NAMESPACE: &str = "metrics-of-takeover";
const SCALED: &str = "taken-over";

/// The Service that KEDA's metrics server has.
const OF_KEDA: &str = "keda/keda-operator-metrics-apiserver";

async fn takeover(scene: &Scene, more: &[&str]) -> CheckReport {
    let kubeconfig = scene.plane.admin_kubeconfig().display().to_string();
    let service = format!("{NAMESPACE}/leadsman");
    let port = scene.leadsman.api().port().to_string();
    let common = [
        "takeover",
        "--kubeconfig",
        &kubeconfig,
        "--api",
        "external.metrics.k8s.io",
        "--service",
        &service,
        "--port",
        &port,
    ];
    let told = Leadsman::command(&[&common[..], more].concat(), &std::env::temp_dir()).await;
    assert_eq!(told.code, Some(0), "{told:#?}");
    told
}

#[tokio::test]
async fn the_group_of_keda_is_taken_over_and_given_back_without_a_failed_read() {
    let mut files = Folder::plain();
    let delegates = delegates(&files, "").await;
    files.put("delegates.yaml", format!("{}{delegates}", Config::new()));
    let scene = Scene::new(NAMESPACE, &delegates).await;
    files.put("ca.crt", scene.keda.trusted().pem());
    let admin = scene.admin();
    let backlog = |length: f64| {
        scene.traffic.set(&format!(r#"backlog{{namespace="{SCALED}"}}"#), length);
    };
    backlog(35.0);
    scene.prometheus.wait_for("backlog").await;
    let web = Workload::deployment(&admin, SCALED, "web", 1).await;
    let trigger = scene.backlog_trigger(SCALED);
    let spec = json!({"minReplicaCount": 1, "maxReplicaCount": 8, "pollingInterval": 5});
    ScaledObject::create(&admin, &web, &trigger, &spec).await;
    let registration = scene.keda.register().await;
    let hpa = Hpa::created(&admin, &web).await;
    hpa.wait_desired(4).await;
    let ours = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": NAMESPACE, "name": "leadsman"},
        "spec": {"type": "ExternalName", "externalName": "localhost"},
    });
    admin.apply(&ours).await;
    let before = registration.service(EXTERNAL).await["spec"]["service"].clone();

    let selector = "labelSelector=scaledobject.keda.sh%2Fname%3Dweb";
    let theirs = format!("{}?{selector}", paths::external(SCALED, "s0-prometheus"));
    let root = HttpClient::with_certificate(scene.plane.authorities().admin());
    let readers = Readers::start(4, &format!("{}{theirs}", scene.plane.url()), || root.clone());
    let [config, authority] =
        ["delegates.yaml", "ca.crt"].map(|name| files.path(name).display().to_string());
    let known = ["--config", &config, "--ca-file", &authority, "--from", OF_KEDA];
    let told = takeover(&scene, &[&known[..], &["--dry-run"]].concat()).await;
    told.assert_contains(&[
        &format!("{EXTERNAL}: served by {OF_KEDA}; it answers"),
        "the delegate \"keda\" of",
        "nothing is changed",
    ]);
    assert_eq!(registration.service(EXTERNAL).await["spec"]["service"], before);
    let told = takeover(&scene, &known).await;
    told.assert_contains(&[
        &format!("{EXTERNAL}: points to {NAMESPACE}/leadsman now"),
        &format!("{EXTERNAL}: it answers, and lists what it listed before"),
    ]);
    // Ours are served from now on, and KEDA's autoscaler goes on. kube-apiserver may pass requests to the
    // old address for a moment.
    eventually("the metric of Leadsman", TIMEOUT, async || {
        let answer = admin.read(&paths::external(SCALED, "backlog")).await;
        let is_ours = answer.is_success() && answer.value() == "35";
        if is_ours { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    backlog(55.0);
    hpa.wait_desired(6).await;
    readers.wait_reads(100).await;
    let told = takeover(&scene, &["--undo"]).await;
    told.assert_contains(&[&format!("{EXTERNAL}: points to {OF_KEDA} again")]);
    let after = registration.service(EXTERNAL).await;
    assert_eq!(after["spec"]["service"], before, "{after:#}");
    assert!(after["metadata"]["annotations"]["leadsman.dev/taken-over"].is_null(), "{after:#}");
    backlog(15.0);
    hpa.wait_desired(2).await;
    readers.wait_reads(100).await;
    let failures = readers.stop().await;
    assert!(failures.is_empty(), "{}: {failures:#?}", failures.len());
    registration.remove_one(EXTERNAL).await;
}
