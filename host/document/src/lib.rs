//! YAML documents with the line of each value, faults with places and lines, durations, and validation
//! by JSON schemas.

mod duration;
mod fault;
pub mod json_schema;
mod syntax;
mod yaml;

use std::collections::HashMap;

use serde_json::Value;

pub use duration::parse as parse_duration;
pub use fault::{Fault, Faults, MAX_FAULTS, Severity, excerpt, nearest, suggestion};
pub use leadsman_model::pointer::segment;
pub use yaml::Bounds;

/// A parsed document, with the line of each place.
#[derive(Debug, Clone)]
pub struct Document {
    /// The name in messages.
    pub name: String,
    /// The value.
    pub value: Value,
    lines: HashMap<String, usize>,
}

impl Document {
    /// Parses YAML (or JSON, which is YAML). The faults are those of the syntax.
    pub fn parse(name: &str, text: &str) -> (Self, Vec<Fault>) {
        Self::parse_within(name, text, Bounds::OPERATOR)
    }

    /// Parses a text within these bounds.
    pub fn parse_within(name: &str, text: &str, bounds: Bounds) -> (Self, Vec<Fault>) {
        let mut lines = HashMap::new();
        let (value, faults) = yaml::parse(text, bounds, &mut lines);
        (Self { name: name.to_owned(), value, lines }, faults)
    }

    /// Sets the line of each fault and sorts them by it.
    pub fn locate(&self, mut faults: Vec<Fault>) -> Faults {
        for fault in &mut faults {
            fault.line.get_or_insert_with(|| self.line(&fault.path));
        }
        faults.sort_by_key(|fault| fault.line);
        faults.dedup();
        Faults { document: self.name.clone(), list: faults }
    }

    /// The line of a place, or of its closest ancestor that has one.
    pub fn line(&self, pointer: &str) -> usize {
        let mut pointer = pointer;
        loop {
            if let Some(&line) = self.lines.get(pointer) {
                return line;
            }
            match pointer.rfind('/') {
                Some(at) => pointer = &pointer[..at],
                None => return 1,
            }
        }
    }
}
