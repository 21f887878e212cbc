//! Completes a value whose faults are known, so that the rest of it can be checked.
//!
//! A part that is missing or has a wrong type would hide all other faults, as the value that contains
//! it cannot be deserialized. So such parts are replaced by stand-ins. A check of the completed value
//! does not report faults at their places.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::super::segment;
use super::{MAX_DEPTH, is_of_type, resolve};

/// The stand-ins in a completed value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completed {
    /// Their places, as JSON pointers.
    pub places: HashSet<String>,
}

impl Completed {
    /// Whether a place is that of a stand-in, or within one.
    pub fn covers(&self, place: &str) -> bool {
        let mut within = place;
        loop {
            if self.places.contains(within) {
                return true;
            }
            match within.rfind('/') {
                Some(end) => within = &within[..end],
                None => return false,
            }
        }
    }
}

/// Inserts stand-ins where required parts of a value are missing or do not match its schema. `schema`
/// is a part of `root`, `place` the JSON pointer of the value in its document.
pub fn completed<'s>(
    root: &'s Value,
    schema: &'s Value,
    value: &mut Value,
    place: &str,
) -> Completed {
    let mut walk = Walk { root, completed: Completed::default() };
    walk.value(schema, value, place, 0);
    walk.completed
}

struct Walk<'s> {
    root: &'s Value,
    completed: Completed,
}

impl<'s> Walk<'s> {
    fn value(&mut self, schema: &'s Value, value: &mut Value, place: &str, depth: usize) {
        if depth >= MAX_DEPTH {
            return;
        }
        let schema = resolve(self.root, schema);
        for key in ["oneOf", "anyOf"] {
            if let Some(branches) = schema.get(key).and_then(Value::as_array) {
                match branches.iter().find(|branch| self.fits(branch, value, depth)) {
                    Some(branch) => self.value(branch, value, place, depth + 1),
                    None => self.replace(schema, value, place),
                }
                return;
            }
        }
        if !self.fits(schema, value, depth) {
            self.replace(schema, value, place);
            return;
        }
        match value {
            Value::Object(map) => self.object(schema, map, place, depth),
            Value::Array(list) => {
                let Some(items) = schema.get("items") else { return };
                for (at, item) in list.iter_mut().enumerate() {
                    self.value(items, item, &format!("{place}/{at}"), depth + 1);
                }
            }
            _ => {}
        }
    }

    fn object(
        &mut self,
        schema: &'s Value,
        map: &mut Map<String, Value>,
        place: &str,
        depth: usize,
    ) {
        let property = |key: &str| schema.get("properties").and_then(|known| known.get(key));
        let additional = schema.get("additionalProperties");
        for (key, value) in map.iter_mut() {
            if let Some(schema) = property(key).or(additional) {
                self.value(schema, value, &format!("{place}/{}", segment(key)), depth + 1);
            }
        }
        let required = schema.get("required").and_then(Value::as_array);
        for key in required.into_iter().flatten().filter_map(Value::as_str) {
            if !map.contains_key(key) {
                let stand_in = property(key).map(|schema| self.stand_in(schema, depth));
                map.insert(key.to_owned(), stand_in.unwrap_or_default());
                self.completed.places.insert(format!("{place}/{}", segment(key)));
            }
        }
    }

    /// Whether a schema is the one that a value is written for, though parts of it may have faults.
    fn fits(&self, schema: &'s Value, value: &Value, depth: usize) -> bool {
        let schema = resolve(self.root, schema);
        if depth >= MAX_DEPTH {
            return true;
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(branches) = schema.get(key).and_then(Value::as_array) {
                return branches.iter().any(|branch| self.fits(branch, value, depth + 1));
            }
        }
        if let Some(only) = schema.get("const") {
            return only == value;
        }
        if let Some(listed) = schema.get("enum").and_then(Value::as_array) {
            return listed.contains(value);
        }
        is_of_type(schema, value) && self.is_variant(schema, value)
    }

    /// A variant that is selected by its key has no other key.
    fn is_variant(&self, schema: &Value, value: &Value) -> bool {
        let (Some(known), Some(required), Value::Object(map)) = (
            schema.get("properties").and_then(Value::as_object),
            schema.get("required").and_then(Value::as_array),
            value,
        ) else {
            return true;
        };
        // A type with several keys is no variant.
        let tag = required.first().and_then(Value::as_str);
        match (known.len(), required.len(), tag) {
            (1, 1, Some(tag)) => map.is_empty() || (map.len() == 1 && map.contains_key(tag)),
            _ => true,
        }
    }

