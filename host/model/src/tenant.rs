//! On whose behalf work is done: the unit that is bounded and queued together.

use std::fmt;

use super::names::{Namespace, Scope};
use super::owner::Owner;

/// On whose behalf an evaluation is made. Tenants share queues fairly, and each has bounds of its
/// own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Tenant {
    /// A mapping of the operator's, evaluated for a namespace, or for the cluster.
    Operator {
        /// The namespace.
        scope: Option<Namespace>,
    },
    /// A mapping of a team's, whose ConfigMaps are in this namespace.
    Team {
        /// The namespace.
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
    /// The operator, for the cluster.
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
