//! Explains how a value differs from a JSON schema: all unknown keys, missing keys and wrong types.
//!
//! It is not a complete validator: it supports what [`schemars`] derives from Rust types, as most
//! schemas are made. It accepts what it does not support: a deserializer or [`super::evaluate`]
//! decides.

use serde_json::{Map, Value};

use super::super::{Fault, MAX_FAULTS, excerpt, nearest, segment, suggestion};
use super::{MAX_DEPTH, MAX_STEPS, is_of_type, resolve};

/// All faults of a value that can be explained. `place` is the JSON pointer of the value in its
/// document.
pub fn explain(schema: &Value, value: &Value, place: &str) -> Vec<Fault> {
    let mut walk = Walk { root: schema, faults: Vec::new(), depth: 0, steps: 0 };
    walk.value(schema, value, place);
    walk.faults
}

struct Walk<'s> {
    root: &'s Value,
    faults: Vec<Fault>,
    depth: usize,
    steps: usize,
}

impl<'s> Walk<'s> {
    fn value(&mut self, schema: &'s Value, value: &Value, place: &str) {
        self.steps += 1;
        if self.steps >= MAX_STEPS && self.faults.len() >= MAX_FAULTS {
            return;
        }
        if self.steps == MAX_STEPS || self.depth >= MAX_DEPTH {
            // Reported once; the rest is not checked.
            self.steps = MAX_STEPS;
            self.fault(place, "its schema refers to itself without end".to_owned());
        }
        if self.steps >= MAX_STEPS {
            return;
        }
        self.depth += 1;
        self.inner_value(schema, value, place);
        self.depth -= 1;
    }

    fn inner_value(&mut self, schema: &'s Value, value: &Value, place: &str) {
        let schema = resolve(self.root, schema);
        for key in ["oneOf", "anyOf"] {
            if let Some(branches) = schema.get(key).and_then(Value::as_array) {
                self.branches(branches, value, place);
                return;
            }
        }
        if let Some(allowed) = strings_of(schema) {
            self.one_of(&allowed, value, place);
            return;
        }
        if !is_of_type(schema, value) {
            let wanted = describe_type(schema);
            self.fault(place, format!("expected {wanted}, found {}", describe(value)));
            return;
        }
        self.bounds(schema, value, place);
        match value {
            Value::Object(map) => self.object(schema, map, place),
            Value::Array(list) => {
                if let Some(items) = schema.get("items") {
                    for (at, item) in list.iter().enumerate() {
                        self.value(items, item, &format!("{place}/{at}"));
                    }
                }
            }
            _ => {}
        }
    }

    fn object(&mut self, schema: &'s Value, map: &Map<String, Value>, place: &str) {
        let empty = Map::new();
        let known = schema.get("properties").and_then(Value::as_object);
        let additional = schema.get("additionalProperties");
        for (key, value) in map {
            let inner = format!("{place}/{}", segment(key));
            if let Some(property) = known.and_then(|known| known.get(key)) {
                self.value(property, value, &inner);
            } else if additional == Some(&Value::Bool(false)) {
                let known = known.unwrap_or(&empty).keys().map(String::as_str);
                self.push(Fault::unknown_key(inner, key, known));
            } else if let Some(additional) = additional.filter(|schema| schema.is_object()) {
                self.value(additional, value, &inner);
            }
        }
        let required = schema.get("required").and_then(Value::as_array);
        for key in required.into_iter().flatten().filter_map(Value::as_str) {
            if !map.contains_key(key)
                && !is_misspelled(key, map, known.unwrap_or(&empty), additional)
            {
                self.fault(place, format!("the key \"{key}\" is missing"));
            }
        }
    }

    /// The branches of an enum. Reports the faults by the branch that the value is written for.
    fn branches(&mut self, branches: &'s [Value], value: &Value, place: &str) {
        let branches: Vec<_> = branches.iter().map(|branch| resolve(self.root, branch)).collect();
        if value.is_null() && branches.iter().any(|branch| is_of_type(branch, value)) {
            return;
        }
        let texts: Vec<_> =
            branches.iter().filter_map(|branch| strings_of(branch)).flatten().collect();
        if let Value::String(text) = value
            && !texts.is_empty()
        {
            let tags: Vec<_> = branches.iter().filter_map(|branch| tag(branch)).collect();
            if tags.is_empty() {
                self.one_of(&texts, value, place);
            } else {
                self.one_of_forms(&texts, &tags, text, place);
            }
            return;
        }
        let fitting: Vec<_> = branches
            .iter()
            .filter(|branch| strings_of(branch).is_none() && is_of_type(branch, value))
            .collect();
        if let Value::Object(map) = value
            && fitting.len() > 1
        {
            self.tagged(&fitting, value, map, place);
            return;
        }
        match fitting.as_slice() {
            [] => {
                let mut wanted: Vec<_> = texts.iter().map(|text| format!("\"{text}\"")).collect();
                let types = branches.iter().filter(|branch| strings_of(branch).is_none());
                wanted.extend(types.map(|branch| describe_type(branch)).filter(|t| t != "nothing"));
                wanted.dedup();
                self.fault(
                    place,
                    format!("expected {}, found {}", wanted.join(" or "), describe(value)),
                );
            }
            [branch, ..] => self.value(branch, value, place),
        }
    }

