//! From zero by a push, to zero by a poll, and what KEDA's users see of a refusal.

use leadsman_tests::cluster::{ScaledObject, Workload};
use leadsman_tests::eventually;
use serde_json::{Value, json};

use super::{Scene, TIMEOUT};

fn trigger(scene: &Scene, kind: &str, more: &[(&str, &str)]) -> Value {
    let mut metadata = json!({"scalerAddress": scene.address()});
    for (key, value) in more {
        metadata[*key] = json!(value);
    }
    json!({"type": kind, "metadata": metadata, "authenticationRef": {"name": "leadsman"}})
}

async fn wait_replicas(workload: &Workload, replicas: usize) {
    eventually(&format!("{replicas} replicas of {}", workload.name()), TIMEOUT, async || {
        match workload.replicas().await {
            found if found == replicas => Ok(()),
            found => Err(format!("{found}")),
        }
    })
    .await;
}

#[tokio::test]
async fn a_workload_is_activated_by_a_push_and_deactivated_by_a_poll() {
    let scene = Scene::new("metrics-of-pushes", "").await;
    let admin = scene.admin();
    let workload = Workload::deployment(&admin, "pushed", "worker", 0).await;
    let backlog = |length: f64| scene.traffic.set(r#"backlog{namespace="pushed"}"#, length);
    backlog(0.0);
    let client = scene.reader("keda-of-pushed", "pushed").await;
    scene.trust("pushed", &client).await;
    let metadata = [("metric", "backlog"), ("targetAverageValue", "10"), ("activationTarget", "5")];
    let trigger = trigger(&scene, "external-push", &metadata);
    // A poll would come after ten minutes.
    let spec = json!({"minReplicaCount": 0, "maxReplicaCount": 4, "pollingInterval": 600, "cooldownPeriod": 1});
    let scaled = ScaledObject::create(&admin, &workload, &trigger, &spec).await;
    let open = async || scene.leadsman.metric("leadsman_scaler_open_calls", &[]).await;
    eventually("two calls that stay open", TIMEOUT, async || {
        let found = open().await;
        if found == Some(2.0) { Ok(()) } else { Err(format!("{found:?}\n{}", scene.keda.log())) }
    })
    .await;
    // Not above the activation target.
    backlog(5.0);
    let looks = async || {
        let reads = scene.leadsman.metric("leadsman_reads_total", &[("outcome", "ok")]).await;
        reads.unwrap_or_default()
    };
    let before = looks().await;
    eventually("further looks", TIMEOUT, async || {
        let now = looks().await;
        if now >= before + 3.0 { Ok(()) } else { Err(format!("{now}")) }
    })
    .await;
    assert_eq!(workload.replicas().await, 0);
    backlog(6.0);
    wait_replicas(&workload, 1).await;
    backlog(0.0);
    scaled.merge(&json!({"pollingInterval": 1})).await;
    wait_replicas(&workload, 0).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_trigger_is_shown_by_keda() {
    let scene = Scene::new("metrics-of-faults", "").await;
    let admin = scene.admin();
    let workload = async |name: &str| Workload::deployment(&admin, "faulty", name, 1).await;
    let client = scene.reader("keda-of-faulty", "faulty").await;
    scene.trust("faulty", &client).await;
    let spec = json!({"minReplicaCount": 1, "maxReplicaCount": 4, "pollingInterval": 2});
    for (name, metadata, expected) in [
        (
            "no-such-metric",
            vec![("metric", "backlogg"), ("targetAverageValue", "10")],
            vec!["code = NotFound", "could not find the external metric backlogg"],
        ),
        (
            "misspelled-key",
            vec![("metric", "backlog"), ("targetAverageValue", "10"), ("activationTaget", "5")],
            vec!["code = InvalidArgument", "unknown key", "did you mean `activationTarget`?"],
        ),
        (
            "another-namespace",
            vec![("metric", "backlog"), ("targetAverageValue", "10"), ("namespace", "bank")],
            vec![
                "code = InvalidArgument",
                "`namespace` is bank, and the ScaledObject is in faulty",
            ],
        ),
    ] {
        let trigger = trigger(&scene, "external", &metadata);
        let scaled = ScaledObject::create(&admin, &workload(name).await, &trigger, &spec).await;
        scaled.wait_event(&expected).await;
    }
}

/// The certificate is good, and no role names its user.
#[tokio::test]
async fn a_client_without_rights_is_told_by_keda_which_right_it_lacks() {
    let scene = Scene::new("metrics-of-strangers", "").await;
    let admin = scene.admin();
    let workload = Workload::deployment(&admin, "strange", "web", 1).await;
    scene.trust("strange", &scene.plane.authorities().clients.client("stranger")).await;
    let trigger =
        trigger(&scene, "external", &[("metric", "backlog"), ("targetAverageValue", "10")]);
    let spec = json!({"minReplicaCount": 1, "maxReplicaCount": 4, "pollingInterval": 2});
    let scaled = ScaledObject::create(&admin, &workload, &trigger, &spec).await;
    let told = r#"User "stranger" cannot list resource "backlog""#;
    scaled.wait_event(&["code = PermissionDenied", told]).await;
}
