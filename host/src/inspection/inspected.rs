//! The result of an inspection: the metrics of each rule, and why series give none.

use std::time::Duration;

use serde_json::Value;

use super::inspect::SeriesLists;
use leadsman_config::{Parsed, valid};
use leadsman_document::{Document, Fault, Faults, Severity};
use leadsman_model::names::MetricName;
use leadsman_model::pointer;
use leadsman_model::resource::Resource;
use leadsman_model::serve::Serve;
use leadsman_rules::{
    Catalog, CatalogEntry, ListedSeries, MissingLabel, OnSeveral, Resolve, ResourceQueries,
    RuleApi, RuleFinding, RuleQuery, Unserved, gives_nothing,
};
use leadsman_source::Template;

/// What the rules of a configuration give.
#[derive(Debug, Default)]
pub struct Inspection {
    /// The name of the configuration.
    pub document: String,
    /// The configuration as written.
    pub written: Value,
    /// Its faults and warnings.
    pub faults: Option<Faults>,
    /// The source of the rules.
    pub source: Option<String>,
    /// The maximum age of the newest sample of a listed series.
    pub max_age: Duration,
    /// Whether exactly the queries of prometheus-adapter are sent.
    pub exact_queries: bool,
    /// The value of an object for which several series have different values.
    pub on_several: OnSeveral,
    /// The valid rules, in order.
    pub rules: Vec<InspectedRule>,
    /// The queries for resource metrics.
    pub resource_queries: Vec<ResourceQuery>,
    /// The result of discovery of kinds of objects; `None` without a cluster.
    pub discovery: Option<Result<(), String>>,
}

/// What one rule gives.
#[derive(Debug)]
pub struct InspectedRule {
    /// Its place: `rules[0]`.
    pub place: String,
    /// The API that serves its metrics.
    pub api: RuleApi,
    /// The selector of its series.
    pub series_query: String,
    /// The number of names of series, or why they cannot be listed.
    pub series: Result<usize, String>,
    /// Its faults that depend on the cluster.
    pub faults: Vec<String>,
    /// The same faults, if discovery is not available.
    pub possible_faults: Vec<String>,
    /// Why it gives no metric, if its series could be listed.
    pub without_metrics: Option<String>,
    /// The metrics.
    pub metrics: Vec<InspectedMetric>,
    /// The series that give no metric.
    pub unserved: Vec<Unserved>,
}

/// A metric that a rule gives.
#[derive(Debug)]
pub struct InspectedMetric {
    /// The name.
    pub metric: MetricName,
    /// The kind of objects; `None` for an external metric.
    pub resource: Option<Resource>,
    /// The label that names the object.
    pub label: Option<String>,
    /// The configuration of the plugin, where one query is for all objects.
    pub config: Value,
    /// The series.
    pub series: String,
    /// The widened query, or why the query cannot be widened.
    pub widened: Result<String, String>,
    /// Why the widened query is not PromQL, if it is not.
    pub invalid: Option<String>,
    /// The template of the query.
    pub template: String,
    /// Whether a mapping of the configuration serves this metric instead of the rule.
    pub overridden: bool,
}

/// A query for resource metrics.
#[derive(Debug)]
pub struct ResourceQuery {
    /// `nodes` or `pods`.
    pub resource: &'static str,
    /// `cpu` or `memory`.
    pub of: &'static str,
    /// The widened query, or the template with the reason why it cannot be widened.
    pub query: Result<String, (String, String)>,
    /// The fault of a query that cannot be generated.
    pub fault: Option<String>,
}

impl InspectedMetric {
    /// The name in discovery: `pods/http_requests`.
    pub fn title(&self) -> String {
        match &self.resource {
            Some(resource) => format!("{resource}/{}", self.metric),
            None => self.metric.to_string(),
        }
    }

    fn new(entry: CatalogEntry, on_several: OnSeveral, mappings: &[valid::Mapping]) -> Self {
        let config = entry.plugin_config(on_several, false);
        let CatalogEntry { metric, resource, label, query, .. } = entry;
        let serve = resource.clone().map_or(Serve::External, Serve::Custom);
        let overrides =
            |mapping: &valid::Mapping| mapping.metric == metric && mapping.serve == serve;
        let widened = Template::wider(&query);
        let checked = widened.as_ref().map_or(Ok(()), leadsman_config::check_promql);
        Self {
            overridden: mappings.iter().any(overrides),
            invalid: checked.err(),
            widened: widened.map(|text| text.to_string()),
            template: query.to_string(),
            series: query.series,
            metric,
            resource,
            label,
            config,
        }
    }
}

impl Inspection {
    /// Whether there is a fault, or a list of series that failed.
    pub fn has_faults(&self) -> bool {
        self.faults.as_ref().is_some_and(|faults| faults.numbers().0 > 0)
            || self.rules.iter().any(|rule| rule.series.is_err() || !rule.faults.is_empty())
            || self.resource_queries.iter().any(|query| query.fault.is_some())
    }

