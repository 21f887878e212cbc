//! From rules and the series that were seen to metrics.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};

use super::query::RuleQuery;
use super::{Api, OnSeveral, Resolve, Rule};
use leadsman_model::names::MetricName;
use leadsman_model::resource::Resource;

/// What was seen for a series query: names of series, with the labels that any series of the name
/// has.
pub type Seen = BTreeMap<Arc<str>, BTreeSet<Arc<str>>>;

/// All metrics that rules give, by name.
#[derive(Debug, Default)]
pub struct Catalog {
    /// The metrics, no two for the same name and kind of objects.
    pub offered: Vec<Offered>,
    /// Labels that queries ask for and no series has.
    pub lacking: Vec<Lacking>,
}

/// A label that queries of a rule ask for, as a read adds its matcher, and that none of the rule's
/// series has: the metrics are listed, and their reads find nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// The number of the rule.
    pub rule: usize,
    /// The label.
    pub label: String,
    /// The labels of one of the series.
    pub there: Vec<Arc<str>>,
}

/// A metric that a rule gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// The name.
    pub metric: MetricName,
    /// The kind of objects; `None` for an external metric.
    pub resource: Option<Resource>,
    /// The label that names the object; `None` for an external metric.
    pub label: Option<String>,
    /// The number of the rule in the list that was given.
    pub rule: usize,
    /// The query.
    pub query: RuleQuery,
}

impl Offered {
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
    /// The number of the rule.
    pub rule: usize,
    /// The name of the series.
    pub series: Arc<str>,
    /// What the metric would be called, if that is known.
    pub metric: Option<MetricName>,
    /// Why.
    pub why: Why,
}

/// Why a rule with so many names of series gives no metric; `unserved` is one of them.
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
pub enum Why {
    /// The rule does not want it.
    #[error("the rule leaves it out by `{0}`")]
    Filtered(String),
    /// The name cannot be served.
    #[error("{0}")]
    Name(String),
    /// The name of the series is none that stands in a query as it is.
    #[error(
        "the name of the series cannot stand in the query as it is; write {{\"<<.Series>>\",…}} in \
         `metricsQuery`, if Prometheus takes names between quotes"
    )]
    SeriesName,
    /// No label names an object.
    #[error("none of its labels names an object: {0}")]
    NoObject(String),
    /// Objects live in namespaces, and no label is known to name one.
    #[error(
        "{resource} live in namespaces, and the rule does not say which label names the namespace; \
         add it to `resources.overrides`"
    )]
    NoNamespace {
        /// The kind of objects.
        resource: Resource,
    },
    /// An external metric is for the namespace of the read, and no label is known to name one.
    #[error(
        "the rule does not say which label names the namespace; add it to `resources.overrides`, \
         or set `resources.namespaced: false` if the metric is for all namespaces"
    )]
    NoNamespaceOfExternal,
    /// Another one gives the same metric.
    #[error("{by} gives {metric} for the same objects, and the later one holds")]
    Hidden {
        /// The other one.
        by: String,
        /// The metric.
        metric: MetricName,
    },
}

type Key = (MetricName, Option<Resource>);

struct Making<'a> {
    resolve: &'a Resolve<'a>,
    unserved: &'a mut dyn FnMut(Unserved),
    offered: BTreeMap<Key, Offered>,
    /// The labels that the queries of a rule ask for.
    asked: BTreeSet<String>,
}

impl Catalog {
    /// What rules give of what was seen for their series queries. `unserved` is told of each
    /// series that gives nothing.
    pub fn new<'s>(
        rules: &[Rule],
        seen: impl Fn(&str) -> Option<&'s Seen>,
        resolve: &Resolve<'_>,
        unserved: &mut dyn FnMut(Unserved),
    ) -> Self {
        let (offered, asked) = (BTreeMap::new(), BTreeSet::new());
        let mut making = Making { resolve, unserved, offered, asked };
        let mut lacking = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            // Many series have the same labels.
            let mut known = HashMap::new();
            for (series, labels) in seen(&rule.series_query).into_iter().flatten() {
                let mut metric = None;
                let made = making.series(rules, at, series, labels, &mut known, &mut metric);
                if let Err(why) = made {
                    (making.unserved)(Unserved { rule: at, series: series.clone(), metric, why });
                }
            }
            let asked = std::mem::take(&mut making.asked);
            if let (Some(seen), true) = (seen(&rule.series_query), rule.query.uses_matchers()) {
                let lacks = |label: &String| seen.values().all(|of| !of.contains(label.as_str()));
                let there = || seen.values().next().into_iter().flatten().cloned().collect();
                let lacks = asked.into_iter().filter(lacks);
                lacking.extend(lacks.map(|label| Lacking { rule: at, label, there: there() }));
            }
        }
        Self { offered: making.offered.into_values().collect(), lacking }
    }
}

