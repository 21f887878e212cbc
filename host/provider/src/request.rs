//! The requests that a provider takes.

use std::hash::BuildHasher as _;
use std::hash::{Hash, Hasher};
use std::sync::LazyLock;

use crate::snapshot::MeasuredKind;
use leadsman_evaluation::{Reader, ReaderIdentity};
use leadsman_model::names::ObjectName;

/// The reader.
#[derive(Debug, Clone, Copy, Default)]
pub struct Caller<'a> {
    /// The same number for the same user.
    pub id: u64,
    /// The user, where requests have users.
    pub user: Option<&'a str>,
    /// The user agent as the client states it.
    pub agent: &'a str,
}

/// Whoever asks the same is one reader, whatever the names are.
impl Hash for Caller<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

/// Which objects are requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectSelection<'a> {
    /// Those that the selector picks.
    All,
    /// This one.
    One(ObjectName<'a>),
}

/// A read of a custom metric.
#[derive(Debug, Clone, Copy, Hash)]
pub struct CustomRequest<'a> {
    /// The reader.
    pub caller: Caller<'a>,
    /// The namespace of the objects; `None` at the root.
    pub namespace: Option<&'a str>,
    /// The resource as it was named.
    pub resource: &'a str,
    /// Which objects.
    pub target: ObjectSelection<'a>,
    /// The metric.
    pub metric: &'a str,
    /// Picks objects.
    pub label_selector: &'a str,
    /// Picks series.
    pub metric_selector: &'a str,
}

/// A read of an external metric.
#[derive(Debug, Clone, Copy, Hash)]
pub struct ExternalRequest<'a> {
    /// The reader.
    pub caller: Caller<'a>,
    /// The namespace that the read is for.
    pub namespace: &'a str,
    /// The metric.
    pub metric: &'a str,
    /// Picks items.
    pub metric_selector: &'a str,
}

/// A read of resource metrics.
#[derive(Debug, Clone, Copy, Hash)]
pub struct ResourceRequest<'a> {
    /// The reader.
    pub caller: Caller<'a>,
    /// The kind of objects.
    pub kind: MeasuredKind,
    /// The namespace; `None` for nodes, and for pods of all namespaces.
    pub namespace: Option<&'a str>,
    /// Which objects.
    pub target: ObjectSelection<'a>,
    /// Picks objects by their labels.
    pub label_selector: &'a str,
    /// Picks objects by name and namespace.
    pub field_selector: &'a str,
}

static HASHER: LazyLock<foldhash::fast::RandomState> = LazyLock::new(Default::default);

/// The account that a read is counted for: a caller in a namespace, who repeats a request.
pub(super) fn reader<'a>(
    caller: Caller<'a>,
    namespace: Option<&'a str>,
    request: impl Hash,
) -> Reader<'a> {
    let account = HASHER.hash_one((caller, namespace));
    let who = ReaderIdentity {
        key: HASHER.hash_one((account, caller.agent)),
        user: caller.user,
        agent: caller.agent,
        namespace: namespace.unwrap_or_default(),
    };
    Reader { account, request: HASHER.hash_one(request), who }
}
