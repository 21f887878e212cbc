//! Tenants: the unit of fair queueing and of bounds.

use std::fmt;

use super::names::{Namespace, Scope};
use super::owner::Owner;

/// The party that an evaluation is charged to. Tenants share queues fairly, and each has bounds of
/// its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Tenant {
    /// The operator's mappings, for one namespace or for the whole cluster.
    Operator {
        /// The namespace; `None` for the whole cluster.
        scope: Option<Namespace>,
    },
    /// The mappings of a team.
    Team {
        /// The namespace of the team's ConfigMaps.
        namespace: Namespace,
    },
}

impl Tenant {
    /// The tenant of an evaluation.
    pub fn new(owner: &Owner, scope: &Scope) -> Self {
        match owner.namespace() {
            Some(namespace) => Self::Team { namespace: namespace.clone() },
            None => Self::Operator { scope: scope.namespace().cloned() },
        }
    }
}

impl Default for Tenant {
    /// The operator's mappings for the whole cluster.
    fn default() -> Self {
        Self::Operator { scope: None }
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator { scope: None } => f.write_str("the operator"),
            Self::Operator { scope: Some(namespace) } => {
                write!(f, "the operator's mappings in namespace {namespace}")
            }
            Self::Team { namespace } => write!(f, "the team of namespace {namespace}"),
        }
    }
}