    /// The number of warnings, including rules without metrics.
    pub fn warnings(&self) -> usize {
        let in_document = self.faults.as_ref().map_or(0, |faults| faults.numbers().1);
        let of_rule = |rule: &InspectedRule| {
            rule.possible_faults.len() + usize::from(rule.without_metrics.is_some())
        };
        in_document + self.rules.iter().map(of_rule).sum::<usize>()
    }

    /// All metrics, each with its rule.
    pub fn metrics(&self) -> impl Iterator<Item = (&InspectedRule, &InspectedMetric)> {
        self.rules.iter().flat_map(|rule| rule.metrics.iter().map(move |metric| (rule, metric)))
    }
}

impl Inspection {
    /// An inspection of the configuration alone, without series.
    pub(super) fn of(parsed: &Parsed) -> Self {
        let Parsed { document, config, faults, .. } = parsed;
        let mut inspection = Self {
            document: document.name().to_owned(),
            faults: (!faults.is_empty()).then(|| document.locate(faults.clone())),
            written: document.value.clone(),
            ..Self::default()
        };
        if let Some(rules) = &config.rules {
            inspection.source = Some(rules.discovery.source.clone());
            inspection.max_age = rules.discovery.max_age;
            inspection.exact_queries = rules.discovery.exact_queries;
            inspection.on_several = rules.discovery.on_several;
        }
        inspection
    }

    /// Adds the metrics that rules give for the listed series.
    pub(super) fn add(
        &mut self,
        document: &Document,
        rules: &valid::Rules,
        lists: &SeriesLists,
        mappings: &[valid::Mapping],
        resolve: &Resolve<'_>,
    ) {
        let seen = |query: &str| lists.get(query).and_then(|list| list.as_ref().ok());
        self.rules = rules
            .rules
            .iter()
            .map(|rule| {
                let unknown = rule.association.unknown(resolve);
                let faults = unknown.map(|(label, name)| {
                    format!("the label \"{label}\" names objects of an unknown kind, \"{name}\"")
                });
                let series = match lists.get(&rule.series_query) {
                    Some(list) => list.as_ref().map(ListedSeries::len).map_err(String::clone),
                    None => Ok(0),
                };
                InspectedRule {
                    place: rule.title(),
                    api: rule.api,
                    series_query: rule.series_query.clone(),
                    series,
                    faults: faults.collect(),
                    possible_faults: Vec::new(),
                    without_metrics: None,
                    metrics: Vec::new(),
                    unserved: Vec::new(),
                }
            })
            .collect();
        let mut unserved = Vec::new();
        let catalog =
            Catalog::new(&rules.rules, seen, resolve, &mut |series| unserved.push(series));
        self.add_missing_labels(document, rules, &catalog.missing_labels);
        for entry in catalog.entries {
            self.rules[entry.rule].metrics.push(InspectedMetric::new(
                entry,
                rules.discovery.on_several,
                mappings,
            ));
        }
        for series in unserved {
            self.rules[series.rule].unserved.push(series);
        }
        for rule in &mut self.rules {
            if let (Ok(series), true) = (&rule.series, rule.metrics.is_empty()) {
                rule.without_metrics = Some(gives_nothing(*series, rule.unserved.first()));
            }
        }
        if let Some(valid::ResourceMetricsRules { rules, .. }) = &rules.resource_metrics {
            let parts = [("cpu", &rules.cpu), ("memory", &rules.memory)];
            for (of, queries) in parts {
                self.resource_queries.extend(ResourceQuery::new(
                    "pods",
                    of,
                    queries,
                    queries.pods(resolve),
                ));
            }
            for (of, queries) in parts {
                self.resource_queries.extend(ResourceQuery::new(
                    "nodes",
                    of,
                    queries,
                    queries.nodes(resolve),
                ));
            }
        }
    }
}

impl Inspection {
    /// Adds to the warnings that reads ask for labels which no series has.
    fn add_missing_labels(
        &mut self,
        document: &Document,
        rules: &valid::Rules,
        missing: &[MissingLabel],
    ) {
        let warning = |label: &MissingLabel| {
            let RuleFinding { place, message, .. } = label.finding();
            let place = format!("{}{place}", rules.rules[label.rule].place);
            Fault::at(place, message).with(Severity::Warning)
        };
        if missing.is_empty() {
            return;
        }
        let mut list = self.faults.take().map_or_else(Vec::new, |faults| faults.list);
        list.extend(document.locate(missing.iter().map(warning).collect()).list);
        list.sort_by_key(|fault| fault.line);
        self.faults = Some(Faults { document: document.name().to_owned(), list });
    }
}

impl ResourceQuery {
    fn new(
        resource: &'static str,
        of: &'static str,
        queries: &ResourceQueries,
        query: Result<Option<RuleQuery>, String>,
    ) -> Option<Self> {
        match query {
            Ok(None) => None,
            Ok(Some(query)) => {
                let widened = Template::wider(&query).map(|text| text.to_string());
                let widened = widened.map_err(|why| (query.to_string(), why));
                Some(Self { resource, of, query: widened, fault: None })
            }
            Err(reason) => {
                let place = pointer::written(&queries.place);
                let fault = format!("{place}.resources {reason}");
                let query = Err((String::new(), reason));
                Some(Self { resource, of, query, fault: Some(fault) })
            }
        }
    }
}
