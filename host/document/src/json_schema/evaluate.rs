//! Validates a value by a schema within a bounded number of steps.

use std::collections::{HashMap, HashSet};

use regex::Regex;
use serde_json::{Map, Value};

use super::super::{Fault, excerpt, segment};
use super::supported::compile;
use super::{MAX_DEPTH, MAX_STEPS, is_of_type};

/// Validates a value. The fault is the first mismatch.
pub(super) fn evaluate(schema: &Value, value: &Value, place: &str) -> Result<(), Fault> {
    let mut evaluation =
        Evaluation { root: schema, steps: 0, depth: 0, exceeded: false, patterns: HashMap::new() };
    let decided = evaluation.value(schema, value, place);
    if evaluation.exceeded {
        return Err(Fault::at(place, "its schema refers to itself without end"));
    }
    decided
}

struct Evaluation<'s> {
    root: &'s Value,
    steps: usize,
    depth: usize,
    /// Whether a bound was exceeded. Decisions after that do not count.
    exceeded: bool,
    patterns: HashMap<&'s str, Option<Regex>>,
}

type Decision = Result<(), Fault>;

impl<'s> Evaluation<'s> {
    fn value(&mut self, schema: &'s Value, value: &Value, place: &str) -> Decision {
        self.steps += 1;
        self.exceeded |= self.steps > MAX_STEPS || self.depth > MAX_DEPTH;
        if self.exceeded {
            return Ok(());
        }
        self.depth += 1;
        let decision = match schema {
            Value::Bool(false) => mismatch(place, "nothing may stand here"),
            Value::Object(keywords) => self.keywords(schema, keywords, value, place),
            _ => Ok(()),
        };
        self.depth -= 1;
        decision
    }

    fn keywords(
        &mut self,
        schema: &'s Value,
        keywords: &'s Map<String, Value>,
        value: &Value,
        place: &str,
    ) -> Decision {
        if let Some(target) = keywords.get("$ref").and_then(Value::as_str) {
            let target = target.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            if let Some(target) = target {
                self.value(target, value, place)?;
            }
        }
        if !is_of_type(schema, value) {
            return mismatch(place, "it is of another type than the schema says");
        }
        if keywords.get("const").is_some_and(|only| only != value) {
            return mismatch(place, "it is not the value that the schema says");
        }
        let listed = keywords.get("enum").and_then(Value::as_array);
        if listed.is_some_and(|listed| !listed.contains(value)) {
            return mismatch(place, "it is none of the values that the schema lists");
        }
        match value {
            Value::Number(_) => number(keywords, value, place)?,
            Value::String(text) => self.text(keywords, text, place)?,
            Value::Array(list) => self.list(keywords, list, place)?,
            Value::Object(map) => self.map(keywords, map, place)?,
            Value::Null | Value::Bool(_) => {}
        }
        self.branches(keywords, value, place)
    }

    fn text(&mut self, keywords: &'s Map<String, Value>, text: &str, place: &str) -> Decision {
        if keywords.contains_key("minLength") || keywords.contains_key("maxLength") {
            count(keywords, "Length", "characters", text.chars().count(), place)?;
        }
        let Some(pattern) = keywords.get("pattern").and_then(Value::as_str) else { return Ok(()) };
        let compiled = self.patterns.entry(pattern).or_insert_with(|| compile(pattern).ok());
        // It compiles: the schema was checked before.
        if compiled.as_ref().is_some_and(|pattern| pattern.is_match(text)) {
            return Ok(());
        }
        mismatch(
            place,
            &format!(
                "the text \"{}\" does not match the pattern \"{}\"",
                excerpt(text),
                excerpt(pattern)
            ),
        )
    }

    fn list(&mut self, keywords: &'s Map<String, Value>, list: &[Value], place: &str) -> Decision {
        count(keywords, "Items", "items", list.len(), place)?;
        let first = keywords.get("prefixItems").and_then(Value::as_array);
        let first = first.map_or(&[][..], Vec::as_slice);
        for (at, item) in list.iter().enumerate() {
            if let Some(schema) = first.get(at).or_else(|| keywords.get("items")) {
                self.value(schema, item, &format!("{place}/{at}"))?;
            }
        }
        if keywords.get("uniqueItems") == Some(&Value::Bool(true)) {
            let mut seen = HashSet::new();
            if !list.iter().all(|item| seen.insert(item.to_string())) {
                return mismatch(place, "an item stands here twice");
            }
        }
        Ok(())
    }

    fn map(
        &mut self,
        keywords: &'s Map<String, Value>,
        map: &Map<String, Value>,
        place: &str,
    ) -> Decision {
        count(keywords, "Properties", "keys", map.len(), place)?;
        let required = keywords.get("required").and_then(Value::as_array);
        for key in required.into_iter().flatten().filter_map(Value::as_str) {
            if !map.contains_key(key) {
                return mismatch(place, &format!("the key \"{}\" is missing", excerpt(key)));
            }
        }
        let known = keywords.get("properties").and_then(Value::as_object);
        for (key, value) in map {
            let known = known.and_then(|known| known.get(key));
            if let Some(schema) = known.or_else(|| keywords.get("additionalProperties")) {
                self.value(schema, value, &format!("{place}/{}", segment(key)))?;
            }
        }
        Ok(())
    }

