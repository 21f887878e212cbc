//! What rules give, from the series that were listed: offers that are bound when they are read.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::json;

use super::bind::{Ingredients, Sources};
use super::job::{Refused, Succession};
use super::listing::Listed;
use super::parts::{Kinds, Parts};
use leadsman_config::valid;
use leadsman_document::{Document, Fault, segment};
use leadsman_evaluation::{Evaluations, ItemLabels, Policy};
use leadsman_model::names::MetricName;
use leadsman_model::owner::Owner;
use leadsman_model::resource::Resource;
use leadsman_model::serve::Serve;
use leadsman_provider::snapshot::{LazyMetric, RuleMetrics};
use leadsman_rules::{Catalog, Offered, Resolve, RuleQuery, Unserved, UsageQueries, Why, resolver};
use leadsman_sandbox::Limits;
use leadsman_sandbox::Plugin;
use leadsman_source::{Query, Template};

/// The plugins that rules run: for custom metrics, and for external ones.
pub(super) const OF_RULES: [&str; 2] = ["per-object", "external"];

/// What the metrics of rules are made of.
pub(super) struct Context {
    pub(super) rules: Arc<valid::Rules>,
    pub(super) document: Arc<Document>,
    /// As in [`OF_RULES`].
    pub(super) plugins: [Plugin; 2],
    pub(super) sources: Sources,
    pub(super) kinds: Kinds,
    pub(super) parts: Parts,
}

/// What rules give.
#[derive(Clone, Default)]
pub(super) struct OfRules {
    pub(super) metrics: RuleMetrics,
    /// cpu and memory of nodes and pods.
    pub(super) resource_metrics: Vec<Arc<Evaluations>>,
    /// What is wrong, although the rest is served.
    pub(super) noted: Vec<Refused>,
    /// What keeps something from being served.
    pub(super) refused: Vec<Refused>,
    /// What keeps it from being known what nodes or pods use.
    pub(super) refused_usage: Vec<(MetricName, Serve, Refused)>,
    /// What the metrics are made of, to tell whether one is still the same.
    made_of: HashMap<(MetricName, Serve), (Arc<RuleBinding>, Arc<LazyMetric>)>,
    usage_made_of: Vec<(Ingredients, Arc<Evaluations>)>,
    context: Option<Arc<Context>>,
}

/// What the metric of a rule is bound from.
struct RuleBinding {
    offered: Offered,
    context: Arc<Context>,
}

impl RuleBinding {
    /// Binds the metric. As many are bound at once as plugins may be configured at once.
    async fn bind(self: Arc<Self>) -> Result<Arc<Evaluations>, String> {
        let permit = self.context.parts.engine.loading().await;
        let bound = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            self.ingredients()
                .bind(&self.context.parts)
                .map_err(|faults| self.context.document.locate(faults).to_string())
        });
        bound.await.unwrap_or_else(|error| {
            tracing::error!(%error, "binding a rule's metric panicked");
            Err("the adapter failed while it bound the rule to its plugin".to_owned())
        })
    }

    fn ingredients(&self) -> Ingredients {
        let Offered { metric, resource, label, rule, query } = &self.offered;
        let serve = resource.clone().map_or(Serve::External, Serve::Custom);
        let config = match label {
            Some(label) => json!({"object": label, "combine": "omit"}),
            None => json!({"seriesName": true}),
        };
        let place = &self.context.rules.rules[*rule].place;
        self.context.ingredients(metric.clone(), serve, query, config, place)
    }
}

impl Context {
    fn ingredients(
        &self,
        metric: MetricName,
        serve: Serve,
        query: &RuleQuery,
        config: serde_json::Value,
        place: &str,
    ) -> Ingredients {
        let of_objects = matches!(serve, Serve::Custom(_));
        let [per_object, external] = &self.plugins;
        let source = &self.rules.discovery.source;
        let query = Query {
            name: "rule".to_owned(),
            source: source.clone(),
            promql: text(query, self.rules.discovery.exact_queries),
            range: None,
        };
        let mapping = valid::Mapping {
            place: place.to_owned(),
            metric,
            serve,
            queries: vec![query],
            source: Some(source.clone()),
            plugin: OF_RULES[usize::from(!of_objects)].to_owned(),
            config,
            candidate: None,
            policy: Policy::default(),
            any_object: true,
            limits: Limits::default(),
        };
        let sources = self.sources.get_key_value(source).into_iter();
        Ingredients {
            owner: Owner::Operator,
            mapping,
            plugin: if of_objects { per_object.clone() } else { external.clone() },
            candidate: None,
            sources: sources.map(|(name, source)| (name.clone(), source.clone())).collect(),
            kinds: self.kinds.clone(),
            budget: None,
            items: None,
        }
    }
}

