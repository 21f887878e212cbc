//! Checks which metrics are served, and the permissions of the adapter and of the HPA controller.

use std::time::Duration;

use serde::Deserialize;

use super::{Account, Finding};
use leadsman_cluster::{Attributes, Cluster, Identity, ReviewDecision, explain};

const CUSTOM: &str = "custom.metrics.k8s.io";
const EXTERNAL: &str = "external.metrics.k8s.io";
const RESOURCE_METRICS: &str = "metrics.k8s.io";

/// The metrics in discovery, as kube-apiserver returns it.
pub(super) struct ServedMetrics {
    custom: Result<Vec<String>, DiscoveryError>,
    external: Result<Vec<String>, DiscoveryError>,
    /// The kinds with resource metrics; `None` if another server serves them.
    resource_metrics: Option<Result<Vec<String>, DiscoveryError>>,
}

/// Why discovery could not be read.
enum DiscoveryError {
    /// The user is not allowed to.
    Forbidden(String),
    /// It fails for every user.
    Failed(String),
}

/// The time limit of discovery, which is that of kube-apiserver itself.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<ApiResource>,
}

#[derive(Deserialize)]
struct ApiResource {
    name: String,
}

/// Reads discovery, including resource metrics if the adapter serves them.
pub(super) async fn served(cluster: &Cluster, resource_metrics: bool) -> ServedMetrics {
    ServedMetrics {
        custom: list(cluster, CUSTOM, "v1beta2").await,
        external: list(cluster, EXTERNAL, "v1beta1").await,
        resource_metrics: if resource_metrics {
            Some(list(cluster, RESOURCE_METRICS, "v1beta1").await)
        } else {
            None
        },
    }
}

async fn list(
    cluster: &Cluster,
    group: &str,
    version: &str,
) -> Result<Vec<String>, DiscoveryError> {
    let path = format!("/apis/{group}/{version}");
    let failed = |reason: String| DiscoveryError::Failed(reason);
    let request =
        http::Request::get(path).body(Vec::new()).map_err(|error| failed(error.to_string()))?;
    let asked = cluster.client().request::<ResourceList>(request);
    match tokio::time::timeout(REQUEST_TIMEOUT, asked).await {
        Err(_) => Err(failed(format!("no answer within {REQUEST_TIMEOUT:?}"))),
        Ok(Err(kube::Error::Api(status))) if status.is_forbidden() => {
            Err(DiscoveryError::Forbidden(status.message))
        }
        Ok(Err(error)) => Err(failed(explain(&error))),
        Ok(Ok(list)) => Ok(list.resources.into_iter().map(|resource| resource.name).collect()),
    }
}

impl ServedMetrics {
    pub(super) fn findings(&self) -> Vec<Finding> {
        let resource_metrics = self.resource_metrics.as_ref().map(|list| (RESOURCE_METRICS, list));
        [(CUSTOM, &self.custom), (EXTERNAL, &self.external)]
            .into_iter()
            .chain(resource_metrics)
            .map(|(group, list)| match list {
                Err(DiscoveryError::Forbidden(reason)) => {
                    Finding::unsure(format!("{group} cannot be read by you: {reason}"))
                }
                Err(DiscoveryError::Failed(reason)) => Finding::bad(
                    format!("{group} cannot be read: {reason}"),
                    "autoscalers cannot read it either: see the APIServices above, and the log of \
                     the adapter's pods",
                ),
                Ok(names) if names.is_empty() => {
                    Finding::unsure(format!("{group} serves no metric: no mapping is for it"))
                }
                Ok(names) => Finding::good(format!("{group} serves {}", joined(names))),
            })
            .collect()
    }

    /// Whether a custom metric is served for a resource; `None` if that is not known.
    pub(super) fn custom(&self, metric: &str) -> Option<bool> {
        let names = self.custom.as_ref().ok()?;
        Some(
            names.iter().any(|name| name.split_once('/').is_some_and(|(_, known)| known == metric)),
        )
    }

    /// Whether an external metric is served; `None` if that is not known.
    pub(super) fn external(&self, metric: &str) -> Option<bool> {
        Some(self.external.as_ref().ok()?.iter().any(|known| known == metric))
    }

