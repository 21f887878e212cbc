//! What is served, and may those who need to do what they need to?

use std::time::Duration;

use serde::Deserialize;

use super::{Account, Finding};
use leadsman_cluster::{Attributes, Cluster, Decision, Identity, explain};

const CUSTOM: &str = "custom.metrics.k8s.io";
const EXTERNAL: &str = "external.metrics.k8s.io";
const USAGE: &str = "metrics.k8s.io";

/// The metrics that discovery names, as seen through kube-apiserver.
pub(super) struct ServedMetrics {
    custom: Result<Vec<String>, Unread>,
    external: Result<Vec<String>, Unread>,
    /// The kinds of which it is known what they use; `None` where another server is asked for it.
    usage: Option<Result<Vec<String>, Unread>>,
}

/// Why discovery could not be read.
enum Unread {
    /// By whoever asks.
    Forbidden(String),
    /// By anybody.
    Broken(String),
}

/// How long discovery may take: kube-apiserver itself waits no longer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// Reads which metrics are served, and what nodes and pods use, if the adapter is asked for that.
pub(super) async fn served(cluster: &Cluster, usage: bool) -> ServedMetrics {
    ServedMetrics {
        custom: list(cluster, CUSTOM, "v1beta2").await,
        external: list(cluster, EXTERNAL, "v1beta1").await,
        usage: if usage { Some(list(cluster, USAGE, "v1beta1").await) } else { None },
    }
}

async fn list(cluster: &Cluster, group: &str, version: &str) -> Result<Vec<String>, Unread> {
    let path = format!("/apis/{group}/{version}");
    let broken = |reason: String| Unread::Broken(reason);
    let request =
        http::Request::get(path).body(Vec::new()).map_err(|error| broken(error.to_string()))?;
    let asked = cluster.client().request::<ResourceList>(request);
    match tokio::time::timeout(REQUEST_TIMEOUT, asked).await {
        Err(_) => Err(broken(format!("no answer within {REQUEST_TIMEOUT:?}"))),
        Ok(Err(kube::Error::Api(status))) if status.is_forbidden() => {
            Err(Unread::Forbidden(status.message))
        }
        Ok(Err(error)) => Err(broken(explain(&error))),
        Ok(Ok(list)) => Ok(list.resources.into_iter().map(|resource| resource.name).collect()),
    }
}

impl ServedMetrics {
    pub(super) fn findings(&self) -> Vec<Finding> {
        let usage = self.usage.as_ref().map(|usage| (USAGE, usage));
        [(CUSTOM, &self.custom), (EXTERNAL, &self.external)]
            .into_iter()
            .chain(usage)
            .map(|(group, list)| match list {
                Err(Unread::Forbidden(reason)) => {
                    Finding::unsure(format!("{group} cannot be read by you: {reason}"))
                }
                Err(Unread::Broken(reason)) => Finding::bad(
                    format!("{group} cannot be read: {reason}"),
                    "autoscalers cannot read it either: see the APIServices above, and the log of \
                     the adapter's pods",
                ),
                Ok(names) if names.is_empty() => {
                    Finding::unsure(format!("{group} serves no metric: no mapping is for it"))
                }
                Ok(names) => Finding::good(format!("{group} serves {}", shortened(names))),
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

    /// The kinds of objects that anything is served for: plural and group.
    fn kinds(&self) -> Vec<(String, String)> {
        let names = self.custom.iter().flatten().filter_map(|name| name.split_once('/'));
        let mut kinds: Vec<_> = names
            .map(|(kind, _)| match kind.split_once('.') {
                Some((plural, group)) => (plural.to_owned(), group.to_owned()),
                None => (kind.to_owned(), String::new()),
            })
            .collect();
        let used = self.usage.iter().flatten().flatten();
        kinds.extend(used.map(|plural| (plural.clone(), String::new())));
        kinds.sort();
        kinds.dedup();
        kinds
    }
}

fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

/// Asks for each right that the adapter and the HPA controller need.
pub(super) async fn look(
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
                right("create", "authentication.k8s.io", "tokenreviews", "", ""),
                right("create", "authorization.k8s.io", "subjectaccessreviews", "", ""),
            ];
            for verb in ["get", "list", "watch"] {
                let config = "extension-apiserver-authentication";
                needs.push(right(verb, "", "configmaps", "kube-system", config));
            }
            for (plural, group) in served.kinds() {
                needs.extend(["list", "watch"].map(|verb| right(verb, &group, &plural, "", "")));
            }
            findings.extend(may(cluster, "the adapter", &adapter, &needs).await);
        }
    }
    let controller = service_account("kube-system", "horizontal-pod-autoscaler");
    let mut needs = vec![right("get", CUSTOM, "*", "", ""), right("list", EXTERNAL, "*", "", "")];
    if served.usage.is_some() {
        needs.push(right("list", USAGE, "pods", "", ""));
    }
    findings.extend(may(cluster, "the HPA controller", &controller, &needs).await);
    findings
}

fn service_account(namespace: &str, name: &str) -> Identity {
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

fn right(verb: &str, group: &str, resource: &str, namespace: &str, name: &str) -> Attributes {
    Attributes::Resource {
        verb: verb.to_owned(),
        group: group.to_owned(),
        version: String::new(),
        namespace: namespace.to_owned(),
        resource: resource.to_owned(),
        subresource: String::new(),
        name: name.to_owned(),
    }
}

async fn may(
    cluster: &Cluster,
    who: &str,
    identity: &Identity,
    needs: &[Attributes],
) -> Vec<Finding> {
    let user = &identity.user;
    let mut findings = Vec::new();
    for need in needs {
        let Attributes::Resource { verb, group, resource, namespace, .. } = need else { continue };
        match cluster.review_access(identity, need).await {
            Ok(Decision::Allowed) => {}
            Ok(Decision::Denied(_)) => {
                let place = match namespace.as_str() {
                    "" => "a ClusterRole".to_owned(),
                    namespace => format!("a Role in {namespace}"),
                };
                findings.push(Finding::bad(
                    format!("{who} ({user}) may not {verb} {resource} of the group \"{group}\""),
                    format!("bind {user} to {place} that allows it"),
                ));
            }
            Err(error) => {
                let what = format!("the rights of {who} cannot be asked for: {error}");
                return vec![Finding::unsure(what)];
            }
        }
    }
    if findings.is_empty() {
        findings.push(Finding::good(format!("{who} ({user}) may do what it needs to")));
    }
    findings
}
