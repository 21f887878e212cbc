//! Substitutes for other components of a cluster: the definitions of cert-manager and the
//! Prometheus operator, and what cert-manager and its CA injector do.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use leadsman_tests::cluster::{ApiClient, ControlPlane};
use leadsman_tests::{Authority, Identity, eventually};
use serde_json::{Value, json};

use super::site::API_SERVICES;

const TIMEOUT: Duration = Duration::from_secs(20);

/// Installs the definitions, each with only the fields that are used, so that a field that the real
/// ones do not have is refused.
pub(crate) async fn define(plane: &ControlPlane) {
    let admin = plane.admin();
    for (group, kind, spec) in [
        ("cert-manager.io", "Issuer", issuer()),
        ("cert-manager.io", "Certificate", certificate()),
        ("monitoring.coreos.com", "ServiceMonitor", service_monitor()),
        ("monitoring.coreos.com", "PrometheusRule", prometheus_rule()),
    ] {
        define_one(&admin, group, kind, &spec).await;
    }
}

/// Creates the Secret of a Certificate, signed by an authority, as cert-manager does.
pub(crate) async fn issue(admin: &ApiClient, namespace: &str, name: &str, authority: &Authority) {
    let path = format!("/apis/cert-manager.io/v1/namespaces/{namespace}/certificates/{name}");
    let spec = admin.get(&path).await["spec"].clone();
    let names = spec["dnsNames"].as_array().cloned().unwrap_or_default();
    let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
    let identity = authority.server_named("leadsman", &names);
    secret(admin, namespace, spec["secretName"].as_str().unwrap_or_default(), &identity).await;
}

/// Creates a Secret with a certificate.
pub(crate) async fn secret(admin: &ApiClient, namespace: &str, name: &str, identity: &Identity) {
    admin
        .apply(&json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"namespace": namespace, "name": name},
            "stringData": {"tls.crt": identity.certificate, "tls.key": identity.key},
        }))
        .await;
}

/// Writes an authority into the APIServices that are annotated with a Certificate,
/// `namespace/name`.
pub(crate) async fn inject(admin: &ApiClient, from: &str, authority: &Authority) {
    for name in API_SERVICES {
        let path = format!("/apis/apiregistration.k8s.io/v1/apiservices/{name}");
        let service = admin.get(&path).await;
        assert_eq!(service["metadata"]["annotations"]["cert-manager.io/inject-ca-from"], from);
        let bundle = STANDARD.encode(authority.pem());
        admin.merge(&path, &json!({"spec": {"caBundle": bundle}})).await;
    }
}

async fn define_one(admin: &ApiClient, group: &str, kind: &str, spec: &Value) {
    let singular = kind.to_lowercase();
    let plural = format!("{singular}s");
    let version = "v1";
    let schema = json!({"openAPIV3Schema": object(json!({"spec": spec}))});
    let served = json!({"name": version, "served": true, "storage": true, "schema": schema});
    admin
        .apply(&json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.{group}")},
            "spec": {
                "group": group,
                "names": {"kind": kind, "plural": plural, "singular": singular},
                "scope": "Namespaced",
                "versions": [served],
            },
        }))
        .await;
    let path = format!("/apis/{group}/{version}/{plural}");
    eventually(&path, TIMEOUT, async || {
        let answer = admin.read(&path).await;
        if answer.is_success() { Ok(()) } else { Err(answer.body) }
    })
    .await;
}

fn issuer() -> Value {
    object(json!({
        "selfSigned": object(json!({})),
        "ca": object(json!({"secretName": text()})),
    }))
}

fn certificate() -> Value {
    let key = json!({"algorithm": text(), "size": whole(), "rotationPolicy": text()});
    let issuer = json!({"group": text(), "kind": text(), "name": text()});
    object(json!({
        "isCA": {"type": "boolean"},
        "commonName": text(),
        "secretName": text(),
        "duration": text(),
        "revisionHistoryLimit": whole(),
        "dnsNames": list(text()),
        "usages": list(text()),
        "privateKey": object(key),
        "issuerRef": object(issuer),
    }))
}

fn service_monitor() -> Value {
    let relabeling = json!({
        "sourceLabels": list(text()), "targetLabel": text(), "regex": text(), "action": text(),
    });
    let endpoint = json!({
        "port": text(),
        "path": text(),
        "interval": text(),
        "scrapeTimeout": text(),
        "relabelings": list(object(relabeling.clone())),
        "metricRelabelings": list(object(relabeling)),
    });
    object(json!({
        "selector": object(json!({"matchLabels": texts()})),
        "namespaceSelector": object(json!({"matchNames": list(text())})),
        "endpoints": list(object(endpoint)),
    }))
}

fn prometheus_rule() -> Value {
    let rule = json!({
        "alert": text(),
        "expr": {"x-kubernetes-int-or-string": true},
        "for": text(),
        "labels": texts(),
        "annotations": texts(),
    });
    let group = json!({"name": text(), "rules": list(object(rule))});
    object(json!({"groups": list(object(group))}))
}

fn object(properties: Value) -> Value {
    json!({"type": "object", "properties": properties})
}

fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

fn texts() -> Value {
    json!({"type": "object", "additionalProperties": text()})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn whole() -> Value {
    json!({"type": "integer"})
}