    /// The kinds of objects that metrics are served for: plural and group.
    fn kinds(&self) -> Vec<(String, String)> {
        let names = self.custom.iter().flatten().filter_map(|name| name.split_once('/'));
        let mut kinds: Vec<_> = names
            .map(|(kind, _)| match kind.split_once('.') {
                Some((plural, group)) => (plural.to_owned(), group.to_owned()),
                None => (kind.to_owned(), String::new()),
            })
            .collect();
        let measured = self.resource_metrics.iter().flatten().flatten();
        kinds.extend(measured.map(|plural| (plural.clone(), String::new())));
        kinds.sort();
        kinds.dedup();
        kinds
    }
}

pub(super) fn joined(names: &[String]) -> String {
    const MAX_NAMES: usize = 8;
    let mut text = names.iter().take(MAX_NAMES).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > MAX_NAMES {
        text.push_str(&format!(" and {} more", names.len() - MAX_NAMES));
    }
    text
}

/// Reviews each permission that the adapter and the HPA controller need.
pub(super) async fn check(
    cluster: &Cluster,
    account: Option<&Account>,
    served: &ServedMetrics,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    match account {
        None => findings.push(Finding::unsure("as whom the adapter runs is not known")),
        Some(Account { service, name }) => {
            let adapter = service_account(&service.namespace, name);
            let mut needs = vec![
                permission("create", "authentication.k8s.io", "tokenreviews", "", ""),
                permission("create", "authorization.k8s.io", "subjectaccessreviews", "", ""),
            ];
            for verb in ["get", "list", "watch"] {
                let config = "extension-apiserver-authentication";
                needs.push(permission(verb, "", "configmaps", "kube-system", config));
            }
            for (plural, group) in served.kinds() {
                needs.extend(
                    ["list", "watch"].map(|verb| permission(verb, &group, &plural, "", "")),
                );
            }
            findings.extend(review(cluster, "the adapter", &adapter, &needs).await);
        }
    }
    let controller = service_account("kube-system", "horizontal-pod-autoscaler");
    let mut needs =
        vec![permission("get", CUSTOM, "*", "", ""), permission("list", EXTERNAL, "*", "", "")];
    if served.resource_metrics.is_some() {
        needs.push(permission("list", RESOURCE_METRICS, "pods", "", ""));
    }
    findings.extend(review(cluster, "the HPA controller", &controller, &needs).await);
    findings
}

pub(super) fn service_account(namespace: &str, name: &str) -> Identity {
    Identity {
        user: format!("system:serviceaccount:{namespace}:{name}"),
        groups: vec![
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{namespace}"),
            "system:authenticated".to_owned(),
        ],
        ..Identity::default()
    }
}

/// The right to a resource, or to its subresource after a slash.
pub(super) fn permission(
    verb: &str,
    group: &str,
    resource: &str,
    namespace: &str,
    name: &str,
) -> Attributes {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let [verb, group, namespace, resource, subresource, name] =
        [verb, group, namespace, resource, subresource, name].map(str::to_owned);
    Attributes::Resource {
        verb,
        group,
        version: String::new(),
        namespace,
        resource,
        subresource,
        name,
    }
}

async fn review(
    cluster: &Cluster,
    who: &str,
    identity: &Identity,
    needs: &[Attributes],
) -> Vec<Finding> {
    let mut findings = lacking(cluster, who, identity, needs).await;
    if findings.is_empty() {
        let user = &identity.user;
        findings.push(Finding::good(format!("{who} ({user}) may do what it needs to")));
    }
    findings
}

/// What somebody needs to do and may not; the last one says why no more of it is known, if that is so.
pub(super) async fn lacking(
    cluster: &Cluster,
    who: &str,
    identity: &Identity,
    needs: &[Attributes],
) -> Vec<Finding> {
    let user = &identity.user;
    let mut findings = Vec::new();
    for need in needs {
        let Attributes::Resource { verb, group, resource, subresource, namespace, .. } = need
        else {
            continue;
        };
        match cluster.review_access(identity, need).await {
            Ok(ReviewDecision::Allowed) => {}
            Ok(ReviewDecision::Denied(_)) => {
                let (place, role) = match namespace.as_str() {
                    "" => (String::new(), "a ClusterRole".to_owned()),
                    namespace => (format!(" in {namespace}"), format!("a Role in {namespace}")),
                };
                let slash = if subresource.is_empty() { "" } else { "/" };
                findings.push(Finding::bad(
                    format!(
                        "{who} ({user}) may not {verb} {resource}{slash}{subresource} of the group \
                         \"{group}\"{place}"
                    ),
                    format!("bind {user} to {role} that allows it"),
                ));
            }
            Err(error) => {
                let what = format!("the rights of {who} cannot be asked for: {error}");
                findings.push(Finding::unsure(what));
                break;
            }
        }
    }
    findings
}
