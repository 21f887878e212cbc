//! A target: the address of its page, and the labels that its series get from it.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use leadsman_model::endpoints::Endpoint;

use super::Gap;
use super::settings::{EndpointTargets, TargetPort};

/// How many labels of a pod its series get.
const MAX_POD_LABELS: usize = 64;

/// What a label of a page is called whose name a label of its target has.
const EXPORTED: &str = "exported_";

/// What is scraped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) key: TargetKey,
    /// What a message calls the address.
    address: String,
    /// What its series get.
    labels: Vec<(String, String)>,
}

/// What identifies a target.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TargetKey {
    pub(super) url: String,
    /// Empty for an address of the configuration.
    pub(super) namespace: String,
    /// Empty for what is no pod.
    pub(super) pod: String,
}

impl Target {
    /// An address of the configuration.
    pub(super) fn of_url(url: &str) -> Self {
        let host = url.split_once("://").map_or(url, |(_, rest)| rest);
        let instance = host.split('/').next().unwrap_or_default().to_owned();
        Self {
            key: TargetKey { url: url.to_owned(), namespace: String::new(), pod: String::new() },
            address: url.to_owned(),
            labels: vec![("instance".to_owned(), instance)],
        }
    }

    /// An endpoint of a cluster, or why it is none to be scraped.
    pub(super) fn of_endpoint(
        endpoint: &Endpoint,
        settings: &EndpointTargets,
        now: i64,
    ) -> Result<Self, String> {
        if settings.ready_only && !endpoint.ready {
            return Err("it is not ready, and readyOnly is set".to_owned());
        }
        let age = endpoint.started.map(|started| {
            Duration::from_millis(u64::try_from(now.saturating_sub(started)).unwrap_or_default())
        });
        if age.is_some_and(|age| age < settings.min_age) {
            return Err(format!("it is younger than minAge ({:?})", settings.min_age));
        }
        let port = match &settings.port {
            TargetPort::Number(number) => *number,
            TargetPort::Name(wanted) => {
                let found = endpoint.ports.iter().find(|(name, _)| name == wanted);
                found.map(|(_, number)| *number).ok_or_else(|| {
                    let names: Vec<_> = endpoint.ports.iter().map(|(name, _)| &**name).collect();
                    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                    format!("it has no port named \"{wanted}\"; those with names: {names}")
                })?
            }
        };
        let address = SocketAddr::new(endpoint.ip, port).to_string();
        let mut labels = vec![
            ("namespace".to_owned(), endpoint.namespace.clone()),
            ("pod".to_owned(), endpoint.pod.clone()),
            ("node".to_owned(), endpoint.node.clone()),
            ("instance".to_owned(), address.clone()),
        ];
        for (name, value) in endpoint.labels.iter().take(MAX_POD_LABELS) {
            let name = label_name(name);
            if labels.iter().all(|(known, _)| *known != name) {
                labels.push((name, value.clone()));
            }
        }
        labels.retain(|(_, value)| !value.is_empty());
        let (scheme, path) = (settings.scheme.as_str(), &settings.path);
        Ok(Self {
            key: TargetKey {
                url: format!("{scheme}://{address}{path}"),
                namespace: endpoint.namespace.clone(),
                pod: endpoint.pod.clone(),
            },
            address,
            labels,
        })
    }

    /// Whether it is a pod, or stands behind a Service.
    fn is_of_cluster(&self) -> bool {
        !self.key.namespace.is_empty()
    }

    /// The labels of a sample with those of the target, sorted, without those that are not set. What
    /// a pod says of itself does not replace what the cluster says of it.
    pub(super) fn labels_of(
        &self,
        labels: Vec<(Cow<'_, str>, Cow<'_, str>)>,
    ) -> Vec<(String, String)> {
        let set = labels.into_iter().filter(|(_, value)| !value.is_empty());
        let mut all: Vec<(String, String)> =
            set.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        for (name, value) in &self.labels {
            match all.iter().position(|(known, _)| known == name) {
                Some(_) if !self.is_of_cluster() => continue,
                Some(at) => {
                    let mut exported = format!("{EXPORTED}{name}");
                    while all.iter().any(|(known, _)| *known == exported) {
                        exported.insert_str(0, EXPORTED);
                    }
                    if let Some((known, _)) = all.get_mut(at) {
                        *known = exported;
                    }
                }
                None => {}
            }
            all.push((name.clone(), value.clone()));
        }
        all.sort();
        all
    }

    /// Why there is nothing of it.
    pub(super) fn gap(&self, reason: String) -> Gap {
        let TargetKey { namespace, pod, .. } = &self.key;
        Gap { namespace: namespace.clone(), object: pod.clone(), reason }
    }
}

