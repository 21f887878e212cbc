//! The parameters of a read that, together with the scope, identify its evaluation.

use std::fmt;
use std::sync::Arc;

use super::selector::Selector;

/// The series that a read selects, and its objects if the query depends on them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueryParams {
    /// The metric selector.
    pub selector: Selector,
    /// The names of the objects, sorted; empty if the query covers all objects.
    pub names: Vec<Arc<str>>,
}

impl QueryParams {
    /// The approximate size in memory, in bytes.
    pub fn bytes(&self) -> usize {
        let names: usize = self.names.iter().map(|name| name.len() + 32).sum();
        size_of::<Self>() + self.selector.bytes() + names
    }

    /// Whether the reader selected neither series nor objects. All such reads of a scope share one
    /// evaluation.
    pub fn is_default(&self) -> bool {
        self.selector.is_empty() && self.names.is_empty()
    }
}

impl From<Selector> for QueryParams {
    fn from(selector: Selector) -> Self {
        Self { selector, names: Vec::new() }
    }
}

/// The selector, the first object and the number of the others.
impl fmt::Display for QueryParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.selector.fmt(f)?;
        match self.names.as_slice() {
            [] => Ok(()),
            [name] => write!(f, " {name}"),
            [name, rest @ ..] => write!(f, " {name} and {} more", rest.len()),
        }
    }
}
