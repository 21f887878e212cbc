//! What one mapping is made of, and binding it: its plugin checks its configuration, and queries
//! get their sources.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::runtime::{Kinds, Runtime};
use leadsman_config as config;
use leadsman_config::{PlannedQueries, valid};
use leadsman_document::{Fault, json_schema, segment};
use leadsman_evaluation::{
    self as evaluation, ActivationStatus, BoundQuery, Budget, Candidate, CircuitBreaker,
    Evaluations, ItemLabels, Link, Mapping, MissingLog, ObjectNames, PREVIOUS, RunCounts, Runs,
};
use leadsman_model::object_table::ObjectColumns;
use leadsman_model::owner::Owner;
use leadsman_model::serve::Serve;
use leadsman_sandbox::{Context, OwnQuery, PlannedQuery, Planning, Plugin, PluginFault};
use leadsman_source::{Query, Source, SourceSettings};

/// The sources by name, with their configuration.
pub(super) type Sources = BTreeMap<String, (SourceSettings, Arc<Source>)>;

/// Everything that a mapping is made of. Equal specs make equal mappings.
#[derive(Clone)]
pub(super) struct MappingSpec {
    pub(super) owner: Owner,
    pub(super) mapping: valid::Mapping,
    pub(super) plugin: Plugin,
    /// The plugins after it, one for each link of the mapping.
    pub(super) then: Vec<Plugin>,
    /// The plugin of the shadow evaluation, once it is loaded.
    pub(super) candidate: Option<Plugin>,
    pub(super) sources: Sources,
    pub(super) kinds: Kinds,
    pub(super) budget: Option<Arc<Budget>>,
    /// For resource metrics.
    pub(super) items: Option<ItemLabels>,
    /// Whether it is made of a rule.
    pub(super) of_rule: bool,
}

impl PartialEq for MappingSpec {
    fn eq(&self, other: &Self) -> bool {
        // Its place in the document does not change what it does.
        let moved = valid::Mapping { place: self.mapping.place.clone(), ..other.mapping.clone() };
        let digest =
            |plugin: &Option<Plugin>| plugin.as_ref().map(|plugin| plugin.digest().to_owned());
        let budget = |budget: &Option<Arc<Budget>>| budget.as_ref().map(Arc::as_ptr);
        let sources = self.sources.len() == other.sources.len()
            && self.sources.iter().zip(&other.sources).all(
                |((name, (_, one)), (other_name, (_, other)))| {
                    name == other_name && Arc::ptr_eq(one, other)
                },
            );
        self.owner == other.owner
            && self.mapping == moved
            && self.same_details(other)
            && self.plugin.digest() == other.plugin.digest()
            && self.then.iter().map(Plugin::digest).eq(other.then.iter().map(Plugin::digest))
            && digest(&self.candidate) == digest(&other.candidate)
            && sources
            && self.kinds.is_same(&other.kinds)
            && budget(&self.budget) == budget(&other.budget)
            && self.items == other.items
            && self.of_rule == other.of_rule
    }
}

impl MappingSpec {
    /// Whether both documents say the same of a custom resource. A cluster knows better than they.
    fn same_details(&self, other: &Self) -> bool {
        match (&self.kinds, &self.mapping.serve, &other.mapping.serve) {
            (Kinds::Listed(_), Serve::Custom(one), Serve::Custom(other)) => {
                one.details() == other.details()
            }
            _ => true,
        }
    }

    /// Has the plugin check its configuration and binds everything together. Blocks for as long as
    /// the plugin checks. The error is all faults.
    pub(super) fn bind(&self, runtime: &Runtime) -> Result<Arc<Evaluations>, Vec<Fault>> {
        let mut faults = Vec::new();
        let bound = self.mapping(runtime, &mut faults);
        match bound {
            Some(bound) if faults.is_empty() => {
                let tasks = runtime.tasks.clone();
                let quota = runtime.quota.clone();
                Ok(Arc::new(Evaluations::new(Arc::new(bound), quota, tasks, &runtime.end)))
            }
            _ => Err(faults),
        }
    }

