//! Kinds of objects, and the names that requests use for them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arc_swap::ArcSwapOption;

/// A kind of objects that have metrics, identified by group and plural. The other details may come
/// from a cluster later, and change with a CustomResourceDefinition.
#[derive(Clone)]
pub struct Resource(Arc<Inner>);

struct Inner {
    group: String,
    plural: String,
    details: ArcSwapOption<Details>,
}

/// The details of a kind that discovery provides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// The API version that its objects are read with.
    pub version: String,
    /// The singular name.
    pub singular: String,
    /// The kind.
    pub kind: String,
    /// Whether its objects are namespaced.
    pub namespaced: bool,
}

/// Group, version, plural, singular, kind, and whether it is namespaced.
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
    /// A built-in kind of Kubernetes, by plural or singular, with or without its group.
    pub fn known(name: &str) -> Option<Self> {
        let (name, group) = split_group(name);
        let found = KNOWN.iter().find(|(g, _, plural, singular, _, _)| {
            (name == *plural || name == *singular) && group.is_none_or(|group| group == *g)
        })?;
        let (group, version, plural, singular, kind, namespaced) = *found;
        let details = Details {
            version: version.into(),
            singular: singular.into(),
            kind: kind.into(),
            namespaced,
        };
        Some(Self::new(group, plural, Some(details)))
    }

    /// All built-in kinds that are known here.
    pub fn all_known() -> impl Iterator<Item = Self> {
        KNOWN.iter().filter_map(|(group, _, plural, ..)| match *group {
            "" => Self::known(plural),
            group => Self::known(&format!("{plural}.{group}")),
        })
    }

    /// A custom resource, by `plural.group`. Without details, discovery has to provide them.
    pub fn custom(name: &str, details: Option<Details>) -> Option<Self> {
        match split_group(name) {
            (plural, Some(group)) if !plural.is_empty() && !group.is_empty() => {
                Some(Self::new(group, plural, details))
            }
            _ => None,
        }
    }

    fn new(group: &str, plural: &str, details: Option<Details>) -> Self {
        Self(Arc::new(Inner {
            group: group.into(),
            plural: plural.into(),
            details: ArcSwapOption::new(details.map(Arc::new)),
        }))
    }

    /// Stores the details that discovery provides. Returns whether they have changed.
    pub fn learn(&self, details: Details) -> bool {
        let changed = self.0.details.load().as_deref() != Some(&details);
        if changed {
            self.0.details.store(Some(Arc::new(details)));
        }
        changed
    }

    /// The details; `None` until discovery has provided them.
    pub fn details(&self) -> Option<Arc<Details>> {
        self.0.details.load_full()
    }

    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        &self.0.group
    }

    /// The plural name.
    pub fn plural(&self) -> &str {
        &self.0.plural
    }

    /// So many of them, in words: `1 pod`, `2 pods`, `2 deployments.apps`.
    pub fn counted(&self, count: usize) -> String {
        let group = match self.group() {
            "" => String::new(),
            group => format!(".{group}"),
        };
        let details = self.0.details.load();
        let name = match details.as_ref().filter(|known| !known.singular.is_empty()) {
            Some(known) if count == 1 => &known.singular,
            _ => &self.0.plural,
        };
        format!("{count} {name}{group}")
    }

    /// Whether a name in a request means this kind: plural or singular, with or without the group.
    pub fn answers_to(&self, name: &str) -> bool {
        let (name, group) = split_group(name);
        group.is_none_or(|group| group == self.0.group)
            && (name == self.0.plural
                || self.0.details.load().as_ref().is_some_and(|known| name == known.singular))
    }

    /// Whether its objects are namespaced. Assumed for a kind without details.
    pub fn namespaced(&self) -> bool {
        self.0.details.load().as_ref().is_none_or(|known| known.namespaced)
    }

    /// Whether the kind is Namespace, whose metrics have a request path of their own.
    pub fn is_namespace(&self) -> bool {
        self.0.group.is_empty() && self.0.plural == "namespaces"
    }

    /// Whether objects of the kind can be reached at an address, as only pods can.
    pub fn has_addresses(&self) -> bool {
        self.0.group.is_empty() && self.0.plural == "pods"
    }

    fn name(&self) -> (&str, &str) {
        (&self.0.group, &self.0.plural)
    }
}

impl Details {
    /// The `apiVersion` of a described object. As in adapters written in Go, that of the core group
    /// has a leading slash.
    pub fn described_api_version(&self, resource: &Resource) -> String {
        format!("{}/{}", resource.group(), self.version)
    }
}

impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Resource {}

impl Hash for Resource {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl Ord for Resource {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name().cmp(&other.name())
    }
}

impl PartialOrd for Resource {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resource({self})")
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

fn split_group(name: &str) -> (&str, Option<&str>) {
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
        let api_version = |name: &str| {
            let resource = Resource::known(name).unwrap();
            resource.details().unwrap().described_api_version(&resource)
        };
        assert_eq!(
            (api_version("deployments"), api_version("pod")),
            ("apps/v1".into(), "/v1".into())
        );
        assert_eq!(Resource::known("widgets.example.com"), None);
    }

    #[test]
    fn one_of_them_is_called_as_one() {
        let counted = |name: &str, count| Resource::known(name).unwrap().counted(count);
        assert_eq!((counted("pods", 0), counted("pods", 1)), ("0 pods".into(), "1 pod".into()));
        assert_eq!(counted("deployments", 1), "1 deployment.apps");
        assert_eq!(counted("deployments", 2), "2 deployments.apps");
        let unknown = Resource::custom("widgets.example.com", None).unwrap();
        assert_eq!(unknown.counted(1), "1 widgets.example.com");
    }

    #[test]
    fn the_details_of_a_custom_resource_come_later() {
        let widgets = Resource::custom("widgets.example.com", None).unwrap();
        assert!(widgets.details().is_none() && widgets.namespaced());
        assert!(widgets.answers_to("widgets.example.com") && !widgets.answers_to("widget"));
        let details = Details {
            version: "v1".into(),
            singular: "widget".into(),
            kind: "Widget".into(),
            namespaced: false,
        };
        assert!(widgets.learn(details.clone()), "they have changed");
        assert!(!widgets.learn(details), "they are the same");
        assert!(widgets.answers_to("widget") && !widgets.namespaced());
        assert_eq!(widgets, Resource::custom("widgets.example.com", None).unwrap());
        for bad in ["widgets", ".example.com", "widgets."] {
            assert!(Resource::custom(bad, None).is_none(), "{bad}");
        }
    }
}
