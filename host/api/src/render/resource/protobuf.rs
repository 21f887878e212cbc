//! As protobuf: the messages of `generated.proto` in k8s.io/metrics and k8s.io/apimachinery.

use std::collections::BTreeMap;
use std::time::Duration as Length;

use bytes::Bytes;
use prost::Message;

use super::super::ResourceVersion;
use super::super::protobuf::{List, QuantityText, Time, envelope};
use super::{kinds, usage};
use leadsman_provider::snapshot::MeasuredKind;
use leadsman_provider::{Amounts, ObjectAmounts, ObjectMetrics};

#[derive(Clone, PartialEq, Message)]
struct NodeMetrics {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    timestamp: Option<Time>,
    #[prost(message, optional, tag = "3")]
    window: Option<Duration>,
    #[prost(btree_map = "string, message", tag = "4")]
    usage: BTreeMap<String, QuantityText>,
}

#[derive(Clone, PartialEq, Message)]
struct PodMetrics {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    timestamp: Option<Time>,
    #[prost(message, optional, tag = "3")]
    window: Option<Duration>,
    #[prost(message, repeated, tag = "4")]
    containers: Vec<ContainerMetrics>,
}

#[derive(Clone, PartialEq, Message)]
struct ContainerMetrics {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(btree_map = "string, message", tag = "2")]
    usage: BTreeMap<String, QuantityText>,
}

#[derive(Clone, PartialEq, Message)]
struct ObjectMeta {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "3")]
    namespace: String,
    #[prost(message, optional, tag = "8")]
    creation_timestamp: Option<Time>,
    #[prost(btree_map = "string, string", tag = "11")]
    labels: BTreeMap<String, String>,
}

/// In nanoseconds.
#[derive(Clone, PartialEq, Message)]
struct Duration {
    #[prost(int64, tag = "1")]
    duration: i64,
}

/// A list.
pub(in super::super) fn list(
    version: ResourceVersion,
    kind: MeasuredKind,
    window: Length,
    objects: &[ObjectMetrics<'_>],
) -> Bytes {
    let mut list = List::new();
    for object in objects {
        match kind {
            MeasuredKind::Nodes => list.push(&node(object, window)),
            MeasuredKind::Pods => list.push(&pod(object, window)),
        }
    }
    list.finish(version.group_version(), kinds(kind).1)
}

/// One object.
pub(in super::super) fn one(
    version: ResourceVersion,
    kind: MeasuredKind,
    window: Length,
    object: &ObjectMetrics<'_>,
) -> Bytes {
    let raw = match kind {
        MeasuredKind::Nodes => node(object, window).encode_to_vec(),
        MeasuredKind::Pods => pod(object, window).encode_to_vec(),
    };
    envelope(version.group_version(), kinds(kind).0, raw)
}

fn node(object: &ObjectMetrics<'_>, length: Length) -> NodeMetrics {
    let usage = match &object.amounts {
        ObjectAmounts::Whole(amounts) => quantities(*amounts),
        ObjectAmounts::Containers(_) => BTreeMap::new(),
    };
    NodeMetrics {
        metadata: metadata(object),
        timestamp: Some(Time::of(object.measured)),
        window: window(length),
        usage,
    }
}

fn pod(object: &ObjectMetrics<'_>, length: Length) -> PodMetrics {
    let containers: &[_] = match &object.amounts {
        ObjectAmounts::Whole(_) => &[],
        ObjectAmounts::Containers(containers) => containers,
    };
    let container = |(name, amounts): &(&str, Amounts)| ContainerMetrics {
        name: (*name).to_owned(),
        usage: quantities(*amounts),
    };
    PodMetrics {
        metadata: metadata(object),
        timestamp: Some(Time::of(object.measured)),
        window: window(length),
        containers: containers.iter().map(container).collect(),
    }
}

fn metadata(metrics: &ObjectMetrics<'_>) -> Option<ObjectMeta> {
    let labels = metrics.object.labels();
    Some(ObjectMeta {
        name: metrics.object.name.to_string(),
        namespace: metrics.namespace.to_owned(),
        creation_timestamp: Some(Time::of(metrics.evaluated)),
        labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
    })
}

fn window(length: Length) -> Option<Duration> {
    Some(Duration { duration: i64::try_from(length.as_nanos()).unwrap_or(i64::MAX) })
}

fn quantities(amounts: Amounts) -> BTreeMap<String, QuantityText> {
    let quantities = usage(amounts);
    quantities.map(|(name, quantity)| (name.to_owned(), QuantityText::of(&quantity))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{node, object, pod};
    use super::*;

    /// A field with its number, and its length in front of it, as the definitions have it.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    }

    fn entry(key: &[u8], value: &[u8]) -> Vec<u8> {
        [field(1, key), field(2, value)].concat()
    }

    /// Whether a message is of this kind and ends with these bytes, which it has the length of.
    fn assert_holds(message: &[u8], kind: &str, raw: &[u8]) {
        let type_meta = [field(1, b"metrics.k8s.io/v1beta1"), field(2, kind.as_bytes())].concat();
        // Lengths of more than a byte are not what is tested here.
        let head = [b"k8s\0".as_slice(), &field(1, &type_meta), &[2 << 3 | 2]].concat();
        assert!(message.starts_with(&head), "{message:?}");
        let held = message.windows(raw.len()).any(|window| window == raw);
        assert!(held, "{raw:?} in {message:?}");
    }

    #[test]
    fn the_bytes_of_a_node() {
        let object = object("node-a", &[("zone", "x")]);
        let window = Length::from_nanos(7);
        let metadata =
            [field(1, b"node-a"), field(8, &[1 << 3, 5]), field(11, &entry(b"zone", b"x"))];
        let raw = [
            field(1, &metadata.concat()),
            field(2, &[1 << 3, 4]),
            field(3, &[1 << 3, 7]),
            field(4, &entry(b"cpu", &field(1, b"2"))),
            field(4, &entry(b"memory", &field(1, b"1Gi"))),
        ];
        let raw = raw.concat();
        assert_holds(
            &one(ResourceVersion::V1Beta1, MeasuredKind::Nodes, window, &node(&object)),
            "NodeMetrics",
            &raw,
        );
        let items = [field(1, b""), field(2, &raw)].concat();
        let all = list(ResourceVersion::V1Beta1, MeasuredKind::Nodes, window, &[node(&object)]);
        assert_holds(&all, "NodeMetricsList", &items);
    }

    #[test]
    fn the_bytes_of_containers() {
        let object = object("web-0", &[]);
        let app = [
            field(1, b"app"),
            field(2, &entry(b"cpu", &field(1, b"1500m"))),
            field(2, &entry(b"memory", &field(1, b"64Mi"))),
        ];
        let sidecar = [field(1, b"sidecar"), field(2, &entry(b"memory", &field(1, b"1k")))];
        let raw = [field(4, &app.concat()), field(4, &sidecar.concat())].concat();
        let one = one(ResourceVersion::V1Beta1, MeasuredKind::Pods, Length::ZERO, &pod(&object));
        assert_holds(&one, "PodMetrics", &raw);
        let window = Length::ZERO;
        assert_holds(
            &list(ResourceVersion::V1Beta1, MeasuredKind::Pods, window, &[pod(&object)]),
            "PodMetricsList",
            &raw,
        );
    }
}
