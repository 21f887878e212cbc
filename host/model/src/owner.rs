//! Whose a mapping is.

use std::fmt;
use std::sync::Arc;

use super::names::Namespace;

/// Whose a document and its mappings are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// Of whoever runs the adapter. Serves all namespaces.
    Operator,
    /// Of a ConfigMap in a team's namespace. Serves that namespace alone.
    Team {
        /// The namespace.
        namespace: Namespace,
        /// The ConfigMap.
        name: Arc<str>,
    },
}

impl Owner {
    /// The only namespace that may be served; `None` for all.
    pub fn namespace(&self) -> Option<&Namespace> {
        match self {
            Self::Operator => None,
            Self::Team { namespace, .. } => Some(namespace),
        }
    }

    /// Whether a namespace may be served.
    pub fn serves(&self, namespace: Option<&str>) -> bool {
        match self {
            Self::Operator => true,
            Self::Team { namespace: own, .. } => namespace == Some(own.as_str()),
        }
    }

    /// Whether there is a namespace that both may serve.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self.namespace(), other.namespace()) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::Team { namespace, name } => write!(f, "{namespace}/{name}"),
        }
    }
}
