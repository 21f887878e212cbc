//! The metrics of rules, from the series that were listed: each is bound at its first read.

mod binding;
mod plugins;
mod unloaded;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::json;

use self::binding::{RuleBinding, text};
pub(super) use self::plugins::plugins_of;
use super::bindings::Handover;
use super::listing::SeriesIndex;
use super::mapping_spec::{MappingSpec, Sources};
use super::reason::{Cause, Reason};
use super::renewal::{Renewal, renew};
use super::rule_gaps::Gathering;
use super::runtime::{Kinds, Runtime};
use leadsman_config::valid;
use leadsman_document::{Fault, SourceMap, segment};
use leadsman_evaluation::{Evaluations, ItemLabels};
use leadsman_model::names::MetricName;
use leadsman_model::resource::Resource;
use leadsman_model::serve::Serve;
use leadsman_provider::snapshot::{LazyMetric, RuleGaps, RuleMetrics, RuleSeries};
use leadsman_rules::{
    Catalog, CatalogEntry, NoMetricReason, Resolve, ResourceQueries, RuleFinding, RuleQuery,
    Unserved, gives_nothing, resolver,
};
use leadsman_sandbox::Plugin;

/// What the metrics of rules are made of.
pub(super) struct Context {
    pub(super) rules: Arc<valid::Rules>,
    pub(super) source_map: Arc<SourceMap>,
    /// All that [`plugins_of`] the rules names.
    pub(super) plugins: BTreeMap<&'static str, Plugin>,
    pub(super) sources: Sources,
    pub(super) kinds: Kinds,
    pub(super) runtime: Runtime,
}

/// The metrics of rules.
#[derive(Clone, Default)]
pub(super) struct RuleOutput {
    pub(super) metrics: RuleMetrics,
    /// cpu and memory of nodes and pods.
    pub(super) resource_metrics: Vec<Arc<Evaluations>>,
    /// What is wrong, although the rest is served.
    pub(super) warnings: Vec<Cause>,
    /// What keeps something from being served.
    pub(super) errors: Vec<Cause>,
    /// Why what is served of some rules is their version before, as the new one cannot be bound.
    pub(super) kept: Vec<Cause>,
    /// What rules do not give.
    pub(super) gaps: Arc<RuleGaps>,
    /// What keeps it from being known what nodes or pods use.
    pub(super) resource_errors: Vec<(MetricName, Serve, Cause)>,
    /// What the metrics are made of, to see whether one is still the same.
    specs: HashMap<(MetricName, Serve), (Arc<RuleBinding>, Arc<LazyMetric>)>,
    resource_specs: Vec<(MappingSpec, Arc<Evaluations>)>,
    context: Option<Arc<Context>>,
}

/// Rule metrics under construction.
struct RuleMetricsBuilder<'a> {
    context: &'a Arc<Context>,
    before: Option<&'a RuleOutput>,
    handovers: Vec<Handover>,
    /// Why the new version of a rule cannot be bound, by its place. One attempt for each rule: others
    /// of its metrics would fail as well, and each may take the plugin's time.
    refused: BTreeMap<String, Vec<Fault>>,
}

impl RuleOutput {
    /// The rules that it is made of.
    pub(super) fn rules(&self) -> Option<&valid::Rules> {
        self.context.as_ref().map(|context| &*context.rules)
    }

    /// All that is wrong.
    pub(super) fn causes_mut(&mut self) -> impl Iterator<Item = &mut Cause> {
        let resources = self.resource_errors.iter_mut().map(|(_, _, cause)| cause);
        self.warnings.iter_mut().chain(&mut self.errors).chain(&mut self.kept).chain(resources)
    }

    /// The evaluations of a metric, if it was read.
    pub(super) fn bound(&self, metric: &MetricName, serve: &Serve) -> Option<Arc<Evaluations>> {
        let (_, metric) = self.specs.get(&(metric.clone(), serve.clone()))?;
        metric.bound().cloned()
    }

