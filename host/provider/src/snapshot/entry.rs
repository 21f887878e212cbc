//! The rows of the table of metrics.

use std::sync::Arc;

use super::{LazyMetric, RejectionReason};
use leadsman_evaluation::Evaluations;
use leadsman_model::names::MetricName;
use leadsman_model::owner::Owner;
use leadsman_model::resource::Resource;
use leadsman_model::serve::Serve;
use leadsman_model::workload::Workload;

/// A metric of one owner, in one API, for one kind of objects.
pub struct Entry {
    /// Whose it is.
    pub owner: Owner,
    /// The name.
    pub metric: MetricName,
    /// In which API it is served, and for which objects.
    pub serve: Serve,
    /// Its state.
    pub state: EntryState,
}

/// The state of an entry.
pub enum EntryState {
    /// A mapping with its evaluations.
    Ready(Arc<Evaluations>),
    /// The metric of a rule, which is bound at its first read.
    Lazy(Arc<LazyMetric>),
    /// A mapping that cannot be served.
    Rejected(Arc<Rejection>),
}

/// Something that is configured and not served, or served as it was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Whose it is.
    pub owner: Owner,
    /// The mapping; `None` for a whole document, or for a plugin that no mapping uses.
    pub mapping: Option<(MetricName, Serve)>,
    /// How it is called: that of the mapping, or `configuration`.
    pub title: String,
    /// Why, from a closed set.
    pub reason: RejectionReason,
    /// Why, for people: what, where and what to do.
    pub message: String,
    /// Whether the last good version is still served in its place.
    pub serving: bool,
    /// The workload that the mapping activates, as it is configured.
    pub activates: Option<Workload>,
}

/// The kind of read that a request makes.
#[derive(Debug, Clone, Copy)]
pub enum ReadKind<'a> {
    /// Values for objects of this kind, as the request names it.
    Custom(&'a str),
    /// Items with labels.
    External,
    /// The resource metric of this kind of objects.
    Resource(MeasuredKind),
}

/// The kinds of objects that have resource metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MeasuredKind {
    /// Nodes.
    Nodes,
    /// Pods.
    Pods,
}

impl Entry {
    pub(super) fn ready(evaluations: Arc<Evaluations>) -> Self {
        let mapping = evaluations.mapping();
        Self {
            owner: mapping.owner.clone(),
            metric: mapping.metric.clone(),
            serve: mapping.serve.clone(),
            state: EntryState::Ready(evaluations),
        }
    }

    pub(super) fn lazy(metric: Arc<LazyMetric>) -> Self {
        Self {
            // Only the operator has rules.
            owner: Owner::Operator,
            metric: metric.metric.clone(),
            serve: metric.serve.clone(),
            state: EntryState::Lazy(metric),
        }
    }

    /// `None` for what is rejected without being a mapping.
    pub(super) fn rejected(rejection: &Arc<Rejection>) -> Option<Self> {
        let (metric, serve) = rejection.mapping.clone()?;
        let state = EntryState::Rejected(rejection.clone());
        Some(Self { owner: rejection.owner.clone(), metric, serve, state })
    }

    /// Whether there is something to read.
    pub fn is_served(&self) -> bool {
        !matches!(self.state, EntryState::Rejected(_))
    }

    /// Its evaluations, if there are any yet.
    pub fn evaluations(&self) -> Option<&Arc<Evaluations>> {
        match &self.state {
            EntryState::Ready(evaluations) => Some(evaluations),
            EntryState::Lazy(metric) => metric.bound(),
            EntryState::Rejected(_) => None,
        }
    }

    /// Whether this is what a request wants.
    pub(super) fn is(&self, wanted: ReadKind<'_>) -> bool {
        match (&self.serve, wanted) {
            (Serve::Custom(resource), ReadKind::Custom(name)) => resource.answers_to(name),
            (Serve::External, ReadKind::External) => true,
            (Serve::ResourceMetrics(resource), ReadKind::Resource(kind)) => kind.is(resource),
            _ => false,
        }
    }
}

impl MeasuredKind {
    /// The name of many, as requests have it.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Nodes => "nodes",
            Self::Pods => "pods",
        }
    }

    fn is(self, resource: &Resource) -> bool {
        resource.group().is_empty() && resource.plural() == self.plural()
    }
}
