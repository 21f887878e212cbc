//! YAML documents with the line of each value, faults with places and lines, durations, and validation
//! by JSON schemas.

mod duration;
mod fault;
pub mod json_schema;
mod source_map;
mod syntax;
mod yaml;

use std::collections::HashMap;

use serde_json::Value;

pub use duration::parse as parse_duration;
pub use fault::{Fault, Faults, MAX_FAULTS, Severity, excerpt, nearest, suggestion};
pub use leadsman_model::pointer::segment;
pub use source_map::SourceMap;
pub use yaml::Bounds;

/// A parsed document, with the line of each place.
#[derive(Debug, Clone)]
pub struct Document {
    /// The value.
    pub value: Value,
    /// Where its parts stand.
    pub source_map: SourceMap,
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
        (Self { value, source_map: SourceMap::new(name, lines) }, faults)
    }

    /// The name in messages.
    pub fn name(&self) -> &str {
        &self.source_map.name
    }

    /// Sets the line of each fault and sorts them by it.
    pub fn locate(&self, faults: Vec<Fault>) -> Faults {
        self.source_map.locate(faults)
    }

    /// The line of a place, or of its closest ancestor that has one.
    pub fn line(&self, pointer: &str) -> usize {
        self.source_map.line(pointer)
    }
}
