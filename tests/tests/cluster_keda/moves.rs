//! The API group of KEDA's metrics moves to Leadsman and back, and a metric with it, while they are read.

use leadsman_tests::cluster::{
    ControlPlane, Hpa, Keda, Metric, Readers, ScaledObject, Target, Trust, Workload,
};
use leadsman_tests::{Folder, HttpClient, eventually, paths};
use serde_json::json;

use super::{EXTERNAL, Scene, TIMEOUT, delegates};

const NAMESPACE: &str = "moved";

#[tokio::test]
async fn a_metric_moves_from_keda_and_back_without_a_failed_read() {
    let (plane, keda) = (ControlPlane::shared().await, Keda::shared().await);
    let files = Folder::plain();
    let scene = Scene::new("metrics-of-moved", &delegates(&files, "").await).await;
    let admin = scene.admin();
    scene.traffic.set(&format!(r#"backlog{{namespace="{NAMESPACE}"}}"#), 35.0);
    let by_keda = Workload::deployment(&admin, NAMESPACE, "by-keda", 1).await;
    let own = Workload::deployment(&admin, NAMESPACE, "own", 1).await;
    let trigger = scene.backlog_trigger(NAMESPACE);
    let spec = json!({"minReplicaCount": 1, "maxReplicaCount": 8, "pollingInterval": 5});
    ScaledObject::create(&admin, &by_keda, &trigger, &spec).await;
    let registration = scene.keda.register().await;
    let of_keda = Hpa::created(&admin, &by_keda).await;
    of_keda.wait_desired(4).await;

    let selector = "labelSelector=scaledobject.keda.sh%2Fname%3Dby-keda";
    let theirs = format!("{}?{selector}", paths::external(NAMESPACE, "s0-prometheus"));
    let root = HttpClient::with_certificate(plane.authorities().admin());
    let readers = Readers::start(4, &format!("{}{theirs}", plane.url()), || root.clone());
    let moved = paths::external(NAMESPACE, "backlog");
    let is_served = async |served: bool| {
        eventually("the group at its new address", TIMEOUT, async || {
            let answer = admin.read(&moved).await;
            if (answer.status == 200) == served { Ok(()) } else { Err(format!("{answer:#?}")) }
        })
        .await;
    };
    let url = keda.url();
    let port = url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let authority = keda.authority().pem();
    for round in 0..2 {
        readers.wait_reads(100).await;
        let here = scene.leadsman.api().port();
        registration.route_api_to(EXTERNAL, here, Trust::Unverified).await;
        is_served(true).await;
        readers.wait_reads(100).await;
        if round == 0 {
            // The same metric by a mapping, for an autoscaler of its own beside that of KEDA.
            let metric = Metric::external("backlog", Target::Average("10"));
            let hpa = Hpa::create(&admin, &own, 1..=8, &[metric]).await;
            hpa.wait_desired(4).await;
            of_keda.wait_desired(4).await;
        }
        registration.route_api_to(EXTERNAL, port, Trust::Authority(&authority)).await;
        is_served(false).await;
    }
    readers.wait_reads(100).await;
    let failures = readers.stop().await;
    assert!(failures.is_empty(), "{}: {failures:#?}", failures.len());
    of_keda.wait_desired(4).await;
    registration.remove_one(EXTERNAL).await;
}
