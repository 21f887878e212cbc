//! The four users: the workload of each, its autoscaler, and its load.

use leadsman_document::Document;
use leadsman_tests::Example;
use leadsman_tests::cluster::{ApiClient, Workload};
use serde_json::{Value, json};

use super::stage::{GO_COUNTER, NGINX_INGRESS, Stage, VERNEMQ};

/// One of the four users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    VerneMq,
    GoCounter,
    LoadBalancer,
    WebSite,
}

/// The pool of the load balancer in front of kuard.
const POOL: &str = "k8s-03-cluster--kuard.nsx.rockhomelab.org_-routing-ns1-kuard-ingress";

impl User {
    pub(crate) const ALL: [Self; 4] =
        [Self::VerneMq, Self::GoCounter, Self::LoadBalancer, Self::WebSite];

    /// The name of the workload.
    fn name(self) -> &'static str {
        match self {
            Self::VerneMq => "myvernemq",
            Self::GoCounter => "test-prometheus",
            Self::LoadBalancer => "kuard-deployment",
            Self::WebSite => "my-deployment-apache",
        }
    }

    /// `maxReplicas`.
    pub(crate) fn max(self) -> usize {
        match self {
            Self::VerneMq | Self::GoCounter => 10,
            Self::LoadBalancer => 5,
            Self::WebSite => 8,
        }
    }

    /// The reason that the controller has for a metric of this user that cannot be read.
    pub(crate) fn unread(self) -> &'static str {
        match self {
            Self::VerneMq | Self::GoCounter => "FailedGetPodsMetric",
            Self::LoadBalancer => "FailedGetObjectMetric",
            Self::WebSite => "FailedGetExternalMetric",
        }
    }

    pub(crate) async fn workload(
        self,
        admin: &ApiClient,
        namespace: &str,
        replicas: usize,
    ) -> Workload {
        match self {
            Self::VerneMq => Workload::stateful_set(admin, namespace, self.name(), replicas).await,
            _ => Workload::deployment(admin, namespace, self.name(), replicas).await,
        }
    }

    /// Makes the metric so many times its target, with values for the first `pods` of `replicas` pods.
    pub(crate) async fn load(
        self,
        stage: &Stage,
        workload: &Workload,
        (pods, replicas): (usize, usize),
        factor: f64,
    ) {
        let (namespace, name) = (workload.namespace(), workload.name());
        let pods = (0..pods).map(|pod| format!(r#"namespace="{namespace}",pod="{name}-{pod}""#));
        match self {
            Self::VerneMq => {
                for (pod, version) in pods.flat_map(|pod| [(pod.clone(), 4), (pod, 5)]) {
                    let labels = format!(r#"{pod},mqtt_version="{version}""#);
                    stage.count(&format!("mqtt_publish_received{{{labels}}}"), 0.03 * factor);
                }
            }
            Self::GoCounter => {
                for pod in pods {
                    let series = format!(r#"myapp_processed_ops_total{{{pod},endpoint="http"}}"#);
                    stage.set(&series, 3.0 * factor);
                }
            }
            Self::LoadBalancer => {
                let service = json!({
                    "apiVersion": "v1",
                    "kind": "Service",
                    "metadata": {"namespace": namespace, "name": "avilb"},
                    "spec": {"clusterIP": "None", "ports": [{"port": 80}]},
                });
                stage.admin.apply(&service).await;
                let labels = format!(r#"namespace="{namespace}",service="avilb",name="{POOL}""#);
                let series = format!("avi_l4_server_avg_open_conns{{{labels}}}");
                stage.set(&series, 200.0 * factor);
            }
            Self::WebSite => {
                let labels = format!(r#"namespace="{namespace}",ingress="my-ingress""#);
                let series =
                    format!(r#"nginx_ingress_controller_requests{{{labels},host="test.ru"}}"#);
                // The target is for each replica.
                stage.count(&series, 10.0 * factor * replicas.max(1) as f64);
            }
        }
    }

    /// The autoscaler, in the namespace of a workload.
    pub(crate) fn autoscaler(self, workload: &Workload) -> Value {
        let mut object = match self {
            Self::VerneMq => of_example(VERNEMQ),
            Self::GoCounter => of_example(GO_COUNTER),
            Self::WebSite => of_example(NGINX_INGRESS),
            // As this user had it, behind a Prometheus.
            Self::LoadBalancer => json!({
                "apiVersion": "autoscaling/v2",
                "kind": "HorizontalPodAutoscaler",
                "metadata": {"name": self.name()},
                "spec": {
                    "scaleTargetRef":
                        {"apiVersion": "apps/v1", "kind": "Deployment", "name": self.name()},
                    "minReplicas": 1,
                    "maxReplicas": self.max(),
                    "metrics": [{"type": "Object", "object": {
                        "metric": {"name": "avi_l4_server_avg_open_conns"},
                        "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "avilb"},
                        "target": {"type": "Value", "value": "200"},
                    }}],
                },
            }),
        };
        assert_eq!(object["metadata"]["name"], workload.name());
        assert_eq!(object["spec"]["maxReplicas"], self.max());
        object["metadata"]["namespace"] = workload.namespace().into();
        object
    }
}

fn of_example(example: Example) -> Value {
    let file = example.autoscaler();
    let text = std::fs::read_to_string(&file).expect("an autoscaler");
    let (document, faults) = Document::parse(&file.display().to_string(), &text);
    assert!(faults.is_empty(), "{}", document.locate(faults));
    document.value
}
