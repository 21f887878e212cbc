//! KEDA's own autoscaler moves to a metric of Leadsman and back, while it and others read.

use leadsman_tests::cluster::{Hpa, Metric, Readers, ScaledObject, Target, Trust, Workload};
use leadsman_tests::{Folder, HttpClient, eventually, paths};
use serde_json::json;

use super::{EXTERNAL, Scene, TIMEOUT, delegates};

const NAMESPACE: &str = "moved-autoscaler";

/// Since when each read of the autoscaler has succeeded: one that fails changes the condition.
async fn active_since(hpa: &Hpa) -> String {
    let status = hpa.status().await;
    let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
    let active = conditions.iter().find(|condition| condition["type"] == "ScalingActive");
    let active = active.unwrap_or_else(|| panic!("no condition: {status:#}"));
    assert_eq!(active["status"], "True", "{status:#}");
    active["lastTransitionTime"].as_str().expect("a time").to_owned()
}

/// Without its ScaledObject, KEDA fails reads of the metric that the autoscaler names until it is changed, or goes
/// on with what it has cached, as reads come in while it forgets the object. The last good answer bridges the one,
/// and neither is a failed read.
#[tokio::test]
async fn kedas_autoscaler_moves_to_a_mapping_and_back_without_a_failed_read() {
    let files = Folder::plain();
    let config = delegates(&files, ", onError: {lastGood: 10m}").await;
    let scene = Scene::new("metrics-of-moved-autoscaler", &config).await;
    let (admin, keda) = (scene.admin(), scene.keda);
    scene.traffic.set(&format!(r#"backlog{{namespace="{NAMESPACE}"}}"#), 35.0);
    scene.prometheus.wait_for("backlog").await;
    let web = Workload::deployment(&admin, NAMESPACE, "web", 1).await;
    let trigger = scene.backlog_trigger(NAMESPACE);
    let spec = json!({"minReplicaCount": 1, "maxReplicaCount": 8, "pollingInterval": 5});
    ScaledObject::create(&admin, &web, &trigger, &spec).await;
    let registration = keda.register().await;
    let hpa = Hpa::created(&admin, &web).await;
    registration.route_api_to(EXTERNAL, scene.leadsman.api().port(), Trust::Unverified).await;
    let ours = paths::external(NAMESPACE, "backlog");
    eventually("the group at its new address", TIMEOUT, async || {
        let answer = admin.read(&ours).await;
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    hpa.wait_desired(4).await;
    hpa.wait_condition("ScalingActive", "successfully calculate").await;
    let since = active_since(&hpa).await;

    let selector = "labelSelector=scaledobject.keda.sh%2Fname%3Dweb";
    let theirs = format!("{}?{selector}", paths::external(NAMESPACE, "s0-prometheus"));
    let root = HttpClient::with_certificate(scene.plane.authorities().admin());
    let all = [&theirs, &ours]
        .map(|path| Readers::start(4, &format!("{}{path}", scene.plane.url()), || root.clone()));
    for _ in 0..2 {
        all[0].wait_reads(100).await;
        let gone = ["delete", "scaledobject", "-n", NAMESPACE, web.name(), "--timeout=60s"];
        scene.plane.kubectl(&gone).await.ok();
        all[0].wait_reads(100).await;
        // Half of KEDA's target, so that it is seen who is read.
        let metric = Metric::external("backlog", Target::Average("5"));
        Hpa::create(&admin, &web, 1..=8, &[metric]).await;
        hpa.wait_desired(7).await;
        all[1].wait_reads(100).await;
        // The ScaledObject as it was: KEDA takes its autoscaler back.
        ScaledObject::create(&admin, &web, &trigger, &spec).await;
        hpa.wait_desired(4).await;
        eventually("a value of KEDA itself", TIMEOUT, async || {
            let answer = root.get(&format!("{}{theirs}", keda.url())).await?;
            if answer.status == 200 { Ok(()) } else { Err(format!("{answer:#?}")) }
        })
        .await;
    }
    for readers in all {
        let failures = readers.stop().await;
        assert!(failures.is_empty(), "{}: {failures:#?}", failures.len());
    }
    assert_eq!(active_since(&hpa).await, since, "a read of the autoscaler failed meanwhile");
    registration.remove_one(EXTERNAL).await;
}
