//! The paths below a group's version.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::discovery::{CUSTOM, EXTERNAL, RESOURCE};
use leadsman_delegate::Api;
use leadsman_model::names::InvalidName;
use leadsman_provider::ObjectSelection;
use leadsman_provider::snapshot::MeasuredKind;

/// A read of custom metrics as its path says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CustomPath<'a> {
    pub(super) namespace: Option<Cow<'a, str>>,
    pub(super) resource: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) metric: Cow<'a, str>,
}

impl CustomPath<'_> {
    /// The object; `None` for all.
    pub(super) fn object(&self) -> Option<&str> {
        (self.name != "*").then_some(&self.name)
    }

    pub(super) fn target(&self) -> Result<ObjectSelection<'_>, InvalidName> {
        target(self.object())
    }

    /// The namespace that the values belong to: that of the objects, or the one that is the object.
    pub(super) fn place(&self) -> Option<&str> {
        let itself = self.object().filter(|_| self.resource == "namespaces");
        self.namespace.as_deref().or(itself)
    }
}

fn target(name: Option<&str>) -> Result<ObjectSelection<'_>, InvalidName> {
    name.map_or(Ok(ObjectSelection::All), |name| name.try_into().map(ObjectSelection::One))
}

/// The segments behind `/apis/GROUP/VERSION/`, decoded one by one: the aggregator sends `*` as
/// `%2A`. A slash at the end means nothing.
fn segments(path: &str) -> Option<Vec<Cow<'_, str>>> {
    let rest = path.splitn(5, '/').nth(4)?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    rest.split('/').map(|segment| percent_decode_str(segment).decode_utf8().ok()).collect()
}

/// The API that a path reads values of: one below the version of its group.
pub(super) fn api_of_read(path: &str) -> Option<Api> {
    let (group, rest) = path.strip_prefix("/apis/")?.split_once('/')?;
    let (version, rest) = rest.split_once('/')?;
    if version.is_empty() || rest.is_empty() {
        return None;
    }
    match group {
        CUSTOM => Some(Api::Custom),
        EXTERNAL => Some(Api::External),
        RESOURCE => Some(Api::Resource),
        _ => None,
    }
}

/// Group and version of `/apis/GROUP[/VERSION]`. What is no text is the name of nothing.
pub(super) fn group_version(path: &str) -> (Cow<'_, str>, Cow<'_, str>) {
    let mut segments = path.split('/').skip(2);
    let mut next = || percent_decode_str(segments.next().unwrap_or_default()).decode_utf8_lossy();
    (next(), next())
}

/// `[namespaces/N/]RESOURCE/NAME/METRIC` or `namespaces/N/metrics/METRIC`.
pub(super) fn custom(path: &str) -> Option<CustomPath<'_>> {
    let segments = segments(path)?;
    if segments.iter().any(|segment| segment.is_empty()) {
        return None;
    }
    let in_namespace = segments[0] == "namespaces";
    match segments.len() {
        5 if in_namespace => {
            let [_, namespace, resource, name, metric] = segments.try_into().ok()?;
            Some(CustomPath { namespace: Some(namespace), resource, name, metric })
        }
        // Values of the namespace itself, which the HPA asks for under this name.
        4 if in_namespace && segments[2] == "metrics" => {
            let [resource, name, _, metric] = segments.try_into().ok()?;
            Some(CustomPath { namespace: None, resource, name, metric })
        }
        3 => {
            let [resource, name, metric] = segments.try_into().ok()?;
            Some(CustomPath { namespace: None, resource, name, metric })
        }
        _ => None,
    }
}

/// `namespaces/N/METRIC`.
pub(super) fn external(path: &str) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    match <[_; 3]>::try_from(segments(path)?) {
        Ok([first, namespace, metric]) if first == "namespaces" && !metric.is_empty() => {
            Some((namespace, metric))
        }
        _ => None,
    }
}

/// A read of resource metrics as its path says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResourcePath<'a> {
    pub(super) kind: MeasuredKind,
    pub(super) namespace: Option<Cow<'a, str>>,
    pub(super) name: Option<Cow<'a, str>>,
}

impl ResourcePath<'_> {
    pub(super) fn target(&self) -> Result<ObjectSelection<'_>, InvalidName> {
        target(self.name.as_deref())
    }
}

