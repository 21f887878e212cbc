//! The lists of values as protobuf, in the envelope of Kubernetes. The HPA controller asks for it.
//!
//! Messages and numbers of fields are those of `generated.proto` in k8s.io/metrics,
//! k8s.io/apimachinery and k8s.io/api.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use prost::Message;
use prost::encoding::message;

use super::CustomVersion;
use super::label_selector::LabelSelector;
use leadsman_model::values::{Item, Value};
use leadsman_provider::{CustomValues, ObjectValue};

/// What each message of Kubernetes begins with.
const MAGIC: &[u8] = b"k8s\0";

/// `runtime.Unknown`: says what is in it.
#[derive(Clone, PartialEq, Message)]
struct Unknown {
    #[prost(message, optional, tag = "1")]
    type_meta: Option<TypeMeta>,
    #[prost(bytes = "vec", tag = "2")]
    raw: Vec<u8>,
    #[prost(string, tag = "3")]
    content_encoding: String,
    #[prost(string, tag = "4")]
    content_type: String,
}

#[derive(Clone, PartialEq, Message)]
struct TypeMeta {
    #[prost(string, tag = "1")]
    api_version: String,
    #[prost(string, tag = "2")]
    kind: String,
}

/// A list being encoded. Its items are encoded one by one: as messages they would take many times
/// the room of their bytes.
pub(super) struct List(Vec<u8>);

#[derive(Clone, PartialEq, Message)]
struct ListMeta {}

#[derive(Clone, PartialEq, Message)]
struct ValueV1Beta1 {
    #[prost(message, optional, tag = "1")]
    described_object: Option<ObjectReference>,
    #[prost(string, tag = "2")]
    metric_name: String,
    #[prost(message, optional, tag = "3")]
    timestamp: Option<Time>,
    #[prost(int64, optional, tag = "4")]
    window: Option<i64>,
    #[prost(message, optional, tag = "5")]
    value: Option<QuantityText>,
    #[prost(message, optional, tag = "6")]
    selector: Option<LabelSelector>,
}

#[derive(Clone, PartialEq, Message)]
struct ValueV1Beta2 {
    #[prost(message, optional, tag = "1")]
    described_object: Option<ObjectReference>,
    #[prost(message, optional, tag = "2")]
    metric: Option<MetricIdentifier>,
    #[prost(message, optional, tag = "3")]
    timestamp: Option<Time>,
    #[prost(int64, optional, tag = "4")]
    window_seconds: Option<i64>,
    #[prost(message, optional, tag = "5")]
    value: Option<QuantityText>,
}

#[derive(Clone, PartialEq, Message)]
struct MetricIdentifier {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    selector: Option<LabelSelector>,
}

#[derive(Clone, PartialEq, Message)]
struct ExternalValue {
    #[prost(string, tag = "1")]
    metric_name: String,
    #[prost(btree_map = "string, string", tag = "2")]
    metric_labels: BTreeMap<String, String>,
    #[prost(message, optional, tag = "3")]
    timestamp: Option<Time>,
    #[prost(int64, optional, tag = "4")]
    window: Option<i64>,
    #[prost(message, optional, tag = "5")]
    value: Option<QuantityText>,
}

#[derive(Clone, PartialEq, Message)]
struct ObjectReference {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "2")]
    namespace: String,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "5")]
    api_version: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Time {
    #[prost(int64, tag = "1")]
    seconds: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct QuantityText {
    #[prost(string, tag = "1")]
    string: String,
}

/// A `MetricValueList`.
pub(super) fn custom(version: CustomVersion, metric: &str, values: &CustomValues<'_>) -> Bytes {
    let CustomValues { kind, api_version, selector, values, .. } = values;
    let object = |item: &ObjectValue<'_>| {
        Some(ObjectReference {
            kind: kind.clone(),
            namespace: item.namespace.to_owned(),
            name: item.name.to_owned(),
            api_version: api_version.clone(),
        })
    };
    let selector = LabelSelector::of(selector);
    let (metric_name, mut list) = (metric.to_owned(), List::new());
    match version {
        CustomVersion::V1Beta1 => {
            let mut value = ValueV1Beta1 { metric_name, selector, ..ValueV1Beta1::default() };
            for item in values {
                value.described_object = object(item);
                value.timestamp = time(&item.value);
                value.window = item.value.window.map(i64::from);
                value.value = quantity(&item.value);
                list.push(&value);
            }
        }
        CustomVersion::V1Beta2 => {
            let metric = Some(MetricIdentifier { name: metric_name, selector });
            let mut value = ValueV1Beta2 { metric, ..ValueV1Beta2::default() };
            for item in values {
                value.described_object = object(item);
                value.timestamp = time(&item.value);
                value.window_seconds = item.value.window.map(i64::from);
                value.value = quantity(&item.value);
                list.push(&value);
            }
        }
    }
    list.finish(version.group_version(), "MetricValueList")
}

