//! What a read asks of a mapping beyond its scope.

use std::fmt;
use std::sync::Arc;

use super::selector::Selector;

/// Which series a read picks, and which objects, where the query names them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Asked {
    /// Picks series.
    pub selector: Selector,
    /// The objects, in order; empty where the query is for all of them.
    pub names: Vec<Arc<str>>,
}

impl From<Selector> for Asked {
    fn from(selector: Selector) -> Self {
        Self { selector, names: Vec::new() }
    }
}

/// The selector, and how many objects.
impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.selector.fmt(f)?;
        match self.names.as_slice() {
            [] => Ok(()),
            [name] => write!(f, " {name}"),
            [name, rest @ ..] => write!(f, " {name} and {} more", rest.len()),
        }
    }
}
