//! Kustomize: base, components and the example, rendered and applied by the real kubectl.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use leadsman_tests::cluster::{CommandOutput, ControlPlane, Registration, path_of};
use leadsman_tests::{Authority, Leadsman, Reply, Upstream};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::manifests::{Manifest, accepted, allowed, configuration, manifests, names};
use super::others::{define, inject, issue};
use super::security::assert_secure;
use super::site::{
    API_SERVICES, alone, assert_works, authorities, deploy, free_ports, helm, mappings,
    resource_rules, wait_custom,
};

const NAMESPACE: &str = "leadsman-system";
const NAME: &str = "leadsman";

/// A user's overlay, in its own folder.
struct Overlay {
    folder: TempDir,
    kustomization: Value,
}

impl Overlay {
    /// An overlay of this folder of `deploy/kustomize`, with these components.
    fn new(resource: &str, components: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let way = way(folder.path());
        let components = components.iter().map(|name| format!("{way}/components/{name}"));
        let kustomization = json!({
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [format!("{way}/{resource}")],
            "components": components.collect::<Vec<_>>(),
        });
        Self { folder, kustomization }
    }

    /// The same for a process on this machine, with these ports and this source.
    fn local(mut self, [port, admin_port]: [u16; 2], source: &str) -> Self {
        let arguments = |number: usize, old: &str, new: String| {
            let path = format!("/spec/template/spec/containers/0/args/{number}");
            [
                json!({"op": "test", "path": path, "value": old}),
                json!({"op": "replace", "path": path, "value": new}),
            ]
        };
        let admin = format!("--admin-address=0.0.0.0:{admin_port}");
        let deployment = [
            arguments(3, "--secure-port=6443", format!("--secure-port={port}")),
            arguments(5, "--admin-address=0.0.0.0:8080", admin),
        ];
        // The aggregator connects to the APIService's port of the Service's target.
        let service = json!([{"op": "replace", "path": "/spec/service/port", "value": port}]);
        self.kustomization["patches"] = json!([
            {"target": {"kind": "Deployment"}, "patch": json!(deployment.concat()).to_string()},
            {"target": {"kind": "APIService"}, "patch": service.to_string()},
        ]);
        let config = json!({
            "apiVersion": "leadsman.dev/v1alpha1",
            "kind": "Config",
            "sources": {"prometheus": {"prometheus": {"url": source}}},
            "mappings": mappings(),
        });
        let file = self.folder.path().join("config.yaml");
        std::fs::write(file, config.to_string()).expect("a file");
        self.kustomization["configMapGenerator"] = json!([{
            "name": NAME, "namespace": NAMESPACE, "behavior": "replace", "files": ["config.yaml"],
            "options": {"disableNameSuffixHash": true},
        }]);
        self
    }

    /// Runs kubectl with it.
    async fn kubectl(&self, plane: &ControlPlane, line: &[&str]) -> CommandOutput {
        let file = self.folder.path().join("kustomization.yaml");
        std::fs::write(file, self.kustomization.to_string()).expect("a file");
        let folder = self.folder.path().display().to_string();
        plane.kubectl(&[line, &[&folder]].concat()).await
    }

    async fn rendered(&self) -> BTreeSet<Manifest> {
        let plane = ControlPlane::shared().await;
        manifests(self.kubectl(plane, &["kustomize"]).await.ok())
    }

    /// Applies it as documented.
    async fn apply(&self, plane: &ControlPlane) -> CommandOutput {
        self.kubectl(plane, &["apply", "--server-side", "--kustomize"]).await
    }

    async fn delete(&self, plane: &ControlPlane) {
        let line = ["delete", "--ignore-not-found", "--timeout=50s", "--kustomize"];
        self.kubectl(plane, &line).await.ok();
    }
}

/// The path from a folder to `deploy/kustomize`: kustomize needs a relative one.
fn way(from: &Path) -> String {
    let from = from.canonicalize().expect("a folder");
    let up = from.components().filter(|part| matches!(part, Component::Normal(_)));
    let up: String = up.map(|_| "../").collect();
    format!("{up}{}/kustomize", deploy().display().to_string().trim_start_matches('/'))
}