/// An `ExternalMetricValueList`.
pub(super) fn external(metric: &str, items: &[&Item]) -> Bytes {
    let mut list = List::new();
    for item in items {
        let labels = item.labels.iter().map(|(k, v)| (k.to_string(), v.to_string()));
        list.push(&ExternalValue {
            metric_name: metric.to_owned(),
            metric_labels: labels.collect(),
            timestamp: time(&item.value),
            window: item.value.window.map(i64::from),
            value: quantity(&item.value),
        });
    }
    list.finish(super::EXTERNAL, "ExternalMetricValueList")
}

impl List {
    pub(super) fn new() -> Self {
        let mut bytes = Vec::new();
        message::encode(1, &ListMeta {}, &mut bytes);
        Self(bytes)
    }

    pub(super) fn push(&mut self, item: &impl Message) {
        message::encode(2, item, &mut self.0);
    }

    pub(super) fn finish(self, api_version: &str, kind: &str) -> Bytes {
        envelope(api_version, kind, self.0)
    }
}

/// Bytes with what says what they are.
pub(super) fn envelope(api_version: &str, kind: &str, raw: Vec<u8>) -> Bytes {
    let type_meta = TypeMeta { api_version: api_version.to_owned(), kind: kind.to_owned() };
    let unknown = Unknown { type_meta: Some(type_meta), raw, ..Unknown::default() };
    let mut bytes = BytesMut::with_capacity(MAGIC.len() + unknown.encoded_len());
    bytes.extend_from_slice(MAGIC);
    unknown.encode_raw(&mut bytes);
    bytes.freeze()
}

fn time(value: &Value) -> Option<Time> {
    Some(Time::of(value.time))
}

fn quantity(value: &Value) -> Option<QuantityText> {
    Some(QuantityText::of(&value.quantity))
}

impl Time {
    /// As `metav1.Time`: whole seconds.
    pub(super) fn of(milliseconds: i64) -> Self {
        Self { seconds: milliseconds.div_euclid(1000) }
    }
}

impl QuantityText {
    pub(super) fn of(quantity: &impl std::fmt::Display) -> Self {
        Self { string: quantity.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadsman_model::quantity::Quantity;

    /// A list as a client decodes it.
    #[derive(Clone, PartialEq, Message)]
    struct Decoded<V: Message + Default + std::fmt::Debug> {
        #[prost(message, optional, tag = "1")]
        metadata: Option<ListMeta>,
        #[prost(message, repeated, tag = "2")]
        items: Vec<V>,
    }

    fn opened<V: Message + Default + std::fmt::Debug>(bytes: &[u8]) -> (TypeMeta, Decoded<V>) {
        let unknown = Unknown::decode(bytes.strip_prefix(MAGIC).unwrap()).unwrap();
        (unknown.type_meta.unwrap(), Decoded::decode(unknown.raw.as_slice()).unwrap())
    }

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    }

    #[test]
    fn the_bytes_of_a_small_list() {
        let value = Value { quantity: Quantity::from_milli(1500), time: 5000, window: Some(60) };
        let values = CustomValues {
            kind: "Pod".to_owned(),
            api_version: "/v1".to_owned(),
            selector: &"v=4".parse().unwrap(),
            values: vec![ObjectValue { namespace: "ns", name: "a", value }],
            missing: None,
        };
        let bytes = custom(CustomVersion::V1Beta2, "m", &values);
        let (kind, list) = opened::<ValueV1Beta2>(&bytes);
        assert_eq!(kind.api_version, "custom.metrics.k8s.io/v1beta2");
        assert_eq!(kind.kind, "MetricValueList");
        // As the definitions have it: each field with its number, each message with its length.
        let object = [field(1, b"Pod"), field(2, b"ns"), field(3, b"a"), field(5, b"/v1")].concat();
        let label = [field(1, b"v"), field(2, b"4")].concat();
        let metric = [field(1, b"m"), field(2, &field(1, &label))].concat();
        let item = [
            field(1, &object),
            field(2, &metric),
            field(3, &[1 << 3, 5]),
            vec![4 << 3, 60],
            field(5, &field(1, b"1500m")),
        ];
        let expected = [field(1, b""), field(2, &item.concat())].concat();
        assert_eq!(list.encode_to_vec(), expected);
    }

    #[test]
    fn an_external_list() {
        let item = Item {
            labels: vec![("q".into(), "a".into())],
            value: Value { quantity: Quantity::from_milli(2500), time: -1, window: None },
        };
        let (kind, list) = opened::<ExternalValue>(&external("m", &[&item]));
        assert_eq!(kind.kind, "ExternalMetricValueList");
        assert_eq!(list.items[0].metric_labels["q"], "a");
        assert_eq!(list.items[0].timestamp, Some(Time { seconds: -1 }));
        assert_eq!(list.items[0].window, None);
    }
}
