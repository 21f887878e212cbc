//! Ownership of the API, its trusted authority, and the rights to read it.

use std::time::Duration;

use leadsman_tests::cluster::{
    API_SERVICES, Account, RESOURCE_METRICS_API_SERVICE, RESOURCE_METRICS_V1_API_SERVICE, Rule,
    Trust, Workload,
};
use leadsman_tests::{HttpClient, Leadsman, eventually};
use serde_json::json;
use tokio::time::sleep;

use crate::{Site, TIMEOUT};

#[tokio::test]
async fn the_ca_bundle_is_written_only_if_the_api_service_is_ours() {
    let site = Site::new("kept").await;
    let trusted = site.registration.authority(RESOURCE_METRICS_API_SERVICE).await;
    assert!(trusted.is_some());
    assert_eq!(trusted, site.registration.authority(API_SERVICES[0]).await);
    let is_told = async |texts: &[&str]| {
        eventually("what doctor says", TIMEOUT, async || {
            let kubeconfig = site.plane.admin_kubeconfig();
            let told = Leadsman::doctor(kubeconfig, "kept", &site.config).await;
            let missing = texts.iter().find(|text| !told.output.contains(**text));
            missing.map_or(Ok(()), |missing| Err(format!("no {missing:?} in {told:#?}")))
        })
        .await;
    };
    is_told(&[
        "v1beta1.metrics.k8s.io is served by the Service kept/leadsman and available",
        "metrics.k8s.io serves nodes, pods",
    ])
    .await;

    // It is corrected.
    site.registration
        .merge(RESOURCE_METRICS_API_SERVICE, &json!({"spec": {"caBundle": null}}))
        .await;
    eventually("its authority", TIMEOUT, async || {
        let found = site.registration.authority(RESOURCE_METRICS_API_SERVICE).await;
        if found == trusted { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;

    // Somebody installs metrics-server.
    let service = json!({"namespace": "kube-system", "name": "metrics-server"});
    let spec = json!({"service": service, "caBundle": null});
    site.registration.merge(RESOURCE_METRICS_API_SERVICE, &json!({"spec": spec})).await;
    is_told(&[
        "v1beta1.metrics.k8s.io is served by the Service kube-system/metrics-server and not",
    ])
    .await;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(site.registration.authority(RESOURCE_METRICS_API_SERVICE).await, None);
    site.registration.remove_one(RESOURCE_METRICS_API_SERVICE).await;
    is_told(&["there is no APIService v1beta1.metrics.k8s.io: kubectl top"]).await;
    site.remove().await;
}

#[tokio::test]
async fn both_versions_are_served_to_the_cluster_with_the_same_values() {
    let site = Site::new("versions").await;
    Workload::deployment(&site.admin, "versions-shop", "web", 1).await;
    site.uses("versions-shop/web-0/app", 0.5, 64.0);
    let (name, port) = (RESOURCE_METRICS_V1_API_SERVICE, site.leadsman.api().port());
    site.registration.route_api_to(name, port, Trust::Injected).await;
    site.registration.wait_one_available(name).await;
    let group = site.admin.get("/apis/metrics.k8s.io").await;
    assert_eq!(group["preferredVersion"]["version"], "v1beta1", "{group:#}");
    eventually("the same values in both versions", TIMEOUT, async || {
        let trusted = site.registration.authority(name).await;
        if trusted != site.registration.authority(RESOURCE_METRICS_API_SERVICE).await {
            return Err(format!("{trusted:?}"));
        }
        let mut containers = Vec::new();
        for version in ["v1beta1", "v1"] {
            let path =
                format!("/apis/metrics.k8s.io/{version}/namespaces/versions-shop/pods/web-0");
            let answer = site.admin.try_read(&path).await?;
            if answer.status != 200 {
                return Err(format!("{answer:#?}"));
            }
            let pod = answer.ok();
            assert_eq!(pod["apiVersion"], format!("metrics.k8s.io/{version}"));
            containers.push(pod["containers"].clone());
        }
        assert_eq!(containers[0], containers[1]);
        assert_eq!(containers[1][0]["usage"], json!({"cpu": "500m", "memory": "64Mi"}));
        Ok(())
    })
    .await;
    let told = Leadsman::doctor(site.plane.admin_kubeconfig(), "versions", &site.config).await;
    let said = "v1.metrics.k8s.io is served by the Service versions/leadsman and available";
    assert!(told.output.contains(said), "{told:#?}");
    site.registration.remove_one(name).await;
    site.remove().await;
}

#[tokio::test]
async fn rights_in_one_namespace_apply_to_it_only() {
    let site = Site::new("rights").await;
    for namespace in ["mine", "others"] {
        Workload::deployment(&site.admin, namespace, "web", 1).await;
        site.uses(&format!("{namespace}/web-0/app"), 0.1, 1.0);
    }
    let account = Account::create(&site.admin, "mine", "reader").await;
    let may = [Rule::new(&["list"], "metrics.k8s.io", &["pods"])];
    site.admin.allow(&account.subject(), Some("mine"), &may).await;
    let reader = HttpClient::with_token(&account.token(&site.admin).await);
    let path = |rest: &str| format!("/apis/metrics.k8s.io/v1beta1/{rest}");
    eventually("the pods of a namespace", TIMEOUT, async || {
        let answer = site.leadsman.get_as(&reader, &path("namespaces/mine/pods")).await;
        let is_there = answer.status == 200 && answer.items().len() == 1;
        if is_there { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    for (rest, said) in [
        ("namespaces/mine/pods/web-0", "get|pods"),
        ("namespaces/mine/pods?watch=true", "watch"),
        ("namespaces/others/pods", "list"),
        ("pods", "list"),
        ("nodes", "nodes"),
    ] {
        let failure = site.leadsman.get_as(&reader, &path(rest)).await.failure();
        assert_eq!(failure.code, 403, "{rest}: {failure:#?}");
        failure.assert_contains(&[said, "metrics.k8s.io"]);
    }
    site.remove().await;
}
