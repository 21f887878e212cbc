//! One generation of the configuration, with everything that a read needs.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use foldhash::fast::RandomState;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cluster::Watches;
use crate::config::template::Template;
use crate::config::valid::{self, Serve};
use crate::config::{self, Fault};
use crate::evaluation::{BoundQuery, Evaluations, Mapping};
use crate::model::resource::Resource;
use crate::objects::{self, Kind, Listing};
use crate::plugin::{Context, Engine, LoadError, PlannedQuery, Planning, Plugin};
use crate::source::Source;
use crate::telemetry::Metrics;

/// What a snapshot is made with.
#[derive(Clone)]
pub struct Parts {
    /// Runs the plugins.
    pub engine: Engine,
    /// Counts.
    pub metrics: Metrics,
    /// Owns the tasks of evaluations.
    pub tasks: TaskTracker,
    /// Ends them.
    pub end: CancellationToken,
    /// Knows which objects there are.
    pub objects: ObjectSource,
}

/// Where it is known from which objects there are.
#[derive(Clone)]
pub enum ObjectSource {
    /// From the configuration's list.
    Listed,
    /// From a cluster.
    Watched(Arc<Watches>),
}

/// The immutable set of everything a request needs.
pub struct Snapshot {
    /// Which one it is.
    pub generation: u64,
    /// The mappings of custom metrics, by metric.
    custom: HashMap<Box<str>, Vec<Arc<Evaluations>>, RandomState>,
    /// The mappings of external metrics, by metric.
    external: HashMap<Box<str>, Arc<Evaluations>, RandomState>,
    /// All of them, in the order of the configuration.
    all: Vec<Arc<Evaluations>>,
}

impl Snapshot {
    /// Loads plugins, has them check their configurations, and binds everything together. Faults
    /// are told by their place in the configuration, all of them.
    pub fn build(
        config: &valid::Config,
        generation: u64,
        parts: &Parts,
    ) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let sources = sources(config, &mut faults);
        let mut plugins =
            Plugins { engine: &parts.engine, files: &config.plugins, loaded: HashMap::new() };
        plugins.load_files(&mut faults);
        let objects = Kinds::new(&parts.objects, &config.objects, &mut faults);
        let mut snapshot = Self {
            generation,
            custom: HashMap::default(),
            external: HashMap::default(),
            all: Vec::new(),
        };
        for mapping in &config.mappings {
            let Some(plugin) = plugins.get(&mapping.plugin) else { continue };
            let bound = bind(mapping, plugin, &sources, &objects, parts, &mut faults);
            let Some(bound) = bound else { continue };
            let evaluations =
                Arc::new(Evaluations::new(Arc::new(bound), parts.tasks.clone(), &parts.end));
            let metric: Box<str> = mapping.metric.as_str().into();
            match &mapping.serve {
                Serve::Custom(_) => {
                    snapshot.custom.entry(metric).or_default().push(evaluations.clone());
                }
                Serve::External => {
                    snapshot.external.insert(metric, evaluations.clone());
                }
            }
            snapshot.all.push(evaluations);
        }
        if faults.is_empty() { Ok(snapshot) } else { Err(faults) }
    }

    /// The mapping of a custom metric for a resource, as a request names it.
    pub fn custom(&self, metric: &str, resource: &str) -> Option<&Arc<Evaluations>> {
        self.custom.get(metric)?.iter().find(|evaluations| match &evaluations.mapping().serve {
            Serve::Custom(known) => known.answers_to(resource),
            Serve::External => false,
        })
    }

    /// The mapping of an external metric.
    pub fn external(&self, metric: &str) -> Option<&Arc<Evaluations>> {
        self.external.get(metric)
    }

    /// The kinds of objects that mappings are served for, each once.
    pub fn kinds(&self) -> Vec<Arc<Kind>> {
        let kinds = self.all.iter().filter_map(|known| known.mapping().kind.clone());
        let mut kinds: Vec<_> = kinds.collect();
        kinds.sort_by(|a, b| a.resource().cmp(b.resource()));
        kinds.dedup_by(|a, b| a.resource() == b.resource());
        kinds
    }

    /// All mappings, in the order of the configuration.
    pub fn mappings(&self) -> &[Arc<Evaluations>] {
        &self.all
    }
}

fn sources(config: &valid::Config, faults: &mut Vec<Fault>) -> BTreeMap<String, Arc<Source>> {
    let mut sources = BTreeMap::new();
    for (name, source) in &config.sources {
        match Source::new(source) {
            Ok(source) => drop(sources.insert(name.clone(), Arc::new(source))),
            Err(error) => {
                let place = format!("/sources/{}", config::segment(name));
                faults.push(Fault::at(place, chain(&error)));
            }
        }
    }
    sources
}

/// The objects of each kind, from wherever they are known.
enum Kinds<'a> {
    Listed(HashMap<Resource, Arc<Kind>>),
    Watched(&'a Watches),
}

impl<'a> Kinds<'a> {
    fn new(source: &'a ObjectSource, list: &[valid::Object], faults: &mut Vec<Fault>) -> Self {
        match source {
            ObjectSource::Listed => Self::Listed(objects::listed(list)),
            ObjectSource::Watched(watches) => {
                if !list.is_empty() {
                    let message = "a cluster is asked which objects there are, so a list of them \
                                   would have no effect; remove it";
                    faults.push(Fault::at("/objects", message));
                }
                Self::Watched(watches)
            }
        }
    }

    fn get(&self, resource: &Resource) -> Arc<Kind> {
        match self {
            Self::Watched(watches) => watches.kind(resource),
            Self::Listed(kinds) => kinds.get(resource).cloned().unwrap_or_else(|| {
                let kind = Kind::starting(resource.clone());
                match resource.details() {
                    Some(_) => drop(kind.replace(Listing::default())),
                    None => drop(kind.interrupted(format!(
                        "there is no cluster to ask what {resource} are; say it with `kind` under \
                         the mapping's `serve.custom`"
                    ))),
                }
                Arc::new(kind)
            }),
        }
    }
}

