//! Accepts schemas whose keywords are all implemented here.

use std::collections::HashSet;
use std::fmt::Write as _;

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::super::excerpt;
use super::{MAX_REFERENCES, resolve};

/// Keywords that do not affect which values are valid.
const ANNOTATIONS: [&str; 13] = [
    "$schema",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "format",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
];

/// The maximum number of subschemas.
const MAX_SCHEMAS: usize = 20_000;

/// The maximum number of patterns in a schema, and the maximum length and compiled size of each, in
/// bytes.
const MAX_PATTERNS: usize = 100;
const MAX_PATTERN: usize = 1000;
const MAX_COMPILED_PATTERN: usize = 1 << 20;

/// Checks that all of a schema is implemented. The error says what is not, and where.
pub fn check(schema: &Value) -> Result<(), String> {
    let mut check = Check {
        root: schema,
        seen: HashSet::new(),
        referred: vec![(schema, String::new())],
        patterns: 0,
    };
    while let Some((schema, place)) = check.referred.pop() {
        check.schema(schema, &place)?;
    }
    Ok(())
}

/// Compiles a pattern. Matching takes time linear in the length of the text.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > MAX_PATTERN {
        return Err(format!("it has {} bytes; the limit is {MAX_PATTERN}", pattern.len()));
    }
    let compiled = RegexBuilder::new(pattern).size_limit(MAX_COMPILED_PATTERN).build();
    compiled.map_err(|error| error.to_string().lines().last().unwrap_or_default().to_owned())
}

struct Check<'s> {
    root: &'s Value,
    /// The addresses of the schemas that were checked.
    seen: HashSet<*const Value>,
    /// The targets of references that remain to be checked, with their places.
    referred: Vec<(&'s Value, String)>,
    patterns: usize,
}

impl<'s> Check<'s> {
    fn schema(&mut self, schema: &'s Value, place: &str) -> Result<(), String> {
        if !self.seen.insert(std::ptr::from_ref(schema)) {
            return Ok(());
        }
        if self.seen.len() > MAX_SCHEMAS {
            return Err(format!("it consists of more than {MAX_SCHEMAS} schemas"));
        }
        let map = match schema {
            Value::Bool(_) => return Ok(()),
            Value::Object(map) => map,
            _ => return Err(at(place, "a schema is an object, true or false")),
        };
        for (keyword, value) in map {
            let inner = format!("{place}/{keyword}");
            self.keyword(keyword, value, schema, &inner, place)
                .map_err(|reason| if reason.is_empty() { invalid_value(&inner) } else { reason })?;
        }
        Ok(())
    }

    /// Checks a keyword. An empty error stands for an invalid value.
    fn keyword(
        &mut self,
        keyword: &str,
        value: &'s Value,
        schema: &'s Value,
        place: &str,
        parent: &str,
    ) -> Result<(), String> {
        let valid_if = |fits: bool| if fits { Ok(()) } else { Err(String::new()) };
        match keyword {
            annotation if ANNOTATIONS.contains(&annotation) || annotation.starts_with("x-") => {
                Ok(())
            }
            // References are by place, so the name of the root has no effect.
            "$id" if parent.is_empty() => Ok(()),
            "$ref" => self.reference(schema, place),
            "type" => valid_if(is_type(value)),
            "const" => Ok(()),
            "enum" => valid_if(value.is_array()),
            "required" => {
                valid_if(value.as_array().is_some_and(|l| l.iter().all(Value::is_string)))
            }
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
                valid_if(value.is_number())
            }
            "multipleOf" => valid_if(value.as_f64().is_some_and(|divisor| divisor > 0.0)),
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties"
            | "maxProperties" => valid_if(value.is_u64()),
            "uniqueItems" => valid_if(value.is_boolean()),
            "pattern" => self.pattern(value.as_str().ok_or_else(String::new)?, place),
            "items" | "additionalProperties" | "not" => self.schema(value, place),
            "properties" | "$defs" | "definitions" => {
                let all = value.as_object().ok_or_else(String::new)?;
                all.iter().try_for_each(|(name, schema)| {
                    self.schema(schema, &format!("{place}/{}", excerpt(name)))
                })
            }
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => {
                let all = value.as_array().ok_or_else(String::new)?;
                all.iter()
                    .enumerate()
                    .try_for_each(|(at, schema)| self.schema(schema, &format!("{place}/{at}")))
            }
            unknown => Err(at(
                parent,
                &format!(
                    "the keyword \"{}\" is not supported, and what it says would not hold",
                    excerpt(unknown)
                ),
            )),
        }
    }

    fn reference(&mut self, schema: &'s Value, place: &str) -> Result<(), String> {
        let resolved = resolve(self.root, schema);
        let target = schema.get("$ref").and_then(Value::as_str).unwrap_or_default();
        if resolved.get("$ref").is_none() {
            self.referred.push((resolved, target.trim_start_matches('#').to_owned()));
            return Ok(());
        }
        Err(at(
            place,
            &format!(
                "\"{}\" leads to no schema within this one, in {MAX_REFERENCES} steps at most",
                excerpt(target)
            ),
        ))
    }

    fn pattern(&mut self, pattern: &str, place: &str) -> Result<(), String> {
        self.patterns += 1;
        if self.patterns > MAX_PATTERNS {
            return Err(format!("it has more than {MAX_PATTERNS} patterns"));
        }
        compile(pattern).map(drop).map_err(|reason| {
            at(place, &format!("\"{}\" is not supported: {reason}", excerpt(pattern)))
        })
    }
}

