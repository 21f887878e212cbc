//! The paths of the metrics APIs.

/// The first version of the custom metrics API.
pub const CUSTOM_V1: &str = "/apis/custom.metrics.k8s.io/v1beta1";
/// The second version of the custom metrics API.
pub const CUSTOM_V2: &str = "/apis/custom.metrics.k8s.io/v1beta2";
/// The external metrics API.
pub const EXTERNAL: &str = "/apis/external.metrics.k8s.io/v1beta1";

/// A metric of all pods of a namespace, as an HPA reads it.
pub fn pods(namespace: &str, metric: &str) -> String {
    object(namespace, "pods/%2A", metric)
}

/// A metric of one object, given as `resource/name`.
pub fn object(namespace: &str, object: &str, metric: &str) -> String {
    format!("{CUSTOM_V2}/namespaces/{namespace}/{object}/{metric}")
}

/// An external metric.
pub fn external(namespace: &str, metric: &str) -> String {
    format!("{EXTERNAL}/namespaces/{namespace}/{metric}")
}