/// `nodes[/NAME]`, `pods` or `namespaces/N/pods[/NAME]`.
pub(super) fn resource(path: &str) -> Option<ResourcePath<'_>> {
    let segments = segments(path)?;
    if segments.iter().any(|segment| segment.is_empty()) {
        return None;
    }
    let mut segments = segments.into_iter();
    let mut resource = segments.next()?;
    let mut namespace = None;
    if resource == "namespaces" {
        namespace = Some(segments.next()?);
        resource = segments.next()?;
    }
    let (name, more) = (segments.next(), segments.next());
    let kind = match (resource.as_ref(), &namespace, &name) {
        ("nodes", None, _) => MeasuredKind::Nodes,
        ("pods", Some(_), _) | ("pods", None, None) => MeasuredKind::Pods,
        _ => return None,
    };
    more.is_none().then_some(ResourcePath { kind, namespace, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(path: &str) -> Option<String> {
        let path = custom(path)?;
        Some(format!(
            "{}|{}|{}|{}",
            path.namespace.as_deref().unwrap_or("-"),
            path.resource,
            path.name,
            path.metric
        ))
    }

    #[test]
    fn values_are_read_below_the_version_of_a_group() {
        let of = |rest: &str| api_of_read(&format!("/apis/{rest}"));
        assert_eq!(of("custom.metrics.k8s.io/v1beta2/nodes/a/m"), Some(Api::Custom));
        assert_eq!(
            of("external.metrics.k8s.io/v1beta1/namespaces/shop/depth"),
            Some(Api::External)
        );
        assert_eq!(of("metrics.k8s.io/v1/nodes"), Some(Api::Resource));
        for other in [
            "external.metrics.k8s.io/v1beta1/",
            "external.metrics.k8s.io/v1beta1",
            "external.metrics.k8s.io//namespaces/shop/depth",
            "apps/v1/deployments",
            "a/b",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(api_of_read("/version"), None);
        assert_eq!(api_of_read("/apis/"), None);
    }

    #[test]
    fn paths_of_custom_metrics() {
        for (path, expected) in [
            ("namespaces/ns/pods/%2A/m", "ns|pods|*|m"),
            ("namespaces/ns/pods/*/m/", "ns|pods|*|m"),
            ("namespaces/ns/deployments.apps/d/m", "ns|deployments.apps|d|m"),
            ("namespaces/ns/metrics/m", "-|namespaces|ns|m"),
            ("namespaces/%2A/metrics/m", "-|namespaces|*|m"),
            ("namespaces/ns/m", "-|namespaces|ns|m"),
            ("nodes/n1/m", "-|nodes|n1|m"),
            ("namespaces/ns/pods/metrics/m", "ns|pods|metrics|m"),
        ] {
            let path = format!("/apis/custom.metrics.k8s.io/v1beta1/{path}");
            assert_eq!(reported(&path).as_deref(), Some(expected), "{path}");
        }
        for path in
            ["nodes", "nodes/n1", "namespaces/ns/pods/a/b/m", "namespaces//pods/a/m", "nodes/%FF/m"]
        {
            let path = format!("/apis/custom.metrics.k8s.io/v1beta1/{path}");
            assert_eq!(reported(&path), None, "{path}");
        }
    }

    #[test]
    fn values_of_a_namespace_itself_belong_to_it() {
        let place = |rest: &str| {
            let path = format!("/apis/custom.metrics.k8s.io/v1beta1/{rest}");
            custom(&path)?.place().map(str::to_owned)
        };
        assert_eq!(place("namespaces/ns/pods/a/m").as_deref(), Some("ns"));
        assert_eq!(place("namespaces/ns/metrics/m").as_deref(), Some("ns"));
        assert_eq!(place("namespaces/%2A/metrics/m"), None);
        assert_eq!(place("nodes/n1/m"), None);
    }

    #[test]
    fn paths_of_external_metrics() {
        let at = |rest: &str| {
            external(&format!("/apis/external.metrics.k8s.io/v1beta1/{rest}"))
                .map(|(namespace, metric)| format!("{namespace}|{metric}"))
        };
        assert_eq!(at("namespaces/ns/m/").as_deref(), Some("ns|m"));
        assert_eq!(at("namespaces/ns"), None);
        assert_eq!(at("pods/ns/m"), None);
    }

    #[test]
    fn paths_of_resource_metrics() {
        let at = |rest: &str| {
            let path = format!("/apis/metrics.k8s.io/v1beta1/{rest}");
            let ResourcePath { kind, namespace, name } = resource(&path)?;
            let part = |part: &Option<Cow<'_, str>>| part.as_deref().unwrap_or("-").to_owned();
            Some(format!("{}|{}|{}", part(&namespace), kind.plural(), part(&name)))
        };
        for (path, expected) in [
            ("nodes", "-|nodes|-"),
            ("nodes/", "-|nodes|-"),
            ("nodes/node-a.example", "-|nodes|node-a.example"),
            ("pods", "-|pods|-"),
            ("namespaces/ns/pods", "ns|pods|-"),
            ("namespaces/ns/pods/web%2D0/", "ns|pods|web-0"),
        ] {
            assert_eq!(at(path).as_deref(), Some(expected), "{path}");
        }
        for path in [
            "pods/web-0",
            "nodes/a/b",
            "namespaces/ns",
            "namespaces/ns/nodes",
            "namespaces/ns/pods/a/b",
            "namespaces//pods",
            "services",
        ] {
            assert_eq!(at(path), None, "{path}");
        }
    }
}
