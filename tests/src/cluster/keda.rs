//! The real KEDA: its operator and its metrics server, on the loopback.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::client::ApiClient;
use super::control_plane::ControlPlane;
use super::objects::path_of;
use super::programs::Program;
use super::registration::{Registration, Trust};
use super::server::Server;
use super::workload::Workload;
use crate::built;
use crate::caller::HttpClient;
use crate::certificates::{Authority, Identity};
use crate::process::free_port;
use crate::waiting::eventually;

/// A running KEDA. A control plane has one.
pub struct Keda {
    operator: Server,
    metrics_server: Server,
    port: u16,
    /// What its metrics server is trusted by.
    authority: Authority,
    /// An authority that its scalers trust by a folder of theirs.
    trusted: Authority,
}

/// A ScaledObject with one trigger.
#[derive(Debug, Clone)]
pub struct ScaledObject {
    client: ApiClient,
    path: String,
    namespace: String,
    name: String,
}

/// Its namespace, and the Service of its metrics server.
const NAMESPACE: &str = "keda";
const SERVICE: &str = "keda-operator-metrics-apiserver";

/// The API that its metrics server serves.
const EXTERNAL: &str = "v1beta1.external.metrics.k8s.io";

/// Its controllers start once they have lists of everything.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// A poll or a push, the scaling, and a sync of the autoscaler.
const SCALING_TIMEOUT: Duration = Duration::from_secs(60);

static SHARED: OnceCell<Keda> = OnceCell::const_new();

impl Keda {
    /// The KEDA of the shared control plane. The first call starts it.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn shared() -> &'static Self {
        SHARED.get_or_init(|| async { Self::start(ControlPlane::shared().await).await }).await
    }

    async fn start(plane: &'static ControlPlane) -> Self {
        let programs = folder();
        let crds = programs.join("crds").display().to_string();
        plane.kubectl(&["apply", "--server-side", "-f", &crds]).await.ok();
        let wait = ["wait", "--for=condition=Established", "--timeout=60s", "-f", &crds];
        plane.kubectl(&wait).await.ok();
        plane.admin().namespace(NAMESPACE).await;
        let (authority, trusted) = (Authority::new("keda-ca"), Authority::new("scalers-ca"));
        let service = format!("{SERVICE}.{NAMESPACE}.svc");
        let identity = authority.both_ends("keda-operator", &["localhost", service.as_str()]);
        let certificates = certificates(plane, &authority, &identity);
        let scalers = plane.folder().join("keda-scalers");
        std::fs::create_dir_all(&scalers).expect("a folder");
        std::fs::write(scalers.join("ca.crt"), trusted.pem()).expect("a file");
        let metrics_service = format!("127.0.0.1:{}", free_port());
        let operator = operator(plane, &programs, &certificates, &scalers, &metrics_service).await;
        let port = free_port();
        let metrics_server =
            metrics_server(plane, &programs, &certificates, &metrics_service, port).await;
        Self { operator, metrics_server, port, authority, trusted }
    }

    /// An authority that its scalers trust, for servers that they ask.
    pub fn trusted(&self) -> &Authority {
        &self.trusted
    }

    /// The URL of its metrics server.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The authority of its metrics server.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Registers its metrics server for external metrics, and waits until it is available.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn register(&self) -> Registration<'static> {
        let plane = ControlPlane::shared().await;
        let registration = Registration::reserve(plane, NAMESPACE, SERVICE).await;
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"namespace": NAMESPACE, "name": SERVICE},
            "spec": {"type": "ExternalName", "externalName": "localhost"},
        });
        plane.admin().apply(&service).await;
        let authority = self.authority.pem();
        registration.route_api_to(EXTERNAL, self.port, Trust::Authority(&authority)).await;
        registration.wait_one_available(EXTERNAL).await;
        registration
    }

    /// The last lines of its logs.
    pub fn log(&self) -> String {
        format!("{}\n--- metrics server\n{}", self.operator.log(), self.metrics_server.log())
    }
}

