//! The requests that the controller sends for the metrics of an autoscaler.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::autoscaler::{CrossVersionObjectReference, LabelSelector, MetricSpec};

/// What stands in a path as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a metric's request depends on besides the metric.
pub(super) struct Surroundings<'a> {
    pub(super) namespace: &'a str,
    /// The selector of the target's pods.
    pub(super) pods: &'a str,
    /// The version of `custom.metrics.k8s.io` that discovery prefers.
    pub(super) custom_version: &'a str,
    /// The plural of the kind that a metric describes, with its group, such as
    /// `ingresses.networking.k8s.io`.
    pub(super) described: Option<&'a str>,
}

/// A read of a metric, as the command line names it.
#[derive(Debug, Clone, Default)]
pub struct MetricRead {
    /// The metric.
    pub metric: String,
    /// The namespace; empty at the root.
    pub namespace: String,
    /// The kind of the objects, such as `pods` or `ingresses.networking.k8s.io`; `None` for an external
    /// metric.
    pub resource: Option<String>,
    /// The object; `None` for all that the selector picks.
    pub object: Option<String>,
    /// Picks objects.
    pub selector: String,
    /// Picks series, or the items of an external metric.
    pub metric_selector: String,
}

impl MetricRead {
    /// Its path, with the preferred version of `custom.metrics.k8s.io`.
    pub(super) fn path(&self, custom_version: &str) -> String {
        let Self { metric, namespace, resource, object, selector, metric_selector } = self;
        let (metric, namespace) = (segment(metric), segment(namespace));
        let Some(resource) = resource else {
            let path =
                format!("/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{metric}");
            return with(&path, &[("labelSelector", metric_selector)]);
        };
        let custom = format!("/apis/custom.metrics.k8s.io/{custom_version}");
        let within = match namespace.as_str() {
            "" => custom,
            namespace => format!("{custom}/namespaces/{namespace}"),
        };
        let object = segment(object.as_deref().unwrap_or("*"));
        let path = format!("{within}/{}/{object}/{metric}", segment(resource));
        with(&path, &[("labelSelector", selector), ("metricLabelSelector", metric_selector)])
    }
}

/// The API and kind of objects that a metric is served for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ServedAs {
    External,
    Custom { resource: String, namespaced: bool },
}

impl ServedAs {
    /// The path of a read of all that a namespace has of it.
    pub(super) fn path(&self, namespace: &str, metric: &str, custom_version: &str) -> String {
        let read = MetricRead {
            metric: metric.to_owned(),
            namespace: namespace.to_owned(),
            ..MetricRead::default()
        };
        match self {
            Self::External => read.path(custom_version),
            Self::Custom { resource, .. } if resource == "namespaces" => {
                let (namespace, metric) = (segment(namespace), segment(metric));
                let custom = format!("/apis/custom.metrics.k8s.io/{custom_version}");
                format!("{custom}/namespaces/{namespace}/metrics/{metric}")
            }
            Self::Custom { resource, namespaced } => {
                let namespace = if *namespaced { read.namespace } else { String::new() };
                MetricRead { resource: Some(resource.clone()), namespace, ..read }
                    .path(custom_version)
            }
        }
    }
}

/// The path and query of the request, or why there is none.
pub(super) fn path(metric: &MetricSpec, around: &Surroundings<'_>) -> Result<String, String> {
    let namespace = segment(around.namespace);
    let custom = format!("/apis/custom.metrics.k8s.io/{}", around.custom_version);
    if let Some(pods) = &metric.pods {
        let path =
            format!("{custom}/namespaces/{namespace}/pods/%2A/{}", segment(&pods.metric.name));
        let selector = selector(pods.metric.selector.as_ref());
        return Ok(with(
            &path,
            &[("labelSelector", around.pods), ("metricLabelSelector", &selector)],
        ));
    }
    if let Some(object) = &metric.object {
        let name = segment(&object.metric.name);
        let described = object.described_object.as_ref().ok_or("it describes no object")?;
        let selector = selector(object.metric.selector.as_ref());
        let path = if is_namespace(described) {
            format!("{custom}/namespaces/{namespace}/metrics/{name}")
        } else {
            let kind = around.described.ok_or("the kind of its object is not known")?;
            let object = segment(&described.name);
            format!("{custom}/namespaces/{namespace}/{}/{object}/{name}", segment(kind))
        };
        return Ok(with(&path, &[("metricLabelSelector", &selector)]));
    }
    if let Some(external) = &metric.external {
        let path = format!(
            "/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{}",
            segment(&external.metric.name)
        );
        let selector = selector(external.metric.selector.as_ref());
        return Ok(with(&path, &[("labelSelector", &selector)]));
    }
    if metric.resource.is_some() || metric.container_resource.is_some() {
        let path = format!("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods");
        return Ok(with(&path, &[("labelSelector", around.pods)]));
    }
    Err(format!("a metric of the type \"{}\" has no settings for it", metric.kind))
}