    fn mapping(&self, runtime: &Runtime, faults: &mut Vec<Fault>) -> Option<Mapping> {
        let mapping = &self.mapping;
        let config_place = mapping.config_place();
        for query in &mapping.queries {
            let place = format!("{}/queries/{}/source", mapping.place, segment(&query.name));
            faults.extend(self.other_kind(query).map(|message| Fault::at(place, message)));
        }
        let (queries, object_columns) =
            self.plan(&self.plugin, &mapping.plugin, &mapping.config, &config_place, faults)?;
        let then = self.links(faults)?;
        let candidate = match (&self.candidate, &mapping.candidate) {
            (Some(plugin), Some((name, config))) => {
                let place = format!("{}/candidate/config", mapping.place);
                let (others, objects) = self.plan(plugin, name, config, &place, faults)?;
                if others != queries || (objects.is_some() && object_columns.is_none()) {
                    let message = format!(
                        "the candidate \"{name}\" asks for other queries or objects than the \
                         plugin that serves, so the two cannot be compared on the same answers"
                    );
                    faults.push(Fault::at(format!("{}/candidate", mapping.place), message));
                }
                Some(Candidate::new(name.clone(), plugin.clone(), config.to_string(), objects))
            }
            _ => None,
        };
        let queries = queries
            .into_iter()
            .filter_map(|query| {
                Some(BoundQuery {
                    source: self.sources.get(&query.source)?.1.clone(),
                    traffic: runtime.metrics.traffic(&query.source),
                    name: query.name,
                    source_name: query.source,
                    kind: query.kind,
                    max_sample_age: query.max_sample_age,
                })
            })
            .collect();
        let (serve, kind) = match &mapping.serve {
            // What is learned of a kind is learned once for all mappings.
            Serve::Custom(resource) => {
                let kind = self.kinds.get(resource);
                (Serve::Custom(kind.resource().clone()), Some(kind))
            }
            Serve::ResourceMetrics(resource) => {
                (mapping.serve.clone(), Some(self.kinds.get(resource)))
            }
            Serve::External => (Serve::External, None),
        };
        let of_candidate = candidate.as_ref().and_then(|one| one.object_columns.as_ref());
        let of_links = then.iter().filter_map(|link| link.object_columns.as_ref());
        let mut columns = object_columns.iter().chain(of_candidate).chain(of_links);
        if let Some(kind) = kind.as_ref().filter(|_| columns.any(|columns| columns.addresses)) {
            self.kinds.follow_addresses(kind);
        }
        let title = evaluation::title(&self.owner, &serve, &mapping.metric);
        let bound = Mapping {
            owner: self.owner.clone(),
            metric: mapping.metric.clone(),
            serve,
            kind,
            queries,
            own_queries: mapping.queries.len(),
            plugin_name: mapping.plugin.clone(),
            plugin: self.plugin.clone(),
            config: mapping.config.to_string(),
            object_columns,
            then,
            object_names: object_names(&mapping.config),
            of_rule: self.of_rule,
            policy: mapping.policy.clone(),
            any_object: mapping.any_object,
            limits: mapping.limits,
            budget: self.budget.clone(),
            items: self.items.clone(),
            breaker: CircuitBreaker::default(),
            runs: Runs::new(runtime.engine.slots_per_mapping()),
            candidate,
            metrics: runtime.metrics.mapping(&title),
            missing: MissingLog::default(),
            workloads: runtime.workloads.clone(),
            activation: mapping.activation.clone().map(ActivationStatus::new),
        };
        bound.queries.iter().for_each(|query| bound.metrics.will_query(&query.name));
        if let Serve::Custom(resource) = &mapping.serve
            && !resource.namespaced()
            && !resource.is_namespace()
            && bound.per_namespace()
        {
            let message =
                format!("{resource} live in no namespace, so \"${{namespace}}\" cannot be filled");
            faults.push(Fault::at(format!("{}/queries", mapping.place), message));
        }
        Some(bound)
    }

