//! Kinds of objects, and the names under which they are asked for.

use std::fmt;
use std::sync::Arc;

/// A kind of object that metrics are served for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Resource(Arc<Parts>);

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Parts {
    group: String,
    version: String,
    plural: String,
    singular: String,
    kind: String,
    namespaced: bool,
}

/// Group, version, plural, singular, kind, whether it lives in a namespace.
const KNOWN: &[(&str, &str, &str, &str, &str, bool)] = &[
    ("", "v1", "configmaps", "configmap", "ConfigMap", true),
    ("", "v1", "endpoints", "endpoints", "Endpoints", true),
    ("", "v1", "namespaces", "namespace", "Namespace", false),
    ("", "v1", "nodes", "node", "Node", false),
    ("", "v1", "persistentvolumeclaims", "persistentvolumeclaim", "PersistentVolumeClaim", true),
    ("", "v1", "persistentvolumes", "persistentvolume", "PersistentVolume", false),
    ("", "v1", "pods", "pod", "Pod", true),
    ("", "v1", "replicationcontrollers", "replicationcontroller", "ReplicationController", true),
    ("", "v1", "resourcequotas", "resourcequota", "ResourceQuota", true),
    ("", "v1", "services", "service", "Service", true),
    ("apps", "v1", "daemonsets", "daemonset", "DaemonSet", true),
    ("apps", "v1", "deployments", "deployment", "Deployment", true),
    ("apps", "v1", "replicasets", "replicaset", "ReplicaSet", true),
    ("apps", "v1", "statefulsets", "statefulset", "StatefulSet", true),
    (
        "autoscaling",
        "v2",
        "horizontalpodautoscalers",
        "horizontalpodautoscaler",
        "HorizontalPodAutoscaler",
        true,
    ),
    ("batch", "v1", "cronjobs", "cronjob", "CronJob", true),
    ("batch", "v1", "jobs", "job", "Job", true),
    ("networking.k8s.io", "v1", "ingresses", "ingress", "Ingress", true),
    ("networking.k8s.io", "v1", "ingressclasses", "ingressclass", "IngressClass", false),
    ("networking.k8s.io", "v1", "networkpolicies", "networkpolicy", "NetworkPolicy", true),
    ("policy", "v1", "poddisruptionbudgets", "poddisruptionbudget", "PodDisruptionBudget", true),
];

impl Resource {
    /// A kind that every cluster has, by plural or singular, with or without its group.
    pub fn known(name: &str) -> Option<Self> {
        let (name, group) = split(name);
        let found = KNOWN.iter().find(|(g, _, plural, singular, _, _)| {
            (name == *plural || name == *singular) && group.is_none_or(|group| group == *g)
        })?;
        let (group, version, plural, singular, kind, namespaced) = *found;
        Some(Self(Arc::new(Parts {
            group: group.into(),
            version: version.into(),
            plural: plural.into(),
            singular: singular.into(),
            kind: kind.into(),
            namespaced,
        })))
    }

    /// A kind of a custom resource, by `plural.group`.
    pub fn custom(name: &str, version: &str, kind: &str, namespaced: bool) -> Option<Self> {
        let (plural, Some(group)) = split(name) else { return None };
        Some(Self(Arc::new(Parts {
            group: group.into(),
            version: version.into(),
            plural: plural.into(),
            singular: kind.to_lowercase(),
            kind: kind.into(),
            namespaced,
        })))
    }

    /// Whether a request for this name means this kind: plural or singular, with the group, or
    /// without it.
    pub fn answers_to(&self, name: &str) -> bool {
        let (name, group) = split(name);
        (name == self.0.plural || name == self.0.singular)
            && group.is_none_or(|group| group == self.0.group)
    }

    /// The kind.
    pub fn kind(&self) -> &str {
        &self.0.kind
    }

    /// Whether objects live in namespaces.
    pub fn namespaced(&self) -> bool {
        self.0.namespaced
    }

    /// Whether these are namespaces themselves, which are asked for at a path of their own.
    pub fn is_namespace(&self) -> bool {
        self.0.group.is_empty() && self.0.plural == "namespaces"
    }

    /// `apiVersion` as the adapters in Go give it: the core group has a leading slash.
    pub fn api_version(&self) -> String {
        format!("{}/{}", self.0.group, self.0.version)
    }
}

/// `plural`, or `plural.group` outside the core group.
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.plural)?;
        if !self.0.group.is_empty() {
            write!(f, ".{}", self.0.group)?;
        }
        Ok(())
    }
}

fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once('.') {
        Some((name, group)) => (name, Some(group)),
        None => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_name_a_kind_in_four_ways() {
        let deployments = Resource::known("deployments.apps").unwrap();
        for name in ["deployments", "deployment", "deployments.apps", "deployment.apps"] {
            assert!(deployments.answers_to(name), "{name}");
            assert_eq!(Resource::known(name), Some(deployments.clone()));
        }
        assert!(!deployments.answers_to("deployments.extensions"));
        assert_eq!(deployments.to_string(), "deployments.apps");
        assert_eq!(deployments.api_version(), "apps/v1");
        assert_eq!(Resource::known("pod").unwrap().api_version(), "/v1");
        assert_eq!(Resource::known("widgets.example.com"), None);
    }
}