const GROUPS: [&[&str]; 5] = [
    &[],
    &["custom-metrics"],
    &["external-metrics"],
    &["resource-metrics"],
    &["custom-metrics", "external-metrics", "resource-metrics"],
];

/// Components that can be combined with any of [`GROUPS`].
const OPTIONS: [&[&str]; 10] = [
    &[],
    &["cert-manager"],
    &["monitoring"],
    &["hostnetwork"],
    &["network-policy"],
    &["teams"],
    &["activation"],
    &["autoscaler-events"],
    &["autoscalers", "page-users"],
    &[
        "cert-manager",
        "monitoring",
        "hostnetwork",
        "keda-scaler",
        "network-policy",
        "scraping",
        "teams",
        "activation",
        "autoscaler-events",
    ],
];

/// The objects of the component for activation.
pub(super) const ACTIVATION: [&str; 6] = [
    "ClusterRole/leadsman-workloads",
    "ClusterRoleBinding/leadsman-workloads",
    "ClusterRole/leadsman-activator",
    "ClusterRoleBinding/leadsman-activator",
    "Role/leadsman-activator",
    "RoleBinding/leadsman-activator",
];

/// The objects of a selection of components.
fn expected(components: &[&str]) -> BTreeSet<String> {
    let has = |component: &str| components.contains(&component);
    let own = !has("cert-manager");
    let [custom, external, resource] =
        ["custom-metrics", "external-metrics", "resource-metrics"].map(has);
    let parts: [(bool, &[&str]); 17] = [
        (
            true,
            &[
                "Namespace/leadsman-system",
                "ServiceAccount/leadsman",
                "Service/leadsman",
                "ConfigMap/leadsman",
                "Role/leadsman-config",
                "RoleBinding/leadsman-config",
                "Deployment/leadsman",
                "PodDisruptionBudget/leadsman",
                "RoleBinding/leadsman-auth-reader",
                "ClusterRoleBinding/leadsman-auth-delegator",
                "ClusterRole/leadsman-objects",
                "ClusterRoleBinding/leadsman-objects",
            ],
        ),
        (own, &["Role/leadsman-ca", "RoleBinding/leadsman-ca"]),
        (
            custom,
            &[
                "APIService/v1beta1.custom.metrics.k8s.io",
                "APIService/v1beta2.custom.metrics.k8s.io",
            ],
        ),
        (external, &["APIService/v1beta1.external.metrics.k8s.io"]),
        (
            resource,
            &[
                "APIService/v1beta1.metrics.k8s.io",
                "APIService/v1.metrics.k8s.io",
                "ClusterRole/leadsman-usage",
                "ClusterRoleBinding/leadsman-usage",
                "ClusterRole/leadsman-usage-reader",
            ],
        ),
        (
            own && resource,
            &[
                "ClusterRole/leadsman-apiservices-resource",
                "ClusterRoleBinding/leadsman-apiservices-resource",
            ],
        ),
        (
            own && custom,
            &[
                "ClusterRole/leadsman-apiservices-custom",
                "ClusterRoleBinding/leadsman-apiservices-custom",
            ],
        ),
        (
            own && external,
            &[
                "ClusterRole/leadsman-apiservices-external",
                "ClusterRoleBinding/leadsman-apiservices-external",
            ],
        ),
        (
            !own,
            &[
                "Issuer/leadsman-selfsigned",
                "Issuer/leadsman-root",
                "Certificate/leadsman-root",
                "Certificate/leadsman-tls",
            ],
        ),
        (
            has("monitoring"),
            &["ServiceMonitor/leadsman", "PrometheusRule/leadsman", "ConfigMap/leadsman-dashboard"],
        ),
        (has("network-policy"), &["NetworkPolicy/leadsman"]),
        (
            has("scraping"),
            &["ClusterRole/leadsman-scraping", "ClusterRoleBinding/leadsman-scraping"],
        ),
        (
            has("autoscalers"),
            &["ClusterRole/leadsman-autoscalers", "ClusterRoleBinding/leadsman-autoscalers"],
        ),
        (has("page-users"), &["ClusterRole/leadsman-page-reader"]),
        (has("teams"), &["ClusterRole/leadsman-teams", "ClusterRoleBinding/leadsman-teams"]),
        (has("activation"), &ACTIVATION),
        (
            has("autoscaler-events"),
            &[
                "ClusterRole/leadsman-autoscaler-events",
                "ClusterRoleBinding/leadsman-autoscaler-events",
            ],
        ),
    ];
    let wanted = parts.iter().filter(|(wanted, _)| *wanted);
    wanted.flat_map(|(_, names)| names.iter().map(|&name| name.to_owned())).collect()
}

