//! An installation site: a namespace, ports of this machine, and a source.

use std::path::{Path, PathBuf};
use std::time::Duration;

use leadsman_tests::cluster::{CommandOutput, ConfigMap, ControlPlane, Registration, Workload};
use leadsman_tests::{Leadsman, Reply, Upstream, eventually, free_port, paths};
use serde_json::{Value, json};

/// The namespace that metrics are read in.
pub(crate) const SHOP: &str = "shop";

/// A site of one release of the chart, which owns the metrics APIs.
pub(crate) struct Site {
    pub(crate) plane: &'static ControlPlane,
    pub(crate) registration: Registration<'static>,
    pub(crate) namespace: &'static str,
    /// The name of the release, and of all its objects.
    pub(crate) release: String,
    pub(crate) upstream: Upstream,
    pub(crate) port: u16,
    admin_port: u16,
}

const TIMEOUT: Duration = Duration::from_secs(20);

impl Site {
    /// A site in a new namespace. It owns the APIServices until it is dropped.
    pub(crate) async fn new(namespace: &'static str) -> Self {
        let plane = ControlPlane::shared().await;
        let release = format!("leadsman-{namespace}");
        let registration = alone(plane, namespace, &release).await;
        let [port, admin_port] = free_ports();
        let upstream = Upstream::start(Reply::pods(&[("web-0", "3")])).await;
        Self { plane, registration, namespace, release, upstream, port, admin_port }
    }

    /// Installs the chart with these values, and those that a process on this machine needs.
    pub(crate) async fn install(&self, values: &Value) {
        self.helm("install", values, &[]).await.ok();
        self.registration.route_service_here().await;
    }

    /// Upgrades the release to these values.
    pub(crate) async fn upgrade(&self, values: &Value) {
        self.helm("upgrade", values, &[]).await.ok();
        // Helm resets the Service.
        self.registration.route_service_here().await;
    }

    /// Runs `helm install` or `helm upgrade`, with additional arguments.
    pub(crate) async fn helm(
        &self,
        command: &str,
        values: &Value,
        arguments: &[&str],
    ) -> CommandOutput {
        let mut all = self.values();
        merge(&mut all, values);
        helm(self.plane, command, (self.namespace, &self.release), &all, arguments).await
    }

    /// Uninstalls the release.
    pub(crate) async fn uninstall(&self) {
        self.plane.helm(&["uninstall", &self.release, "--namespace", self.namespace]).await.ok();
    }

    /// Runs the program as a pod of the release would.
    pub(crate) async fn run(&self) -> Leadsman {
        self.plane.run_pod(self.namespace, &self.release).await
    }

    /// The ConfigMap with the configuration, unless the user provides one.
    pub(crate) fn config_map(&self) -> ConfigMap {
        ConfigMap::of_operator(&self.plane.admin(), self.namespace, &self.release)
    }

    /// Waits until the APIServices are available, and reads through kube-apiserver, whose
    /// aggregator verifies the certificate.
    pub(crate) async fn assert_works(&self) {
        assert_works(self.plane, &self.registration).await;
    }

    /// The caBundle of each APIService.
    pub(crate) async fn authorities(&self) -> Vec<Option<String>> {
        authorities(&self.registration).await
    }

    /// The values that a process on this machine needs.
    fn values(&self) -> Value {
        json!({
            "listenPort": self.port,
            "adminPort": self.admin_port,
            // The aggregator connects to the APIService's port of the Service's target.
            "service": {"port": self.port},
            "shutdownDelay": "0s",
            "prometheus": {"url": self.upstream.url(), "port": ""},
            "config": {"mappings": mappings()},
        })
    }
}

/// A namespace to install to. Nobody else has APIServices until this is dropped.
pub(crate) async fn alone(
    plane: &'static ControlPlane,
    namespace: &str,
    service: &str,
) -> Registration<'static> {
    let registration = Registration::reserve(plane, namespace, service).await;
    plane.admin().namespace(namespace).await;
    registration
}

