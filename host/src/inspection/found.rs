//! What rules give, as it was found out.

use std::time::Duration;

use serde_json::Value;

use super::inspect::Lists;
use leadsman_config::{Parsed, valid};
use leadsman_document::{Document, Fault, Faults, Severity};
use leadsman_model::names::MetricName;
use leadsman_model::pointer;
use leadsman_model::resource::Resource;
use leadsman_model::serve::Serve;
use leadsman_rules::{
    Api, Catalog, Finding, Lacking, Offered, OnSeveral, Resolve, RuleQuery, Seen, Unserved,
    UsageQueries, gives_nothing,
};
use leadsman_source::Template;

/// What the rules of a configuration give.
#[derive(Debug, Default)]
pub struct Inspection {
    /// What the configuration is called.
    pub document: String,
    /// The configuration as it is written.
    pub written: Value,
    /// What is wrong with it, with warnings.
    pub faults: Option<Faults>,
    /// The source of the rules.
    pub source: Option<String>,
    /// A series was found if it had samples within this time.
    pub max_age: Duration,
    /// Whether the very queries of prometheus-adapter are sent.
    pub exact_queries: bool,
    /// What an object gets from several series that do not agree.
    pub on_several: OnSeveral,
    /// The rules without faults, in their order.
    pub rules: Vec<OfRule>,
    /// What is asked of nodes and pods.
    pub usage: Vec<UsageQuery>,
    /// Whether a cluster was asked for its kinds of objects, and why it has not told.
    pub kinds: Option<Result<(), String>>,
}

/// What one rule gives.
#[derive(Debug)]
pub struct OfRule {
    /// Where it stands: `rules[0]`.
    pub place: String,
    /// In which API.
    pub api: Api,
    /// Which series it asks for.
    pub series_query: String,
    /// How many names of series there are, or why they cannot be listed.
    pub seen: Result<usize, String>,
    /// What is wrong with it beyond its text.
    pub faults: Vec<String>,
    /// The same, where no cluster could say whether it is.
    pub doubts: Vec<String>,
    /// Why it gives no metric, if its series are known.
    pub nothing: Option<String>,
    /// The metrics.
    pub offers: Vec<Offer>,
    /// The series that give nothing.
    pub unserved: Vec<Unserved>,
}

/// A metric that a rule gives.
#[derive(Debug)]
pub struct Offer {
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
    /// The query of all objects of a namespace, or why there can be none.
    pub wider: Result<String, String>,
    /// Why that query is none of Prometheus, if it is none.
    pub unreadable: Option<String>,
    /// The query as the rule has it.
    pub template: String,
    /// Whether a mapping of the configuration serves this metric in place of the rule.
    pub mapped: bool,
}

/// What is asked of nodes or pods for one of cpu and memory.
#[derive(Debug)]
pub struct UsageQuery {
    /// `nodes` or `pods`.
    pub resource: &'static str,
    /// `cpu` or `memory`.
    pub of: &'static str,
    /// The query of all objects, or the query as it is written with why there is none.
    pub query: Result<String, (String, String)>,
    /// What is wrong with it, for a query that cannot be made.
    pub fault: Option<String>,
}

impl Offer {
    /// How the metric is called in discovery: `pods/http_requests`.
    pub fn title(&self) -> String {
        match &self.resource {
            Some(resource) => format!("{resource}/{}", self.metric),
            None => self.metric.to_string(),
        }
    }