#[tokio::test]
async fn kube_apiserver_accepts_every_choice_of_components() {
    let plane = ControlPlane::shared().await;
    define(plane).await;
    let mut all = BTreeSet::new();
    for (group, option) in GROUPS.iter().flat_map(|g| OPTIONS.iter().map(move |o| (g, o))) {
        let components = [*group, *option].concat();
        let rendered = Overlay::new("base", &components).rendered().await;
        assert_eq!(names(&rendered), expected(&components), "{components:?}");
        all.extend(rendered);
    }
    let objects = accepted(plane, NAMESPACE, &all).await;
    assert_eq!(objects.len(), all.len());
    for object in objects.iter().filter(|object| object["kind"] == "Deployment") {
        assert_secure(plane, object).await;
    }
}

#[tokio::test]
async fn the_configurations_have_no_faults() {
    for resource in ["base", "overlays/example"] {
        let rendered = Overlay::new(resource, &[]).rendered().await;
        let check = Leadsman::check(configuration(&rendered)).await;
        assert_eq!(check.code, Some(0), "{resource}: {}", check.output);
    }
}

#[tokio::test]
async fn the_example_works_and_can_be_deleted() {
    let plane = ControlPlane::shared().await;
    let registration = alone(plane, NAMESPACE, NAME).await;
    let upstream = Upstream::start(Reply::pods(&[("web-0", "3")])).await;
    let example = Overlay::new("overlays/example", &[]).local(free_ports(), &upstream.url());
    example.apply(plane).await.ok();
    registration.route_service_here().await;
    let _leadsman = plane.run_pod(NAMESPACE, NAME).await;
    assert_works(plane, &registration).await;

    // Applying it again keeps what the adapter wrote.
    let trusted = authorities(&registration).await;
    assert!(trusted.iter().all(Option::is_some), "{trusted:#?}");
    example.apply(plane).await.ok();
    assert_eq!(authorities(&registration).await, trusted);
    assert_works(plane, &registration).await;

    example.delete(plane).await;
    let admin = plane.admin();
    for gone in [
        format!("/api/v1/namespaces/{NAMESPACE}"),
        format!("/apis/apiregistration.k8s.io/v1/apiservices/{}", API_SERVICES[0]),
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/leadsman-objects".to_owned(),
    ] {
        assert!(admin.find(&gone).await.is_none(), "{gone}");
    }
}

/// The test acts as cert-manager, as in the tests of the chart.
#[tokio::test]
async fn certificates_may_come_from_cert_manager() {
    let plane = ControlPlane::shared().await;
    define(plane).await;
    let registration = alone(plane, NAMESPACE, NAME).await;
    let upstream = Upstream::start(Reply::pods(&[("web-0", "3")])).await;
    let overlay = Overlay::new("overlays/example", &["cert-manager"]);
    let overlay = overlay.local(free_ports(), &upstream.url());
    overlay.apply(plane).await.ok();
    registration.route_service_here().await;
    let (admin, authority) = (plane.admin(), Authority::new("issuer"));
    issue(&admin, NAMESPACE, "leadsman-tls", &authority).await;
    inject(&admin, "leadsman-system/leadsman-tls", &authority).await;
    let _leadsman = plane.run_pod(NAMESPACE, NAME).await;
    assert_works(plane, &registration).await;
    overlay.apply(plane).await.ok();
    assert_works(plane, &registration).await;
    overlay.delete(plane).await;
}

