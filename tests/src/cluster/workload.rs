//! A Deployment or StatefulSet whose pods the test creates, since there are no controllers and
//! nodes for them.

use serde_json::{Value, json};

use super::client::ApiClient;

/// A workload with its pods, which are named `NAME-0`, `NAME-1`, …, have the label `app: NAME`,
/// and the addresses 127.0.1.1, 127.0.1.2, … of this machine.
#[derive(Debug, Clone)]
pub struct Workload {
    client: ApiClient,
    kind: &'static str,
    namespace: String,
    name: String,
    path: String,
    /// The name and number of a port of its pods.
    port: Option<(String, u16)>,
}

impl Workload {
    /// Creates a Deployment with this many running pods, and its namespace.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn deployment(
        client: &ApiClient,
        namespace: &str,
        name: &str,
        replicas: usize,
    ) -> Self {
        Self::new(client, "Deployment", namespace, name, replicas).await
    }

    /// Creates a StatefulSet with this many running pods, and its namespace.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn stateful_set(
        client: &ApiClient,
        namespace: &str,
        name: &str,
        replicas: usize,
    ) -> Self {
        Self::new(client, "StatefulSet", namespace, name, replicas).await
    }

    /// The pods that are created from now on have a port with this name.
    pub fn with_port(mut self, name: &str, number: u16) -> Self {
        self.port = Some((name.to_owned(), number));
        self
    }

    /// Reconciles once, in place of the workload's controller and its nodes: creates and deletes
    /// pods until their number is the requested one, and updates the status. Returns the number.
    ///
    /// # Panics
    /// If a request is refused.
    pub async fn reconcile(&self) -> usize {
        let object = self.client.get(&self.path).await;
        let desired = count(&object["spec"]["replicas"]);
        let names = self.pods().await;
        for name in &names {
            let number = name.rsplit_once('-').and_then(|(_, number)| number.parse().ok());
            if number.is_some_and(|number: usize| number >= desired) {
                self.client.delete(&self.pod_path(name)).await;
            }
        }
        for name in (0..desired).map(|number| format!("{}-{number}", self.name)) {
            if !names.contains(&name) {
                self.run(&name).await;
            }
        }
        let status = json!({
            "observedGeneration": object["metadata"]["generation"],
            "replicas": desired,
            "readyReplicas": desired,
            "availableReplicas": desired,
            "updatedReplicas": desired,
        });
        // Skips the update in the usual case that nothing has changed.
        if ["observedGeneration", "replicas"].iter().any(|k| object["status"][k] != status[k]) {
            self.client.merge_status(&self.path, &status).await;
        }
        desired
    }

    /// The requested number of pods.
    ///
    /// # Panics
    /// If it was deleted.
    pub async fn replicas(&self) -> usize {
        count(&self.client.get(&self.path).await["spec"]["replicas"])
    }

    /// Requests this many pods.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn scale(&self, replicas: usize) {
        self.client.merge(&self.path, &json!({"spec": {"replicas": replicas}})).await;
    }

    /// Deletes it.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn delete(&self) {
        self.client.delete(&self.path).await;
    }

    /// The reasons and notes of the Events about it.
    ///
    /// # Panics
    /// If they cannot be listed.
    pub async fn events(&self) -> Vec<(String, String)> {
        let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", self.namespace);
        let list = self.client.get(&path).await;
        let events = list["items"].as_array().cloned().unwrap_or_default();
        let is_about = |event: &&Value| {
            let about = &event["regarding"];
            about["kind"] == self.kind && about["name"] == self.name.as_str()
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        events
            .iter()
            .filter(is_about)
            .map(|event| (text(&event["reason"]), text(&event["note"])))
            .collect()
    }

    /// The names of the existing pods.
    ///
    /// # Panics
    /// If the request fails.
    pub async fn pods(&self) -> Vec<String> {
        let path = self.pods_path();
        let list = self.client.get(&format!("{path}?labelSelector=app%3D{}", self.name)).await;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let name = |pod: &Value| Some(pod["metadata"]["name"].as_str()?.to_owned());
        items.iter().filter_map(name).collect()
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The `scaleTargetRef` of an HPA for it.
    pub(super) fn reference(&self) -> Value {
        json!({"apiVersion": "apps/v1", "kind": self.kind, "name": self.name})
    }

    async fn new(
        client: &ApiClient,
        kind: &'static str,
        namespace: &str,
        name: &str,
        replicas: usize,
    ) -> Self {
        client.namespace(namespace).await;
        let labels = json!({"app": name});
        let mut spec = json!({
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec()},
        });
        if kind == "StatefulSet" {
            spec["serviceName"] = json!(name);
        }
        let object = json!({
            "apiVersion": "apps/v1",
            "kind": kind,
            "metadata": {"namespace": namespace, "name": name},
            "spec": spec,
        });
        client.apply(&object).await;
        let workload = Self {
            client: client.clone(),
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            path: super::objects::path_of(&object),
            port: None,
        };
        workload.reconcile().await;
        workload
    }

    /// Creates a pod with the status that a kubelet sets for a running pod.
    async fn run(&self, name: &str) {
        let mut spec = pod_spec();
        spec["nodeName"] = json!("node-a");
        if let Some((name, number)) = &self.port {
            spec["containers"][0]["ports"] = json!([{"name": name, "containerPort": number}]);
        }
        let created = self
            .client
            .create(&json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "namespace": self.namespace,
                    "name": name,
                    "labels": {"app": self.name},
                },
                "spec": spec,
            }))
            .await;
        let since = &created["metadata"]["creationTimestamp"];
        let ready =
            |kind: &str| json!({"type": kind, "status": "True", "lastTransitionTime": since});
        let address = address_of(name);
        let status = json!({
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": since,
            "conditions": [ready("PodScheduled"), ready("ContainersReady"), ready("Ready")],
        });
        self.client.merge_status(&self.pod_path(name), &status).await;
    }

    fn pods_path(&self) -> String {
        format!("/api/v1/namespaces/{}/pods", self.namespace)
    }

    fn pod_path(&self, name: &str) -> String {
        format!("{}/{name}", self.pods_path())
    }
}

/// The address of a pod: the pod `NAME-N` has 127.0.1.(N + 1), where a test may have a server.
fn address_of(name: &str) -> String {
    let number = name.rsplit_once('-').and_then(|(_, number)| number.parse::<u8>().ok());
    format!("127.0.1.{}", number.unwrap_or(0).saturating_add(1))
}

/// The spec of a pod. Without a grace period, since no kubelet reports the end of a pod.
fn pod_spec() -> Value {
    let requests = json!({"cpu": "100m", "memory": "64Mi"});
    json!({
        "terminationGracePeriodSeconds": 0,
        "containers": [{
            "name": "app",
            "image": "registry.example/app:1",
            "resources": {"requests": requests},
        }],
    })
}

/// A missing count is 0.
fn count(value: &Value) -> usize {
    value.as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default()
}
