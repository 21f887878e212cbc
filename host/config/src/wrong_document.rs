//! Recognizes other documents that are passed instead of a configuration: a ConfigMap, or values of a
//! chart. Reports one fault that says so, instead of one for each unknown key.

use serde_json::{Map, Value};

use leadsman_document::Fault;

/// Keys of the values of this chart and of prometheus-adapter's that no configuration has.
const CHART_KEYS: [&str; 20] = [
    "affinity",
    "apiService",
    "certManager",
    "extraArguments",
    "extraVolumeMounts",
    "extraVolumes",
    "image",
    "listenPort",
    "logLevel",
    "metricsRelistInterval",
    "nodeSelector",
    "podDisruptionBudget",
    "prometheus",
    "rbac",
    "replicas",
    "resources",
    "service",
    "serviceAccount",
    "tls",
    "tolerations",
];

/// The fault, if the document is not a configuration.
pub(super) fn fault(tree: &Value) -> Option<Fault> {
    let Value::Object(map) = tree else { return None };
    if map.get("kind").is_some_and(|kind| kind == "ConfigMap") {
        let message = "this is a ConfigMap; give the text that it has under `data`, `config.yaml`";
        return Some(Fault::at("/kind", message));
    }
    let place = chart_values(map)?;
    let message = "these are values of a Helm chart; the configuration is in the ConfigMap that \
                   `helm template` renders from them, under `config.yaml`, or what stands here \
                   under `config`";
    Some(Fault::at(place, message))
}

/// The place of a key that only values of a chart have.
fn chart_values(map: &Map<String, Value>) -> Option<String> {
    if map.contains_key("apiVersion") || map.contains_key("kind") {
        return None;
    }
    let has = |key: &str, inner: &[&str]| {
        let inside = map.get(key).and_then(Value::as_object);
        inside.is_some_and(|inside| inner.iter().any(|key| inside.contains_key(*key)))
    };
    // Rules are a list in a configuration.
    if has("rules", &["default", "custom", "external", "existing", "resource"]) {
        return Some("/rules".to_owned());
    }
    if has("config", &["mappings", "rules", "externalRules", "resourceRules", "sources", "teams"]) {
        return Some("/config".to_owned());
    }
    let keys: Vec<_> = CHART_KEYS.iter().filter(|key| map.contains_key(**key)).collect();
    match keys.as_slice() {
        [first, _, ..] => Some(format!("/{first}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_a_chart_and_a_config_map_are_recognized() {
        for (tree, place) in [
            (json!({"rules": {"default": false, "custom": []}}), "/rules"),
            (json!({"config": {"mappings": []}, "replicas": 1}), "/config"),
            (json!({"prometheus": {"url": "http://a"}, "logLevel": 4}), "/logLevel"),
            (json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {}}), "/kind"),
        ] {
            assert_eq!(fault(&tree).map(|fault| fault.path).as_deref(), Some(place), "{tree}");
        }
        for tree in [
            json!({"rules": []}),
            json!({"apiVersion": "leadsman.dev/v1alpha1", "kind": "Config", "image": 1, "rbac": 1}),
            json!({"image": 1}),
            json!(null),
        ] {
            assert_eq!(fault(&tree), None, "{tree}");
        }
    }
}