    /// The places of resource metrics in the document, with these metrics.
    pub(super) fn resource_places(&self) -> impl Iterator<Item = (&Serve, &MetricName, &str)> {
        let mappings = self.resource_specs.iter().map(|(spec, _)| &spec.mapping);
        mappings.map(|mapping| (&mapping.serve, &mapping.metric, mapping.place.as_str()))
    }

    /// Whether the same is served, and rejected.
    pub(super) fn serves_same(&self, other: &Self) -> bool {
        same(&self.metrics, &other.metrics)
            && same(&self.resource_metrics, &other.resource_metrics)
            && (&self.warnings, &self.errors) == (&other.warnings, &other.errors)
            && self.kept == other.kept
            && self.resource_errors == other.resource_errors
            && self.gaps == other.gaps
    }
}

impl Context {
    /// Makes the metrics of what was listed. Those that have not changed are those of `before`, with
    /// their evaluations; those that have and are in use are to begin.
    pub(super) fn rule_metrics(
        self,
        listed: &SeriesIndex,
        before: Option<&RuleOutput>,
    ) -> (RuleOutput, Vec<Handover>) {
        let known = before.and_then(|before| before.context.clone());
        let context = known.filter(|known| known.is_same(&self)).unwrap_or(Arc::new(self));
        context.made(listed, before)
    }

    /// Whether equal metrics are made of the same.
    fn is_same(&self, other: &Self) -> bool {
        let digests = |context: &Self| {
            let plugins = context.plugins.iter();
            plugins.map(|(name, plugin)| (*name, plugin.digest().to_owned())).collect::<Vec<_>>()
        };
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
        listed: &SeriesIndex,
        before: Option<&RuleOutput>,
    ) -> (RuleOutput, Vec<Handover>) {
        let resolve = resolver(&listed.resources);
        let mut of = RuleOutput { context: Some(self.clone()), ..RuleOutput::default() };
        for rule in &self.rules.rules {
            if let Some(reason) = listed.fault(&rule.series_query) {
                let place = format!("{}/seriesQuery", rule.place);
                let unavailable = Cause::new(Reason::SeriesUnavailable, place, reason);
                of.warnings.push(unavailable.warning());
            }
            for (label, name) in rule.association.unknown(&resolve) {
                let label = segment(label);
                let place = format!("{}/resources/overrides/{label}/resource", rule.place);
                if listed.resources_known {
                    let message = format!("there is no kind of objects called \"{name}\"");
                    of.errors.push(Cause::new(Reason::ConfigInvalid, place, &message).of_part());
                } else {
                    let message = format!(
                        "\"{name}\" is not a resource of every cluster, and what others this one \
                         has is not known"
                    );
                    let unknown = Cause::new(Reason::UnknownResource, place, &message);
                    of.warnings.push(unknown.warning());
                }
            }
        }
        let seen = |query: &str| listed.seen(query);
        let mut unserved = BTreeMap::new();
        let mut unserved_first = BTreeMap::new();
        let mut gaps = Gathering::new(&self.rules);
        let catalog = Catalog::new(&self.rules.rules, seen, &resolve, &mut |series| {
            unserved_first.entry(series.rule).or_insert_with(|| series.clone());
            gaps.add(&series);
            // One metric that cannot be served is reported for each rule.
            if matches!(
                series.why,
                NoMetricReason::NoNamespace { .. } | NoMetricReason::NoNamespaceOfExternal
            ) {
                unserved.entry(series.rule).or_insert(series);
            }
        });
        let giving: BTreeSet<_> = catalog.entries.iter().map(|entry| entry.rule).collect();
        for (at, rule) in self.rules.rules.iter().enumerate() {
            let query = &rule.series_query;
            // A list that failed, which is reported above, says nothing of what there is.
            let answered = listed.was_asked(query) && listed.fault(query).is_none();
            let gives = giving.contains(&at) || unserved.contains_key(&at);
            if let (Some(series), true, false) = (seen(query), answered, gives) {
                let place = format!("{}/seriesQuery", rule.place);
                let message = gives_nothing(series.len(), unserved_first.get(&at));
                of.warnings.push(Cause::new(Reason::NoMetrics, place, message).warning());
            }
        }
        for Unserved { rule, series, why, .. } in unserved.into_values() {
            let place = format!("{}/resources", self.rules.rules[rule].place);
            let cause = Cause::new(Reason::NoNamespace, place, format!("{series}: {why}"));
            of.warnings.push(cause.warning());
        }
        for label in &catalog.missing_labels {
            let RuleFinding { place, message, .. } = label.finding();
            let place = format!("{}{place}", self.rules.rules[label.rule].place);
            of.warnings.push(Cause::new(Reason::UnknownLabel, place, message).warning());
        }
        of.gaps = gaps.end(listed, &resolve, &catalog.entries);
        let (handovers, refused) = (Vec::new(), BTreeMap::new());
        let mut builder = RuleMetricsBuilder { context: &self, before, handovers, refused };
        let mut all = Vec::with_capacity(catalog.entries.len());
        for entry in catalog.entries {
            let series = self.series(listed, &entry);
            let (binding, metric) = builder.metric(entry);
            metric.listed(series);
            let key = (metric.metric.clone(), metric.serve.clone());
            of.specs.insert(key, (binding, metric.clone()));
            all.push(metric);
        }
        of.metrics = all.into();
        if let Some(resource_metrics) = &self.rules.resource_metrics {
            builder.resource_metrics(resource_metrics, &resolve, &mut of);
        }
        of.kept = builder
            .refused
            .into_iter()
            .map(|(place, faults)| refused_renewal(&place, &faults))
            .collect();
        (of, builder.handovers)
    }

