//! `leadsman convert` with a real control plane: ScaledObjects of the cluster, and autoscalers that scale.

use std::path::Path;
use std::time::Duration;

use leadsman_tests::cluster::{Adapter, ControlPlane, Hpa, Trust, Workload};
use leadsman_tests::{History, HttpClient, Leadsman, Prometheus, Traffic, eventually, paths};
use tempfile::TempDir;

/// Where Leadsman is.
const NAMESPACE: &str = "metrics";

/// How long a ConfigMap may take until it is served.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The kinds of KEDA, each with its plural and whether it is namespaced, as KEDA defines them but without
/// their schema.
const KINDS: [(&str, &str, bool); 4] = [
    ("ScaledObject", "scaledobjects", true),
    ("ScaledJob", "scaledjobs", true),
    ("TriggerAuthentication", "triggerauthentications", true),
    ("ClusterTriggerAuthentication", "clustertriggerauthentications", false),
];

fn definitions() -> String {
    let of = |(kind, plural, namespaced): &(&str, &str, bool)| {
        let scope = if *namespaced { "Namespaced" } else { "Cluster" };
        format!(
            "---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {plural}.keda.sh}}
spec:
  group: keda.sh
  names: {{kind: {kind}, plural: {plural}, singular: {}}}
  scope: {scope}
  versions:
    - name: v1alpha1
      served: true
      storage: true
      schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
",
            kind.to_lowercase()
        )
    };
    KINDS.iter().map(of).collect()
}

