//! Finding out what rules give: the configuration, one list of series for each series query, and
//! what becomes of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use super::written;
use crate::clock;
use crate::cluster::{Cluster, ConnectError};
use crate::config::template::Template;
use crate::config::valid::{self, Serve};
use crate::config::{Faults, Flags, Parsed};
use crate::control::{self, ConfigOrigin};
use crate::model::names::MetricName;
use crate::model::resource::Resource;
use crate::rules::{
    Api, Catalog, Offered, Resolve, RuleQuery, Seen, Unserved, UsageQueries, resolver,
};
use crate::source::Source;

/// How many lists are asked for at once.
const AT_ONCE: usize = 4;

/// Whose rules are looked at.
#[derive(Debug, Clone)]
pub struct InspectOptions {
    /// Where the configuration is.
    pub config: ConfigOrigin,
    /// What the command line says beside it.
    pub flags: Flags,
    /// The cluster, for kinds of objects that not every cluster has; `None` for the one that this
    /// process is a pod of, if it is one.
    pub kubeconfig: Option<PathBuf>,
}

/// Why nothing can be said of rules.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// There is no way to the cluster.
    #[error(transparent)]
    Cluster(#[from] ConnectError),
    /// The configuration cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

/// What the rules of a configuration give.
#[derive(Debug, Default)]
pub struct Inspection {
    /// What the configuration is called.
    pub document: String,
    /// The configuration as it is written.
    pub written: Value,
    /// What is wrong with it.
    pub faults: Option<Faults>,
    /// The source of the rules.
    pub source: Option<String>,
    /// A series was found if it had samples within this time.
    pub max_age: Duration,
    /// Whether the very queries of prometheus-adapter are sent.
    pub exact_queries: bool,
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
    /// The metrics.
    pub offers: Vec<Offer>,
    /// The series that give nothing.
    pub unserved: Vec<Unserved>,
    /// The series whose namespace the rule does not know, although it asks for one namespace.
    pub without_namespace: bool,
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
    /// The series.
    pub series: String,
    /// The query of all objects of a namespace, or why there can be none.
    pub wider: Result<String, String>,
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

    fn new(offered: Offered, mappings: &[valid::Mapping]) -> Self {
        let Offered { metric, resource, label, query, .. } = offered;
        let serve = resource.clone().map_or(Serve::External, Serve::Custom);
        let mapped = |mapping: &valid::Mapping| mapping.metric == metric && mapping.serve == serve;
        Self {
            mapped: mappings.iter().any(mapped),
            wider: wider(&query),
            template: query.to_string(),
            series: query.series,
            metric,
            resource,
            label,
        }
    }
}

impl Inspection {
    /// Whether something is wrong: a fault, or a list that could not be had.
    pub fn has_faults(&self) -> bool {
        self.faults.is_some()
            || self.rules.iter().any(|rule| rule.seen.is_err() || !rule.faults.is_empty())
            || self.usage.iter().any(|usage| usage.fault.is_some())
    }

    /// All metrics, each with the rule that gives it.
    pub fn offers(&self) -> impl Iterator<Item = (&OfRule, &Offer)> {
        self.rules.iter().flat_map(|rule| rule.offers.iter().map(move |offer| (rule, offer)))
    }
}

/// Reads a configuration, lists series once, and says what its rules make of them.
pub async fn inspect(options: &InspectOptions) -> Result<Inspection, InspectError> {
    crate::tls::install_provider();
    let cluster = Cluster::connect(options.kubeconfig.as_deref()).await?;
    let parsed = control::read(&options.config, &options.flags, cluster.as_ref())
        .await
        .map_err(InspectError::Unreadable)?;
    let kinds = match &cluster {
        Some(cluster) => Some(cluster.resources().await),
        None => None,
    };
    let (resources, kinds) = match kinds {
        Some(Ok(resources)) => (resources, Some(Ok(()))),
        Some(Err(reason)) => (Vec::new(), Some(Err(reason))),
        None => (Vec::new(), None),
    };
    let mut inspection = made(parsed, &resources).await;
    inspection.kinds = kinds;
    // A kind may be there although the cluster has not told.
    if matches!(inspection.kinds, Some(Err(_))) {
        inspection.rules.iter_mut().for_each(|rule| rule.faults.clear());
    }
    Ok(inspection)
}

async fn made(parsed: Parsed, resources: &[Resource]) -> Inspection {
    let mut inspection = Inspection::of(&parsed);
    if let Some(rules) = &parsed.config.rules {
        let lists = listed(rules, parsed.config.sources.get(&rules.discovery.source)).await;
        inspection.add(rules, &lists, &parsed.config.mappings, &resolver(resources));
    }
    inspection
}

/// What was found for each series query.
pub(super) type Lists = BTreeMap<String, Result<Seen, String>>;

async fn listed(rules: &valid::Rules, source: Option<&valid::Source>) -> Lists {
    let mut queries: Vec<_> = rules.rules.iter().map(|rule| rule.series_query.clone()).collect();
    queries.sort();
    queries.dedup();
    let name = &rules.discovery.source;
    let source = match source.map(Source::new) {
        Some(Ok(source)) => Ok(source),
        Some(Err(error)) => Err(format!("the source \"{name}\": {:#}", anyhow::Error::from(error))),
        None => Err(format!("the source \"{name}\" has a fault")),
    };
    let max_age = i64::try_from(rules.discovery.max_age.as_millis()).unwrap_or(i64::MAX);
    let since = clock::now().saturating_sub(max_age);
    let source = &source;
    let ask = |query: String| async move {
        let seen = match source {
            Ok(source) => {
                let seen = source.series(&query, since).await;
                seen.map_err(|error| format!("the source \"{name}\" {error}"))
            }
            Err(reason) => Err(reason.clone()),
        };
        (query, seen)
    };
    stream::iter(queries).map(ask).buffer_unordered(AT_ONCE).collect().await
}

impl Inspection {
    /// What the configuration says by itself.
    pub(super) fn of(parsed: &Parsed) -> Self {
        let Parsed { document, config, faults } = parsed;
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
        }
        inspection
    }

    /// Adds what rules make of lists.
    pub(super) fn add(
        &mut self,
        rules: &Arc<valid::Rules>,
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
                    format!(
                        "the label \"{label}\" names objects of a kind that there is not, \"{name}\""
                    )
                });
                let seen = match lists.get(&rule.series_query) {
                    Some(list) => list.as_ref().map(Seen::len).map_err(String::clone),
                    None => Ok(0),
                };
                OfRule {
                    place: written(&rule.place),
                    api: rule.api,
                    series_query: rule.series_query.clone(),
                    seen,
                    faults: faults.collect(),
                    offers: Vec::new(),
                    unserved: Vec::new(),
                    without_namespace: false,
                }
            })
            .collect();
        let mut unserved = Vec::new();
        let catalog =
            Catalog::new(&rules.rules, seen, resolve, &mut |series| unserved.push(series));
        for offered in catalog.offered {
            let rule = offered.rule;
            let of_namespace = offered.query.namespace_label.is_some();
            let into = &mut self.rules[rule];
            into.without_namespace |= rules.rules[rule].api == Api::External
                && rules.rules[rule].namespaced
                && !of_namespace;
            into.offers.push(Offer::new(offered, mappings));
        }
        for series in unserved {
            self.rules[series.rule].unserved.push(series);
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
                let sent = wider(&query).map_err(|why| (query.to_string(), why));
                Some(Self { resource, of, query: sent, fault: None })
            }
            Err(reason) => {
                let fault = format!("{}.resources {reason}", written(&queries.place));
                let query = Err((String::new(), reason));
                Some(Self { resource, of, query, fault: Some(fault) })
            }
        }
    }
}

/// The query of all objects, if it is one that can be sent.
fn wider(query: &RuleQuery) -> Result<String, String> {
    let text = query.wider()?;
    Template::parse(&text)?;
    Ok(text)
}
