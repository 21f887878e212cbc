//! The service account that Leadsman runs as.

use std::path::PathBuf;

use serde_json::json;

use super::client::ApiClient;
use super::control_plane::ControlPlane;
use super::credentials::Credentials;
use super::rbac::{Rule, Subject};

/// A service account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// The APIServices of a metrics adapter.
pub const API_SERVICES: [&str; 3] = [
    "v1beta1.custom.metrics.k8s.io",
    "v1beta2.custom.metrics.k8s.io",
    "v1beta1.external.metrics.k8s.io",
];

/// The Lease of the replica that takes workloads to zero and from zero.
pub const ACTIVATOR_LEASE: &str = "leadsman-activator";

/// The APIService of resource metrics.
pub const RESOURCE_METRICS_API_SERVICE: &str = "v1beta1.metrics.k8s.io";

/// That of the newer version, with the same types.
pub const RESOURCE_METRICS_V1_API_SERVICE: &str = "v1.metrics.k8s.io";

impl Account {
    /// Creates an account without rights, and its namespace.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn create(client: &ApiClient, namespace: &str, name: &str) -> Self {
        client.namespace(namespace).await;
        let metadata = json!({"namespace": namespace, "name": name});
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata});
        client.apply(&account).await;
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// Creates an account with the rights that the chart grants, for a Service of the same name.
    /// `resources` are the kinds that it may watch (`plural` or `plural.group`).
    ///
    /// # Panics
    /// If it is refused.
    pub async fn adapter(
        client: &ApiClient,
        namespace: &str,
        name: &str,
        resources: &[&str],
    ) -> Self {
        let account = Self::create(client, namespace, name).await;
        let subject = account.subject();
        client.bind_cluster_role(&subject, "system:auth-delegator").await;
        let reader = "extension-apiserver-authentication-reader";
        client.bind_role(&subject, "kube-system", reader).await;
        let watched = resources.iter().map(|resource| {
            let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
            Rule::new(&["list", "watch"], group, &[plural])
        });
        let patched = Rule::new(
            &["get", "list", "watch", "patch"],
            "apiregistration.k8s.io",
            &["apiservices"],
        );
        let resource = [RESOURCE_METRICS_API_SERVICE, RESOURCE_METRICS_V1_API_SERVICE];
        let services = [&API_SERVICES[..], &resource].concat();
        let cluster_rules: Vec<_> = watched.chain([patched.named(&services)]).collect();
        client.allow(&subject, None, &cluster_rules).await;
        let verbs = ["get", "update", "patch", "list", "watch"];
        let authority = Rule::new(&verbs, "", &["secrets"]).named(&[&format!("{name}-ca")]);
        let namespace_rules = [Rule::new(&["create"], "", &["secrets"]), authority];
        client.allow(&subject, Some(namespace), &namespace_rules).await;
        account
    }

    /// Grants the rights to watch the configuration in a ConfigMap and to write Events on it, as
    /// the chart does.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn allow_config_map(&self, client: &ApiClient, namespace: &str, config_map: &str) {
        let watch = Rule::new(&["get", "list", "watch"], "", &["configmaps"]).named(&[config_map]);
        client.allow(&self.subject(), Some(namespace), &[watch, write_events()]).await;
    }

    /// Grants the rights to watch the ConfigMaps of all teams and to write Events on them, as the
    /// chart does with `teams.enabled`.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn allow_team_config_maps(&self, client: &ApiClient) {
        let watch = Rule::new(&["list", "watch"], "", &["configmaps"]);
        client.allow(&self.subject(), None, &[watch, write_events()]).await;
    }

    /// Grants the right to read how workloads are scaled, as the chart does with `workloads.read`.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn allow_workloads(&self, client: &ApiClient) {
        let read = Rule::new(&["get"], "apps", &["deployments", "statefulsets", "replicasets"]);
        client.allow(&self.subject(), None, &[read]).await;
    }

    /// Grants the right to hold the activator's Lease, as the chart does with `workloads.activate`.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn allow_lease(&self, client: &ApiClient) {
        let group = "coordination.k8s.io";
        let hold = Rule::new(&["get", "update"], group, &["leases"]).named(&[ACTIVATOR_LEASE]);
        let rules = [Rule::new(&["create"], group, &["leases"]), hold];
        client.allow(&self.subject(), Some(&self.namespace), &rules).await;
    }

    /// Grants the other rights to take workloads to zero and from zero, as the chart does with
    /// `workloads.activate`.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn allow_scaling(&self, client: &ApiClient) {
        let scales = ["deployments/scale", "statefulsets/scale", "replicasets/scale"];
        let rules = [
            Rule::new(&["get", "patch"], "apps", &scales),
            Rule::new(&["list"], "autoscaling", &["horizontalpodautoscalers"]),
            write_events(),
        ];
        self.allow_workloads(client).await;
        client.allow(&self.subject(), None, &rules).await;
    }

    /// Grants the rights to list autoscalers and to write Events on them, as the chart does with
    /// `events.autoscalers`.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn allow_autoscaler_events(&self, client: &ApiClient) {
        let list = Rule::new(&["list"], "autoscaling", &["horizontalpodautoscalers"]);
        client.allow(&self.subject(), None, &[list, write_events()]).await;
    }

    /// The subject for bindings.
    pub fn subject(&self) -> Subject {
        Subject::Account(self.namespace.clone(), self.name.clone())
    }

    /// A token of the account that is valid for one hour.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn token(&self, client: &ApiClient) -> String {
        let Self { namespace, name } = self;
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 3600},
        });
        let answer = client.create_at(&path, &request).await;
        let token = answer["status"]["token"].as_str();
        token.unwrap_or_else(|| panic!("no token: {answer:#}")).to_owned()
    }

    /// A kubeconfig with a token of the account.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn kubeconfig(&self, plane: &ControlPlane) -> PathBuf {
        let token = self.token(&plane.admin()).await;
        let file = format!("{}-{}", self.namespace, self.name);
        plane.kubeconfig(&file, &Credentials::Token(token), &self.namespace)
    }
}

fn write_events() -> Rule {
    Rule::new(&["create", "patch"], "events.k8s.io", &["events"])
}

impl ApiClient {
    /// Creates a namespace unless it exists.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn namespace(&self, name: &str) {
        let metadata = json!({"name": name});
        self.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})).await;
    }
}
