//! The attributes of a request for authorization.

use http::{Method, Uri};
use percent_encoding::percent_decode_str;

use leadsman_cluster::Attributes;

/// The attributes of a request, as Kubernetes derives them from method and path.
pub fn attributes(method: &Method, uri: &Uri) -> Attributes {
    resource(method, uri).unwrap_or_else(|| Attributes::Path {
        verb: method.as_str().to_ascii_lowercase(),
        path: uri.path().to_owned(),
    })
}

/// `/apis/GROUP/VERSION/[namespaces/NAMESPACE/]RESOURCE[/NAME[/SUBRESOURCE]]`.
fn resource(method: &Method, uri: &Uri) -> Option<Attributes> {
    let rest = uri.path().strip_prefix("/apis/")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let mut segments = rest.split('/').map(decoded);
    let (group, version) = (segments.next()?, segments.next()?);
    let mut parts: Vec<String> = segments.collect();
    if parts.is_empty() {
        return None;
    }
    let mut namespace = String::new();
    if parts[0] == "namespaces" && parts.len() > 1 {
        namespace.clone_from(&parts[1]);
        // A resource in a namespace; a namespace alone is itself the resource.
        if parts.len() > 2 {
            parts.drain(..2);
        }
    }
    let mut parts = parts.into_iter();
    let resource = parts.next().unwrap_or_default();
    let name = parts.next().unwrap_or_default();
    let subresource = parts.next().unwrap_or_default();
    let verb = match (method, name.is_empty()) {
        (&Method::GET | &Method::HEAD, false) => "get",
        (&Method::GET | &Method::HEAD, true) if watches(uri) => "watch",
        (&Method::GET | &Method::HEAD, true) => "list",
        (&Method::POST, _) => "create",
        (&Method::PUT, _) => "update",
        (&Method::PATCH, _) => "patch",
        (&Method::DELETE, false) => "delete",
        (&Method::DELETE, true) => "deletecollection",
        _ => "",
    };
    Some(Attributes::Resource {
        verb: verb.to_owned(),
        group,
        version,
        namespace,
        resource,
        subresource,
        name,
    })
}

/// Whether a watch is requested in place of a list.
pub fn watches(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let watch = pairs.find(|(key, _)| key == "watch");
    watch.is_some_and(|(_, value)| value != "0" && !value.eq_ignore_ascii_case("false"))
}

fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: Method, path: &str) -> String {
        match attributes(&method, &path.parse().unwrap()) {
            Attributes::Path { verb, path } => format!("{verb} path {path}"),
            Attributes::Resource {
                verb,
                group,
                version,
                namespace,
                resource,
                subresource,
                name,
            } => format!("{verb} {group} {version} {namespace} {resource} {subresource} {name}"),
        }
    }

    #[test]
    fn requests_are_read_as_kubernetes_reads_them() {
        let custom = "/apis/custom.metrics.k8s.io/v1beta2";
        let external = "/apis/external.metrics.k8s.io/v1beta1";
        let resource = "/apis/metrics.k8s.io/v1beta1";
        for (path, expected) in [
            (
                format!("{custom}/namespaces/N/pods/%2A/M"),
                "get custom.metrics.k8s.io v1beta2 N pods M *",
            ),
            (
                format!("{custom}/namespaces/N/pods/*/M?labelSelector=a"),
                "get custom.metrics.k8s.io v1beta2 N pods M *",
            ),
            (
                format!("{custom}/namespaces/N/ingresses.networking.k8s.io/X/M/"),
                "get custom.metrics.k8s.io v1beta2 N ingresses.networking.k8s.io M X",
            ),
            (
                format!("{custom}/namespaces/N/metrics/M"),
                "get custom.metrics.k8s.io v1beta2 N metrics  M",
            ),
            (format!("{custom}/nodes/X/M"), "get custom.metrics.k8s.io v1beta2  nodes M X"),
            (format!("{resource}/nodes"), "list metrics.k8s.io v1beta1  nodes  "),
            (format!("{resource}/nodes/X"), "get metrics.k8s.io v1beta1  nodes  X"),
            (format!("{resource}/pods"), "list metrics.k8s.io v1beta1  pods  "),
            (format!("{resource}/namespaces/N/pods"), "list metrics.k8s.io v1beta1 N pods  "),
            (format!("{resource}/namespaces/N/pods/X"), "get metrics.k8s.io v1beta1 N pods  X"),
            (format!("{resource}/pods?watch=true"), "watch metrics.k8s.io v1beta1  pods  "),
            (format!("{resource}/pods?watch"), "watch metrics.k8s.io v1beta1  pods  "),
            (format!("{resource}/pods?watch=False"), "list metrics.k8s.io v1beta1  pods  "),
            (format!("{external}/namespaces/N/M"), "list external.metrics.k8s.io v1beta1 N M  "),
            (custom.to_owned(), "get path /apis/custom.metrics.k8s.io/v1beta2"),
            (format!("{custom}/"), "get path /apis/custom.metrics.k8s.io/v1beta2/"),
            ("/apis".to_owned(), "get path /apis"),
            ("/openapi/v2".to_owned(), "get path /openapi/v2"),
        ] {
            assert_eq!(of(Method::GET, &path), expected, "{path}");
        }
        assert!(of(Method::DELETE, &format!("{custom}/nodes/X/M")).starts_with("delete "));
        assert!(of(Method::POST, &format!("{external}/namespaces/N/M")).starts_with("create "));
    }
}
