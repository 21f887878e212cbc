//! Why values that were asked for are not there.

use std::sync::Arc;
use std::time::Duration;

use super::snapshot::RuleSeries;
use leadsman_evaluation::{
    Basis, Dispute, Evaluated, Gap, Mapping, Missing, MissingReason, QueryBasis,
};
use leadsman_model::names::Scope;
use leadsman_model::objects::ObjectStore;
use leadsman_model::selector::Selector;
use leadsman_model::values::ObjectValues;

/// How many names a message lists.
const MAX_NAMES: usize = 3;

/// What a reason is found in.
pub(super) struct Absence<'a> {
    pub(super) mapping: &'a Mapping,
    /// The series of the rule that the mapping is made of.
    pub(super) series: Option<&'a RuleSeries>,
    /// What picks series.
    pub(super) selector: &'a Selector,
    pub(super) evaluated: &'a Evaluated,
}

/// The same for values of objects.
pub(super) struct ObjectAbsence<'a> {
    pub(super) of: Absence<'a>,
    pub(super) store: &'a ObjectStore,
    /// Empty for objects that live in none.
    pub(super) namespace: &'a str,
    pub(super) served: &'a ObjectValues,
}

impl Absence<'_> {
    fn basis(&self) -> &Basis {
        &self.evaluated.basis
    }

    /// Why there is nothing, if no query was answered with series.
    pub(super) fn no_series(&self) -> Option<Missing> {
        let queries = &self.basis().queries;
        if queries.is_empty() || queries.iter().any(|query| query.series > 0) {
            return None;
        }
        let before: usize = queries.iter().map(|query| query.before_selection).sum();
        if before > 0 {
            let message =
                format!("the metric selector {} picks none of {before} series", self.selector);
            return Some(Missing::new(MissingReason::NoneSelected, message));
        }
        Some(self.unknown_label().unwrap_or_else(|| {
            let message = format!("{}{}", self.answered_without(queries.iter()), self.of_all());
            Missing::new(MissingReason::NoSeries, message)
        }))
    }

    /// What a source says of all that it has nothing of.
    fn of_all(&self) -> String {
        let gaps: Vec<_> = self.basis().queries.iter().flat_map(|query| &query.gaps).collect();
        match gaps.as_slice() {
            [] => String::new(),
            [gap] if gap.object.is_empty() => format!(": {}", gap.reason),
            [gap] => format!(": of one target, {}", gap.reason),
            [gap, ..] => format!(": of {} targets; of the first, {}", gaps.len(), gap.reason),
        }
    }

    /// A label that the query asks for and that no series has, as far as the series are known.
    fn unknown_label(&self) -> Option<Missing> {
        let series = self.series?;
        let labels = series.labels()?;
        let is_absent = |label: &str| !labels.contains(label);
        let name = &series.name;
        let message = if let Some(label) = series.asked.iter().find(|label| is_absent(label)) {
            format!(
                "no series of {name} has the label \"{label}\", which the query asks for; say with \
                 `resources.overrides` which label it is, or have Prometheus add it to the series"
            )
        } else {
            let key = self.selector.keys().find(|key| is_absent(key))?;
            format!("no series of {name} has the label \"{key}\" of the metric selector")
        };
        Some(Missing::new(MissingReason::UnknownLabel, message))
    }

    /// Those of the queries that were answered without series, in words; empty if there are none.
    pub(super) fn some_without_series(&self) -> String {
        let empty: Vec<_> = self.basis().queries.iter().filter(|query| query.series == 0).collect();
        match empty.is_empty() {
            true => String::new(),
            false => format!("; {}", self.answered_without(empty.into_iter())),
        }
    }

    fn answered_without<'q>(&self, queries: impl Iterator<Item = &'q QueryBasis>) -> String {
        if self.mapping.of_rule {
            return "the rule's query was answered without series".to_owned();
        }
        let names: Vec<_> = queries.map(|query| format!("\"{}\"", query.name)).collect();
        match names.as_slice() {
            [one] => format!("the query {one} was answered without series"),
            several => format!("the queries {} were answered without series", several.join(", ")),
        }
    }
}

