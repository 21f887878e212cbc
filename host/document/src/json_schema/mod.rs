//! The subset of JSON Schema that configurations of plugins may be described with.
//!
//! Schemas of plugins are untrusted. [`check`] refuses every keyword that is not implemented here, so
//! that all of an accepted schema is enforced. [`mismatches`] validates within a bounded number of
//! steps; libraries have no such bound, and need time exponential in the depth of the value for a
//! schema that refers to itself twice. [`explain`] produces the messages. It suffices for the
//! configuration itself, which a deserializer validates as well.

mod complete;
mod evaluate;
mod explain;
mod supported;

use serde_json::Value;

pub use complete::{Completed, completed};
pub use explain::explain;
pub use supported::check;

use super::Fault;

/// The maximum nesting of schemas and values during validation.
const MAX_DEPTH: usize = 300;

/// The maximum number of pairs of a schema and a value that are compared.
const MAX_STEPS: usize = 4_000_000;

/// The maximum length of a chain of references.
const MAX_REFERENCES: usize = 32;

/// All faults of a value by a schema that [`check`] accepts. `place` is the JSON pointer of the value in
/// its document.
pub fn mismatches(schema: &Value, value: &Value, place: &str) -> Vec<Fault> {
    let Err(mismatch) = evaluate::evaluate(schema, value, place) else { return Vec::new() };
    let explained = explain(schema, value, place);
    if explained.is_empty() { vec![mismatch] } else { explained }
}

/// Follows a chain of references, which may be cyclic, up to its bound.
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

/// Whether a value has the schema's type. A number written with a fraction is no integer, even if the
/// fraction is 0.
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
