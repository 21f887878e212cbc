//! The markers of AKO (the Avi Kubernetes Operator) on an object, as labels: which Ingress, Service or route
//! it serves. The names of pools cannot be parsed for that.

use serde::Deserialize;
use serde_json::Value;

/// A marker: a key with values.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Marker {
    key: String,
    #[serde(default)]
    values: Vec<String>,
}

/// The labels for each key of a marker. Of several keys for one label the first that is there
/// counts.
const LABELS: [(&str, &[&str]); 11] = [
    ("cluster", &["clustername"]),
    ("namespace", &["Namespace", "BackendNs", "GatewayNamespace"]),
    ("service", &["ServiceName", "BackendName"]),
    ("ingress", &["IngressName"]),
    ("host", &["Host"]),
    ("path", &["Path"]),
    ("port", &["Port"]),
    ("gateway", &["GatewayName"]),
    ("gateway_namespace", &["GatewayNamespace"]),
    ("http_route", &["HTTPRouteName"]),
    ("infra_setting", &["InfrasettingName"]),
];

/// What AKO says of an object.
pub(super) type MarkerLabels = Vec<(&'static str, String)>;

/// The labels of an object: those of its markers, or of its service metadata where an older AKO
/// made it. A marker with several values names no single object, and gives no label.
pub(super) fn labels(markers: &[Marker], service_metadata: Option<&Value>) -> MarkerLabels {
    if markers.is_empty() {
        return service_metadata.map(of_service_metadata).unwrap_or_default();
    }
    let single = |key: &&str| {
        let marker = markers.iter().find(|marker| marker.key == **key)?;
        match marker.values.as_slice() {
            [value] if !value.is_empty() => Some(value.clone()),
            _ => None,
        }
    };
    let labels = LABELS.iter().map(|(label, keys)| Some((*label, keys.iter().find_map(&single)?)));
    labels.flatten().collect()
}

/// Before controller 20.1.5 and AKO 1.5.1: JSON, as an object or as its text.
fn of_service_metadata(metadata: &Value) -> MarkerLabels {
    let parsed;
    let metadata = match metadata {
        Value::String(text) => {
            parsed = serde_json::from_str::<Value>(text).unwrap_or_default();
            &parsed
        }
        other => other,
    };
    let text =
        |key: &str| metadata.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let single = |key: &str| match metadata.get(key).and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::String(text)]) if !text.is_empty() => Some(text.as_str()),
        _ => None,
    };
    // `namespace/name`
    let service = single("namespace_svc_name").and_then(|service| service.split_once('/'));
    let found = [
        ("namespace", text("namespace").or(service.map(|(namespace, _)| namespace))),
        ("service", service.map(|(_, name)| name)),
        (
            "ingress",
            text("ingress_name").or_else(|| single("namespace_ingress_name").and_then(last)),
        ),
        ("host", single("hostnames")),
        ("gateway", text("gateway").and_then(last)),
    ];
    let found = found.into_iter().filter_map(|(label, value)| Some((label, value?.to_owned())));
    found.collect()
}

fn last(text: &str) -> Option<&str> {
    text.rsplit('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn markers(pairs: &[(&str, &[&str])]) -> Vec<Marker> {
        let marker = |(key, values): &(&str, &[&str])| Marker {
            key: (*key).to_owned(),
            values: values.iter().map(|&value| value.to_owned()).collect(),
        };
        pairs.iter().map(marker).collect()
    }

    fn reported(labels: &MarkerLabels) -> Vec<(&str, &str)> {
        labels.iter().map(|(label, value)| (*label, value.as_str())).collect()
    }

    #[test]
    fn an_ingress_is_named_with_its_namespace_host_and_path() {
        let labels = labels(
            &markers(&[
                ("clustername", &["k8s-03-cluster"]),
                ("Namespace", &["routing-ns1"]),
                ("ServiceName", &["kuard"]),
                ("IngressName", &["kuard-ingress"]),
                ("Host", &["kuard.nsx.rockhomelab.org"]),
                ("Path", &["/"]),
                ("Port", &["80"]),
                ("InfrasettingName", &[""]),
            ]),
            Some(&json!({"namespace": "not this one"})),
        );
        assert_eq!(
            reported(&labels),
            [
                ("cluster", "k8s-03-cluster"),
                ("namespace", "routing-ns1"),
                ("service", "kuard"),
                ("ingress", "kuard-ingress"),
                ("host", "kuard.nsx.rockhomelab.org"),
                ("path", "/"),
                ("port", "80"),
            ]
        );
    }

    #[test]
    fn a_route_of_a_gateway_has_the_namespace_of_its_backend() {
        let labels = labels(
            &markers(&[
                ("GatewayName", &["edge"]),
                ("GatewayNamespace", &["infra"]),
                ("HTTPRouteName", &["shop-route"]),
                ("BackendName", &["web"]),
                ("BackendNs", &["shop"]),
            ]),
            None,
        );
        assert_eq!(
            reported(&labels),
            [
                ("namespace", "shop"),
                ("service", "web"),
                ("gateway", "edge"),
                ("gateway_namespace", "infra"),
                ("http_route", "shop-route"),
            ]
        );
    }

    #[test]
    fn several_ingresses_are_none() {
        let labels = labels(
            &markers(&[("Namespace", &["shop"]), ("IngressName", &["a", "b"]), ("Host", &[])]),
            None,
        );
        assert_eq!(reported(&labels), [("namespace", "shop")]);
    }

    #[test]
    fn service_metadata_is_read_as_an_object_and_as_a_text() {
        let metadata = json!({
            "namespace_svc_name": ["routing-ns1/kuard"], "namespace": "routing-ns1",
            "ingress_name": "kuard-ingress", "hostnames": ["kuard.example"],
        });
        for metadata in [metadata.clone(), Value::String(metadata.to_string())] {
            assert_eq!(
                reported(&labels(&[], Some(&metadata))),
                [
                    ("namespace", "routing-ns1"),
                    ("service", "kuard"),
                    ("ingress", "kuard-ingress"),
                    ("host", "kuard.example"),
                ]
            );
        }
        assert!(labels(&[], Some(&Value::String("not JSON".into()))).is_empty());
        let of_a_service = json!({"namespace_svc_name": ["shop/web"]});
        let labels = labels(&[], Some(&of_a_service));
        assert_eq!(reported(&labels), [("namespace", "shop"), ("service", "web")]);
    }
}
