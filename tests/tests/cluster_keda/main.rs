//! The real KEDA: its scalers ask Leadsman, and its metrics server shares an API group with it.

mod access;
mod activation;
mod autoscaler;
mod converted;
mod moves;
mod neighbours;
mod site;
mod takeover;

use std::time::Duration;

use leadsman_tests::cluster::{Adapter, ApiClient, ControlPlane, Keda, Rule, Subject};
use leadsman_tests::{
    Authority, Config, Example, Folder, Identity, Leadsman, Mapping, Prometheus, Traffic,
};
use serde_json::{Value, json};

/// How long a scrape, an evaluation and a poll may take together.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// The API that adapters share.
pub(crate) const EXTERNAL: &str = "v1beta1.external.metrics.k8s.io";

/// The group of it, for rights.
pub(crate) const EXTERNAL_GROUP: &str = "external.metrics.k8s.io";

/// Values fresh enough for what is asked each two seconds.
const FRESH: [(&str, &str); 2] = [("maxAge", "1s"), ("refreshAtMostEvery", "1s")];

/// Leadsman with an address for scalers, and an application behind it.
pub(crate) struct Scene {
    pub(crate) plane: &'static ControlPlane,
    pub(crate) keda: &'static Keda,
    pub(crate) traffic: Traffic,
    pub(crate) leadsman: Leadsman,
    /// An authority of clients that is not the cluster's.
    pub(crate) clients: Authority,
    pub(crate) prometheus: Prometheus,
    _adapter: Adapter<'static>,
}

impl Scene {
    /// Leadsman in a namespace, with the mappings of this file. `more` is the end of the configuration.
    pub(crate) async fn new(namespace: &str, more: &str) -> Self {
        let (plane, keda) = (ControlPlane::shared().await, Keda::shared().await);
        let traffic = Traffic::start().await;
        let prometheus = Prometheus::scraping(&traffic.url()).await;
        let adapter = Adapter::new(plane, namespace, &["pods"]).await;
        let (certificate, key) = adapter.serving_certificate("scaler", keda.trusted());
        let clients = Authority::new("clients-of-scalers");
        let authority = certificate.with_file_name("clients.crt");
        std::fs::write(&authority, clients.pem()).expect("a file");
        let files = [&certificate, &key, &authority];
        let [certificate, key, authority] = files.map(|file| file.to_str().expect("UTF-8"));
        let arguments = [
            ["--tls-cert-file", certificate],
            ["--tls-private-key-file", key],
            ["--scaler-address", "127.0.0.1:0"],
            ["--scaler-client-ca-file", authority],
        ];
        let config = format!("{}{more}", config(&prometheus.url()));
        let leadsman = adapter.start_with(config, arguments.as_flattened()).await;
        Self { plane, keda, traffic, leadsman, clients, prometheus, _adapter: adapter }
    }

    pub(crate) fn admin(&self) -> ApiClient {
        self.plane.admin()
    }

    /// A trigger that asks Prometheus for the backlog of a namespace, with a target of 10.
    pub(crate) fn backlog_trigger(&self, namespace: &str) -> Value {
        json!({
            "type": "prometheus",
            "metadata": {
                "serverAddress": self.prometheus.url(),
                "threshold": "10",
                "query": format!(r#"sum(backlog{{namespace="{namespace}"}})"#),
            },
        })
    }

    /// The address of the external scaler, as a trigger names it.
    pub(crate) fn address(&self) -> String {
        self.leadsman.scaler().to_string()
    }

    /// A user's certificate that the cluster has signed, with the right to read external metrics of a
    /// namespace.
    pub(crate) async fn reader(&self, user: &str, namespace: &str) -> Identity {
        self.admin().namespace(namespace).await;
        let read = Rule::new(&["list"], EXTERNAL_GROUP, &["*"]);
        self.admin().allow(&Subject::user(user), Some(namespace), &[read]).await;
        self.plane.authorities().clients.client(user)
    }

    /// A TriggerAuthentication `leadsman` for the external scaler, with its Secret.
    pub(crate) async fn trust(&self, namespace: &str, client: &Identity) {
        let secret = json!({
            "ca.crt": self.keda.trusted().pem(),
            "tls.crt": client.certificate,
            "tls.key": client.key,
        });
        let parameters =
            [("caCert", "ca.crt"), ("tlsClientCert", "tls.crt"), ("tlsClientKey", "tls.key")];
        self.authentication(namespace, "leadsman", &secret, &parameters).await;
    }

    /// A TriggerAuthentication of this name, with its Secret.
    pub(crate) async fn authentication(
        &self,
        namespace: &str,
        name: &str,
        secret: &Value,
        parameters: &[(&str, &str)],
    ) {
        let metadata = json!({"namespace": namespace, "name": name});
        let keys: Vec<_> = parameters
            .iter()
            .map(|(parameter, key)| json!({"parameter": parameter, "name": name, "key": key}))
            .collect();
        for object in [
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": secret}),
            json!({
                "apiVersion": "keda.sh/v1alpha1",
                "kind": "TriggerAuthentication",
                "metadata": metadata,
                "spec": {"secretTargetRef": keys},
            }),
        ] {
            self.admin().apply(&object).await;
        }
    }
}

/// Configures KEDA as the delegate for external metrics, which is told by a front proxy who asks. Its files are
/// in this folder; `more` are further keys of it.
pub(crate) async fn delegates(files: &Folder, more: &str) -> String {
    let (plane, keda) = (ControlPlane::shared().await, Keda::shared().await);
    let (certificate, key) = (files.path("proxy.crt"), files.path("proxy.key"));
    plane.authorities().aggregator().write(&certificate, &key);
    let authority = files.path("keda-ca.crt");
    std::fs::write(&authority, keda.authority().pem()).expect("a file");
    format!(
        "delegates:
  - {{name: keda, url: '{}', caFile: {authority:?}, apis: [external], listEvery: 1s,
     auth: {{frontProxy: {{certFile: {certificate:?}, keyFile: {key:?}}}}}{more}}}
",
        keda.url()
    )
}

/// Every mapping of these tests.
fn config(prometheus: &str) -> String {
    let backlog = Mapping::external("backlog")
        .query("q", r#"sum(backlog{namespace="${namespace}"})"#)
        .set("onAbsent", "{default: 0}");
    let config = Config::new()
        .prometheus("prometheus", prometheus)
        .mapping(FRESH.iter().fold(backlog, |mapping, (key, value)| mapping.set(key, value)));
    format!("{config}{}", Example::new("nginx-ingress").mappings_with(&FRESH))
}