/// The query that is sent: one for all objects, unless that may change a value or is not wanted.
fn text(query: &RuleQuery, exact: bool) -> Template {
    let wider = if exact { None } else { Template::wider(query).ok() };
    wider.unwrap_or_else(|| Template::of_rule(query.clone()))
}

/// Offers in the making.
struct Making<'a> {
    context: &'a Arc<Context>,
    before: Option<&'a OfRules>,
    successions: Vec<Succession>,
}

impl Context {
    /// Makes offers of what was listed. Those that have not changed are those of `before`, with
    /// their evaluations; those that have and are in use are to begin.
    pub(super) fn offers(
        self,
        listed: &Listed,
        before: Option<&OfRules>,
    ) -> (OfRules, Vec<Succession>) {
        let known = before.and_then(|before| before.context.clone());
        let context = known.filter(|known| known.is_same(&self)).unwrap_or(Arc::new(self));
        context.made(listed, before)
    }

    /// Whether equal offers are made of the same.
    fn is_same(&self, other: &Self) -> bool {
        let digests = |context: &Self| context.plugins.each_ref().map(|p| p.digest().to_owned());
        let source = |context: &Self| {
            let source = context.sources.get(&context.rules.discovery.source);
            source.map(|(_, source)| Arc::as_ptr(source))
        };
        self.rules == other.rules
            && digests(self) == digests(other)
            && source(self) == source(other)
            && self.kinds.is_same(&other.kinds)
    }

    fn made(
        self: Arc<Self>,
        listed: &Listed,
        before: Option<&OfRules>,
    ) -> (OfRules, Vec<Succession>) {
        let resolve = resolver(&listed.resources);
        let mut of = OfRules { context: Some(self.clone()), ..OfRules::default() };
        for rule in &self.rules.rules {
            if let Some(reason) = listed.fault(&rule.series_query) {
                let place = format!("{}/seriesQuery", rule.place);
                of.noted.push(refused("SeriesUnavailable", place, reason));
            }
            for (label, name) in rule.association.unknown(&resolve) {
                let label = segment(label);
                let place = format!("{}/resources/overrides/{label}/resource", rule.place);
                if listed.resources_known {
                    let message = format!("there is no kind of objects called \"{name}\"");
                    of.refused.push(refused("ConfigInvalid", place, &message));
                } else {
                    let message = format!(
                        "\"{name}\" is not a resource of every cluster, and what others this one \
                         has is not known"
                    );
                    of.noted.push(refused("UnknownResource", place, &message));
                }
            }
        }
        let seen = |query: &str| listed.seen(query);
        let mut unserved = BTreeMap::new();
        let catalog = Catalog::new(&self.rules.rules, seen, &resolve, &mut |series| {
            // What a rule wants and cannot have is told of, once for each rule.
            if matches!(series.why, Why::NoNamespace { .. } | Why::NoNamespaceOfExternal) {
                unserved.entry(series.rule).or_insert(series);
            }
        });
        for Unserved { rule, series, why, .. } in unserved.into_values() {
            let place = format!("{}/resources", self.rules.rules[rule].place);
            of.noted.push(refused("NoNamespace", place, &format!("{series}: {why}")));
        }
        let mut making = Making { context: &self, before, successions: Vec::new() };
        let mut all = Vec::with_capacity(catalog.offered.len());
        for offered in catalog.offered {
            let (binding, metric) = making.metric(offered);
            let key = (metric.metric.clone(), metric.serve.clone());
            of.made_of.insert(key, (binding, metric.clone()));
            all.push(metric);
        }
        of.metrics = all.into();
        if let Some(usage) = &self.rules.usage {
            making.resource_metrics(usage, &resolve, &mut of);
        }
        (of, making.successions)
    }
}

