//! From an entry of the catalog to a mapping: what the metric of a rule is bound from.

use std::sync::Arc;

use super::super::mapping_spec::MappingSpec;
use super::Context;
use super::plugins::plugin_for;
use leadsman_config::valid;
use leadsman_evaluation::{Evaluations, Policy};
use leadsman_model::names::MetricName;
use leadsman_model::owner::Owner;
use leadsman_model::serve::Serve;
use leadsman_rules::{CatalogEntry, RuleQuery};
use leadsman_sandbox::Limits;
use leadsman_source::{Query, QueryKind, Template};

/// What the metric of a rule is bound from.
pub(super) struct RuleBinding {
    pub(super) entry: CatalogEntry,
    pub(super) context: Arc<Context>,
}

impl RuleBinding {
    /// Binds the metric. As many are bound at once as plugins may be configured at once.
    pub(super) async fn bind(self: Arc<Self>) -> Result<Arc<Evaluations>, String> {
        let permit = self.context.runtime.engine.loading().await;
        let bound = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            self.spec()
                .bind(&self.context.runtime)
                .map_err(|faults| self.context.source_map.locate(faults).to_string())
        });
        bound.await.unwrap_or_else(|error| {
            tracing::error!(%error, "binding a rule's metric panicked");
            Err("the adapter failed while it bound the rule to its plugin".to_owned())
        })
    }

    pub(super) fn spec(&self) -> MappingSpec {
        let CatalogEntry { metric, resource, rule, query, .. } = &self.entry;
        let serve = resource.clone().map_or(Serve::External, Serve::Custom);
        let rules = &self.context.rules;
        let promql = text(query, rules.discovery.exact_queries);
        let on_several = rules.discovery.on_several;
        let config = self.entry.plugin_config(on_several, promql.names_objects());
        let place = &rules.rules[*rule].place;
        self.context.spec(metric.clone(), serve, promql, config, place)
    }
}

impl Context {
    pub(super) fn spec(
        &self,
        metric: MetricName,
        serve: Serve,
        promql: Template,
        config: serde_json::Value,
        place: &str,
    ) -> MappingSpec {
        let plugin = plugin_for(&serve);
        let source = &self.rules.discovery.source;
        let query = Query {
            name: "rule".to_owned(),
            source: source.clone(),
            kind: QueryKind::PromQl { text: promql, range: None },
            max_sample_age: None,
        };
        let mapping = valid::Mapping {
            place: place.to_owned(),
            metric,
            serve,
            queries: vec![query],
            source: Some(source.clone()),
            plugin: plugin.to_owned(),
            config,
            then: Vec::new(),
            candidate: None,
            policy: Policy {
                deadline: self.rules.discovery.deadline,
                on_nan: self.rules.discovery.on_nan,
                ..Policy::default()
            },
            activation: None,
            any_object: true,
            limits: Limits::default(),
        };
        let sources = self.sources.get_key_value(source).into_iter();
        MappingSpec {
            owner: Owner::Operator,
            mapping,
            plugin: self.plugins[plugin].clone(),
            then: Vec::new(),
            candidate: None,
            sources: sources.map(|(name, source)| (name.clone(), source.clone())).collect(),
            kinds: self.kinds.clone(),
            budget: None,
            items: None,
            of_rule: true,
        }
    }
}

/// The query that is sent: one for all objects, unless that may change a value or is not wanted.
pub(super) fn text(query: &RuleQuery, exact: bool) -> Template {
    let wider = if exact { None } else { Template::wider(query).ok() };
    wider.unwrap_or_else(|| Template::of_rule(query.clone()))
}