impl Making<'_> {
    fn series(
        &mut self,
        rules: &[Rule],
        at: usize,
        series: &Arc<str>,
        labels: &BTreeSet<Arc<str>>,
        known: &mut HashMap<Arc<str>, Option<Resource>>,
        called: &mut Option<MetricName>,
    ) -> Result<(), Why> {
        let rule = &rules[at];
        if let Some(filter) = rule.naming.kept_out_by(series) {
            *called = rule.naming.name(series).and_then(|name| name.parse().ok());
            return Err(Why::Filtered(filter));
        }
        let name = rule.naming.name(series).unwrap_or_default();
        let metric: MetricName = name.parse().map_err(|error| Why::Name(format!("{error}")))?;
        *called = Some(metric.clone());
        if rule.api == Api::External {
            let namespace = Resource::known("namespaces").filter(|_| rule.namespaced);
            let namespace_label = match namespace {
                None => None,
                Some(namespace) => match rule.association.label_of(&namespace, self.resolve) {
                    Some(label) => Some(label),
                    None => return Err(Why::NoNamespaceOfExternal),
                },
            };
            let query = RuleQuery {
                text: rule.query.clone(),
                series: series.to_string(),
                namespace_label,
                object_label: None,
                group_by: None,
            };
            let offered = Offered { metric, resource: None, label: None, rule: at, query };
            return self.offer(rules, offered);
        }
        let resolve = self.resolve;
        let resources: BTreeSet<_> = labels
            .iter()
            .filter_map(|label| {
                let find = || rule.association.resource_of(label, resolve);
                known.entry(label.clone()).or_insert_with(find).clone()
            })
            .collect();
        if resources.is_empty() {
            let labels: Vec<_> = labels.iter().map(|label| &**label).collect();
            return Err(Why::NoObject(labels.join(", ")));
        }
        let namespaces = Resource::known("namespaces");
        let namespace_label =
            namespaces.and_then(|namespace| rule.association.label_of(&namespace, resolve));
        let mut refused = Ok(());
        for resource in resources {
            let Some(object_label) = rule.association.label_of(&resource, resolve) else {
                continue;
            };
            let text = rule.query.clone();
            let series = series.to_string();
            let label = object_label.clone();
            let query = match (&namespace_label, resource.namespaced()) {
                // A namespace is asked for as the namespace that it is.
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
                    refused = Err(Why::NoNamespace { resource });
                    continue;
                }
            };
            let (metric, resource, label) = (metric.clone(), Some(resource), Some(label));
            self.offer(rules, Offered { metric, resource, label, rule: at, query })?;
        }
        refused
    }

    /// As in prometheus-adapter, the later rule holds.
    fn offer(&mut self, rules: &[Rule], new: Offered) -> Result<(), Why> {
        if !new.query.quotes_series() {
            return Err(Why::SeriesName);
        }
        for label in new.query.namespace_label.iter().chain(&new.query.object_label) {
            if !self.asked.contains(label) {
                self.asked.insert(label.clone());
            }
        }
        let key = (new.metric.clone(), new.resource.clone());
        let by = format!("{} of {}", new.query.series, rules[new.rule].title());
        if let Some(hidden) = self.offered.insert(key, new) {
            let metric = Some(hidden.metric.clone());
            let why = Why::Hidden { by, metric: hidden.metric };
            let series = hidden.query.series.as_str().into();
            (self.unserved)(Unserved { rule: hidden.rule, series, metric, why });
        }
        Ok(())
    }
}