    fn branches(
        &mut self,
        keywords: &'s Map<String, Value>,
        value: &Value,
        place: &str,
    ) -> Decision {
        let list = |keyword: &str| keywords.get(keyword).and_then(Value::as_array);
        for schema in list("allOf").into_iter().flatten() {
            self.value(schema, value, place)?;
        }
        if let Some(branches) = list("anyOf")
            && !branches.iter().any(|branch| self.value(branch, value, place).is_ok())
        {
            return mismatch(place, "it is nothing of what the schema allows here");
        }
        if let Some(branches) = list("oneOf") {
            let fitting =
                branches.iter().filter(|branch| self.value(branch, value, place).is_ok()).count();
            match fitting {
                1 => {}
                0 => return mismatch(place, "it is nothing of what the schema allows here"),
                _ => return mismatch(place, "it could be several of what the schema tells apart"),
            }
        }
        if let Some(not) = keywords.get("not")
            && self.value(not, value, place).is_ok()
        {
            return mismatch(place, "it is what the schema excludes");
        }
        Ok(())
    }
}

fn number(keywords: &Map<String, Value>, value: &Value, place: &str) -> Decision {
    let Some(number) = value.as_f64() else { return Ok(()) };
    let limit = |keyword: &str| keywords.get(keyword).and_then(Value::as_f64);
    let wrong = |relation: &str, limit: f64| {
        mismatch(place, &format!("expected {relation} {limit}, found {value}"))
    };
    match (limit("minimum"), limit("exclusiveMinimum")) {
        (Some(least), _) if number < least => return wrong("at least", least),
        (_, Some(least)) if number <= least => return wrong("more than", least),
        _ => {}
    }
    match (limit("maximum"), limit("exclusiveMaximum")) {
        (Some(most), _) if number > most => return wrong("at most", most),
        (_, Some(most)) if number >= most => return wrong("less than", most),
        _ => {}
    }
    match limit("multipleOf") {
        Some(divisor) if (number / divisor).fract() != 0.0 => wrong("a multiple of", divisor),
        _ => Ok(()),
    }
}

/// Checks `minLength` and similar keywords.
fn count(
    keywords: &Map<String, Value>,
    of: &str,
    what: &str,
    count: usize,
    place: &str,
) -> Decision {
    let limit = |bound: &str| keywords.get(&format!("{bound}{of}")).and_then(Value::as_u64);
    let count = count as u64;
    if let Some(least) = limit("min").filter(|&least| count < least) {
        return mismatch(place, &format!("expected at least {least} {what}, found {count}"));
    }
    match limit("max").filter(|&most| count > most) {
        Some(most) => mismatch(place, &format!("expected at most {most} {what}, found {count}")),
        None => Ok(()),
    }
}

fn mismatch(place: &str, message: &str) -> Decision {
    Err(Fault::at(place, message))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{check, mismatches};

    #[test]
    fn what_a_schema_says_holds() {
        for (schema, good, bad) in [
            (json!({"pattern": "^a+$"}), json!("aa"), json!("ab")),
            (json!({"minLength": 2, "maxLength": 3}), json!("äö"), json!("a")),
            (json!({"maxLength": 3}), json!("äöü"), json!("äöüß")),
            (json!({"allOf": [{"minimum": 1}, {"maximum": 2}]}), json!(2), json!(3)),
            (json!({"not": {"const": "all"}}), json!("some"), json!("all")),
            (json!({"exclusiveMinimum": 0}), json!(0.1), json!(0)),
            (json!({"exclusiveMaximum": 1}), json!(0.9), json!(1)),
            (json!({"multipleOf": 5}), json!(10), json!(11)),
            (json!({"minItems": 1, "maxItems": 2}), json!([1]), json!([])),
            (json!({"uniqueItems": true}), json!([1, 2]), json!([1, 1])),
            (
                json!({"prefixItems": [{"type": "string"}], "items": false}),
                json!(["a"]),
                json!(["a", 1]),
            ),
            (json!({"minProperties": 1}), json!({"a": 1}), json!({})),
            (json!({"enum": [1, null]}), json!(null), json!(2)),
            (json!({"const": {"a": 1}}), json!({"a": 1}), json!({"a": 2})),
            // The first branch that fits by its type is not the only one.
            (json!({"anyOf": [{"minimum": 5}, {"maximum": 3}]}), json!(2), json!(4)),
            (json!({"oneOf": [{"minimum": 5}, {"maximum": 7}]}), json!(2), json!(6)),
            // Keywords besides a reference or a branch apply, too.
            (
                json!({"$ref": "#/$defs/n", "minimum": 1, "$defs": {"n": {"type": "number"}}}),
                json!(1),
                json!(0),
            ),
            (
                json!({"anyOf": [{"type": "number"}, {"type": "string"}], "const": 1}),
                json!(1),
                json!("a"),
            ),
        ] {
            assert_eq!(check(&schema), Ok(()), "{schema}");
            assert_eq!(mismatches(&schema, &good, "/c"), [], "{schema}");
            let faults = mismatches(&schema, &bad, "/c");
            assert!(!faults.is_empty() && faults[0].path.starts_with("/c"), "{schema}: {faults:?}");
        }
    }

    #[test]
    fn a_hostile_schema_ends() {
        // Each level of the value is validated twice as often as the one that contains it.
        let twice = json!({"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}});
        assert_eq!(check(&twice), Ok(()));
        let mut value = json!({});
        for _ in 0..60 {
            value = json!({ "a": value });
        }
        let faults = mismatches(&twice, &value, "");
        assert!(faults[0].message.contains("without end"), "{faults:?}");
        let itself = json!({"allOf": [{"$ref": "#"}]});
        assert!(!mismatches(&itself, &json!(1), "").is_empty());
        let slow = json!({"pattern": "^(a+)+$"});
        assert_eq!(check(&slow), Ok(()));
        assert!(!mismatches(&slow, &json!("a".repeat(100_000) + "!"), "").is_empty());
    }
}