#[tokio::test]
async fn an_api_service_of_another_is_a_conflict() {
    let plane = ControlPlane::shared().await;
    let registration = alone(plane, NAMESPACE, NAME).await;
    let external = super::refused::keda();
    let file = super::manifests::file(&external.to_string());
    let file = file.path().display().to_string();
    let by_keda = ["apply", "--server-side", "--field-manager=keda", "-f", &file];
    plane.kubectl(&by_keda).await.ok();

    let upstream = Upstream::start(Reply::pods(&[("web-0", "3")])).await;
    let example = Overlay::new("overlays/example", &[]).local(free_ports(), &upstream.url());
    let refused = example.apply(plane).await;
    for said in ["conflict", "keda", ".spec.service.name"] {
        assert!(refused.failed().contains(said), "{said}: {refused:#?}");
    }
    assert_eq!(owner(&registration).await, "keda-metrics-apiserver");

    // Everything else is applied, and works.
    registration.route_service_here().await;
    let _leadsman = plane.run_pod(NAMESPACE, NAME).await;
    wait_custom(plane).await;
    assert_eq!(owner(&registration).await, "keda-metrics-apiserver");
    // No namespace can be deleted while the aggregator has an API without a server.
    plane.admin().delete(&path_of(&external)).await;
    example.delete(plane).await;
}

/// The Service of the external metrics.
async fn owner(registration: &Registration<'_>) -> String {
    let service = registration.service(API_SERVICES[2]).await;
    service["spec"]["service"]["name"].as_str().unwrap_or_default().to_owned()
}

/// A change must be made in both.
#[tokio::test]
async fn chart_and_kustomize_define_the_same_objects() {
    let plane = ControlPlane::shared().await;
    define(plane).await;
    let on = json!({"enabled": true});
    let monitored = json!({
        "serviceMonitor": on, "prometheusRule": on, "dashboard": on, "networkPolicy": on,
    });
    let used = json!({
        "apiService": {"resource": true},
        "config": {"resourceRules": resource_rules()},
    });
    for (components, values) in [
        (&[][..], json!({})),
        (&["cert-manager"], json!({"certManager": on})),
        (&["hostnetwork"], json!({"hostNetwork": on})),
        (&["monitoring", "network-policy"], monitored),
        (&["teams"], json!({"teams": on})),
        (&["activation"], json!({"workloads": {"activate": true}})),
        (&["keda-scaler"], json!({"scaler": on})),
        (&["resource-metrics"], used),
    ] {
        let overlay = Overlay::new("overlays/example", components).rendered().await;
        let mut values = values;
        values["config"]["mappings"] = json!([mappings()[0]]);
        let version = ["--kube-version", "1.34.1"];
        let chart = helm(plane, "template", (NAMESPACE, NAME), &values, &version).await;
        let chart = accepted(plane, NAMESPACE, &manifests(chart.ok())).await;
        let kustomize = accepted(plane, NAMESPACE, &overlay).await;
        for kind in ["Deployment", "PodDisruptionBudget", "NetworkPolicy", "PrometheusRule"] {
            let [chart, kustomize] = [&chart, &kustomize].map(|objects| said(objects, kind));
            assert_eq!(chart, kustomize, "{kind}, {components:?}");
        }
        let [chart, kustomize] = [&chart, &kustomize].map(|objects| rights(objects));
        assert_eq!(chart, kustomize, "{components:?}");
    }
}

/// The only object of a kind, without labels and names, which differ.
fn said(objects: &[Value], kind: &str) -> Option<Value> {
    let object = objects.iter().find(|object| object["kind"] == kind)?;
    let mut spec = object["spec"].clone();
    for chosen in ["selector", "podSelector"] {
        spec[chosen].take();
    }
    if kind == "Deployment" {
        spec["template"]["metadata"].take();
        let pod = &mut spec["template"]["spec"];
        for list in ["/containers/0/args", "/containers/0/volumeMounts", "/volumes"] {
            let list = pod.pointer_mut(list).and_then(Value::as_array_mut);
            list.expect("a list").sort_by_key(Value::to_string);
        }
        for constraint in pod["topologySpreadConstraints"].as_array_mut().into_iter().flatten() {
            constraint["labelSelector"].take();
        }
    }
    Some(spec)
}

/// Everything that the roles allow.
fn rights(objects: &[Value]) -> BTreeSet<String> {
    let rules = objects.iter().filter_map(|object| object["rules"].as_array()).flatten();
    rules.flat_map(allowed).collect()
}