/// Values of the namespace itself are read by another path.
pub(super) fn is_namespace(described: &CrossVersionObjectReference) -> bool {
    let core = described.api_version.as_deref().is_none_or(|version| !version.contains('/'));
    core && described.kind == "Namespace"
}

fn selector(selector: Option<&LabelSelector>) -> String {
    selector.map(LabelSelector::to_string).unwrap_or_default()
}

/// A text as one segment of a path, or one value of a parameter.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

fn with(path: &str, parameters: &[(&str, &str)]) -> String {
    let given: Vec<_> = parameters
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", segment(value)))
        .collect();
    if given.is_empty() { path.to_owned() } else { format!("{path}?{}", given.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn path_of(metric: serde_json::Value, described: Option<&str>) -> String {
        let around = Surroundings {
            namespace: "shop",
            pods: "app=web,tier in (a,b)",
            custom_version: "v1beta2",
            described,
        };
        path(&serde_json::from_value(metric).unwrap(), &around).unwrap()
    }

    #[test]
    fn each_type_has_its_path() {
        let target = json!({"type": "Value", "value": "1"});
        let described =
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "front"});
        let space = json!({"apiVersion": "v1", "kind": "Namespace", "name": "shop"});
        let selected = json!({"name": "m/s", "selector": {"matchLabels": {"queue": "a b"}}});
        for (metric, expected) in [
            (
                json!({"type": "Pods", "pods": {"metric": {"name": "m"}, "target": target}}),
                "/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/%2A/m?labelSelector=app%3Dweb%2Ctier%20in%20%28a%2Cb%29",
            ),
            (
                json!({"type": "Object", "object": {"metric": {"name": "m"}, "describedObject": described, "target": target}}),
                "/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/ingresses.networking.k8s.io/front/m",
            ),
            (
                json!({"type": "Object", "object": {"metric": {"name": "m"}, "describedObject": space, "target": target}}),
                "/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/metrics/m",
            ),
            (
                json!({"type": "External", "external": {"metric": selected, "target": target}}),
                "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/m%2Fs?labelSelector=queue%3Da%20b",
            ),
            (
                json!({"type": "Resource", "resource": {"name": "cpu", "target": target}}),
                "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods?labelSelector=app%3Dweb%2Ctier%20in%20%28a%2Cb%29",
            ),
        ] {
            assert_eq!(path_of(metric, Some("ingresses.networking.k8s.io")), expected);
        }
    }

    #[test]
    fn a_metric_on_the_command_line_has_the_path_that_an_autoscaler_reads() {
        let read = MetricRead {
            metric: "m".to_owned(),
            namespace: "shop".to_owned(),
            resource: Some("pods".to_owned()),
            selector: "app=web".to_owned(),
            ..MetricRead::default()
        };
        let custom = "/apis/custom.metrics.k8s.io/v1beta2";
        assert_eq!(
            read.path("v1beta2"),
            format!("{custom}/namespaces/shop/pods/%2A/m?labelSelector=app%3Dweb")
        );
        let node = MetricRead {
            namespace: String::new(),
            resource: Some("nodes".to_owned()),
            object: Some("n1".to_owned()),
            selector: String::new(),
            metric_selector: "v=4".to_owned(),
            ..read.clone()
        };
        assert_eq!(node.path("v1beta2"), format!("{custom}/nodes/n1/m?metricLabelSelector=v%3D4"));
        let external = MetricRead { resource: None, metric_selector: "queue=a".to_owned(), ..read };
        assert_eq!(
            external.path("v1beta2"),
            "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/m?labelSelector=queue%3Da"
        );
    }

    #[test]
    fn a_type_without_its_settings_has_no_path() {
        let around = Surroundings {
            namespace: "shop",
            pods: "",
            custom_version: "v1beta2",
            described: None,
        };
        let metric = serde_json::from_value(json!({"type": "Pods"})).unwrap();
        assert!(path(&metric, &around).unwrap_err().contains("Pods"));
    }
}
