//! Changes in the condition of the evaluations in use, which become Events.

use std::collections::HashMap;

use leadsman_cluster::{MetricOf, NamedMetric};
use leadsman_evaluation::{Condition, Evaluations, ReadCondition};
use leadsman_model::names::{MetricName, Scope};
use leadsman_model::owner::Owner;
use leadsman_model::query_params::QueryParams;
use leadsman_model::selector::Selector;
use leadsman_model::serve::Serve;

/// An evaluation, as far as autoscalers are concerned.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Subject {
    pub(super) owner: Owner,
    pub(super) serve: Serve,
    pub(super) metric: MetricName,
    pub(super) scope: Scope,
    pub(super) params: QueryParams,
    /// Whether reads that pick other series have other evaluations.
    pub(super) is_of_selector: bool,
}

/// What reads of an evaluation get has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) of: Subject,
    pub(super) now: Condition,
}

/// What was seen last. There are as many as evaluations in use, which are bounded.
#[derive(Debug, Default)]
pub(super) struct Changes(HashMap<Subject, ReadCondition>);

/// What reads of all evaluations of a mapping get. Nobody but people reads resource metrics by name.
pub(super) fn of(evaluations: &Evaluations) -> Vec<(Subject, Condition)> {
    let mapping = evaluations.mapping();
    if matches!(mapping.serve, Serve::ResourceMetrics(_)) {
        return Vec::new();
    }
    let is_of_selector = match mapping.serve {
        Serve::External => mapping.queries.iter().any(|query| query.kind.uses_selector()),
        _ => true,
    };
    let conditions = evaluations.conditions().into_iter().map(|(scope, params, condition)| {
        let (owner, serve) = (mapping.owner.clone(), mapping.serve.clone());
        let metric = mapping.metric.clone();
        (Subject { owner, serve, metric, scope, params, is_of_selector }, condition)
    });
    conditions.collect()
}

impl Changes {
    /// What is better or worse than it was seen last. One that is seen for the first time was well.
    pub(super) fn since_last(
        &mut self,
        conditions: impl IntoIterator<Item = (Subject, Condition)>,
    ) -> Vec<Change> {
        let mut seen = HashMap::new();
        let mut changes = Vec::new();
        for (of, now) in conditions {
            let before = self.0.get(&of).copied().unwrap_or(ReadCondition::Current);
            seen.insert(of.clone(), now.served);
            if before != now.served {
                changes.push(Change { of, now });
            }
        }
        self.0 = seen;
        changes
    }

    /// A change could not be reported: it is reported next time if it is still not well.
    pub(super) fn unreported(&mut self, change: &Change) {
        self.0.remove(&change.of);
    }
}

impl Subject {
    /// The namespace that it is read in; `None` for all.
    pub(super) fn namespace(&self) -> Option<&str> {
        let of_team = self.owner.namespace().map(leadsman_model::names::Namespace::as_str);
        of_team.or_else(|| Some(self.scope.namespace()?.as_str()))
    }

    /// Whether an autoscaler that names this metric reads it.
    pub(super) fn is(&self, named: &NamedMetric) -> bool {
        if named.name != self.metric.as_str() {
            return false;
        }
        let of_object = |object: &str| {
            let names = &self.params.names;
            names.is_empty() || names.iter().any(|name| **name == *object)
        };
        let is_of = match (&self.serve, &named.of) {
            (Serve::Custom(resource), MetricOf::Pods) => {
                resource.group().is_empty() && resource.plural() == "pods"
            }
            (Serve::Custom(resource), MetricOf::Object { kind, name }) => {
                resource.answers_to(kind) && of_object(name)
            }
            (Serve::External, MetricOf::External) => true,
            _ => false,
        };
        is_of && (!self.is_of_selector || picks_alike(&self.params.selector, &named.selector))
    }
}

/// Whether a selector says what a text says, however it is written.
fn picks_alike(selector: &Selector, text: &str) -> bool {
    text.parse::<Selector>().is_ok_and(|named| named == *selector)
}

impl Change {
    /// The reason of the Event, and whether it is a warning.
    pub(super) fn reason(&self) -> (&'static str, bool) {
        match self.now.served {
            ReadCondition::Current => ("MetricRecovered", false),
            ReadCondition::Old => ("MetricOld", true),
            ReadCondition::Stated => ("MetricStated", true),
            ReadCondition::Nothing => ("MetricFailing", true),
        }
    }

    /// The message of the Event. Equal changes have equal ones, so that they are counted as one.
    pub(super) fn message(&self) -> String {
        let title = self.of.serve.title(&self.of.metric);
        let error = self.now.error.as_deref().unwrap_or_default();
        match self.now.served {
            ReadCondition::Current => format!("{title}: newly evaluated values are served again"),
            ReadCondition::Old => {
                format!("{title}: old values are served, as its evaluation fails: {error}")
            }
            ReadCondition::Stated => {
                format!("{title}: a stated value is served, as its evaluation fails: {error}")
            }
            ReadCondition::Nothing => format!("{title}: reads get an error: {error}"),
        }
    }
}
