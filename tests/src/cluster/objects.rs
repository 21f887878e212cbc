//! The API paths of objects.

use serde_json::Value;

/// The path of an object with kind, namespace and name.
///
/// # Panics
/// If one of them is missing, or the kind is unknown here.
pub fn path_of(object: &Value) -> String {
    let name = object["metadata"]["name"].as_str();
    let name = name.unwrap_or_else(|| panic!("no name: {object:#}"));
    format!("{}/{name}", collection_of(object))
}

/// The path of the collection of an object.
pub(super) fn collection_of(object: &Value) -> String {
    let text = |value: &'static str, found: &Value| -> String {
        found.as_str().unwrap_or_else(|| panic!("no {value}: {object:#}")).to_owned()
    };
    let kind = text("kind", &object["kind"]);
    let version = text("apiVersion", &object["apiVersion"]);
    let api = if version.contains('/') { "apis" } else { "api" };
    let (plural, namespaced) = plural(&kind);
    if !namespaced {
        return format!("/{api}/{version}/{plural}");
    }
    let namespace = text("namespace", &object["metadata"]["namespace"]);
    format!("/{api}/{version}/namespaces/{namespace}/{plural}")
}

/// The plural of a kind, and whether it is namespaced.
fn plural(kind: &str) -> (&'static str, bool) {
    match kind {
        "APIService" => ("apiservices", false),
        "ClusterRole" => ("clusterroles", false),
        "ClusterRoleBinding" => ("clusterrolebindings", false),
        "ConfigMap" => ("configmaps", true),
        "CustomResourceDefinition" => ("customresourcedefinitions", false),
        "Deployment" => ("deployments", true),
        "EndpointSlice" => ("endpointslices", true),
        "HorizontalPodAutoscaler" => ("horizontalpodautoscalers", true),
        "Ingress" => ("ingresses", true),
        "Lease" => ("leases", true),
        "Namespace" => ("namespaces", false),
        "Node" => ("nodes", false),
        "PersistentVolume" => ("persistentvolumes", false),
        "Pod" => ("pods", true),
        "ReplicationController" => ("replicationcontrollers", true),
        "Role" => ("roles", true),
        "RoleBinding" => ("rolebindings", true),
        "ScaledObject" => ("scaledobjects", true),
        "Secret" => ("secrets", true),
        "Service" => ("services", true),
        "ServiceAccount" => ("serviceaccounts", true),
        "StatefulSet" => ("statefulsets", true),
        "StorageClass" => ("storageclasses", false),
        "SubjectAccessReview" => ("subjectaccessreviews", false),
        "TriggerAuthentication" => ("triggerauthentications", true),
        // A custom resource that a test defines.
        "Widget" => ("widgets", true),
        _ => panic!("the tests do not know the kind {kind} yet: add it here"),
    }
}
