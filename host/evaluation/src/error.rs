//! Why an evaluation gave nothing, and why a read gets nothing.

use std::sync::Arc;
use std::time::Duration;

use super::quota::{MAX_ANSWERS_OF_CALLER, MAX_BYTES_OF_CALLER};
use leadsman_model::object_table::ObjectTableError;
use leadsman_model::objects::{AddressesUnknown, NotSynced};
use leadsman_sandbox::RunError;
use leadsman_source::QueryError;

/// Why an evaluation gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// A query has no answer.
    #[error("query \"{query}\": the source \"{source_name}\" {source}")]
    Query {
        /// The query.
        query: String,
        /// The source.
        source_name: String,
        /// Why.
        source: Box<QueryError>,
    },
    /// The query cannot be written for what this read asks for: its metric selector, or a name.
    #[error("query \"{query}\": it cannot be written for what is asked for: {reason}")]
    Selector {
        /// The query.
        query: String,
        /// Why.
        reason: String,
    },
    /// The plugin asks for the objects, and they are not known.
    #[error("{0}")]
    Objects(#[from] NotSynced),
    /// The plugin asks for the addresses of the objects, and they are not known.
    #[error("{0}")]
    Addresses(#[from] AddressesUnknown),
    /// The objects are more than a plugin is given.
    #[error("{0}")]
    ObjectLabels(#[from] ObjectTableError),
    /// The answer to a rule's query names no objects.
    #[error(
        "the rule's query: no series has the label \"{label}\" that names the object (labels of the \
         first series: {present}); group by <<.GroupBy>> in `metricsQuery`"
    )]
    RuleLabel {
        /// The label.
        label: String,
        /// Those of the first series.
        present: String,
    },
    /// The plugin gave nothing.
    #[error("{plugin}: {source}")]
    Plugin {
        /// The plugin, as messages call it.
        plugin: String,
        /// Why.
        source: RunError,
    },
    /// The circuit breaker is open: the plugin failed too often.
    #[error(
        "unavailable after {failures} failures in a row, and tried again every {every:?}; the \
         last one: {last}"
    )]
    Unavailable {
        /// How many failures.
        failures: u32,
        /// The last one.
        last: String,
        /// How often it is tried again.
        every: Duration,
    },
    /// The team's budget is used up.
    #[error("the budget of this namespace is used up: {0} a minute")]
    Budget(String),
    /// The answers for one caller's reads in a namespace take too much while they wait for plugins.
    #[error(
        "answers to queries for your reads in this namespace wait for plugins already; they have {} MiB, \
         and less while those of others take much; use fewer metric selectors, or read again later",
        MAX_ANSWERS_OF_CALLER >> 20
    )]
    AnswersOfCaller,
    /// The adapter itself failed.
    #[error("the adapter failed while it evaluated; its log says more")]
    Internal,
}

impl EvaluationError {
    /// Whether the answers for one caller take too much.
    pub(super) fn is_of_answers(&self) -> bool {
        matches!(self, Self::AnswersOfCaller)
    }

    /// The kind of the error, as metrics count it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Query { source, .. } => source.reason(),
            Self::Selector { .. } => "selector",
            Self::Objects(_) | Self::Addresses(_) => "objects",
            Self::ObjectLabels(_) => "object_labels",
            Self::RuleLabel { .. } => "rule_label",
            Self::Plugin { source, .. } => source.reason(),
            Self::Unavailable { .. } => "unavailable",
            Self::Budget(_) => "budget",
            Self::AnswersOfCaller => "answers_of_reader",
            Self::Internal => "internal",
        }
    }
}

/// Why a read gets nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadFailure {
    /// The newest evaluation failed.
    #[error("{error}")]
    Failed {
        /// Why.
        error: Arc<EvaluationError>,
        /// The age of the last good values, where they were too old to be served.
        last_good: Option<Duration>,
    },
    /// No evaluation ended in time.
    #[error("no value within {deadline:?}: {pending}")]
    Deadline {
        /// The deadline.
        deadline: Duration,
        /// What is waited for.
        pending: String,
    },
    /// There are too many evaluations.
    #[error(
        "{limit} evaluations of this metric are in use already; use fewer namespaces or metric selectors, or a query for the whole cluster"
    )]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The reads of one caller in a namespace are for too many evaluations.
    #[error(
        "{limit} evaluations are in use for your reads in this namespace already, or {} MiB of \
         values; use fewer metric selectors, or wait a minute",
        MAX_BYTES_OF_CALLER >> 20
    )]
    TooManyOfCaller {
        /// The limit.
        limit: usize,
    },
    /// The number of replicas that a policy states cannot be expressed by a value now.
    #[error("{why}; and the replicas that {policy} states cannot be asked for: {reason}")]
    NoStandIn {
        /// Why values are not known.
        why: String,
        /// The policy.
        policy: &'static str,
        /// Why there is no such value.
        reason: String,
    },
    /// The adapter is ending.
    #[error("the adapter is shutting down")]
    ShuttingDown,
}

impl ReadFailure {
    /// Whether values are not known. What was requested wrongly, or too often, is no such failure.
    pub(super) fn is_of_evaluation(&self) -> bool {
        match self {
            Self::Failed { error, .. } => !matches!(
                **error,
                EvaluationError::Selector { .. } | EvaluationError::AnswersOfCaller
            ),
            Self::Deadline { .. } => true,
            Self::TooMany { .. }
            | Self::TooManyOfCaller { .. }
            | Self::NoStandIn { .. }
            | Self::ShuttingDown => false,
        }
    }

    /// Whether the answers for one caller take too much.
    pub(super) fn is_of_answers(&self) -> bool {
        matches!(self, Self::Failed { error, .. } if error.is_of_answers())
    }

    /// The kind of the failure, as metrics count it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Failed { error, .. } => error.reason(),
            Self::Deadline { .. } => "deadline",
            Self::TooMany { .. } => "too_many_evaluations",
            Self::TooManyOfCaller { .. } => "too_many_evaluations_of_reader",
            Self::NoStandIn { .. } => "no_stand_in",
            Self::ShuttingDown => "shutting_down",
        }
    }
}