fn is_type(value: &Value) -> bool {
    const TYPES: [&str; 7] = ["object", "array", "string", "boolean", "number", "integer", "null"];
    let known = |name: &Value| name.as_str().is_some_and(|name| TYPES.contains(&name));
    match value {
        Value::Array(names) => names.iter().all(known),
        name => known(name),
    }
}

fn invalid_value(place: &str) -> String {
    at(place, "this is no value of the keyword")
}

fn at(place: &str, message: &str) -> String {
    let mut text = String::new();
    if !place.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{}: ", excerpt(place));
    }
    text + message
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_implemented_is_refused_by_name() {
        for (schema, wanted) in [
            (json!({"if": {}, "then": {}}), "keyword \"if\""),
            (json!({"properties": {"a": {"patternProperties": {}}}}), "/properties/a: the keyword"),
            (json!({"items": {"contains": {}}}), "keyword \"contains\""),
            (json!({"$defs": {"a": {"unevaluatedProperties": false}}}), "unevaluatedProperties"),
            (json!({"items": {"$id": "a"}}), "keyword \"$id\""),
            (json!({"$ref": "https://example.com/schema"}), "leads to no schema within this one"),
            (json!({"$ref": "#"}), "leads to no schema within this one"),
            (json!({"$ref": "#/$defs/a", "$defs": {}}), "leads to no schema"),
            (json!({"pattern": "(?=a)"}), "is not supported"),
            (json!({"pattern": "(a{1000}){1000}"}), "is not supported"),
            (json!({"pattern": "a".repeat(2000)}), "2000 bytes"),
            (json!({"minLength": -1}), "/minLength: this is no value of the keyword"),
            (json!({"type": "text"}), "/type: this is no value"),
            (json!({"anyOf": {}}), "/anyOf: this is no value"),
            (json!([]), "a schema is an object"),
            (json!({"anyOf": vec![json!({}); 30_000]}), "more than 20000 schemas"),
            (json!({"anyOf": vec![json!({"pattern": "a"}); 200]}), "more than 100 patterns"),
        ] {
            let reason = check(&schema).unwrap_err();
            assert!(reason.contains(wanted), "{reason}");
        }
    }

    #[test]
    fn what_derives_from_types_is_accepted() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Settings",
            "type": "object",
            "properties": {
                "port": {"type": ["integer", "null"], "format": "uint16", "minimum": 0, "maximum": 65_535},
                "name": {"$ref": "#/$defs/Name"},
            },
            "required": ["name"],
            "additionalProperties": false,
            "$defs": {"Name": {"oneOf": [{"const": "a"}, {"enum": ["b"]}], "x-ours": 1}},
        });
        assert_eq!(check(&schema), Ok(()));
        assert_eq!(check(&json!(true)), Ok(()));
    }
}
