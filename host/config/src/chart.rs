//! The schema of the configuration within the values of the Helm chart, for `values.schema.json`: an
//! unknown key fails when the chart is rendered, and not in the pod.

use serde_json::{Map, Value, json};

use super::published_schema;

/// The types of rules. As in prometheus-adapter, their keys may have no value.
const RULE_TYPES: [&str; 7] =
    ["Rule", "Filter", "Resources", "GroupResource", "Name", "ResourceRules", "ResourceRule"];

/// The `definitions` in the schema of the chart's values. They conform to an older draft than the
/// published schema, which all versions of Helm support.
pub fn chart_definitions() -> Value {
    let mut schema = published_schema();
    let mut definitions = match schema.get_mut("$defs").map(Value::take) {
        Some(Value::Object(definitions)) => definitions,
        _ => Map::new(),
    };
    for name in RULE_TYPES {
        let properties = definitions.get_mut(name).and_then(|rule| rule.get_mut("properties"));
        if let Some(Value::Object(properties)) = properties {
            properties.values_mut().for_each(allow_null);
        }
    }
    if let Value::Object(config) = &mut schema {
        // The chart adds `apiVersion` and `kind`, and refuses objects itself with the reason.
        for key in ["$schema", "$defs", "title", "required"] {
            config.remove(key);
        }
    }
    if let Some(objects) = schema.pointer_mut("/properties/objects") {
        *objects = json!({"type": "array"});
    }
    definitions.remove("Object");
    definitions.insert("Config".to_owned(), schema);
    let mut definitions = Value::Object(definitions);
    rename_references(&mut definitions);
    json!({"definitions": definitions})
}

/// Makes a schema accept null as well.
fn allow_null(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    if let Some(reference) = map.remove("$ref") {
        map.insert("anyOf".to_owned(), json!([{"$ref": reference}, {"type": "null"}]));
    } else if let Some(Value::String(name)) = map.get("type") {
        let names = json!([name, "null"]);
        map.insert("type".to_owned(), names);
    }
}

fn rename_references(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value {
                    Value::String(reference) if key == "$ref" => {
                        *reference = reference.replace("#/$defs/", "#/definitions/");
                    }
                    value => rename_references(value),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(rename_references),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_references_lead_somewhere() {
        let schema = chart_definitions();
        let mut left = vec![&schema];
        let mut references = 0;
        while let Some(value) = left.pop() {
            if let Some(Value::String(reference)) = value.get("$ref") {
                let target = reference.strip_prefix('#').expect("a place in this document");
                assert!(schema.pointer(target).is_some(), "{reference}");
                references += 1;
            }
            match value {
                Value::Object(map) => left.extend(map.values()),
                Value::Array(list) => left.extend(list),
                _ => {}
            }
        }
        assert!(references > 20, "{references}");
    }

    #[test]
    fn keys_of_a_configuration_are_known_and_no_others() {
        let schema = chart_definitions();
        let of = |pointer: &str| schema.pointer(&format!("/definitions/{pointer}")).cloned();
        assert_eq!(of("Config/additionalProperties"), Some(json!(false)));
        assert_eq!(of("Config/required"), None);
        assert_eq!(of("Mapping/additionalProperties"), Some(json!(false)));
        assert_eq!(
            of("Mapping/properties/onError/anyOf/0/$ref"),
            Some(json!("#/definitions/OnError"))
        );
        assert_eq!(of("Rule/properties/metricsQuery/type"), Some(json!(["string", "null"])));
        assert_eq!(of("Rule/properties/name/anyOf/1/type"), Some(json!("null")));
        assert_eq!(of("Rule/properties/seriesFilters/type"), Some(json!(["array", "null"])));
    }
}