    /// Has a plugin check a configuration. Gives all queries, with those that the plugin adds, and
    /// what it asks for of the objects.
    fn plan(
        &self,
        plugin: &Plugin,
        name: &str,
        config: &serde_json::Value,
        place: &str,
        faults: &mut Vec<Fault>,
    ) -> Option<(Vec<Query>, Option<ObjectColumns>)> {
        let mapping = &self.mapping;
        let before = faults.len();
        let schema = &plugin.description().config_schema;
        faults.extend(json_schema::mismatches(schema, config, place));
        if faults.len() > before {
            return None;
        }
        let queries = mapping.queries.iter().map(own_query).collect();
        let context = Context { serve: &mapping.serve, queries };
        let title = evaluation::title(&self.owner, &mapping.serve, &mapping.metric);
        let (planned, objects) = match plugin.configure(&title, &config.to_string(), &context) {
            Ok(Planning::Accepted { queries, objects }) => (queries, objects),
            Ok(Planning::Refused(refused)) => {
                let located =
                    |fault: PluginFault| Fault::at(format!("{place}{}", fault.path), fault.message);
                faults.extend(refused.into_iter().map(located));
                return None;
            }
            Err(error) => {
                let message = format!("\"{name}\" cannot check this configuration: {error}");
                faults.push(Fault::at(place, message));
                return None;
            }
        };
        let mut queries = mapping.queries.clone();
        let sources = self.sources.keys().cloned().collect();
        let of_team = self.owner.namespace().is_some();
        let mut checked = PlannedQueries::new(mapping.source.as_deref(), sources, of_team);
        for planned in planned {
            match self.added_query(&planned, &queries, &mut checked) {
                Ok(query) => queries.push(query),
                Err(reasons) => {
                    let message = |reason| {
                        format!(
                            "the query \"{}\" that the plugin \"{name}\" brings: {reason}",
                            planned.name
                        )
                    };
                    let place = mapping.plugin_place();
                    faults.extend(
                        reasons.into_iter().map(|reason| Fault::at(place.clone(), message(reason))),
                    );
                }
            }
        }
        let added = &queries[mapping.queries.len()..];
        for message in config::unsummable(config, added) {
            faults.push(Fault::at(format!("{place}/combine"), message));
        }
        if let Some(columns) = &objects {
            faults.extend(self.no_addresses(columns, name));
        }
        Some((queries, objects))
    }

    /// Has each plugin after the first check its configuration. It gets what the one before it gives,
    /// and the answers that it names; it brings no queries.
    fn links(&self, faults: &mut Vec<Fault>) -> Option<Vec<Link>> {
        let mapping = &self.mapping;
        let title = evaluation::title(&self.owner, &mapping.serve, &mapping.metric);
        let mut links = Vec::with_capacity(self.then.len());
        for (number, (plugin, link)) in self.then.iter().zip(&mapping.then).enumerate() {
            let place = format!("{}/plugins/{}/config", mapping.place, number + 1);
            let before = faults.len();
            let schema = &plugin.description().config_schema;
            faults.extend(json_schema::mismatches(schema, &link.config, &place));
            if faults.len() > before {
                continue;
            }
            let named = mapping.queries.iter().filter(|query| link.queries.contains(&query.name));
            let mut queries: Vec<_> = named.map(own_query).collect();
            // No mapping asks for it, so there is nothing that it is written as.
            let written = serde_json::Value::Null.to_string();
            queries.push(OwnQuery { name: PREVIOUS.to_owned(), range: false, written });
            let context = Context { serve: &mapping.serve, queries };
            let name = &link.plugin;
            match plugin.configure(&title, &link.config.to_string(), &context) {
                Ok(Planning::Accepted { queries, objects }) => {
                    if !queries.is_empty() {
                        let message = format!(
                            "\"{name}\" brings queries, which only the first plugin of a chain may"
                        );
                        faults.push(Fault::at(place.clone(), message));
                    }
                    if let Some(columns) = &objects {
                        faults.extend(self.no_addresses(columns, name));
                    }
                    links.push(Link {
                        plugin_name: name.clone(),
                        plugin: plugin.clone(),
                        config: link.config.to_string(),
                        object_columns: objects,
                        queries: link.queries.clone(),
                        runs: RunCounts::default(),
                    });
                }
                Ok(Planning::Refused(refused)) => {
                    let located = |fault: PluginFault| {
                        Fault::at(format!("{place}{}", fault.path), fault.message)
                    };
                    faults.extend(refused.into_iter().map(located));
                }
                Err(error) => {
                    let message = format!("\"{name}\" cannot check this configuration: {error}");
                    faults.push(Fault::at(place, message));
                }
            }
        }
        (links.len() == self.then.len()).then_some(links)
    }

