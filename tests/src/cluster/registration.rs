//! Registers an adapter on a port of this machine with the aggregation layer of kube-apiserver.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::MutexGuard;

use super::account::{API_SERVICES, RESOURCE_METRICS_API_SERVICE};
use super::client::ApiClient;
use super::control_plane::ControlPlane;
use crate::answer::Answer;
use crate::waiting::eventually;

/// The Service and the APIServices of an adapter. These APIServices exist once per cluster, so a
/// test waits until the previous test has dropped its registration.
pub struct Registration<'a> {
    client: ApiClient,
    namespace: String,
    service: String,
    _lock: MutexGuard<'a, ()>,
}

/// How the aggregator verifies the server.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// By this authority, in PEM.
    Authority(&'a str),
    /// It does not verify the server.
    Unverified,
    /// By an authority that another component writes into the APIServices.
    Injected,
}

/// The aggregator checks availability when an APIService changes, and otherwise every 30 s.
const AVAILABLE_TIMEOUT: Duration = Duration::from_secs(60);

/// How often in a row a new API must be answered: its path, and what is below it, become routes one
/// after the other.
const ROUTED_ANSWERS: usize = 3;

impl<'a> Registration<'a> {
    /// Registers the metrics APIs at `127.0.0.1:port`, with a Service of this name.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn new(
        plane: &'a ControlPlane,
        namespace: &str,
        service: &str,
        port: u16,
        trust: Trust<'_>,
    ) -> Self {
        let registration = Self::reserve(plane, namespace, service).await;
        registration.client.namespace(namespace).await;
        registration
            .client
            .apply(&json!({
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"namespace": namespace, "name": service},
                // The aggregator connects to this name, at the APIService's port.
                "spec": {"type": "ExternalName", "externalName": "localhost"},
            }))
            .await;
        registration.route_to(port, trust).await;
        registration
    }

    /// Takes the lock without a registration: another component creates the Service of this name
    /// and the APIServices. Those that an earlier test left are removed.
    ///
    /// # Panics
    /// If kube-apiserver cannot be reached.
    pub async fn reserve(plane: &'a ControlPlane, namespace: &str, service: &str) -> Self {
        let lock = plane.registration().lock().await;
        let (namespace, service) = (namespace.to_owned(), service.to_owned());
        let registration = Self { client: plane.admin(), namespace, service, _lock: lock };
        for name in API_SERVICES {
            registration.remove_one(name).await;
        }
        registration
    }

    /// Points the Service, which another component has created, to this machine.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn route_service_here(&self) {
        let path = format!("/api/v1/namespaces/{}/services/{}", self.namespace, self.service);
        let spec = json!({
            "type": "ExternalName",
            "externalName": "localhost",
            "clusterIP": null,
            "clusterIPs": null,
        });
        self.client.merge(&path, &json!({"spec": spec})).await;
    }

    /// Moves the metrics APIs to another port.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn route_to(&self, port: u16, trust: Trust<'_>) {
        for name in API_SERVICES {
            self.route_api_to(name, port, trust).await;
        }
    }

    /// Registers one API, which need not be one of [`API_SERVICES`], at a port.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn route_api_to(&self, name: &str, port: u16, trust: Trust<'_>) {
        let (version, group) = name.split_once('.').unwrap_or_default();
        let preferred = version == "v1beta2" || name == RESOURCE_METRICS_API_SERVICE;
        let mut spec = json!({
            "group": group,
            "version": version,
            "groupPriorityMinimum": 100,
            "versionPriority": if preferred { 200 } else { 100 },
            "service": {"namespace": self.namespace, "name": self.service, "port": port},
        });
        match trust {
            Trust::Authority(pem) => spec["caBundle"] = json!(STANDARD.encode(pem)),
            Trust::Unverified => spec["insecureSkipTLSVerify"] = json!(true),
            Trust::Injected => {}
        }
        let object = json!({
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": name},
            "spec": spec,
        });
        self.client.apply(&object).await;
    }

    /// Waits until all APIServices are available, and requests are passed on.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn wait_available(&self) {
        for name in API_SERVICES {
            self.wait_one_available(name).await;
        }
    }

    /// Waits until one APIService is available, and requests are passed on.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn wait_one_available(&self, name: &str) {
        eventually(&format!("an available {name}"), AVAILABLE_TIMEOUT, async || {
            let condition = self.available(name).await;
            if condition["status"] == "True" { Ok(()) } else { Err(condition.to_string()) }
        })
        .await;
        self.wait_routed(name).await;
    }

    /// Waits until kube-apiserver passes requests on. It says that an APIService is available before
    /// that: its routes are made by another controller, which may be busy with an earlier change, and
    /// its check trusts any certificate.
    async fn wait_routed(&self, name: &str) {
        let (path, mut answered) = (discovery(name), 0);
        eventually(&format!("a route to {path}"), AVAILABLE_TIMEOUT, async || {
            let answer = self.client.try_read(&path).await;
            let is_answered = answer.as_ref().is_ok_and(Answer::is_success);
            answered = if is_answered { answered + 1 } else { 0 };
            if answered >= ROUTED_ANSWERS {
                return Ok(());
            }
            Err(format!("{answered} answers in a row; {answer:#?}"))
        })
        .await;
    }

    /// The condition `Available` of an APIService.
    ///
    /// # Panics
    /// If there is no such APIService.
    pub async fn available(&self, name: &str) -> Value {
        let service = self.service(name).await;
        let conditions = service["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let available = conditions.into_iter().find(|condition| condition["type"] == "Available");
        available.unwrap_or_default()
    }

    /// The condition `Available` of all APIServices, in the order of [`API_SERVICES`].
    ///
    /// # Panics
    /// If one of them is missing.
    pub async fn availability(&self) -> Vec<Value> {
        let mut conditions = Vec::new();
        for name in API_SERVICES {
            conditions.push(self.available(name).await);
        }
        conditions
    }

    /// Applies a merge patch to an APIService.
    ///
    /// # Panics
    /// If there is no such APIService.
    pub async fn merge(&self, name: &str, patch: &Value) {
        self.client.merge(&path(name), patch).await;
    }

    /// The authority that the aggregator trusts for an APIService, in PEM.
    ///
    /// # Panics
    /// If there is no such APIService, or its authority is not PEM.
    pub async fn authority(&self, name: &str) -> Option<String> {
        let service = self.service(name).await;
        let encoded = service["spec"]["caBundle"].as_str()?.to_owned();
        let decoded = STANDARD.decode(encoded).expect("a caBundle in base64");
        Some(String::from_utf8(decoded).expect("a caBundle in PEM"))
    }

    /// An APIService.
    ///
    /// # Panics
    /// If there is no such APIService.
    pub async fn service(&self, name: &str) -> Value {
        self.client.get(&path(name)).await
    }

    /// Deletes the APIServices. Without their adapter they would block the deletion of every
    /// namespace.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn remove(self) {
        for name in API_SERVICES {
            self.remove_one(name).await;
        }
    }

    /// Deletes an APIService, and waits until kube-apiserver has forgotten it: an answer through the
    /// route of the next one is then not that of this one's server.
    ///
    /// # Panics
    /// If it is refused, or after a timeout.
    pub async fn remove_one(&self, name: &str) {
        self.client.delete(&path(name)).await;
        let path = discovery(name);
        eventually(&format!("no route to {path}"), AVAILABLE_TIMEOUT, async || {
            let answer = self.client.try_read(&path).await?;
            if answer.status == 404 { Ok(()) } else { Err(format!("{answer:#?}")) }
        })
        .await;
    }
}

fn path(name: &str) -> String {
    format!("/apis/apiregistration.k8s.io/v1/apiservices/{name}")
}

/// Where the API of an APIService says what it has.
fn discovery(name: &str) -> String {
    let (version, group) = name.split_once('.').unwrap_or_default();
    format!("/apis/{group}/{version}")
}
