//! What may be asked.

use std::hash::BuildHasher as _;
use std::hash::Hash;
use std::sync::LazyLock;

use crate::snapshot::MeasuredKind;
use leadsman_evaluation::Reader;
use leadsman_model::names::ObjectName;

/// Who reads: the same number for the same user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Caller(pub u64);

/// Which objects are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target<'a> {
    /// Those that the selector picks.
    All,
    /// This one.
    One(ObjectName<'a>),
}

/// A read of a custom metric.
#[derive(Debug, Clone, Copy, Hash)]
pub struct CustomRequest<'a> {
    /// Who reads.
    pub caller: Caller,
    /// The namespace of the objects; `None` at the root.
    pub namespace: Option<&'a str>,
    /// The resource as it was named.
    pub resource: &'a str,
    /// Which objects.
    pub target: Target<'a>,
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
    /// Who reads.
    pub caller: Caller,
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
    /// Who reads.
    pub caller: Caller,
    /// Of what.
    pub kind: MeasuredKind,
    /// The namespace; `None` for nodes, and for pods of all namespaces.
    pub namespace: Option<&'a str>,
    /// Which objects.
    pub target: Target<'a>,
    /// Picks objects by their labels.
    pub label_selector: &'a str,
    /// Picks objects by name and namespace.
    pub field_selector: &'a str,
}

static HASHER: LazyLock<foldhash::fast::RandomState> = LazyLock::new(Default::default);

/// Whom a read is counted for: a caller in a namespace, who repeats a request.
pub(super) fn reader(caller: Caller, namespace: Option<&str>, request: impl Hash) -> Reader {
    Reader { account: HASHER.hash_one((caller, namespace)), request: HASHER.hash_one(request) }
}