    /// Why the objects have no addresses, if a plugin asks for them.
    fn no_addresses(&self, columns: &ObjectColumns, plugin: &str) -> Option<Fault> {
        let served = match &self.mapping.serve {
            Serve::Custom(resource) if resource.has_addresses() => return None,
            Serve::Custom(resource) => format!("{resource} have none"),
            Serve::External | Serve::ResourceMetrics(_) => {
                "the metric is served for no objects".to_owned()
            }
        };
        let message = format!("the plugin \"{plugin}\" asks for addresses of pods, and {served}");
        columns.addresses.then(|| Fault::at(self.mapping.plugin_place(), message))
    }

    /// Why the source of a query cannot answer it, if it is of another kind.
    fn other_kind(&self, query: &Query) -> Option<String> {
        let (settings, _) = self.sources.get(&query.source)?;
        if settings.answers(&query.kind) {
            return settings
                .unsupported(&query.kind)
                .map(|reason| format!("\"{}\" {reason}", query.source));
        }
        Some(format!(
            "\"{}\" is {}, which cannot answer a query in {}",
            query.source,
            settings.described(),
            query.kind.language()
        ))
    }

    /// A query that the plugin adds, checked like one of the document. The error is all that is
    /// wrong with it.
    fn added_query(
        &self,
        planned: &PlannedQuery,
        before: &[Query],
        checked: &mut PlannedQueries,
    ) -> Result<Query, Vec<String>> {
        if let Some(at) = before.iter().position(|query| query.name == planned.name) {
            let message = match self.mapping.queries.get(at) {
                Some(_) => "the mapping has one of the name, too; remove it there",
                None => "it brings two of the name",
            };
            return Err(vec![message.to_owned()]);
        }
        let keys = planned.keys().map_err(|error| vec![format!("is not JSON: {error}")])?;
        let query = checked.query(&planned.name, keys)?;
        match self.other_kind(&query) {
            Some(message) => Err(vec![message]),
            None => Ok(query),
        }
    }
}

/// A query of the mapping, as plugins see it.
fn own_query(query: &Query) -> OwnQuery {
    OwnQuery {
        name: query.name.clone(),
        range: query.kind.is_range(),
        written: query.written().to_string(),
    }
}

/// The labels that name objects, in a configuration as the plugins of the SDK have it: `object` names
/// a label, `combine: omit` leaves out objects whose series do not agree, and `unnamed: omit` the
/// series without the label.
fn object_names(config: &serde_json::Value) -> Option<ObjectNames> {
    let text = |key: &str| config.get(key).and_then(serde_json::Value::as_str);
    let omits = |key: &str| text(key) == Some("omit");
    Some(ObjectNames {
        object: text("object")?.to_owned(),
        namespace: text("namespace").map(str::to_owned),
        omits_disputed: omits("combine"),
        required: !omits("unnamed"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_label_of_objects_is_that_of_the_configuration() {
        let names = object_names(&json!({"object": "pod", "combine": "omit"})).unwrap();
        assert_eq!((names.object.as_str(), names.namespace.as_deref()), ("pod", None));
        assert!(names.omits_disputed && names.required);
        let config =
            json!({"object": "pod", "namespace": "ns", "combine": "sum", "unnamed": "omit"});
        let names = object_names(&config).unwrap();
        assert_eq!(names.namespace.as_deref(), Some("ns"));
        assert!(!names.omits_disputed && !names.required);
        assert_eq!(object_names(&json!({"object": {"name": "fixed"}})), None);
        assert_eq!(object_names(&json!({})), None);
    }
}