    /// Variants that are distinguished by a key.
    fn tagged(
        &mut self,
        variants: &[&&'s Value],
        value: &Value,
        map: &Map<String, Value>,
        place: &str,
    ) {
        let tags: Vec<_> = variants.iter().filter_map(|variant| tag(variant)).collect();
        let chosen: Vec<_> = variants
            .iter()
            .filter(|variant| tag(variant).is_some_and(|tag| map.contains_key(tag)))
            .collect();
        match (chosen.as_slice(), map.keys().next()) {
            ([variant], _) => {
                let variant: &'s Value = variant;
                self.value(variant, value, place);
            }
            ([], Some(key)) => {
                let inner = format!("{place}/{}", segment(key));
                self.push(Fault::unknown_key(inner, key, tags));
            }
            ([], None) => {
                self.fault(place, format!("expected one of the keys {}", tags.join(", ")))
            }
            _ => {
                self.fault(
                    place,
                    format!("only one of the keys {} may stand here", tags.join(", ")),
                );
            }
        }
    }

    fn one_of(&mut self, allowed: &[&str], value: &Value, place: &str) {
        match value.as_str() {
            Some(text) if allowed.contains(&text) => {}
            Some(text) => {
                let hint = suggestion(text, allowed.iter().copied());
                self.fault(place, format!("\"{}\" is not known here{hint}", excerpt(text)));
            }
            None => {
                let allowed: Vec<_> = allowed.iter().map(|text| format!("\"{text}\"")).collect();
                self.fault(
                    place,
                    format!("expected {}, found {}", allowed.join(" or "), describe(value)),
                );
            }
        }
    }

    /// A string where some variants are strings, and others keys with a value.
    fn one_of_forms(&mut self, texts: &[&str], tags: &[&str], text: &str, place: &str) {
        if texts.contains(&text) {
            return;
        }
        let with_value = |tag: &str| format!("{{{tag}: …}}");
        let forms = texts.iter().map(|text| (*text).to_owned());
        let forms: Vec<_> = forms.chain(tags.iter().map(|tag| with_value(tag))).collect();
        let forms = format!("; there are {}", forms.join(", "));
        let message = if tags.contains(&text) {
            format!("\"{text}\" has a value here{forms}")
        } else {
            let hint = match nearest(text, texts.iter().chain(tags).copied()) {
                Some(near) if tags.contains(&near) => {
                    format!("; did you mean {}?", with_value(near))
                }
                Some(near) => format!("; did you mean \"{near}\"?"),
                None => forms,
            };
            format!("\"{}\" is not known here{hint}", excerpt(text))
        };
        self.fault(place, message);
    }

    fn bounds(&mut self, schema: &Value, value: &Value, place: &str) {
        let Some(number) = value.as_f64() else { return };
        let limit = |key: &str| schema.get(key).and_then(Value::as_f64);
        if let Some(least) = limit("minimum").filter(|&least| number < least) {
            self.fault(place, format!("expected at least {least}, found {number}"));
        }
        if let Some(most) = limit("maximum").filter(|&most| number > most) {
            self.fault(place, format!("expected at most {most}, found {number}"));
        }
    }

    fn fault(&mut self, place: &str, message: String) {
        self.push(Fault::at(place, message));
    }

    fn push(&mut self, fault: Fault) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        } else {
            // There are enough; the rest is not checked.
            self.steps = MAX_STEPS;
        }
    }
}

/// Whether an unknown key is a typing error of this one, and reported as such.
fn is_misspelled(
    key: &str,
    map: &Map<String, Value>,
    known: &Map<String, Value>,
    additional: Option<&Value>,
) -> bool {
    let mut unknown = map.keys().filter(|written| !known.contains_key(*written)).take(MAX_FAULTS);
    let meant = |written: &String| nearest(written, known.keys().map(String::as_str)) == Some(key);
    additional == Some(&Value::Bool(false)) && unknown.any(meant)
}