    fn new(offered: Offered, on_several: OnSeveral, mappings: &[valid::Mapping]) -> Self {
        let config = offered.plugin_config(on_several, false);
        let Offered { metric, resource, label, query, .. } = offered;
        let serve = resource.clone().map_or(Serve::External, Serve::Custom);
        let mapped = |mapping: &valid::Mapping| mapping.metric == metric && mapping.serve == serve;
        let wider = Template::wider(&query);
        let checked = wider.as_ref().map_or(Ok(()), leadsman_config::check_promql);
        Self {
            mapped: mappings.iter().any(mapped),
            unreadable: checked.err(),
            wider: wider.map(|text| text.to_string()),
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
    /// Whether something is wrong: a fault, or a list that could not be had.
    pub fn has_faults(&self) -> bool {
        self.faults.as_ref().is_some_and(|faults| faults.numbers().0 > 0)
            || self.rules.iter().any(|rule| rule.seen.is_err() || !rule.faults.is_empty())
            || self.usage.iter().any(|usage| usage.fault.is_some())
    }

    /// How many warnings there are: what may be wrong, or gives nothing.
    pub fn warnings(&self) -> usize {
        let in_text = self.faults.as_ref().map_or(0, |faults| faults.numbers().1);
        let beyond = |rule: &OfRule| rule.doubts.len() + usize::from(rule.nothing.is_some());
        in_text + self.rules.iter().map(beyond).sum::<usize>()
    }

    /// All metrics, each with the rule that gives it.
    pub fn offers(&self) -> impl Iterator<Item = (&OfRule, &Offer)> {
        self.rules.iter().flat_map(|rule| rule.offers.iter().map(move |offer| (rule, offer)))
    }
}

impl Inspection {
    /// What the configuration says by itself.
    pub(super) fn of(parsed: &Parsed) -> Self {
        let Parsed { document, config, faults, .. } = parsed;
        let mut inspection = Self {
            document: document.name.clone(),
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

    /// Adds what rules make of lists.
    pub(super) fn add(
        &mut self,
        document: &Document,
        rules: &valid::Rules,
        lists: &Lists,
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
                let seen = match lists.get(&rule.series_query) {
                    Some(list) => list.as_ref().map(Seen::len).map_err(String::clone),
                    None => Ok(0),
                };
                OfRule {
                    place: rule.title(),
                    api: rule.api,
                    series_query: rule.series_query.clone(),
                    seen,
                    faults: faults.collect(),
                    doubts: Vec::new(),
                    nothing: None,
                    offers: Vec::new(),
                    unserved: Vec::new(),
                }
            })
            .collect();
        let mut unserved = Vec::new();
        let catalog =
            Catalog::new(&rules.rules, seen, resolve, &mut |series| unserved.push(series));
        self.add_lacking(document, rules, &catalog.lacking);
        for offered in catalog.offered {
            self.rules[offered.rule].offers.push(Offer::new(
                offered,
                rules.discovery.on_several,
                mappings,
            ));
        }
        for series in unserved {
            self.rules[series.rule].unserved.push(series);
        }
        for rule in &mut self.rules {
            if let (Ok(seen), true) = (&rule.seen, rule.offers.is_empty()) {
                rule.nothing = Some(gives_nothing(*seen, rule.unserved.first()));
            }
        }
        if let Some(usage) = &rules.usage {
            let parts = [("cpu", &usage.rules.cpu), ("memory", &usage.rules.memory)];
            for (of, queries) in parts {
                self.usage.extend(UsageQuery::new("pods", of, queries, queries.pods(resolve)));
            }
            for (of, queries) in parts {
                self.usage.extend(UsageQuery::new("nodes", of, queries, queries.nodes(resolve)));
            }
        }
    }
}

impl Inspection {
    /// Adds to the warnings that reads ask for labels which no series has.
    fn add_lacking(&mut self, document: &Document, rules: &valid::Rules, lacking: &[Lacking]) {
        let warning = |lacking: &Lacking| {
            let Finding { place, message, .. } = lacking.finding();
            let place = format!("{}{place}", rules.rules[lacking.rule].place);
            Fault::at(place, message).with(Severity::Warning)
        };
        if lacking.is_empty() {
            return;
        }
        let mut list = self.faults.take().map_or_else(Vec::new, |faults| faults.list);
        list.extend(document.locate(lacking.iter().map(warning).collect()).list);
        list.sort_by_key(|fault| fault.line);
        self.faults = Some(Faults { document: document.name.clone(), list });
    }
}

impl UsageQuery {
    fn new(
        resource: &'static str,
        of: &'static str,
        queries: &UsageQueries,
        query: Result<Option<RuleQuery>, String>,
    ) -> Option<Self> {
        match query {
            Ok(None) => None,
            Ok(Some(query)) => {
                let sent = Template::wider(&query).map(|text| text.to_string());
                let sent = sent.map_err(|why| (query.to_string(), why));
                Some(Self { resource, of, query: sent, fault: None })
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