impl Making<'_> {
    fn metric(&mut self, offered: Offered) -> (Arc<RuleBinding>, Arc<LazyMetric>) {
        let metric = offered.metric.clone();
        let serve = offered.resource.clone().map_or(Serve::External, Serve::Custom);
        let known =
            self.before.and_then(|before| before.made_of.get(&(metric.clone(), serve.clone())));
        let new = Arc::new(RuleBinding { offered, context: self.context.clone() });
        if let Some((binding, metric)) = known
            && Arc::ptr_eq(&binding.context, &new.context)
            && binding.offered == new.offered
        {
            return (binding.clone(), metric.clone());
        }
        // What was never read is made when it is.
        let bound = known.and_then(|(binding, metric)| Some((binding, metric.bound()?.clone())));
        let bound = bound.and_then(|(binding, old)| {
            let ingredients = new.ingredients();
            if binding.ingredients() == ingredients {
                return Some(old);
            }
            let bound = ingredients.bind(&self.context.parts).ok()?;
            self.successions.push(Succession { new: bound.clone(), old: Some(old) });
            Some(bound)
        });
        let binding = new.clone();
        let binder = Box::new(move || binding.clone().bind().boxed());
        (new, Arc::new(LazyMetric::new(metric, serve, binder, bound)))
    }

    fn resource_metrics(&mut self, usage: &valid::Usage, resolve: &Resolve<'_>, of: &mut OfRules) {
        let (cpu, memory) = (&usage.rules.cpu, &usage.rules.memory);
        let queries = [(cpu, cpu.pods(resolve)), (memory, memory.pods(resolve))];
        self.resource_metrics_of("pods", queries, usage.window, of);
        let queries = [(cpu, cpu.nodes(resolve)), (memory, memory.nodes(resolve))];
        self.resource_metrics_of("nodes", queries, usage.window, of);
    }

    fn resource_metrics_of(
        &mut self,
        resource: &str,
        queries: [(&UsageQueries, Result<Option<RuleQuery>, String>); 2],
        window: Duration,
        of: &mut OfRules,
    ) {
        let Some(resource) = Resource::known(resource) else { return };
        let mut both = Vec::new();
        for ((queries, query), metric) in queries.into_iter().zip(["cpu", "memory"]) {
            let place = queries.place.clone();
            let serve = Serve::Usage(resource.clone());
            match query {
                Ok(Some(query)) => {
                    both.extend(self.resource_metric(metric, serve, &query, window, &place, of));
                }
                // It is not asked for.
                Ok(None) => {}
                Err(reason) => {
                    let place = format!("{place}/resources");
                    let refused = refused("ConfigInvalid", place, &reason);
                    of.refused_usage.extend(metric.parse().ok().map(|m| (m, serve, refused)));
                }
            }
        }
        if both.len() == 2 {
            of.resource_metrics.extend(both);
        }
    }

    fn resource_metric(
        &mut self,
        metric: &str,
        serve: Serve,
        query: &RuleQuery,
        window: Duration,
        place: &str,
        of: &mut OfRules,
    ) -> Option<Arc<Evaluations>> {
        let metric = metric.parse().ok()?;
        let mut ingredients =
            self.context.ingredients(metric, serve.clone(), query, json!({}), place);
        ingredients.items = Some(ItemLabels {
            object: query.object_label.as_deref()?.into(),
            container: query.group_by.as_deref().map(Into::into),
            window,
        });
        let known = self.before.and_then(|before| {
            before.usage_made_of.iter().find(|(known, _)| {
                known.mapping.serve == serve && known.mapping.metric == ingredients.mapping.metric
            })
        });
        let evaluations = match known {
            Some((same, evaluations)) if *same == ingredients => evaluations.clone(),
            other => match ingredients.bind(&self.context.parts) {
                Ok(new) => {
                    let old = other.map(|(_, old)| old.clone());
                    self.successions.push(Succession { new: new.clone(), old });
                    new
                }
                Err(faults) => {
                    let refused = Refused { reason: "ConfigInvalid", faults };
                    let metric = ingredients.mapping.metric.clone();
                    of.refused_usage.push((metric, serve, refused));
                    return None;
                }
            },
        };
        of.usage_made_of.push((ingredients, evaluations.clone()));
        Some(evaluations)
    }
}

fn refused(reason: &'static str, place: String, message: &str) -> Refused {
    Refused { reason, faults: vec![Fault::at(place, message)] }
}
