//! Derives metrics from rules and listed series.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};

use super::query::RuleQuery;
use super::{OnSeveral, Resolve, Rule, RuleApi};
use leadsman_model::names::MetricName;
use leadsman_model::resource::Resource;

/// The result of a series query: the names of series, each with the union of their label names.
pub type ListedSeries = BTreeMap<Arc<str>, BTreeSet<Arc<str>>>;

/// All metrics that rules give, by name.
#[derive(Debug, Default)]
pub struct Catalog {
    /// The metrics, unique by name and kind of objects.
    pub entries: Vec<CatalogEntry>,
    /// Labels that queries ask for and no series has.
    pub missing_labels: Vec<MissingLabel>,
}

/// A label that queries of a rule ask for, as a read adds its matcher, and that none of the rule's
/// series has: the metrics are listed, and their reads find nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingLabel {
    /// The number of the rule.
    pub rule: usize,
    /// The label.
    pub label: String,
    /// The labels of one of the series.
    pub there: Vec<Arc<str>>,
}

/// A metric that a rule gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogEntry {
    /// The name.
    pub metric: MetricName,
    /// The kind of objects; `None` for an external metric.
    pub resource: Option<Resource>,
    /// The label that names the object; `None` for an external metric.
    pub label: Option<String>,
    /// The index of the rule in the list.
    pub rule: usize,
    /// The query.
    pub query: RuleQuery,
}

impl CatalogEntry {
    /// The configuration of the plugin that makes its values of the query's answer: that of
    /// `per-object`, or of `external`. `names_objects` says whether the query names the objects of a
    /// read, and so picks no series that names none.
    pub fn plugin_config(&self, on_several: OnSeveral, names_objects: bool) -> Value {
        let Self { resource, label, query, .. } = self;
        let (Some(resource), Some(label)) = (resource, label) else {
            return json!({"seriesName": true});
        };
        json!({
            "object": label,
            "combine": on_several.combine(),
            // Objects that live in no namespace are by their name alone.
            "namespace": match resource.namespaced() {
                true => query.namespace_label.as_deref().unwrap_or_default(),
                false => "",
            },
            // The query that names objects would not have picked what names none.
            "unnamed": match query.object_label.is_some() && !names_objects {
                true => "omit",
                false => "fail",
            },
        })
    }
}

/// A series that gives no metric, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unserved {
    /// The index of the rule.
    pub rule: usize,
    /// The name of the series.
    pub series: Arc<str>,
    /// The name that its metric would have, if it is known.
    pub metric: Option<MetricName>,
    /// The reason.
    pub why: NoMetricReason,
}

/// Why a rule gives no metric. `seen` is how many names of series it matches, `unserved` one of them.
pub fn gives_nothing(seen: usize, unserved: Option<&Unserved>) -> String {
    let why = unserved.map_or(String::new(), |of| format!(": {}: {}", of.series, of.why));
    match seen {
        0 => "it gives no metric: there are no such series now".to_owned(),
        1 => format!("it gives no metric: its only series gives none{why}"),
        many => format!("it gives no metric: none of its {many} names of series gives one{why}"),
    }
}

/// Why a series gives no metric.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoMetricReason {
    /// A filter of the rule excludes it.
    #[error("the rule leaves it out by `{0}`")]
    Filtered(String),
    /// The metric's name is invalid.
    #[error("{0}")]
    Name(String),
    /// The name of the series must be quoted in a query, and the template does not quote it.
    #[error(
        "the name of the series cannot stand in the query as it is; write {{\"<<.Series>>\",…}} in \
         `metricsQuery`, if Prometheus takes names between quotes"
    )]
    SeriesName,
    /// No label names an object.
    #[error("none of its labels names an object: {0}")]
    NoObject(String),
    /// The kind is namespaced, and no label names the namespace.
    #[error(
        "{resource} live in namespaces, and the rule does not say which label names the namespace; \
         add it to `resources.overrides`"
    )]
    NoNamespace {
        /// The kind of objects.
        resource: Resource,
    },
    /// The external metric is namespaced, and no label names the namespace.
    #[error(
        "the rule does not say which label names the namespace; add it to `resources.overrides`, \
         or set `resources.namespaced: false` if the metric is for all namespaces"
    )]
    NoNamespaceOfExternal,
    /// Another series gives the same metric and takes precedence.
    #[error("{by} gives {metric} for the same objects, and the later one holds")]
    Hidden {
        /// The other series and its rule.
        by: String,
        /// The metric.
        metric: MetricName,
    },
}

type Key = (MetricName, Option<Resource>);

struct CatalogBuilder<'a> {
    resolve: &'a Resolve<'a>,
    unserved: &'a mut dyn FnMut(Unserved),
    entries: BTreeMap<Key, CatalogEntry>,
    /// The labels that the queries of a rule ask for.
    queried: BTreeSet<String>,
}

