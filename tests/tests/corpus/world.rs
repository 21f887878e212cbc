//! The servers that all files share: a cluster, and a Prometheus whose queries are recorded.

use leadsman_tests::cluster::{ControlPlane, Workload};
use leadsman_tests::{HttpClient, Prometheus, Recorder};
use serde_json::{Value, json};

use crate::model;
use crate::variant::Variant;

pub(crate) struct World {
    pub(crate) plane: &'static ControlPlane,
    pub(crate) caller: HttpClient,
    /// In front of the Prometheus of prometheus-adapter.
    pub(crate) theirs: Recorder,
    /// In front of that of a Leadsman with exact queries.
    pub(crate) exact: Recorder,
    pub(crate) prometheus: Prometheus,
}

impl World {
    pub(crate) async fn start(variants: &[Variant]) -> Self {
        let plane = ControlPlane::shared().await;
        let admin = plane.admin();
        for (namespace, name, pods) in [("shop", "web", 2), ("shop", "api", 1), ("annex", "web", 1)]
        {
            Workload::deployment(&admin, namespace, name, pods).await;
        }
        for object in [
            service("shop", "front"),
            service("annex", "front"),
            ingress("shop", "edge"),
            node("node-a"),
            node("node-b"),
        ] {
            admin.apply(&object).await;
        }
        let own = variants.iter().filter_map(|variant| variant.own.clone());
        let prometheus = Prometheus::holding(&model::history(own)).await;
        let url = prometheus.url();
        Self {
            plane,
            caller: HttpClient::with_certificate(plane.authorities().admin()),
            theirs: Recorder::before(&url).await,
            exact: Recorder::before(&url).await,
            prometheus,
        }
    }
}

fn service(namespace: &str, name: &str) -> Value {
    let spec = json!({"clusterIP": "None", "ports": [{"port": 80}]});
    let metadata = json!({"namespace": namespace, "name": name, "labels": {"app": name}});
    json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
}

fn ingress(namespace: &str, name: &str) -> Value {
    let backend = json!({"service": {"name": "front", "port": {"number": 80}}});
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"defaultBackend": backend},
    })
}

fn node(name: &str) -> Value {
    let metadata = json!({"name": name, "labels": {"zone": name}});
    json!({"apiVersion": "v1", "kind": "Node", "metadata": metadata})
}
