//! The lists of values as JSON, written straight into bytes.

use bytes::Bytes;
use jiff::Timestamp;

use super::CustomVersion;
use super::label_selector::LabelSelector;
use leadsman_model::values::{Item, Value};
use leadsman_provider::CustomValues;

/// A `MetricValueList`.
pub(super) fn custom(version: CustomVersion, metric: &str, values: &CustomValues<'_>) -> Bytes {
    let mut out = Json::list("MetricValueList", version.group_version());
    // All that is the same for each item is written once.
    let kind = text(&values.kind);
    let api_version = text(&values.api_version);
    let metric = text(metric);
    let selector = LabelSelector::of(values.selector);
    let selector = selector.and_then(|selector| serde_json::to_string(&selector).ok());
    for item in &values.values {
        out.next_item();
        out.raw("{\"describedObject\":{\"kind\":");
        out.raw(&kind);
        if !item.namespace.is_empty() {
            out.raw(",\"namespace\":");
            out.text(item.namespace);
        }
        out.raw(",\"name\":");
        out.text(item.name);
        out.raw(",\"apiVersion\":");
        out.raw(&api_version);
        match version {
            CustomVersion::V1Beta1 => {
                out.raw("},\"metricName\":");
                out.raw(&metric);
                out.timed("window", &item.value);
                out.raw(",\"selector\":");
                out.raw(selector.as_deref().unwrap_or("null"));
            }
            CustomVersion::V1Beta2 => {
                out.raw("},\"metric\":{\"name\":");
                out.raw(&metric);
                out.raw(",\"selector\":");
                out.raw(selector.as_deref().unwrap_or("null"));
                out.raw("}");
                out.timed("windowSeconds", &item.value);
            }
        }
        out.raw("}");
    }
    out.finish()
}

/// An `ExternalMetricValueList`.
pub(super) fn external(metric: &str, items: &[&Item]) -> Bytes {
    let mut out = Json::list("ExternalMetricValueList", super::EXTERNAL);
    let metric = text(metric);
    for item in items {
        out.next_item();
        out.raw("{\"metricName\":");
        out.raw(&metric);
        out.raw(",\"metricLabels\":{");
        for (at, (name, value)) in item.labels.iter().enumerate() {
            if at > 0 {
                out.raw(",");
            }
            out.text(name);
            out.raw(":");
            out.text(value);
        }
        out.raw("}");
        out.timed("window", &item.value);
        out.raw("}");
    }
    out.finish()
}

/// A list or an object being written.
pub(super) struct Json {
    bytes: Vec<u8>,
    items: usize,
}

impl Json {
    pub(super) fn list(kind: &str, api_version: &str) -> Self {
        let mut list = Self::object(kind, api_version);
        list.raw(",\"metadata\":{},\"items\":[");
        list
    }

    /// An object that goes on with a comma and a key.
    pub(super) fn object(kind: &str, api_version: &str) -> Self {
        let bytes = format!("{{\"kind\":\"{kind}\",\"apiVersion\":\"{api_version}\"");
        Self { bytes: bytes.into_bytes(), items: 0 }
    }

    pub(super) fn next_item(&mut self) {
        if self.items > 0 {
            self.bytes.push(b',');
        }
        self.items += 1;
    }

    pub(super) fn raw(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        // Names of Kubernetes need no escaping; labels of Prometheus may.
        let plain = |byte: u8| (b' '..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
        if text.bytes().all(plain) {
            self.bytes.push(b'"');
            self.raw(text);
            self.bytes.push(b'"');
        } else {
            self.raw(&self::text(text));
        }
    }

    /// Timestamp, window and value, which all shapes have.
    fn timed(&mut self, window: &str, value: &Value) {
        self.raw(",\"timestamp\":\"");
        self.raw(&timestamp(value.time));
        self.raw("\"");
        if let Some(seconds) = value.window {
            self.raw(&format!(",\"{window}\":{seconds}"));
        }
        self.raw(",\"value\":\"");
        self.raw(&value.quantity.to_string());
        self.raw("\"");
    }

    /// The end of a list.
    pub(super) fn finish(mut self) -> Bytes {
        self.raw("]}");
        self.bytes.into()
    }

    /// The end of an object.
    pub(super) fn finish_object(mut self) -> Bytes {
        self.raw("}");
        self.bytes.into()
    }
}

fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// As `metav1.Time`: whole seconds, UTC.
pub(super) fn timestamp(milliseconds: i64) -> String {
    Timestamp::from_second(milliseconds.div_euclid(1000))
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use leadsman_model::quantity::Quantity;
    use leadsman_provider::ObjectValue;

    fn value(milli: i64, window: Option<u32>) -> Value {
        Value { quantity: Quantity::from_milli(milli), time: 1_695_018_199_504, window }
    }

    fn pods(version: CustomVersion, selector: &str, value: Value) -> String {
        let values = CustomValues {
            kind: "Pod".to_owned(),
            api_version: "/v1".to_owned(),
            selector: &selector.parse().unwrap(),
            values: vec![ObjectValue { namespace: "default", name: "a", value }],
            missing: None,
        };
        let bytes = custom(version, "m", &values);
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn the_shape_of_v1beta1() {
        assert_eq!(
            pods(CustomVersion::V1Beta1, "", value(1000, None)),
            r#"{"kind":"MetricValueList","apiVersion":"custom.metrics.k8s.io/v1beta1","metadata":{},"items":[{"describedObject":{"kind":"Pod","namespace":"default","name":"a","apiVersion":"/v1"},"metricName":"m","timestamp":"2023-09-18T06:23:19Z","value":"1","selector":null}]}"#
        );
        let selected = pods(CustomVersion::V1Beta1, "v=4", value(1, Some(60)));
        assert!(
            selected.contains(r#""window":60,"value":"1m","selector":{"matchLabels":{"v":"4"}}"#)
        );
    }

    #[test]
    fn the_shape_of_v1beta2() {
        let plain = pods(CustomVersion::V1Beta2, "", value(1500, Some(60)));
        assert!(plain.contains(r#""metric":{"name":"m","selector":null},"timestamp":"2023-09-18T06:23:19Z","windowSeconds":60,"value":"1500m"}"#));
        let selected = pods(CustomVersion::V1Beta2, "v in (4,5)", value(1, None));
        assert!(selected.contains(r#""metric":{"name":"m","selector":{"matchExpressions":[{"key":"v","operator":"In","values":["4","5"]}]}}"#));
    }

    #[test]
    fn the_shape_of_external_values() {
        let items = [
            Item { labels: vec![("q\"".into(), "ä\n".into())], value: value(0, None) },
            Item { labels: vec![], value: value(2500, None) },
        ];
        let bytes = external("m", &items.iter().collect::<Vec<_>>());
        let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(json["kind"], "ExternalMetricValueList");
        assert_eq!(json["items"][0]["metricLabels"]["q\""], "ä\n");
        assert_eq!(json["items"][0]["value"], "0");
        assert_eq!(json["items"][1]["metricLabels"], json!({}));
    }
}
