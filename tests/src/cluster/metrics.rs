//! What an HPA scales by, as its `spec.metrics` has it.

use serde_json::{Map, Value, json};

/// One entry of `spec.metrics`.
#[derive(Debug, Clone)]
pub struct Metric {
    kind: Kind,
    body: Value,
}

/// What the value is of: the entry's type, and the key that the rest stands under.
type Kind = (&'static str, &'static str);

const PODS: Kind = ("Pods", "pods");
const OBJECT: Kind = ("Object", "object");
const EXTERNAL: Kind = ("External", "external");
const RESOURCE: Kind = ("Resource", "resource");
const CONTAINER: Kind = ("ContainerResource", "containerResource");

/// What the value is compared with.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// The value itself is to be this.
    Value(&'a str),
    /// The value for each pod is to be this.
    Average(&'a str),
}

impl Metric {
    /// The average over the pods is to be this.
    pub fn pods(name: &str, average: &str) -> Self {
        Self::new(PODS, name, Target::Average(average))
    }

    /// A value of one object, of a version such as `v1` or `networking.k8s.io/v1`.
    pub fn object(name: &str, version: &str, kind: &str, object: &str, target: Target<'_>) -> Self {
        let mut metric = Self::new(OBJECT, name, target);
        metric.body["describedObject"] =
            json!({"apiVersion": version, "kind": kind, "name": object});
        metric
    }

    /// A value of nothing in the cluster.
    pub fn external(name: &str, target: Target<'_>) -> Self {
        Self::new(EXTERNAL, name, target)
    }

    /// What the pods use of a resource, `cpu` or `memory`.
    pub fn resource(name: &str, average: &str) -> Self {
        let target = Target::Average(average).json();
        Self { kind: RESOURCE, body: json!({"name": name, "target": target}) }
    }

    /// What a container of each pod uses of a resource.
    pub fn container(container: &str, name: &str, average: &str) -> Self {
        let target = Target::Average(average).json();
        let body = json!({"name": name, "container": container, "target": target});
        Self { kind: CONTAINER, body }
    }

    /// The same in percent of what the pods ask for.
    pub fn utilized(mut self, percent: u32) -> Self {
        self.body["target"] = json!({"type": "Utilization", "averageUtilization": percent});
        self
    }

    /// Only from series with these labels.
    pub fn with_labels(mut self, labels: &[(&str, &str)]) -> Self {
        let labels: Map<_, _> =
            labels.iter().map(|&(name, value)| (name.to_owned(), json!(value))).collect();
        self.body["metric"]["selector"] = json!({"matchLabels": labels});
        self
    }

    /// The entry.
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