/// Waits until the APIServices are available, and reads through kube-apiserver, whose aggregator
/// verifies the certificate.
pub(crate) async fn assert_works(plane: &ControlPlane, registration: &Registration<'_>) {
    registration.wait_available().await;
    let admin = plane.admin();
    // For a moment after an upgrade the aggregator sees the Service without pods.
    eventually("an external metric", TIMEOUT, async || {
        let answer = admin.read(&paths::external(SHOP, "queue_depth")).await;
        let works = answer.is_success() && answer.value() == "3";
        if works { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    wait_custom(plane).await;
}

/// Waits until a custom metric can be read.
pub(crate) async fn wait_custom(plane: &ControlPlane) {
    let admin = plane.admin();
    Workload::deployment(&admin, SHOP, "web", 1).await;
    // The adapter has yet to learn of the pod.
    eventually("the value of a pod", TIMEOUT, async || {
        let answer = admin.read(&paths::pods(SHOP, "requests")).await;
        let value = answer.is_success().then(|| answer.values().remove("web-0")).flatten();
        if value.as_deref() == Some("3") { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
}

/// The caBundle of each APIService.
pub(crate) async fn authorities(registration: &Registration<'_>) -> Vec<Option<String>> {
    let mut found = Vec::new();
    for name in API_SERVICES {
        found.push(registration.authority(name).await);
    }
    found
}

/// Runs a command of Helm on the chart, with these values.
pub(crate) async fn helm(
    plane: &ControlPlane,
    command: &str,
    (namespace, release): (&str, &str),
    values: &Value,
    arguments: &[&str],
) -> CommandOutput {
    let chart = chart();
    let line = [command, release, &chart, "--namespace", namespace];
    run(plane, &[&line, arguments].concat(), values).await
}

/// Runs `helm lint`, with these values.
pub(crate) async fn lint(
    plane: &ControlPlane,
    values: &Value,
    arguments: &[&str],
) -> CommandOutput {
    let chart = chart();
    run(plane, &[&["lint", &chart], arguments].concat(), values).await
}

async fn run(plane: &ControlPlane, line: &[&str], values: &Value) -> CommandOutput {
    let values = values.as_object().into_iter().flatten();
    let values: Vec<_> = values.map(|(key, value)| format!("--set-json={key}={value}")).collect();
    let values: Vec<_> = values.iter().map(String::as_str).collect();
    plane.helm(&[line, &values].concat()).await
}

/// The APIServices of both groups.
pub(crate) const API_SERVICES: [&str; 3] = [
    "v1beta1.custom.metrics.k8s.io",
    "v1beta2.custom.metrics.k8s.io",
    "v1beta1.external.metrics.k8s.io",
];

/// One mapping for each API.
pub(crate) fn mappings() -> Value {
    let query = |promql: &str| json!({"q": {"source": "prometheus", "promql": promql}});
    json!([
        {
            "metric": "requests",
            "serve": {"custom": {"resource": "pods"}},
            "queries": query(r#"requests{namespace="${namespace}"}"#),
            "plugin": "per-object",
            "config": {"object": "pod"},
        },
        {
            "metric": "queue_depth",
            "serve": {"external": {}},
            "queries": query("queue_depth"),
            "plugin": "external",
        },
    ])
}

/// Rules for resource metrics.
pub(crate) fn resource_rules() -> Value {
    let rule = |series: &str| {
        let query = format!("sum by (<<.GroupBy>>) ({series}{{<<.LabelMatchers>>}})");
        json!({
            "containerQuery": query,
            "nodeQuery": query,
            "containerLabel": "container",
            "resources": {"template": "<<.Resource>>"},
        })
    };
    json!({"cpu": rule("cores"), "memory": rule("bytes"), "window": "1m"})
}

fn chart() -> String {
    deploy().join("chart").join("leadsman").display().to_string()
}

/// The folder that is tested here.
pub(crate) fn deploy() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().expect("the checkout").join("deploy")
}

pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    [(); N].map(|()| free_port())
}

/// Merges values over others, as Helm does with several files.
fn merge(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over.clone(),
    }
}