impl ScaledObject {
    /// Creates one with the name of its workload, for which KEDA makes an autoscaler of this name. The
    /// autoscaler scales without delay. `spec` are further keys, such as `minReplicaCount`.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn create(
        client: &ApiClient,
        workload: &Workload,
        trigger: &Value,
        spec: &Value,
    ) -> Self {
        let immediate = json!({
            "stabilizationWindowSeconds": 0,
            "selectPolicy": "Max",
            "policies": [{"type": "Pods", "value": 1000, "periodSeconds": 1}],
        });
        let mut object = json!({
            "apiVersion": "keda.sh/v1alpha1",
            "kind": "ScaledObject",
            "metadata": {"namespace": workload.namespace(), "name": workload.name()},
            "spec": {
                "scaleTargetRef": {"name": workload.name()},
                "triggers": [trigger],
                "advanced": {
                    "horizontalPodAutoscalerConfig": {
                        "name": workload.name(),
                        "behavior": {"scaleUp": immediate, "scaleDown": immediate},
                    },
                },
            },
        });
        for (key, value) in spec.as_object().into_iter().flatten() {
            object["spec"][key] = value.clone();
        }
        client.apply(&object).await;
        Self {
            client: client.clone(),
            path: path_of(&object),
            namespace: workload.namespace().to_owned(),
            name: workload.name().to_owned(),
        }
    }

    /// Changes keys of its spec.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn merge(&self, spec: &Value) {
        self.client.merge(&self.path, &json!({"spec": spec})).await;
    }

    /// Waits until an Event that KEDA writes on it contains all of these texts.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn wait_event(&self, texts: &[&str]) {
        let keda = Keda::shared().await;
        let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", self.namespace);
        eventually(&format!("an Event with {texts:?}"), SCALING_TIMEOUT, async || {
            let list = self.client.get(&path).await;
            let events = list["items"].as_array().cloned().unwrap_or_default();
            let own = events.iter().filter(|event| {
                event["regarding"]["kind"] == "ScaledObject"
                    && event["regarding"]["name"] == *self.name
            });
            let notes: Vec<_> =
                own.map(|event| event["note"].as_str().unwrap_or_default().to_owned()).collect();
            let told = notes.iter().any(|note| texts.iter().all(|text| note.contains(text)));
            if told { Ok(()) } else { Err(format!("{notes:#?}\n{}", keda.log())) }
        })
        .await;
    }
}

async fn operator(
    plane: &'static ControlPlane,
    programs: &Path,
    certificates: &Path,
    scalers: &Path,
    metrics_service: &str,
) -> Server {
    let health = format!("127.0.0.1:{}", free_port());
    let arguments = [
        "--metrics-bind-address=0".to_owned(),
        format!("--health-probe-bind-address={health}"),
        format!("--metrics-service-bind-address={metrics_service}"),
        format!("--cert-dir={}", certificates.display()),
        format!("--ca-dir={}", scalers.display()),
        "--enable-cert-rotation=false".to_owned(),
        "--enable-webhook-patching=false".to_owned(),
        "--enable-apiservice-patching=false".to_owned(),
        // The default rate limit would delay the tests.
        "--kube-api-qps=1000".to_owned(),
        "--kube-api-burst=1000".to_owned(),
        "--zap-encoder=console".to_owned(),
    ];
    let mut server = start(plane, "keda-operator", &programs.join("operator"), &arguments);
    let client = HttpClient::anonymous();
    let url = format!("http://{health}/readyz");
    server.wait_ready(READY_TIMEOUT, async || client.can_read(&url).await).await;
    server
}

async fn metrics_server(
    plane: &'static ControlPlane,
    programs: &Path,
    certificates: &Path,
    metrics_service: &str,
    port: u16,
) -> Server {
    let kubeconfig = plane.admin_kubeconfig().display();
    let file = |name: &str| certificates.join(name).display().to_string();
    let arguments = [
        format!("--secure-port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--port={}", free_port()),
        format!("--metrics-service-address={metrics_service}"),
        format!("--cert-dir={}", certificates.display()),
        format!("--tls-cert-file={}", file("tls.crt")),
        format!("--tls-private-key-file={}", file("tls.key")),
        format!("--authentication-kubeconfig={kubeconfig}"),
        format!("--authorization-kubeconfig={kubeconfig}"),
        format!("--lister-kubeconfig={kubeconfig}"),
    ];
    let program = programs.join("adapter");
    let mut server = start(plane, "keda-metrics-server", &program, &arguments);
    let client = HttpClient::with_certificate(plane.authorities().admin());
    let url = format!("https://127.0.0.1:{port}");
    server.wait_ready(READY_TIMEOUT, async || client.is_known_to(&url).await).await;
    server
}

/// Starts one of the two with the variables that a pod of KEDA has.
fn start(
    plane: &'static ControlPlane,
    name: &'static str,
    program: &Path,
    arguments: &[String],
) -> Server {
    let variables = [
        format!("KUBECONFIG={}", plane.admin_kubeconfig().display()),
        "WATCH_NAMESPACE=".to_owned(),
        format!("POD_NAMESPACE={NAMESPACE}"),
        format!("POD_NAME={name}"),
        format!("KEDA_CLUSTER_OBJECT_NAMESPACE={NAMESPACE}"),
        program.display().to_string(),
    ];
    let environment = Program { path: PathBuf::from("env"), first: None };
    Server::start(name, &environment, &[&variables[..], arguments].concat(), plane.servers())
}

/// The folder in which both find their certificates under the names that they look for.
fn certificates(plane: &ControlPlane, authority: &Authority, identity: &Identity) -> PathBuf {
    let folder = plane.folder().join("keda-certificates");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("ca.crt"), authority.pem()).expect("a file");
    identity.write(&folder.join("tls.crt"), &folder.join("tls.key"));
    folder
}

/// The folder of its programs.
///
/// # Panics
/// If they were not built.
fn folder() -> PathBuf {
    let folder = built::folder("LEADSMAN_KEDA", "keda", &["go.mod", "go.sum"]);
    let folder = folder.filter(|folder| folder.join("operator").is_file());
    folder.expect("there is no KEDA; run: cargo xtask setup --tests")
}
