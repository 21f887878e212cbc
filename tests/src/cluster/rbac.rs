//! RBAC rules and bindings.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::ApiClient;
use crate::waiting::eventually;

/// The subject of a binding.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A user.
    User(String),
    /// All members of a group.
    Group(String),
    /// A service account, by namespace and name.
    Account(String, String),
}

/// A rule for resources of an API group.
#[derive(Debug, Clone)]
pub struct Rule {
    group: String,
    resources: Vec<String>,
    names: Vec<String>,
    verbs: Vec<String>,
}

const GROUP: &str = "rbac.authorization.k8s.io";
const EFFECTIVE_TIMEOUT: Duration = Duration::from_secs(20);

impl Subject {
    /// The user with this name.
    pub fn user(name: &str) -> Self {
        Self::User(name.to_owned())
    }

    /// The JSON of the subject in RBAC objects.
    fn json(&self) -> Value {
        match self {
            Self::User(name) => json!({"kind": "User", "apiGroup": GROUP, "name": name}),
            Self::Group(name) => json!({"kind": "Group", "apiGroup": GROUP, "name": name}),
            Self::Account(namespace, name) => {
                json!({"kind": "ServiceAccount", "namespace": namespace, "name": name})
            }
        }
    }

    /// The user name and groups for a review.
    fn reviewed(&self) -> (String, Vec<String>) {
        match self {
            Self::User(name) => (name.clone(), Vec::new()),
            Self::Group(name) => ("somebody".to_owned(), vec![name.clone()]),
            Self::Account(namespace, name) => {
                (format!("system:serviceaccount:{namespace}:{name}"), Vec::new())
            }
        }
    }
}

impl Rule {
    /// A rule that allows these verbs on these resources of a group. `*` stands for all.
    pub fn new(verbs: &[&str], group: &str, resources: &[&str]) -> Self {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let (resources, verbs) = (owned(resources), owned(verbs));
        Self { group: group.to_owned(), resources, names: Vec::new(), verbs }
    }

    /// Restricts the rule to objects with these names.
    pub fn named(mut self, names: &[&str]) -> Self {
        self.names = names.iter().map(|&name| name.to_owned()).collect();
        self
    }

    fn json(&self) -> Value {
        let Self { group, resources, names, verbs } = self;
        json!({"apiGroups": [group], "resources": resources, "resourceNames": names, "verbs": verbs})
    }

    /// The attributes of one request that the rule allows, for a review.
    fn example(&self, namespace: Option<&str>) -> Value {
        let resource = self.resources.first().map_or("", String::as_str);
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        json!({
            "namespace": namespace.unwrap_or_default(),
            "verb": self.verbs.first(),
            "group": self.group,
            "resource": resource,
            "subresource": subresource,
            "name": self.names.first().map_or("", String::as_str),
        })
    }
}

impl ApiClient {
    /// Grants rules to a subject in a namespace, or in the whole cluster, and waits until they are
    /// effective.
    ///
    /// # Panics
    /// If a request is refused, or after a timeout.
    pub async fn allow(&self, subject: &Subject, namespace: Option<&str>, rules: &[Rule]) {
        let (role, binding) = match namespace {
            Some(_) => ("Role", "RoleBinding"),
            None => ("ClusterRole", "ClusterRoleBinding"),
        };
        let rules_json: Vec<_> = rules.iter().map(Rule::json).collect();
        let created = self.create(&object(role, namespace, json!({"rules": rules_json}))).await;
        self.bind(binding, namespace, subject, role, &created["metadata"]["name"]).await;
        for rule in rules {
            self.wait_allowed(subject, &rule.example(namespace)).await;
        }
    }

    /// Binds an existing ClusterRole to a subject, in the whole cluster.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn bind_cluster_role(&self, subject: &Subject, role: &str) {
        self.bind("ClusterRoleBinding", None, subject, "ClusterRole", &json!(role)).await;
    }

    /// Binds an existing Role to a subject in its namespace.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn bind_role(&self, subject: &Subject, namespace: &str, role: &str) {
        self.bind("RoleBinding", Some(namespace), subject, "Role", &json!(role)).await;
    }

    async fn bind(
        &self,
        binding: &str,
        namespace: Option<&str>,
        subject: &Subject,
        kind: &str,
        role: &Value,
    ) {
        let role = json!({"apiGroup": GROUP, "kind": kind, "name": role});
        let body = json!({"subjects": [subject.json()], "roleRef": role});
        self.create(&object(binding, namespace, body)).await;
    }

    /// Waits until kube-apiserver applies a rule, which it reads by a watch.
    async fn wait_allowed(&self, subject: &Subject, attributes: &Value) {
        let (user, groups) = subject.reviewed();
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "groups": groups, "resourceAttributes": attributes},
        });
        eventually(&format!("{attributes} for {user}"), EFFECTIVE_TIMEOUT, async || {
            let answer = self.create(&review).await;
            if answer["status"]["allowed"] == true { Ok(()) } else { Err(answer.to_string()) }
        })
        .await;
    }
}

/// An RBAC object with a generated name.
fn object(kind: &str, namespace: Option<&str>, mut body: Value) -> Value {
    body["apiVersion"] = json!(format!("{GROUP}/v1"));
    body["kind"] = json!(kind);
    body["metadata"] = json!({"generateName": "tests-", "namespace": namespace});
    body
}
