//! Workloads: what an autoscaler scales.

use std::fmt;

use super::names::{InvalidName, Namespace};

/// The kinds of the group `apps` that can be scaled, and their plurals. Their status says how many
/// of their pods are ready.
const APPS: [(&str, &str); 3] =
    [("Deployment", "deployments"), ("StatefulSet", "statefulsets"), ("ReplicaSet", "replicasets")];

/// The version of these kinds.
const APPS_VERSION: &str = "apps/v1";

/// A workload by kind and name, in a namespace that is known from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkloadName {
    api_version: String,
    kind: String,
    name: String,
}

/// A workload in its namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Workload {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its kind and name.
    pub name: WorkloadName,
}

impl WorkloadName {
    /// Checks the parts. The version of an API may be left out for Deployments, StatefulSets and
    /// ReplicaSets.
    pub fn new(api_version: Option<&str>, kind: &str, name: &str) -> Result<Self, InvalidName> {
        let invalid = |message: String| Err(InvalidName::new(message));
        let is_word = |text: &str| {
            !text.is_empty()
                && text.len() <= 63
                && text.chars().all(|c| c.is_ascii_alphanumeric())
                && text.starts_with(|c: char| c.is_ascii_alphabetic())
        };
        if !is_word(kind) {
            return invalid(format!("\"{}\" is not the name of a kind", kind.escape_debug()));
        }
        if !is_dns_name(name) {
            return invalid(format!("\"{}\" cannot name a workload", name.escape_debug()));
        }
        let api_version = match api_version {
            None if APPS.iter().any(|(known, _)| *known == kind) => APPS_VERSION,
            None => {
                return invalid(format!(
                    "the API of a {kind} is not known; say it with `apiVersion`, as the \
                     autoscaler's `scaleTargetRef` does"
                ));
            }
            Some(version) => version,
        };
        let is_version = match api_version.split_once('/') {
            Some((group, version)) => is_dns_name(group) && is_word(version),
            None => is_word(api_version),
        };
        if !is_version {
            return invalid(format!(
                "\"{}\" is not the version of an API, such as apps/v1",
                api_version.escape_debug()
            ));
        }
        let [api_version, kind, name] = [api_version, kind, name].map(str::to_owned);
        Ok(Self { api_version, kind, name })
    }

    /// The version of its API: `apps/v1`.
    pub fn api_version(&self) -> &str {
        &self.api_version
    }

    /// The group of its API; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// The version within the group.
    pub fn version(&self) -> &str {
        self.api_version.split_once('/').map_or(&self.api_version, |(_, version)| version)
    }

    /// Its kind.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The plural of its kind, where it is known without asking a cluster: for those kinds whose
    /// status has the number of ready pods.
    pub fn known_plural(&self) -> Option<&'static str> {
        if self.api_version != APPS_VERSION {
            return None;
        }
        APPS.iter().find(|(kind, _)| *kind == self.kind).map(|(_, plural)| *plural)
    }

    /// This workload in a namespace.
    pub fn in_namespace(&self, namespace: Namespace) -> Workload {
        Workload { namespace, name: self.clone() }
    }
}

/// Whether a text is a DNS subdomain (RFC 1123), as Kubernetes defines it for names.
fn is_dns_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(super::names::is_dns_label)
}

impl fmt::Display for WorkloadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of namespace {}", self.name, self.namespace)
    }
}

/// How a workload is scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// The replicas that are asked for: `spec.replicas`.
    pub replicas: u32,
    /// The pods that are ready, where the kind's status says it.
    pub ready: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_of_apps_need_no_version() {
        let web = WorkloadName::new(None, "Deployment", "web").unwrap();
        assert_eq!((web.api_version(), web.group(), web.version()), ("apps/v1", "apps", "v1"));
        assert_eq!(web.known_plural(), Some("deployments"));
        assert_eq!(web.to_string(), "Deployment web");
        let same = WorkloadName::new(Some("apps/v1"), "Deployment", "web").unwrap();
        assert_eq!(web, same);
        let in_shop = web.in_namespace("shop".parse().unwrap());
        assert_eq!(in_shop.to_string(), "Deployment web of namespace shop");
    }

    #[test]
    fn other_kinds_need_one() {
        let refused = WorkloadName::new(None, "Rollout", "web").unwrap_err();
        assert!(refused.to_string().contains("`apiVersion`"), "{refused}");
        let rollout = WorkloadName::new(Some("argoproj.io/v1alpha1"), "Rollout", "web").unwrap();
        assert_eq!((rollout.group(), rollout.version()), ("argoproj.io", "v1alpha1"));
        assert_eq!(rollout.known_plural(), None);
        let core = WorkloadName::new(Some("v1"), "ReplicationController", "web").unwrap();
        assert_eq!((core.group(), core.version()), ("", "v1"));
    }

    #[test]
    fn what_does_not_belong_into_a_path_is_refused() {
        for (version, kind, name) in [
            (None, "Deployment", "../secrets/key"),
            (None, "Deployment", ""),
            (None, "Deployment", "a/b"),
            (None, "Deployment", "a".repeat(254).as_str()),
            (None, "", "web"),
            (Some("apps/v1"), "Deploy ment", "web"),
            (Some("apps/v1/x"), "Deployment", "web"),
            (Some("../v1"), "Deployment", "web"),
            (Some(""), "Deployment", "web"),
        ] {
            assert!(WorkloadName::new(version, kind, name).is_err(), "{version:?} {kind} {name}");
        }
    }
}