/// The key that distinguishes a variant from the others.
fn tag(variant: &Value) -> Option<&str> {
    variant.get("required")?.as_array()?.first()?.as_str()
}

/// The strings that a schema accepts, if it is a list of strings.
fn strings_of(schema: &Value) -> Option<Vec<&str>> {
    if let Some(only) = schema.get("const").and_then(Value::as_str) {
        return Some(vec![only]);
    }
    let list = schema.get("enum")?.as_array()?;
    list.iter().map(Value::as_str).collect()
}

fn describe_type(schema: &Value) -> String {
    let word = |name: &str| match name {
        "object" => "a map",
        "array" => "a list",
        "string" => "a text",
        "boolean" => "true or false",
        "number" => "a number",
        "integer" => "a whole number",
        _ => "nothing",
    };
    match schema.get("type") {
        Some(Value::String(name)) => word(name).to_owned(),
        Some(Value::Array(names)) => {
            let words = names.iter().filter_map(Value::as_str).filter(|name| *name != "null");
            words.map(word).collect::<Vec<_>>().join(" or ")
        }
        _ => "something else".to_owned(),
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text \"{}\"", excerpt(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        assert_eq!(explain(&json!({"$ref": "#"}), &json!(1), ""), []);
        let faults = explain(&json!({"anyOf": [{"$ref": "#"}]}), &json!({"a": [1]}), "");
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].message.contains("without end"));
        let twice = json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]});
        assert!(explain(&twice, &json!([1]), "").len() <= 1);
    }

    #[test]
    fn a_text_in_place_of_a_key_with_a_value_is_told_all_forms() {
        let schema = json!({"oneOf": [
            {"type": "string", "const": "fail"},
            {"type": "object", "required": ["lastGood"], "properties": {"lastGood": {"type": "string"}}},
        ]});
        let explained =
            |text: &str| explain(&schema, &json!(text), "").pop().map(|fault| fault.message);
        assert_eq!(explained("fail"), None);
        for (text, message) in [
            ("lastGood", "\"lastGood\" has a value here; there are fail, {lastGood: …}"),
            ("lastgod", "\"lastgod\" is not known here; did you mean {lastGood: …}?"),
            ("fial", "\"fial\" is not known here; did you mean \"fail\"?"),
            ("never", "\"never\" is not known here; there are fail, {lastGood: …}"),
        ] {
            assert_eq!(explained(text).as_deref(), Some(message));
        }
    }

    #[test]
    fn a_required_key_with_a_typing_error_is_told_of_once() {
        let schema = json!({
            "type": "object",
            "required": ["url"],
            "properties": {"url": {"type": "string"}, "timeout": {"type": "string"}},
            "additionalProperties": false,
        });
        let faults = explain(&schema, &json!({"ulr": "http://a"}), "");
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].unknown_key && faults[0].message.contains("\"url\""), "{faults:?}");
        let faults = explain(&schema, &json!({"address": "http://a"}), "");
        assert_eq!(faults.len(), 2, "{faults:?}");
    }

    #[test]
    fn faults_are_told_up_to_a_number_and_in_bounded_words() {
        let schema = json!({"type": "array", "items": {"type": "string", "enum": ["a", "b"]}});
        let long = "x".repeat(100_000);
        let many: Vec<_> = (0..10_000).map(|_| long.as_str()).collect();
        let faults = explain(&schema, &json!(many), "");
        assert_eq!(faults.len(), MAX_FAULTS);
        assert!(faults.iter().all(|fault| fault.message.len() < 400), "{:?}", faults[0]);
    }

    #[test]
    fn variants_within_variants_take_no_memory_of_their_own() {
        // Each level has two variants that are distinguished by a key.
        let schema = json!({"anyOf": [
            {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}},
            {"type": "object", "required": ["b"], "properties": {"b": {"$ref": "#"}}},
            {"type": "string"},
        ]});
        let mut value = json!("end");
        for level in 0..100 {
            value = json!({ if level % 2 == 0 { "a" } else { "b" }: value });
        }
        assert_eq!(explain(&schema, &value, ""), []);
        let wrong = json!({"a": {"b": {"a": 1}}});
        assert_eq!(explain(&schema, &wrong, "")[0].path, "/a/b/a");
    }
}
