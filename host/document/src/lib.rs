//! YAML documents with the line of each value, faults with their places, durations, and JSON schemas
//! of parts of a document.

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

/// A configuration's text as a tree, with the lines of its places.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its name in messages.
    pub name: String,
    /// The tree.
    pub value: Value,
    lines: HashMap<String, usize>,
}

impl Document {
    /// Parses YAML (or JSON, which is YAML). The faults are those of the text itself.
    pub fn parse(name: &str, text: &str) -> (Self, Vec<Fault>) {
        Self::parse_within(name, text, Bounds::OPERATOR)
    }

    /// Parses a text that may be this large.
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

    /// The line of a place, or of its closest ancestor.
    fn line(&self, pointer: &str) -> usize {
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