    fn replace(&mut self, schema: &'s Value, value: &mut Value, place: &str) {
        *value = self.stand_in(schema, 0);
        self.completed.places.insert(place.to_owned());
    }

    /// A minimal value that a schema accepts.
    fn stand_in(&self, schema: &'s Value, depth: usize) -> Value {
        let schema = resolve(self.root, schema);
        if depth >= MAX_DEPTH {
            return Value::Null;
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(first) = schema.get(key).and_then(|branches| branches.get(0)) {
                return self.stand_in(first, depth + 1);
            }
        }
        if let Some(value) = schema.get("const").or_else(|| schema.get("enum")?.get(0)) {
            return value.clone();
        }
        let name = match schema.get("type") {
            Some(Value::Array(names)) => names.first().and_then(Value::as_str),
            Some(name) => name.as_str(),
            None => None,
        };
        match name {
            Some("object") => {
                let required = schema.get("required").and_then(Value::as_array);
                let keys = required.into_iter().flatten().filter_map(Value::as_str);
                let part = |key: &str| {
                    let schema = schema.get("properties").and_then(|known| known.get(key));
                    let value = schema.map(|schema| self.stand_in(schema, depth + 1));
                    (key.to_owned(), value.unwrap_or_default())
                };
                Value::Object(keys.map(part).collect())
            }
            Some("array") => Value::Array(Vec::new()),
            Some("string") => "x".into(),
            Some("boolean") => false.into(),
            Some("number" | "integer") => {
                schema.get("minimum").cloned().unwrap_or_else(|| 0.into())
            }
            _ => Value::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object",
            "required": ["name", "kind"],
            "properties": {
                "name": {"type": "string"},
                "size": {"type": ["integer", "null"], "minimum": 3},
                "kind": {"$ref": "#/$defs/Kind"},
                "also": {"type": "array", "items": {"type": "string"}},
            },
            "$defs": {"Kind": {"oneOf": [
                {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/$defs/A"}}},
                {"type": "object", "required": ["b"], "properties": {"b": {"type": "object"}}},
                {"type": "string", "const": "c"},
            ]}, "A": {
                "type": "object",
                "required": ["x", "y"],
                "properties": {"x": {"type": "string"}, "y": {"type": "boolean"}},
            }},
        })
    }

    fn of(mut value: Value) -> (Value, Vec<String>) {
        let schema = schema();
        let completed = completed(&schema, &schema, &mut value, "/at/0");
        let mut places: Vec<_> = completed.places.into_iter().collect();
        places.sort_unstable();
        (value, places)
    }

    #[test]
    fn what_is_missing_or_wrong_gets_a_stand_in() {
        for whole in [
            json!({"name": "n", "kind": "c"}),
            json!({"name": "n", "kind": {"a": {"x": "1", "y": true}}, "size": null}),
            json!({"name": "n", "kind": {"b": {}}, "also": ["z"], "other": 1}),
        ] {
            assert_eq!(of(whole.clone()), (whole, vec![]));
        }
        let both = json!({"name": "n", "kind": {"a": {}, "b": {}}});
        let (value, places) = of(both);
        assert_eq!(value, json!({"name": "n", "kind": {"a": {"x": "x", "y": false}}}));
        assert_eq!(places, ["/at/0/kind"]);
        let (value, places) =
            of(json!({"size": "1", "also": [1, "z"], "kind": {"a": {"y": true}}}));
        let expected = json!({"size": 3, "also": ["x", "z"], "kind": {"a": {"x": "x", "y": true}}, "name": "x"});
        assert_eq!(value, expected);
        assert_eq!(places, ["/at/0/also/0", "/at/0/kind/a/x", "/at/0/name", "/at/0/size"]);
    }

    #[test]
    fn places_cover_what_is_within_them() {
        let completed = Completed { places: ["/a/1".to_owned()].into() };
        for (place, covered) in [("/a/1", true), ("/a/1/b", true), ("/a/11", false), ("/a", false)]
        {
            assert_eq!(completed.covers(place), covered, "{place}");
        }
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema =
            json!({"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}});
        let mut value = json!({});
        assert!(completed(&schema, &schema, &mut value, "").covers("/a/a"));
    }
}