/// The plugins of a snapshot, each loaded once.
struct Plugins<'a> {
    engine: &'a Engine,
    files: &'a BTreeMap<String, PathBuf>,
    loaded: HashMap<String, Option<Plugin>>,
}

impl Plugins<'_> {
    /// Files are loaded even if no mapping uses them, so that a broken one is told.
    fn load_files(&mut self, faults: &mut Vec<Fault>) {
        for (name, path) in self.files {
            let plugin = match Plugin::read(self.engine, path) {
                Ok(plugin) => Some(plugin),
                Err(error) => {
                    let place = format!("/plugins/{}/file", config::segment(name));
                    let message = match error {
                        LoadError::Read { .. } => chain(&error),
                        error => format!("{} is not a plugin: {}", path.display(), chain(&error)),
                    };
                    faults.push(Fault::at(place, message));
                    None
                }
            };
            self.loaded.insert(name.clone(), plugin);
        }
    }

    fn get(&mut self, name: &str) -> Option<Plugin> {
        if let Some(known) = self.loaded.get(name) {
            return known.clone();
        }
        let shipped = leadsman_shipped_plugins::SHIPPED_PLUGINS.iter().find(|p| p.name == name)?;
        let plugin = match Plugin::load(self.engine, shipped.component) {
            Ok(plugin) => Some(plugin),
            Err(error) => {
                tracing::error!(
                    plugin = name,
                    error = chain(&error),
                    "a shipped plugin cannot be loaded"
                );
                None
            }
        };
        self.loaded.insert(name.to_owned(), plugin.clone());
        plugin
    }
}

fn bind(
    mapping: &valid::Mapping,
    plugin: Plugin,
    sources: &BTreeMap<String, Arc<Source>>,
    objects: &Kinds<'_>,
    parts: &Parts,
    faults: &mut Vec<Fault>,
) -> Option<Mapping> {
    let before = faults.len();
    let config = mapping.config.to_string();
    let config_place = format!("{}/config", mapping.place);
    let schema = &plugin.description().config_schema;
    faults.extend(config::schema_faults(schema, &mapping.config, &config_place));
    if faults.len() > before {
        return None;
    }
    let context = Context { serve: &mapping.serve, queries: &mapping.queries };
    let (planned, wants_objects) =
        match plugin.configure(mapping.metric.as_str(), &config, &context) {
            Ok(Planning::Accepted { queries, objects }) => (queries, objects),
            Ok(Planning::Refused(refused)) => {
                let located = |fault: crate::plugin::PluginFault| {
                    Fault::at(format!("{config_place}{}", fault.path), fault.message)
                };
                faults.extend(refused.into_iter().map(located));
                return None;
            }
            Err(error) => {
                let message =
                    format!("\"{}\" cannot check this configuration: {error}", mapping.plugin);
                faults.push(Fault::at(config_place, message));
                return None;
            }
        };
    let mut queries: Vec<_> = mapping.queries.clone();
    for planned in planned {
        queries.extend(brought(mapping, planned, faults));
    }
    let queries: Vec<_> = queries
        .into_iter()
        .filter_map(|query| {
            Some(BoundQuery {
                source: sources.get(&query.source)?.clone(),
                name: query.name,
                source_name: query.source,
                promql: query.promql,
                range: query.range,
            })
        })
        .collect();
    let (serve, kind) = match &mapping.serve {
        // What is learned of a kind is learned once for all mappings.
        Serve::Custom(resource) => {
            let kind = objects.get(resource);
            (Serve::Custom(kind.resource().clone()), Some(kind))
        }
        Serve::External => (Serve::External, None),
    };
    let bound = Mapping {
        metric: mapping.metric.clone(),
        serve,
        kind,
        queries,
        plugin_name: mapping.plugin.clone(),
        plugin,
        config,
        wants_objects,
        policy: mapping.policy,
        limits: mapping.limits,
        metrics: parts.metrics.mapping(&mapping.serve.title(&mapping.metric)),
    };
    if let Serve::Custom(resource) = &mapping.serve
        && !resource.namespaced()
        && !resource.is_namespace()
        && bound.per_namespace()
    {
        let message =
            format!("{resource} live in no namespace, so \"${{namespace}}\" cannot be filled");
        faults.push(Fault::at(format!("{}/queries", mapping.place), message));
    }
    (faults.len() == before).then_some(bound)
}

/// A query that the plugin brings, checked like one of the file.
fn brought(
    mapping: &valid::Mapping,
    planned: PlannedQuery,
    faults: &mut Vec<Fault>,
) -> Option<valid::Query> {
    let name = &planned.name;
    let mut fault = |key: &str, message: String| {
        faults.push(Fault::at(format!("{}/{key}", mapping.place), message));
    };
    let Some(source) = mapping.source.clone() else {
        fault(
            "plugin",
            format!("the plugin brings the query \"{name}\"; say with `source` where it goes"),
        );
        return None;
    };
    if mapping.queries.iter().any(|query| query.name == *name) {
        fault("queries", format!("the plugin brings the query \"{name}\" itself; remove it here"));
        return None;
    }
    let checked = Template::parse(&planned.promql)
        .and_then(|promql| config::check_promql(&promql).map(|()| promql));
    match checked {
        Ok(promql) => {
            Some(valid::Query { name: planned.name, source, promql, range: planned.range })
        }
        Err(error) => {
            fault("plugin", format!("the query \"{name}\" that the plugin brings: {error}"));
            None
        }
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