impl Catalog {
    /// The metrics that rules give for the listed series. `unserved` is called for each series that
    /// gives no metric.
    pub fn new<'s>(
        rules: &[Rule],
        seen: impl Fn(&str) -> Option<&'s ListedSeries>,
        resolve: &Resolve<'_>,
        unserved: &mut dyn FnMut(Unserved),
    ) -> Self {
        let (entries, queried) = (BTreeMap::new(), BTreeSet::new());
        let mut builder = CatalogBuilder { resolve, unserved, entries, queried };
        let mut missing_labels = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            // Many series share labels, so each is resolved once.
            let mut resolved = HashMap::new();
            for (series, labels) in seen(&rule.series_query).into_iter().flatten() {
                let mut metric = None;
                let added = builder.add(rules, at, series, labels, &mut resolved, &mut metric);
                if let Err(why) = added {
                    (builder.unserved)(Unserved { rule: at, series: series.clone(), metric, why });
                }
            }
            let queried = std::mem::take(&mut builder.queried);
            if let (Some(seen), true) = (seen(&rule.series_query), rule.query.uses_matchers()) {
                let is_missing =
                    |label: &String| seen.values().all(|of| !of.contains(label.as_str()));
                let there = || seen.values().next().into_iter().flatten().cloned().collect();
                let missing = queried.into_iter().filter(is_missing);
                missing_labels.extend(missing.map(|label| MissingLabel {
                    rule: at,
                    label,
                    there: there(),
                }));
            }
        }
        Self { entries: builder.entries.into_values().collect(), missing_labels }
    }
}

impl CatalogBuilder<'_> {
    /// Adds the metrics of one series. `name` is set to the metric's name once it is known.
    fn add(
        &mut self,
        rules: &[Rule],
        at: usize,
        series: &Arc<str>,
        labels: &BTreeSet<Arc<str>>,
        resolved: &mut HashMap<Arc<str>, Option<Resource>>,
        name: &mut Option<MetricName>,
    ) -> Result<(), NoMetricReason> {
        let rule = &rules[at];
        if let Some(filter) = rule.naming.kept_out_by(series) {
            *name = rule.naming.name(series).and_then(|name| name.parse().ok());
            return Err(NoMetricReason::Filtered(filter));
        }
        let text = rule.naming.name(series).unwrap_or_default();
        let metric: MetricName =
            text.parse().map_err(|error| NoMetricReason::Name(format!("{error}")))?;
        *name = Some(metric.clone());
        if rule.api == RuleApi::External {
            let namespace = Resource::known("namespaces").filter(|_| rule.namespaced);
            let namespace_label = match namespace {
                None => None,
                Some(namespace) => match rule.association.label_of(&namespace, self.resolve) {
                    Some(label) => Some(label),
                    None => return Err(NoMetricReason::NoNamespaceOfExternal),
                },
            };
            let query = RuleQuery {
                text: rule.query.clone(),
                series: series.to_string(),
                namespace_label,
                object_label: None,
                group_by: None,
            };
            let entry = CatalogEntry { metric, resource: None, label: None, rule: at, query };
            return self.insert(rules, entry);
        }
        let resolve = self.resolve;
        let resources: BTreeSet<_> = labels
            .iter()
            .filter_map(|label| {
                let find = || rule.association.resource_of(label, resolve);
                resolved.entry(label.clone()).or_insert_with(find).clone()
            })
            .collect();
        if resources.is_empty() {
            let labels: Vec<_> = labels.iter().map(|label| &**label).collect();
            return Err(NoMetricReason::NoObject(labels.join(", ")));
        }
        let namespaces = Resource::known("namespaces");
        let namespace_label =
            namespaces.and_then(|namespace| rule.association.label_of(&namespace, resolve));
        let mut result = Ok(());
        for resource in resources {
            let Some(object_label) = rule.association.label_of(&resource, resolve) else {
                continue;
            };
            let text = rule.query.clone();
            let series = series.to_string();
            let label = object_label.clone();
            let query = match (&namespace_label, resource.namespaced()) {
                // For namespaces the label of the namespace is that of the object.
                _ if resource.is_namespace() => RuleQuery {
                    text,
                    series,
                    namespace_label: Some(object_label.clone()),
                    object_label: None,
                    group_by: Some(object_label),
                },
                (Some(namespace), true) => RuleQuery {
                    text,
                    series,
                    namespace_label: Some(namespace.clone()),
                    object_label: Some(object_label),
                    group_by: None,
                },
                (_, false) => RuleQuery {
                    text,
                    series,
                    namespace_label: None,
                    object_label: Some(object_label),
                    group_by: None,
                },
                (None, true) => {
                    result = Err(NoMetricReason::NoNamespace { resource });
                    continue;
                }
            };
            let (metric, resource, label) = (metric.clone(), Some(resource), Some(label));
            self.insert(rules, CatalogEntry { metric, resource, label, rule: at, query })?;
        }
        result
    }

    /// Inserts a metric. As in prometheus-adapter, a later rule replaces an earlier one.
    fn insert(&mut self, rules: &[Rule], new: CatalogEntry) -> Result<(), NoMetricReason> {
        if !new.query.quotes_series() {
            return Err(NoMetricReason::SeriesName);
        }
        for label in new.query.namespace_label.iter().chain(&new.query.object_label) {
            if !self.queried.contains(label) {
                self.queried.insert(label.clone());
            }
        }
        let key = (new.metric.clone(), new.resource.clone());
        let by = format!("{} of {}", new.query.series, rules[new.rule].title());
        if let Some(hidden) = self.entries.insert(key, new) {
            let metric = Some(hidden.metric.clone());
            let why = NoMetricReason::Hidden { by, metric: hidden.metric };
            let series = hidden.query.series.as_str().into();
            (self.unserved)(Unserved { rule: hidden.rule, series, metric, why });
        }
        Ok(())
    }
}
