//! APIServices that belong to another adapter, and the leftovers of an uninstallation.

use leadsman_tests::cluster::path_of;
use serde_json::{Value, json};

use super::site::{API_SERVICES, Site, wait_custom};

const EXTERNAL: &str = API_SERVICES[2];

/// An APIService as in KEDA's chart.
pub(crate) fn keda() -> Value {
    json!({
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {
            "name": EXTERNAL,
            "labels": {"app.kubernetes.io/managed-by": "Helm"},
            "annotations": {
                "meta.helm.sh/release-name": "keda",
                "meta.helm.sh/release-namespace": "keda",
            },
        },
        "spec": {
            "group": "external.metrics.k8s.io",
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": true,
            "service": {"namespace": "keda", "name": "keda-metrics-apiserver", "port": 443},
        },
    })
}

#[tokio::test]
async fn an_api_service_of_another_adapter_is_not_taken_over_by_default() {
    let site = Site::new("beside").await;
    let admin = site.plane.admin();
    admin.apply(&keda()).await;

    let refused = site.helm("install", &json!({}), &[]).await;
    for said in
        [EXTERNAL, "keda/keda-metrics-apiserver", "Helm release keda", "apiService.external"]
    {
        assert!(refused.failed().contains(said), "{said}: {refused:#?}");
    }

    // Beside the other adapter.
    site.install(&json!({"apiService": {"external": false}})).await;
    let service = site.registration.service(EXTERNAL).await;
    assert_eq!(service["spec"]["service"]["name"], "keda-metrics-apiserver");
    let leadsman = site.run().await;
    wait_custom(site.plane).await;
    drop(leadsman);
    site.uninstall().await;
    site.registration.service(EXTERNAL).await;

    // Replacing it, with both flags.
    let values = json!({"apiService": {"takeOver": true}});
    let refused = site.helm("install", &values, &[]).await;
    assert!(refused.failed().contains("release-name"), "{refused:#?}");
    site.helm("install", &values, &["--take-ownership"]).await.ok();
    site.registration.route_service_here().await;
    let _leadsman = site.run().await;
    site.assert_works().await;
    let service = site.registration.service(EXTERNAL).await;
    assert_ne!(service["spec"]["insecureSkipTLSVerify"], true, "{service:#}");
    // What it was is kept for the way back, by upgrades as well.
    let kept = |service: &Value| -> Value {
        let text = service["metadata"]["annotations"]["leadsman.dev/taken-over"].as_str();
        let text = text.unwrap_or_else(|| panic!("no annotation: {service:#}"));
        serde_json::from_str(text).expect("JSON")
    };
    assert_eq!(kept(&service)["spec"], keda()["spec"]);
    site.upgrade(&values).await;
    let service = site.registration.service(EXTERNAL).await;
    assert_eq!(kept(&service)["spec"], keda()["spec"]);
    assert_eq!(service["spec"]["service"]["name"], site.release);
    site.uninstall().await;
}

#[tokio::test]
async fn the_api_of_metrics_server_is_not_taken_over_by_default() {
    let site = Site::new("top").await;
    let admin = site.plane.admin();
    let metrics_server = json!({
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": true,
            "service": {"namespace": "kube-system", "name": "metrics-server", "port": 443},
        },
    });
    admin.apply(&metrics_server).await;
    let refused = site.helm("install", &json!({"apiService": {"resource": true}}), &[]).await;
    site.install(&json!({})).await;
    let service = site.registration.service("v1beta1.metrics.k8s.io").await;
    // No namespace ends while the aggregator has an API without a server.
    admin.delete(&path_of(&metrics_server)).await;
    for said in ["v1beta1.metrics.k8s.io", "kube-system/metrics-server", "apiService.resource to"] {
        assert!(refused.failed().contains(said), "{said}: {refused:#?}");
    }
    assert_eq!(service["spec"]["service"]["name"], "metrics-server");
    site.uninstall().await;
}

#[tokio::test]
async fn an_uninstallation_leaves_only_the_authority() {
    let site = Site::new("leaving").await;
    super::others::define(site.plane).await;
    let on = json!({"enabled": true});
    let values = json!({
        "networkPolicy": on, "flowSchema": on, "serviceMonitor": on, "prometheusRule": on,
        "dashboard": on,
    });
    site.install(&values).await;
    let leadsman = site.run().await;
    site.assert_works().await;
    let installed = objects(&site).await;
    assert!(installed.len() >= 20, "{installed:#?}");
    drop(leadsman);
    site.uninstall().await;
    assert_eq!(objects(&site).await, [format!("Secret {}-ca", site.release)]);
}

/// Every object of a release: its kind and name.
async fn objects(site: &Site) -> Vec<String> {
    let kinds = site.plane.kubectl(&["api-resources", "--verbs=list,get", "--output=name"]).await;
    // Events expire by themselves.
    let kinds = kinds.stdout.split_whitespace().filter(|kind| !kind.starts_with("events"));
    let kinds = kinds.collect::<Vec<_>>().join(",");
    let columns = "--output=custom-columns=KIND:.kind,NAME:.metadata.name";
    let line = ["get", &kinds, "--all-namespaces", "--no-headers", columns];
    let found = site.plane.kubectl(&line).await;
    let lines = found.ok().lines().filter(|line| line.contains(&site.release));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}
