//! The messages of `proto/externalscaler.proto`.

use std::collections::HashMap;

/// Which trigger of which ScaledObject a call is for.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ScaledObjectRef {
    /// The name of the ScaledObject.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its namespace.
    #[prost(string, tag = "2")]
    pub namespace: String,
    /// The whole metadata of the trigger.
    #[prost(map = "string, string", tag = "3")]
    pub scaler_metadata: HashMap<String, String>,
}

/// Whether the workload is to have replicas at all.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct IsActiveResponse {
    /// Whether it is.
    #[prost(bool, tag = "1")]
    pub result: bool,
}

/// The metrics that the HPA is to have.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GetMetricSpecResponse {
    /// The metrics.
    #[prost(message, repeated, tag = "1")]
    pub metric_specs: Vec<MetricSpec>,
}

/// A metric with its target.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MetricSpec {
    /// The name.
    #[prost(string, tag = "1")]
    pub metric_name: String,
    /// The target as a whole number, for KEDA before 2.17.
    #[prost(int64, tag = "2")]
    pub target_size: i64,
    /// The target.
    #[prost(double, tag = "3")]
    pub target_size_float: f64,
}

/// Asks for the value of one metric.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GetMetricsRequest {
    /// The trigger.
    #[prost(message, optional, tag = "1")]
    pub scaled_object_ref: Option<ScaledObjectRef>,
    /// The metric, as the specification named it.
    #[prost(string, tag = "2")]
    pub metric_name: String,
}

/// Values of metrics.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GetMetricsResponse {
    /// The values.
    #[prost(message, repeated, tag = "1")]
    pub metric_values: Vec<MetricValue>,
}

/// The value of a metric.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MetricValue {
    /// The name.
    #[prost(string, tag = "1")]
    pub metric_name: String,
    /// The value as a whole number, for KEDA before 2.17, and where the other one is not positive.
    #[prost(int64, tag = "2")]
    pub metric_value: i64,
    /// The value.
    #[prost(double, tag = "3")]
    pub metric_value_float: f64,
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    /// Message, type, name and number of every field of the contract, and its calls.
    fn contract(text: &str) -> Vec<String> {
        let mut message = "";
        let mut found = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
            let words: Vec<_> = line
                .split(|c: char| c.is_whitespace() || ";{}()=".contains(c))
                .filter(|word| !word.is_empty())
                .collect();
            match words.as_slice() {
                ["message", name] => message = *name,
                ["rpc", name, rest @ ..] => found.push(format!("{name}: {}", rest.join(" "))),
                ["map<string,", "string>", name, tag] => {
                    found.push(format!("{message}.{name} {tag} map"));
                }
                ["repeated", kind, name, tag] => {
                    found.push(format!("{message}.{name} {tag} repeated {kind}"));
                }
                [kind, name, tag] if tag.parse::<u32>().is_ok() => {
                    found.push(format!("{message}.{name} {tag} {kind}"));
                }
                _ => {}
            }
        }
        found
    }

    #[test]
    fn the_messages_are_those_of_the_contract() {
        let contract = contract(include_str!("../proto/externalscaler.proto"));
        assert_eq!(
            contract,
            [
                "IsActive: ScaledObjectRef returns IsActiveResponse",
                "StreamIsActive: ScaledObjectRef returns stream IsActiveResponse",
                "GetMetricSpec: ScaledObjectRef returns GetMetricSpecResponse",
                "GetMetrics: GetMetricsRequest returns GetMetricsResponse",
                "StreamMetricSpec: ScaledObjectRef returns stream GetMetricSpecResponse",
                "ScaledObjectRef.name 1 string",
                "ScaledObjectRef.namespace 2 string",
                "ScaledObjectRef.scalerMetadata 3 map",
                "IsActiveResponse.result 1 bool",
                "GetMetricSpecResponse.metricSpecs 1 repeated MetricSpec",
                "MetricSpec.metricName 1 string",
                "MetricSpec.targetSize 2 int64",
                "MetricSpec.targetSizeFloat 3 double",
                "GetMetricsRequest.scaledObjectRef 1 ScaledObjectRef",
                "GetMetricsRequest.metricName 2 string",
                "GetMetricsResponse.metricValues 1 repeated MetricValue",
                "MetricValue.metricName 1 string",
                "MetricValue.metricValue 2 int64",
                "MetricValue.metricValueFloat 3 double",
            ]
        );
    }

    /// The bytes that the contract gives each field: its number and wire type, then the value.
    #[test]
    fn every_field_is_written_as_the_contract_numbers_it() {
        let reference = ScaledObjectRef {
            name: "a".to_owned(),
            namespace: "b".to_owned(),
            scaler_metadata: [("k".to_owned(), "v".to_owned())].into(),
        };
        let bytes = b"\x0a\x01a\x12\x01b\x1a\x06\x0a\x01k\x12\x01v";
        assert_eq!(reference.encode_to_vec(), bytes);
        assert_eq!(ScaledObjectRef::decode(&bytes[..]), Ok(reference.clone()));
        let request =
            GetMetricsRequest { scaled_object_ref: Some(reference), metric_name: "m".to_owned() };
        let written = request.encode_to_vec();
        assert_eq!(&written[..2], b"\x0a\x0e");
        assert_eq!(&written[16..], b"\x12\x01m");
        assert_eq!(IsActiveResponse { result: true }.encode_to_vec(), b"\x08\x01");
        let spec =
            MetricSpec { metric_name: "m".to_owned(), target_size: 2, target_size_float: 1.5 };
        let numbers = b"\x0a\x0e\x0a\x01m\x10\x02\x19\x00\x00\x00\x00\x00\x00\xf8\x3f";
        assert_eq!(GetMetricSpecResponse { metric_specs: vec![spec] }.encode_to_vec(), numbers);
        let value =
            MetricValue { metric_name: "m".to_owned(), metric_value: 2, metric_value_float: 1.5 };
        assert_eq!(GetMetricsResponse { metric_values: vec![value] }.encode_to_vec(), numbers);
    }
}
