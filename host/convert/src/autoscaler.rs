//! The HorizontalPodAutoscaler that replaces a ScaledObject. It has the name of the one that KEDA creates,
//! so applying it replaces the metrics of that one.

use serde_json::{Value, json};

use crate::node::{Entries, Node};
use crate::note::Notes;
use crate::scaled_object::ScaledObject;
use crate::zero::Zero;

/// Annotations of KEDA that hold one direction.
const PAUSED_SCALE_IN: &str = "autoscaling.keda.sh/paused-scale-in";
const PAUSED_SCALE_OUT: &str = "autoscaling.keda.sh/paused-scale-out";

/// The labels of a ScaledObject that its HPA does not get.
const EXCLUDED_LABELS: &str = "scaledobject.keda.sh/hpa-excluded-labels";

/// The label that KEDA puts on what is its own.
const OWN_LABELS: &str = "scaledobject.keda.sh/";

/// Annotations that mean something of the ScaledObject alone.
const OWN_ANNOTATIONS: [&str; 2] = ["keda.sh/", "kubectl.kubernetes.io/"];

pub(crate) fn node(
    object: &ScaledObject,
    metrics: Vec<Node>,
    zero: &Zero,
    notes: &mut Notes,
) -> Node {
    let excluded = object.annotations.get(EXCLUDED_LABELS);
    let excluded: Vec<_> = excluded.into_iter().flat_map(|list| list.split(',')).collect();
    let labels = object
        .labels
        .iter()
        .filter(|(key, _)| !excluded.contains(&key.as_str()) && !key.starts_with(OWN_LABELS));
    let annotations = object
        .annotations
        .iter()
        .filter(|(key, _)| !OWN_ANNOTATIONS.iter().any(|own| key.contains(*own)));
    let metadata = Entries::default()
        .with("name", object.autoscaler_name())
        .with("namespace", &object.namespace)
        .unless_empty("labels", labels.collect())
        .unless_empty("annotations", annotations.collect());
    let target = Entries::default()
        .with("apiVersion", &object.target.api_version)
        .with("kind", &object.target.kind)
        .with("name", &object.target.name);
    let behavior = behavior(object, zero, notes);
    let spec = Entries::default()
        .with("scaleTargetRef", target)
        .with("minReplicas", zero.min_replicas(object))
        .with("maxReplicas", object.max)
        .with("metrics", metrics)
        .maybe("behavior", behavior.as_ref());
    Entries::default()
        .with("apiVersion", "autoscaling/v2")
        .with("kind", "HorizontalPodAutoscaler")
        .with("metadata", metadata)
        .with("spec", spec)
        .into()
}

/// The behavior as it is written, with what annotations and the cooldown make of it.
fn behavior(object: &ScaledObject, zero: &Zero, notes: &mut Notes) -> Option<Value> {
    let mut behavior = object.behavior.clone();
    let mut set = |direction: &str, key: &str, value: Value| {
        let behavior = behavior.get_or_insert_with(|| json!({}));
        if let Value::Object(behavior) = behavior {
            let rules = behavior.entry(direction).or_insert_with(|| json!({}));
            if let Value::Object(rules) = rules {
                rules.insert(key.to_owned(), value);
            }
        }
    };
    for (annotation, direction) in [(PAUSED_SCALE_IN, "scaleDown"), (PAUSED_SCALE_OUT, "scaleUp")] {
        if object.is_annotated(annotation) {
            set(direction, "selectPolicy", json!("Disabled"));
        }
    }
    if let Some(window) = zero.window(object, notes) {
        set("scaleDown", "stabilizationWindowSeconds", json!(window));
    }
    behavior
}
