//! The owner of a document and its mappings.

use std::fmt;
use std::sync::Arc;

use super::names::Namespace;

/// The owner of a document and its mappings.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// The operator of the adapter. Serves all namespaces.
    Operator,
    /// A team, by its ConfigMap. Serves only the namespace of the ConfigMap.
    Team {
        /// The namespace.
        namespace: Namespace,
        /// The name of the ConfigMap.
        name: Arc<str>,
    },
}

impl Owner {
    /// The only namespace that the owner may serve; `None` for all namespaces.
    pub fn namespace(&self) -> Option<&Namespace> {
        match self {
            Self::Operator => None,
            Self::Team { namespace, .. } => Some(namespace),
        }
    }

    /// Whether the owner may serve a namespace. `None` is a cluster-scoped object.
    pub fn serves(&self, namespace: Option<&str>) -> bool {
        match self {
            Self::Operator => true,
            Self::Team { namespace: own, .. } => namespace == Some(own.as_str()),
        }
    }

    /// Whether both owners may serve the same namespace.
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
