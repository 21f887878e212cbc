//! Metrics of an HPA: the entries of its `spec.metrics`.

use serde_json::{Map, Value, json};

/// An entry of `spec.metrics`.
#[derive(Debug, Clone)]
pub struct Metric {
    kind: Kind,
    body: Value,
}

/// The type of a metric, and the key of its settings.
type Kind = (&'static str, &'static str);

const PODS: Kind = ("Pods", "pods");
const OBJECT: Kind = ("Object", "object");
const EXTERNAL: Kind = ("External", "external");
const RESOURCE: Kind = ("Resource", "resource");
const CONTAINER: Kind = ("ContainerResource", "containerResource");

/// The target.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// A target for the value itself.
    Value(&'a str),
    /// A target for the value per pod.
    Average(&'a str),
}

impl Metric {
    /// A metric of the pods with a target for their average.
    pub fn pods(name: &str, average: &str) -> Self {
        Self::new(PODS, name, Target::Average(average))
    }

    /// A metric of one object, of a version such as `v1` or `networking.k8s.io/v1`.
    pub fn object(name: &str, version: &str, kind: &str, object: &str, target: Target<'_>) -> Self {
        let mut metric = Self::new(OBJECT, name, target);
        metric.body["describedObject"] =
            json!({"apiVersion": version, "kind": kind, "name": object});
        metric
    }

    /// An external metric.
    pub fn external(name: &str, target: Target<'_>) -> Self {
        Self::new(EXTERNAL, name, target)
    }

    /// A resource metric of the pods, `cpu` or `memory`.
    pub fn resource(name: &str, average: &str) -> Self {
        let target = Target::Average(average).json();
        Self { kind: RESOURCE, body: json!({"name": name, "target": target}) }
    }

    /// A resource metric of one container of each pod.
    pub fn container(container: &str, name: &str, average: &str) -> Self {
        let target = Target::Average(average).json();
        let body = json!({"name": name, "container": container, "target": target});
        Self { kind: CONTAINER, body }
    }

    /// The same with a target in percent of the pods' resource requests.
    pub fn utilized(mut self, percent: u32) -> Self {
        self.body["target"] = json!({"type": "Utilization", "averageUtilization": percent});
        self
    }

    /// Restricts the metric to series with these labels.
    pub fn with_labels(mut self, labels: &[(&str, &str)]) -> Self {
        let labels: Map<_, _> =
            labels.iter().map(|&(name, value)| (name.to_owned(), json!(value))).collect();
        self.body["metric"]["selector"] = json!({"matchLabels": labels});
        self
    }

    /// The JSON of the entry.
    pub(super) fn json(&self) -> Value {
        let (kind, key) = self.kind;
        json!({"type": kind, key: self.body})
    }

    fn new(kind: Kind, name: &str, target: Target<'_>) -> Self {
        Self { kind, body: json!({"metric": {"name": name}, "target": target.json()}) }
    }
}

impl Target<'_> {
    fn json(self) -> Value {
        match self {
            Self::Value(value) => json!({"type": "Value", "value": value}),
            Self::Average(value) => json!({"type": "AverageValue", "averageValue": value}),
        }
    }
}
