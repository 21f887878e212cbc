//! What `leadsman doctor` says of the rights that it takes to scale workloads.

use leadsman_tests::cluster::{Adapter, ControlPlane, Trust, Workload, path_of};
use leadsman_tests::{CheckReport, Config, Leadsman, Mapping, Upstream, eventually};
use serde_json::json;

use super::{TIMEOUT, activating, admin, config, one};

const NAMESPACE: &str = "act-doctor";

/// Waits until doctor prints all of these texts: kube-apiserver counts a right after a while.
async fn is_told(checked: &Config, texts: &[&str]) -> CheckReport {
    let plane = ControlPlane::shared().await;
    eventually("what doctor says", TIMEOUT, async || {
        let told = Leadsman::doctor(plane.admin_kubeconfig(), NAMESPACE, checked).await;
        match texts.iter().find(|text| !told.output.contains(**text)) {
            None => Ok(told),
            Some(missing) => Err(format!("no {missing:?}: {told:#?}")),
        }
    })
    .await
}

#[tokio::test]
async fn doctor_names_each_right_to_workloads_that_the_adapter_lacks() {
    let (plane, admin) = (ControlPlane::shared().await, admin().await);
    Workload::deployment(&admin, NAMESPACE, "web", 1).await;
    let upstream = Upstream::start(one("5")).await;
    let replicas = "{replicas: 4, target: 10, behavior: currentReplicasIfHigher, \
                    workload: {kind: StatefulSet, name: db}}";
    let stated = Mapping::external("stated").query("q", "stated");
    let stated = stated.set("onError", &format!("{{lastGood: 1m, then: {replicas}}}"));
    let checked =
        config(&upstream, [activating("orders", NAMESPACE, "web", "cooldown: 60s"), stated]);
    let adapter = Adapter::new(plane, NAMESPACE, &[]).await;
    let leadsman = adapter.start(&checked).await;
    let trusted = adapter.authority().pem();
    let port = leadsman.api().port();
    let registration = adapter.register(port, Trust::Authority(&trusted)).await;
    // The account is that of the pods behind the Service.
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": NAMESPACE, "name": "leadsman", "labels": {"app": "leadsman"}},
        "spec": {
            "serviceAccountName": "leadsman",
            "nodeName": "node-a",
            "containers": [{"name": "leadsman", "image": "registry.example/leadsman:1"}],
        },
    });
    admin.apply(&pod).await;
    let ready = json!({"conditions": [{"type": "Ready", "status": "True"}]});
    admin.merge_status(&path_of(&pod), &ready).await;
    let selector = json!({"spec": {"selector": {"app": "leadsman"}}});
    let service = format!("/api/v1/namespaces/{NAMESPACE}/services/leadsman");
    admin.merge(&service, &selector).await;

    let user = adapter.user();
    let may_not =
        |verdict: &str, what: &str| format!("{verdict}  the adapter ({user}) may not {what}");
    let lease = "leases of the group \"coordination.k8s.io\" in act-doctor";
    let lacks = [
        may_not("FAIL", &format!("create {lease}")),
        may_not("FAIL", &format!("get {lease}")),
        may_not("FAIL", &format!("update {lease}")),
        may_not("FAIL", "get deployments/scale of the group \"apps\" in act-doctor"),
        may_not("FAIL", "patch deployments/scale of the group \"apps\" in act-doctor"),
        may_not("FAIL", "get deployments of the group \"apps\" in act-doctor"),
        may_not("FAIL", "list horizontalpodautoscalers of the group \"autoscaling\" in act-doctor"),
        may_not("?   ", "create events of the group \"events.k8s.io\" in act-doctor"),
        may_not("?   ", "get statefulsets of the group \"apps\""),
        "`workloads.activate` of the chart does".to_owned(),
        "`workloads.read` of the chart does".to_owned(),
    ];
    let told = is_told(&checked, &lacks.each_ref().map(String::as_str)).await;
    assert_eq!(told.code, Some(1), "{told:#?}");

    // What is given is not named any more, and the rest is.
    adapter.account().allow_lease(&admin).await;
    adapter.account().allow_workloads(&admin).await;
    let told = eventually("the rights that were given", TIMEOUT, async || {
        let told = Leadsman::doctor(plane.admin_kubeconfig(), NAMESPACE, &checked).await;
        let given = [&lacks[0], &lacks[1], &lacks[2], &lacks[5], &lacks[8]];
        match given.into_iter().find(|lack| told.output.contains(lack.as_str())) {
            None => Ok(told),
            Some(still) => Err(format!("still {still:?}: {told:#?}")),
        }
    })
    .await;
    for lack in [&lacks[3], &lacks[4], &lacks[6], &lacks[7]] {
        assert!(told.output.contains(lack.as_str()), "{lack} in {told:#?}");
    }

    adapter.account().allow_scaling(&admin).await;
    let may = format!(
        "ok    the adapter ({user}) may take to zero and from zero: Deployment web of namespace {NAMESPACE}"
    );
    let told = is_told(&checked, &[may.as_str()]).await;
    assert!(!told.output.contains("may not"), "{told:#?}");
    registration.remove().await;
}