impl ObjectAbsence<'_> {
    /// Why an object has no value.
    pub(super) fn why(&self, name: &str) -> Missing {
        let found = self.dispute(name).or_else(|| self.gap(name)).or_else(|| self.of.no_series());
        let mut missing = found.unwrap_or_else(|| self.others());
        if self.of.mapping.any_object
            && self.store.ready().is_ok()
            && !self.store.exists(self.namespace, name)
        {
            let place = place(self.namespace, "in");
            missing.message =
                format!("{}; there is no such object{place}, either", missing.message);
        }
        missing
    }

    /// What a source says of why it has nothing of an object.
    fn gap(&self, name: &str) -> Option<Missing> {
        let is = |gap: &&Gap| gap.object == name && gap.namespace == self.namespace;
        let of =
            |query: &QueryBasis| Some((query.name.clone(), query.gaps.iter().find(is)?.clone()));
        let (query, gap) = self.of.basis().queries.iter().find_map(of)?;
        let message = format!("the query \"{query}\" has nothing of it: {}", gap.reason);
        Some(Missing::new(MissingReason::LeftOut, message))
    }

    fn dispute(&self, name: &str) -> Option<Missing> {
        let of_scope = matches!(self.scope(), Scope::Namespace(_));
        let is = |dispute: &&Dispute| {
            dispute.object == name
                && (of_scope || self.namespace.is_empty() || dispute.namespace == self.namespace)
        };
        let dispute = self.of.basis().disputes.iter().find(is)?;
        let labels: Vec<_> = dispute
            .labels
            .iter()
            .map(|(label, values)| {
                let values: Vec<_> =
                    values.iter().map(|v| if v.is_empty() { "none" } else { v.as_str() }).collect();
                format!("{label} ({})", values.join(", "))
            })
            .collect();
        let differ = match labels.is_empty() {
            true => String::new(),
            false => format!(", which differ in {}", labels.join(" and ")),
        };
        let query = match self.of.mapping.of_rule {
            true => "`metricsQuery`, choose a value with `discovery.onSeveral`",
            false => "the query",
        };
        let message = format!(
            "several series are for it and do not agree ({}{differ}); aggregate them in {query}, or \
             select among them with a metric selector",
            dispute.series
        );
        Some(Missing::new(MissingReason::Disagreement, message))
    }

    fn scope(&self) -> Scope {
        match self.namespace.parse() {
            Ok(namespace) => self.of.mapping.scope(&namespace),
            Err(_) => Scope::Cluster,
        }
    }

    /// There are series, and none is for the object.
    fn others(&self) -> Missing {
        let resource = self.store.resource();
        let (count, few) = self.served.of_namespace(self.namespace, MAX_NAMES);
        let place = place(self.namespace, "of");
        let empty = self.of.some_without_series();
        if count > 0 {
            let message = format!(
                "there are values for {}{place} ({}) and none for this one{empty}",
                resource.counted(count),
                listed(&few, count)
            );
            return Missing::new(MissingReason::OtherObjects, message);
        }
        let (total, basis) = (self.served.len(), self.of.basis());
        if total > 0 {
            let values = resource.counted(total);
            let message =
                format!("there are values for {values} of other namespaces and none{place}{empty}");
            return Missing::new(MissingReason::OtherObjects, message);
        }
        let values = &self.of.evaluated.values;
        // Of objects of other namespaces only the reason may be shown here.
        if let Some(refusal) = values.refused.first() {
            let count = values.refused_count;
            let message = format!("no value can be served, of {count}: {}{empty}", refusal.reason);
            return Missing::new(MissingReason::Refused, message);
        }
        let series: usize = basis.queries.iter().map(|query| query.series).sum();
        if basis.disputed > 0 {
            let objects = resource.counted(basis.disputed);
            let message = format!("the series of {objects} do not agree, and no other has a value");
            return Missing::new(MissingReason::Disagreement, message);
        }
        let message = match &self.of.mapping.object_names {
            Some(names) => {
                format!("none of {series} series names an object in the label \"{}\"", names.object)
            }
            None => format!("none of {series} series gives the value of an object"),
        };
        Missing::new(MissingReason::OtherObjects, format!("{message}{empty}"))
    }

    /// Why some of the objects of a list have none.
    pub(super) fn of_list(&self, metric: &str, lacking: &[&str], asked: usize) -> Option<Missing> {
        let (reason, objects, why) = self.of_first(lacking, asked)?;
        Some(Missing::new(reason, format!("{metric} has no value for {objects}: {why}")))
    }

    /// Why a default stands for some of the objects.
    pub(super) fn defaulted(
        &self,
        default: impl std::fmt::Display,
        names: &[&str],
        asked: usize,
    ) -> Option<Missing> {
        let (_, objects, why) = self.of_first(names, asked)?;
        let message = format!("the default {default} is served for {objects}: {why}");
        Some(Missing::new(MissingReason::Default, message))
    }

    /// Why last known values, the oldest of this age, stand for some of the objects.
    pub(super) fn last_known(
        &self,
        oldest: Duration,
        names: &[&str],
        asked: usize,
    ) -> Option<Missing> {
        let (_, objects, why) = self.of_first(names, asked)?;
        Some(last_known(&objects, oldest, &why))
    }

    /// `1 of 3 pods (web-2)`, with the reason of the first.
    fn of_first(&self, names: &[&str], asked: usize) -> Option<(MissingReason, String, String)> {
        let first = names.first()?;
        let Missing { reason, message } = self.why(first);
        let few: Vec<_> = names.iter().take(MAX_NAMES).copied().collect();
        let all = self.store.resource().counted(asked);
        let objects = format!("{} of {all} ({})", names.len(), listed(&few, names.len()));
        let why = if names.len() > 1 { format!("{first}: {message}") } else { message };
        Some((reason, objects, why))
    }
}

/// Why last known values, the oldest of this age, stand for something.
pub(super) fn last_known(what: &str, oldest: Duration, why: &str) -> Missing {
    let message = format!(
        "the last known value is served for {what}, {:.1}s old, as onAbsent says: {why}",
        oldest.as_secs_f64()
    );
    Missing::new(MissingReason::LastKnown, message)
}

/// Why a list of objects is empty before any value is searched for.
pub(super) fn nothing_selected(
    metric: &str,
    store: &ObjectStore,
    namespace: &str,
    label_selector: &str,
) -> Missing {
    let all = store.select(namespace, &Selector::default()).len();
    let (resource, place) = (store.resource(), place(namespace, "in"));
    let message = match (all, label_selector) {
        (0, _) => format!("{metric} has no values: there are no {resource}{place}"),
        (_, selector) => format!(
            "{metric} has no values: of {}{place}, none has the labels {selector}",
            resource.counted(all)
        ),
    };
    Missing::new(MissingReason::NoObjectSelected, message)
}

fn place(namespace: &str, preposition: &str) -> String {
    match namespace {
        "" => String::new(),
        namespace => format!(" {preposition} namespace {namespace}"),
    }
}

/// Some names of so many.
fn listed(few: &[&str], count: usize) -> String {
    let more = if count > few.len() { ", …" } else { "" };
    format!("{}{more}", few.join(", "))
}

/// The series of a rule as they are known now.
pub(super) type KnownSeries = Option<Arc<RuleSeries>>;
