//! JSON Schema, as far as configurations of plugins are described with it.
//!
//! A plugin's schema comes from anybody. [`check`] refuses, by name, what is not implemented here,
//! so that whatever a schema says holds. [`mismatches`] decides within a stated number of steps:
//! validators that are libraries have no such bound, and a schema that refers to itself twice takes
//! them time that doubles with each level of the value. [`explain`] puts faults into words, and is
//! all that the configuration itself needs, as a deserializer stands behind it.

mod complete;
mod evaluate;
mod explain;
mod supported;

use serde_json::Value;

pub use complete::{Completed, completed};
pub use explain::explain;
pub use supported::check;

use super::Fault;

/// How deep schemas and values may nest within each other while they are looked at.
const MAX_DEPTH: usize = 300;

/// How many pairs of a schema and a value are looked at.
const MAX_STEPS: usize = 4_000_000;

/// How many references may follow each other.
const MAX_REFERENCES: usize = 32;

/// All faults of a value by a schema that [`check`] accepts. `place` is the pointer of the value in
/// its document.
pub fn mismatches(schema: &Value, value: &Value, place: &str) -> Vec<Fault> {
    let Err(mismatch) = evaluate::evaluate(schema, value, place) else { return Vec::new() };
    let explained = explain(schema, value, place);
    if explained.is_empty() { vec![mismatch] } else { explained }
}

/// What a chain of references leads to. A schema may refer to itself.
fn resolve<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let mut schema = schema;
    for _ in 0..MAX_REFERENCES {
        let Some(target) = schema.get("$ref").and_then(Value::as_str) else { break };
        match target.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) {
            Some(resolved) => schema = resolved,
            None => break,
        }
    }
    schema
}

/// Whether a value is of a type. A number with a fraction is no integer, even if that is 0.
fn is_of_type(schema: &Value, value: &Value) -> bool {
    let fits = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        _ => true,
    };
    match schema.get("type") {
        Some(Value::String(name)) => fits(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(fits),
        _ => true,
    }
}