    /// What is known of the series of a metric.
    fn series(&self, listed: &SeriesIndex, entry: &CatalogEntry) -> RuleSeries {
        let CatalogEntry { rule, query, .. } = entry;
        let asked = query.namespace_label.iter().chain(&query.object_label).cloned().collect();
        let seen = listed.shared(&self.rules.rules[*rule].series_query).unwrap_or_default();
        RuleSeries { name: query.series.clone(), asked, seen }
    }
}

impl RuleMetricsBuilder<'_> {
    fn metric(&mut self, entry: CatalogEntry) -> (Arc<RuleBinding>, Arc<LazyMetric>) {
        let (metric, rule) = (entry.metric.clone(), entry.rule);
        let serve = entry.resource.clone().map_or(Serve::External, Serve::Custom);
        let known =
            self.before.and_then(|before| before.specs.get(&(metric.clone(), serve.clone())));
        let new = Arc::new(RuleBinding { entry, context: self.context.clone() });
        if let Some((binding, metric)) = known
            && Arc::ptr_eq(&binding.context, &new.context)
            && binding.entry == new.entry
        {
            return (binding.clone(), metric.clone());
        }
        // What was never read is made when it is.
        let mut bound = None;
        if let Some((binding, metric)) = known
            && let Some(old) = metric.bound()
        {
            let spec = new.spec();
            let (place, runtime) = (&spec.mapping.place, &self.context.runtime);
            let before = binding.spec();
            match renew(place, &before, &spec, &mut self.refused, |spec| spec.bind(runtime)) {
                Renewal::Same => bound = Some(old.clone()),
                Renewal::New(new) => {
                    self.handovers.push(Handover { new: new.clone(), old: Some(old.clone()) });
                    bound = Some(new);
                }
                // It goes on as it was, and is tried again with the next list.
                Renewal::Refused => return (binding.clone(), metric.clone()),
            }
        }
        let binding = new.clone();
        let binder = Box::new(move || binding.clone().bind().boxed());
        (new, Arc::new(LazyMetric::new(metric, serve, rule, binder, bound)))
    }

    fn resource_metrics(
        &mut self,
        resource_metrics: &valid::ResourceMetricsRules,
        resolve: &Resolve<'_>,
        of: &mut RuleOutput,
    ) {
        let (cpu, memory) = (&resource_metrics.rules.cpu, &resource_metrics.rules.memory);
        let queries = [(cpu, cpu.pods(resolve)), (memory, memory.pods(resolve))];
        self.resource_metrics_of("pods", queries, resource_metrics.window, of);
        let queries = [(cpu, cpu.nodes(resolve)), (memory, memory.nodes(resolve))];
        self.resource_metrics_of("nodes", queries, resource_metrics.window, of);
    }

    fn resource_metrics_of(
        &mut self,
        resource: &str,
        queries: [(&ResourceQueries, Result<Option<RuleQuery>, String>); 2],
        window: Duration,
        of: &mut RuleOutput,
    ) {
        let Some(resource) = Resource::known(resource) else { return };
        let mut both = Vec::new();
        for ((queries, query), metric) in queries.into_iter().zip(["cpu", "memory"]) {
            let place = queries.place.clone();
            let serve = Serve::ResourceMetrics(resource.clone());
            match query {
                Ok(Some(query)) => {
                    both.extend(self.resource_metric(metric, serve, &query, window, &place, of));
                }
                // It is not configured.
                Ok(None) => {}
                Err(reason) => {
                    let place = format!("{place}/resources");
                    let refused = Cause::new(Reason::ConfigInvalid, place, &reason).of_part();
                    of.resource_errors.extend(metric.parse().ok().map(|m| (m, serve, refused)));
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
        of: &mut RuleOutput,
    ) -> Option<Arc<Evaluations>> {
        let metric = metric.parse().ok()?;
        let promql = text(query, self.context.rules.discovery.exact_queries);
        let mut spec = self.context.spec(metric, serve.clone(), promql, json!({}), place);
        spec.items = Some(ItemLabels {
            object: query.object_label.as_deref()?.into(),
            container: query.group_by.as_deref().map(Into::into),
            window,
        });
        let known = self.before.and_then(|before| {
            before.resource_specs.iter().find(|(known, _)| {
                known.mapping.serve == serve && known.mapping.metric == spec.mapping.metric
            })
        });
        let runtime = &self.context.runtime;
        let (spec, evaluations) = match known {
            Some((before, old)) => {
                match renew(place, before, &spec, &mut self.refused, |spec| spec.bind(runtime)) {
                    Renewal::Same => (spec, old.clone()),
                    Renewal::New(new) => {
                        self.handovers.push(Handover { new: new.clone(), old: Some(old.clone()) });
                        (spec, new)
                    }
                    Renewal::Refused => (before.clone(), old.clone()),
                }
            }
            None => match spec.bind(runtime) {
                Ok(new) => {
                    self.handovers.push(Handover { new: new.clone(), old: None });
                    (spec, new)
                }
                Err(faults) => {
                    let refused = Cause { reason: Reason::ConfigInvalid, faults }.of_part();
                    let metric = spec.mapping.metric.clone();
                    of.resource_errors.push((metric, serve, refused));
                    return None;
                }
            },
        };
        of.resource_specs.push((spec, evaluations.clone()));
        Some(evaluations)
    }
}

/// The warning about a rule whose new version cannot be bound.
fn refused_renewal(place: &str, faults: &[Fault]) -> Cause {
    let why: Vec<_> = faults.iter().map(|fault| fault.message.as_str()).collect();
    let message = format!(
        "its new version cannot be bound, and the one before is served: {}",
        why.join("; ")
    );
    Cause::new(Reason::ConfigInvalid, place, message).warning()
}

/// Whether two lists are of the very same.
fn same<T>(one: &[Arc<T>], other: &[Arc<T>]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| Arc::ptr_eq(one, other))
}

#[cfg(test)]
mod tests;