/// Why there is nothing of an endpoint that is not scraped.
pub(super) fn not_scraped(endpoint: &Arc<Endpoint>, reason: String) -> Gap {
    let Endpoint { namespace, pod, .. } = &**endpoint;
    Gap { namespace: namespace.clone(), object: pod.clone(), reason }
}

/// What a label of Kubernetes is called in a series, as by Prometheus' `labelmap`.
fn label_name(key: &str) -> String {
    let mut name: String =
        key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

/// As the status page names it.
impl fmt::Display for TargetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.namespace.is_empty(), self.pod.is_empty()) {
            (true, _) => f.write_str(&self.url),
            (false, true) => write!(f, "{} in {}", self.url, self.namespace),
            (false, false) => write!(f, "{}/{} ({})", self.namespace, self.pod, self.url),
        }
    }
}

/// As messages name it.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TargetKey { namespace, pod, .. } = &self.key;
        match (namespace.is_empty(), pod.is_empty()) {
            (true, _) => f.write_str(&self.address),
            (false, true) => write!(f, "{} in {namespace}", self.address),
            (false, false) => write!(f, "{namespace}/{pod} ({})", self.address),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use leadsman_model::endpoints::{EndpointKind, EndpointPick};
    use leadsman_model::selector::Selector;

    use super::super::settings::Scheme;
    use super::*;

    pub(crate) fn endpoint(pod: &str) -> Endpoint {
        Endpoint {
            namespace: "shop".to_owned(),
            pod: pod.to_owned(),
            node: "node-1".to_owned(),
            ip: [10, 0, 0, 1].into(),
            labels: BTreeMap::from([
                ("app.kubernetes.io/name".to_owned(), "web".to_owned()),
                ("pod".to_owned(), "other".to_owned()),
            ]),
            ports: vec![("http".to_owned(), 80), ("metrics".to_owned(), 9100)],
            started: Some(1000),
            ready: false,
        }
    }

    pub(crate) fn settings() -> EndpointTargets {
        let kind = EndpointKind::Pods(Selector::default());
        EndpointTargets {
            pick: EndpointPick { namespace: None, kind },
            port: TargetPort::Name("metrics".to_owned()),
            scheme: Scheme::Http,
            path: "/metrics".to_owned(),
            min_age: Duration::from_secs(30),
            ready_only: false,
        }
    }

    fn labels(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_pod_cannot_say_that_it_is_another() {
        let pod = endpoint("web-0");
        let target = Target::of_endpoint(&pod, &settings(), 31_000).unwrap();
        assert_eq!(target.key.url, "http://10.0.0.1:9100/metrics");
        assert_eq!(target.to_string(), "shop/web-0 (10.0.0.1:9100)");
        let said = [("pod", "web-9"), ("exported_pod", "x"), ("code", "200"), ("gone", "")];
        let said = said.map(|(name, value)| (name.into(), value.into())).to_vec();
        let expected = labels(&[
            ("app_kubernetes_io_name", "web"),
            ("code", "200"),
            ("exported_exported_pod", "web-9"),
            ("exported_pod", "x"),
            ("instance", "10.0.0.1:9100"),
            ("namespace", "shop"),
            ("node", "node-1"),
            ("pod", "web-0"),
        ]);
        assert_eq!(target.labels_of(said), expected);
        // What is at an address of the configuration may say what it is for.
        let target = Target::of_url("http://ksm.monitoring:8080/metrics");
        let said = vec![("pod".into(), "web-9".into()), ("instance".into(), "x".into())];
        assert_eq!(target.labels_of(said), labels(&[("instance", "x"), ("pod", "web-9")]));
        assert_eq!(target.labels_of(vec![]), labels(&[("instance", "ksm.monitoring:8080")]));
    }

    #[test]
    fn pods_that_are_not_scraped_have_a_reason() {
        let (pod, settings) = (endpoint("web-0"), settings());
        let why =
            |settings: &EndpointTargets, now| Target::of_endpoint(&pod, settings, now).unwrap_err();
        assert_eq!(why(&settings, 30_999), "it is younger than minAge (30s)");
        let ready = EndpointTargets { ready_only: true, ..settings.clone() };
        assert!(why(&ready, 31_000).contains("not ready"));
        let port = TargetPort::Name("web".to_owned());
        let other = EndpointTargets { port, ..settings.clone() };
        let reason = "it has no port named \"web\"; those with names: http, metrics";
        assert_eq!(why(&other, 31_000), reason);
        let port = TargetPort::Number(8080);
        let number = EndpointTargets { port, ..settings };
        assert!(Target::of_endpoint(&pod, &number, 31_000).is_ok());
        assert_eq!(label_name("1.example.com/a-b"), "_1_example_com_a_b");
    }
}
