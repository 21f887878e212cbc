//! As JSON.

use std::time::Duration;

use bytes::Bytes;

use super::super::ResourceVersion;
use super::super::json::{Json, timestamp};
use super::super::window::Window;
use super::{kinds, usage};
use leadsman_provider::snapshot::MeasuredKind;
use leadsman_provider::{Amounts, ObjectAmounts, ObjectMetrics};

/// A list.
pub(in super::super) fn list(
    version: ResourceVersion,
    kind: MeasuredKind,
    window: Duration,
    objects: &[ObjectMetrics<'_>],
) -> Bytes {
    let mut out = Json::list(kinds(kind).1, version.group_version());
    let window = Window(window).to_string();
    for object in objects {
        out.next_item();
        out.raw("{");
        fields(&mut out, object, &window);
        out.raw("}");
    }
    out.finish()
}

/// One object.
pub(in super::super) fn one(
    version: ResourceVersion,
    kind: MeasuredKind,
    window: Duration,
    object: &ObjectMetrics<'_>,
) -> Bytes {
    let mut out = Json::object(kinds(kind).0, version.group_version());
    out.raw(",");
    fields(&mut out, object, &Window(window).to_string());
    out.finish_object()
}

fn fields(out: &mut Json, metrics: &ObjectMetrics<'_>, window: &str) {
    let ObjectMetrics { namespace, object, evaluated, measured, amounts } = metrics;
    out.raw("\"metadata\":{\"name\":");
    out.text(&object.name);
    if !namespace.is_empty() {
        out.raw(",\"namespace\":");
        out.text(namespace);
    }
    // Others say when they were asked. Answers are kept here, so it is when values were looked up.
    out.raw(",\"creationTimestamp\":\"");
    out.raw(&timestamp(*evaluated));
    out.raw("\"");
    if object.labels().len() > 0 {
        out.raw(",\"labels\":{");
        for (at, (key, value)) in object.labels().enumerate() {
            out.raw(if at > 0 { "," } else { "" });
            out.text(key);
            out.raw(":");
            out.text(value);
        }
        out.raw("}");
    }
    out.raw("},\"timestamp\":\"");
    out.raw(&timestamp(*measured));
    out.raw("\",\"window\":\"");
    out.raw(window);
    out.raw("\",");
    match amounts {
        ObjectAmounts::Whole(amounts) => used(out, *amounts),
        ObjectAmounts::Containers(containers) => {
            out.raw("\"containers\":[");
            for (at, (name, amounts)) in containers.iter().enumerate() {
                out.raw(if at > 0 { ",{\"name\":" } else { "{\"name\":" });
                out.text(name);
                out.raw(",");
                used(out, *amounts);
                out.raw("}");
            }
            out.raw("]");
        }
    }
}

fn used(out: &mut Json, amounts: Amounts) {
    out.raw("\"usage\":{");
    for (at, (resource, quantity)) in usage(amounts).enumerate() {
        out.raw(if at > 0 { "," } else { "" });
        out.text(resource);
        out.raw(":");
        out.text(&quantity);
    }
    out.raw("}");
}

#[cfg(test)]
mod tests {
    use super::super::tests::{node, object, pod};
    use super::*;

    fn text(bytes: &Bytes) -> String {
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn the_shape_of_pods() {
        let object = object("web-0", &[("app", "web"), ("tier", "front")]);
        let window = Duration::from_secs(300);
        let fields = r#""metadata":{"name":"web-0","namespace":"shop","creationTimestamp":"2023-09-18T06:23:19Z","labels":{"app":"web","tier":"front"}},"timestamp":"2023-09-18T06:23:10Z","window":"5m0s","containers":[{"name":"app","usage":{"cpu":"1500m","memory":"64Mi"}},{"name":"sidecar","usage":{"memory":"1k"}}]"#;
        assert_eq!(
            text(&list(ResourceVersion::V1Beta1, MeasuredKind::Pods, window, &[pod(&object)])),
            format!(
                r#"{{"kind":"PodMetricsList","apiVersion":"metrics.k8s.io/v1beta1","metadata":{{}},"items":[{{{fields}}}]}}"#
            )
        );
        assert_eq!(
            text(&one(ResourceVersion::V1Beta1, MeasuredKind::Pods, window, &pod(&object))),
            format!(r#"{{"kind":"PodMetrics","apiVersion":"metrics.k8s.io/v1beta1",{fields}}}"#)
        );
    }

    #[test]
    fn the_shape_of_nodes() {
        let object = object("node-a", &[]);
        let nodes = [node(&object), node(&object)];
        let item = r#"{"metadata":{"name":"node-a","creationTimestamp":"1970-01-01T00:00:05Z"},"timestamp":"1970-01-01T00:00:04Z","window":"1m30s","usage":{"cpu":"2","memory":"1Gi"}}"#;
        assert_eq!(
            text(&list(
                ResourceVersion::V1Beta1,
                MeasuredKind::Nodes,
                Duration::from_secs(90),
                &nodes
            )),
            format!(
                r#"{{"kind":"NodeMetricsList","apiVersion":"metrics.k8s.io/v1beta1","metadata":{{}},"items":[{item},{item}]}}"#
            )
        );
        let none = list(ResourceVersion::V1Beta1, MeasuredKind::Nodes, Duration::ZERO, &[]);
        assert!(text(&none).ends_with(r#""items":[]}"#));
    }
}
