//! Kinds of objects, and the names by which requests refer to them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arc_swap::ArcSwapOption;

/// A kind of object that metrics are served for. It is known by group and plural; the rest may be
/// learned from a cluster later, and changes there when a custom resource's definition does.
#[derive(Clone)]
pub struct Resource(Arc<Parts>);

struct Parts {
    group: String,
    plural: String,
    details: ArcSwapOption<Details>,
}

/// What more there is to know of a kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// The version under which its objects are read.
    pub version: String,
    /// The name of one.
    pub singular: String,
    /// The kind.
    pub kind: String,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
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
        let details = Details {
            version: version.into(),
            singular: singular.into(),
            kind: kind.into(),
            namespaced,
        };
        Some(Self::new(group, plural, Some(details)))
    }

    /// All kinds that every cluster has.
    pub fn all_known() -> impl Iterator<Item = Self> {
        KNOWN.iter().filter_map(|(group, _, plural, ..)| match *group {
            "" => Self::known(plural),
            group => Self::known(&format!("{plural}.{group}")),
        })
    }

    /// A kind of a custom resource, by `plural.group`. Without details it is one that a cluster is
    /// to be asked about.
    pub fn custom(name: &str, details: Option<Details>) -> Option<Self> {
        match split(name) {
            (plural, Some(group)) if !plural.is_empty() && !group.is_empty() => {
                Some(Self::new(group, plural, details))
            }
            _ => None,
        }
    }

    fn new(group: &str, plural: &str, details: Option<Details>) -> Self {
        Self(Arc::new(Parts {
            group: group.into(),
            plural: plural.into(),
            details: ArcSwapOption::new(details.map(Arc::new)),
        }))
    }

    /// Takes in what a cluster says of this kind. Says whether that is news.
    pub fn learn(&self, details: Details) -> bool {
        let news = self.0.details.load().as_deref() != Some(&details);
        if news {
            self.0.details.store(Some(Arc::new(details)));
        }
        news
    }

    /// What is known of it; `None` if no cluster has been asked yet, or knows nothing.
    pub fn details(&self) -> Option<Arc<Details>> {
        self.0.details.load_full()
    }

    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        &self.0.group
    }

    /// The name of many.
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

    /// Whether a request for this name means this kind: plural or singular, with the group, or
    /// without it.
    pub fn answers_to(&self, name: &str) -> bool {
        let (name, group) = split(name);
        group.is_none_or(|group| group == self.0.group)
            && (name == self.0.plural
                || self.0.details.load().as_ref().is_some_and(|known| name == known.singular))
    }

    /// Whether objects live in namespaces. Those of an unknown kind are taken to.
    pub fn namespaced(&self) -> bool {
        self.0.details.load().as_ref().is_none_or(|known| known.namespaced)
    }

    /// Whether these are namespaces themselves, which are asked for at a path of their own.
    pub fn is_namespace(&self) -> bool {
        self.0.group.is_empty() && self.0.plural == "namespaces"
    }

    fn name(&self) -> (&str, &str) {
        (&self.0.group, &self.0.plural)
    }
}

impl Details {
    /// `apiVersion` of a described object as the adapters in Go give it: the core group has a
    /// leading slash.
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
    fn a_custom_resource_is_learned() {
        let widgets = Resource::custom("widgets.example.com", None).unwrap();
        assert!(widgets.details().is_none() && widgets.namespaced());
        assert!(widgets.answers_to("widgets.example.com") && !widgets.answers_to("widget"));
        let details = Details {
            version: "v1".into(),
            singular: "widget".into(),
            kind: "Widget".into(),
            namespaced: false,
        };
        assert!(widgets.learn(details.clone()), "news");
        assert!(!widgets.learn(details), "no news");
        assert!(widgets.answers_to("widget") && !widgets.namespaced());
        assert_eq!(widgets, Resource::custom("widgets.example.com", None).unwrap());
        for bad in ["widgets", ".example.com", "widgets."] {
            assert!(Resource::custom(bad, None).is_none(), "{bad}");
        }
    }
}