/// The fourth user's web site, with the address of a Prometheus.
fn web_site(prometheus: &str) -> String {
    format!(
        "apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {{name: prometheus-scaledobject, namespace: my-site}}
spec:
  scaleTargetRef: {{name: my-deployment-apache}}
  minReplicaCount: 1
  maxReplicaCount: 8
  pollingInterval: 30
  cooldownPeriod: 300
  advanced:
    horizontalPodAutoscalerConfig: {{name: my-deployment-apache}}
  triggers:
    - type: prometheus
      metadata:
        serverAddress: {prometheus}
        metricName: nginx_ingress_requests
        threshold: '100'
        query: sum(irate(nginx_ingress_controller_requests{{namespace=\"my-site\"}}[3m])) by (ingress)*10
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {{name: gone, namespace: my-site}}
spec:
  scaleTargetRef: {{name: gone}}
  minReplicaCount: 1
  triggers:
    - {{type: prometheus, metadata: {{serverAddress: '{prometheus}', threshold: '1', query: sum(x)}}}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata: {{name: nightly, namespace: my-site}}
spec: {{}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {{name: elsewhere, namespace: default}}
spec:
  scaleTargetRef: {{name: elsewhere}}
  triggers: [{{type: kafka, metadata: {{topic: a}}}}]
"
    )
}

async fn apply(plane: &ControlPlane, file: &Path) {
    let file = file.display().to_string();
    plane.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", &file]).await.ok();
}

/// ScaledObjects are read from the cluster with the rights of whoever asks. What is written applies, and the
/// autoscaler comes to the replicas of KEDA's: the value of the only element, divided by the threshold.
#[tokio::test]
async fn a_web_site_of_the_cluster_scales_as_before() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let traffic = Traffic::start().await;
    let prometheus = Prometheus::scraping(&traffic.url()).await;
    let folder = TempDir::new().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    std::fs::write(file("definitions.yaml"), definitions()).expect("a file");
    apply(plane, &file("definitions.yaml")).await;
    let definitions = file("definitions.yaml").display().to_string();
    let wait = ["wait", "--for=condition=Established", "--timeout=60s", "-f", &definitions];
    plane.kubectl(&wait).await.ok();
    let workload = Workload::deployment(&admin, "my-site", "my-deployment-apache", 1).await;
    std::fs::write(file("objects.yaml"), web_site(&prometheus.url())).expect("a file");
    apply(plane, &file("objects.yaml")).await;

    // One object is not written, and the others are.
    let kubeconfig = plane.admin_kubeconfig().display().to_string();
    let convert =
        ["convert", "--kubeconfig", &kubeconfig, "--namespace", "my-site", "--output", "out"];
    let report = Leadsman::command(&convert, folder.path()).await;
    assert_eq!(report.code, Some(1), "{}", report.output);
    report.assert_contains(&[
        "my-site/prometheus-scaledobject  whole",
        "ScaledJob my-site/nightly",
        "its target, Deployment gone, is not in the cluster",
        "3 objects: 2 whole, 0 with differences, 1 not written",
    ]);
    assert!(!report.output.contains("elsewhere"), "{}", report.output);

    let adapter = Adapter::new(plane, NAMESPACE, &[]).await;
    let service = format!("{NAMESPACE}/leadsman");
    let leadsman = adapter.start_file(&file("out/config.yaml"), &["--service", &service]).await;
    let _registration = adapter.register(leadsman.api().port(), Trust::Injected).await;
    let requests = |ten_times: f64| {
        let labels = r#"namespace="my-site",ingress="my-ingress",host="test.ru""#;
        let counter = format!("nginx_ingress_controller_requests{{{labels}}}");
        traffic.set_rate(&counter, ten_times / 10.0);
    };
    requests(0.0);
    apply(plane, &file("out/autoscalers.yaml")).await;
    let hpa = Hpa::of(&admin, &workload);
    hpa.scale_immediately(&["scaleUp", "scaleDown"]).await;
    for (ten_times, replicas) in [(0.0, 1), (650.0, 7), (244.006, 3), (2000.0, 8), (0.0, 1)] {
        requests(ten_times);
        hpa.wait_desired(replicas).await;
    }

    // As a ConfigMap the same configuration has no faults either.
    let arguments =
        [&convert[..5], &["--form", "config-map", "--config-map", "metrics/converted"]].concat();
    let arguments = [&arguments[..], &["--output", "map"]].concat();
    let report = Leadsman::command(&arguments, folder.path()).await;
    assert_eq!(report.code, Some(1), "{}", report.output);
    apply(plane, &file("map/config-map.yaml")).await;
    let check = Leadsman::check_config_map(plane.admin_kubeconfig(), "metrics/converted").await;
    assert_eq!(check.code, Some(0), "{}", check.output);
}

/// With `--form teams` a metric is that of one namespace, as with KEDA.
#[tokio::test]
async fn mappings_of_namespaces_are_served_in_no_other() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let prometheus = Prometheus::holding(&History::new().gauge("requests", 12.0)).await;
    let folder = TempDir::new().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    let object = |namespace: &str, factor: u32| {
        format!(
            "---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {{name: web, namespace: {namespace}}}
spec:
  scaleTargetRef: {{name: web}}
  minReplicaCount: 1
  triggers:
    - type: prometheus
      metadata: {{serverAddress: '{}', threshold: '3', query: sum(requests) * {factor}}}
",
            prometheus.url()
        )
    };
    let objects = [object("converted-a", 1), object("converted-b", 2)];
    std::fs::write(file("objects.yaml"), objects.concat()).expect("a file");
    let adapter = Adapter::new(plane, "converted-operator", &[]).await;
    adapter.account().allow_config_map(&admin, "converted-operator", "converted").await;
    adapter.account().allow_team_config_maps(&admin).await;
    let name = "converted-operator/converted";
    let form = ["--form", "teams", "--config-map", name, "--output", "out"];
    let convert = [&["convert", "objects.yaml"][..], &form].concat();
    let report = Leadsman::command(&convert, folder.path()).await;
    assert_eq!(report.code, Some(0), "{}", report.output);
    for namespace in ["converted-a", "converted-b"] {
        admin.namespace(namespace).await;
    }
    apply(plane, &file("out/config-map.yaml")).await;
    apply(plane, &file("out/teams.yaml")).await;
    let launched = adapter.launch_config_map(name, &[]).await;
    let leadsman = launched.unwrap_or_else(|exited| panic!("{exited:#?}"));
    let root = HttpClient::with_certificate(plane.authorities().admin());
    let read = async |namespace: &str, metric: &str| {
        leadsman.get_as(&root, &paths::external(namespace, metric)).await
    };
    for (namespace, value) in [("converted-a", "12"), ("converted-b", "24")] {
        let metric = format!("{namespace}.web.s0-prometheus");
        eventually(&format!("{value} in {namespace}"), TIMEOUT, async || {
            let answer = read(namespace, &metric).await;
            let is_served = answer.is_success() && answer.value() == value;
            if is_served { Ok(()) } else { Err(format!("{answer:#?}")) }
        })
        .await;
        assert_eq!(read("default", &metric).await.status, 404);
    }
    let other = read("converted-b", "converted-a.web.s0-prometheus").await;
    assert_eq!(other.status, 404, "{other:#?}");
}

/// Without rights it says what it cannot read.
#[tokio::test]
async fn what_may_not_be_read_is_said() {
    let plane = ControlPlane::shared().await;
    let adapter = Adapter::new(plane, "convert-rights", &[]).await;
    let kubeconfig = adapter.kubeconfig().display().to_string();
    let folder = TempDir::new().expect("a folder");
    let convert = ["convert", "--kubeconfig", &kubeconfig, "--namespace", "convert-rights"];
    let report = Leadsman::command(&convert, folder.path()).await;
    assert_eq!(report.code, Some(3), "{}", report.output);
    report.assert_contains(&["cannot read ScaledObjects", "403|forbidden"]);
}
