//! The parameters of a read that decide which evaluation answers it, beside the scope.

use std::fmt;
use std::sync::Arc;

use super::selector::Selector;

/// Which series a read selects, and which objects, where the query names them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueryParams {
    /// Selects series.
    pub selector: Selector,
    /// The objects, in order; empty where the query is for all of them.
    pub names: Vec<Arc<str>>,
}

impl QueryParams {
    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        let names: usize = self.names.iter().map(|name| name.len() + 32).sum();
        size_of::<Self>() + self.selector.bytes() + names
    }

    /// Whether nothing was chosen by the reader, so that all reads of the scope share one evaluation.
    pub fn is_default(&self) -> bool {
        self.selector.is_empty() && self.names.is_empty()
    }
}

impl From<Selector> for QueryParams {
    fn from(selector: Selector) -> Self {
        Self { selector, names: Vec::new() }
    }
}

/// The selector, and how many objects.
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
