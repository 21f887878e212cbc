//! Where what is served is written.

use std::collections::HashMap;
use std::sync::Arc;

/// A place in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The name of the document: a file, or a ConfigMap with its key.
    pub document: Arc<str>,
    /// The SHA-256 of its text, in hexadecimal: which revision of it this is.
    pub revision: Arc<str>,
    /// The JSON pointer of the place.
    pub pointer: String,
    /// Its line, from 1.
    pub line: usize,
}

/// Where what is served is written. It may move without anything else changing: then a snapshot gets
/// new places, and stays what it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// By the title of a mapping, or of a resource metric.
    pub mappings: HashMap<String, Place>,
    /// By the number of a rule.
    pub rules: Vec<Place>,
}

impl Places {
    /// Adds those of another document. What is there already comes first.
    pub fn extend(&mut self, other: &Self) {
        for (title, place) in &other.mappings {
            self.mappings.entry(title.clone()).or_insert_with(|| place.clone());
        }
        if self.rules.is_empty() {
            self.rules.clone_from(&other.rules);
        }
    }
}
