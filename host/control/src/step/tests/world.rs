//! A world around the machine: effects wait until a test lets them finish, in any order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use crate::document::{ConfigMapPart, Document, DocumentLocation};
use crate::effect::{Binding, Effect, Notice};
use crate::event::{Event, Panicked};
use crate::publication::{Contribution, Publication};
use crate::state::{ClusterAccess, Completeness, Outcome, ParseTask, Revision, SeriesState, State};
use crate::step::step;
use crate::watch_config::{ConfigEvent, ConfigOrigin};
use leadsman_config::valid;
use leadsman_document::{self as document, Fault};
use leadsman_evaluation::{Policy, TeamLimits};
use leadsman_model::owner::Owner;
use leadsman_model::serve::Serve;
use leadsman_runtime::files::FileFingerprint;
use leadsman_sandbox::Limits;

/// What binding gives here: the text of the document that was bound.
pub(super) type Product = String;

/// The machine, the work that it asked for, and what it made known.
pub(super) struct World {
    pub(super) state: State<Product>,
    /// Work that has not ended.
    pub(super) pending: Vec<Effect<Product>>,
    pub(super) publications: Vec<Publication<Product>>,
    /// All other effects.
    pub(super) done: Vec<Effect<Product>>,
    /// What the cache folder holds.
    pub(super) cache: BTreeMap<Owner, Arc<Document>>,
    /// How often a text was parsed.
    pub(super) parsed: BTreeMap<String, usize>,
    /// What there is of the plugins.
    pub(super) plugins: Plugins,
    /// Whether the series for rules are listed when settings are put in force.
    pub(super) series: SeriesState,
}

/// What there is of the plugins that documents name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plugins {
    Loading,
    Loaded,
    Broken,
}

/// How a piece of work ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Well,
    Panic,
}

impl World {
    pub(super) fn new() -> Self {
        let origin =
            ConfigOrigin::ConfigMap { namespace: "system".to_owned(), name: "config".to_owned() };
        Self {
            state: State::new(origin, ClusterAccess::Connected, Completeness::Operator),
            pending: Vec::new(),
            publications: Vec::new(),
            done: Vec::new(),
            cache: BTreeMap::new(),
            parsed: BTreeMap::new(),
            plugins: Plugins::Loaded,
            series: SeriesState::NotNeeded,
        }
    }

    /// One that has loaded an operator's document.
    pub(super) fn running(operator: &str) -> Self {
        let mut world = Self::new();
        world.operator(operator);
        world.settle();
        world.teams(&[]);
        world.settle();
        world
    }

    pub(super) fn event(&mut self, event: Event<Product>) {
        for effect in step(&mut self.state, event) {
            match effect {
                Effect::Publish { publication, .. } => self.publications.push(publication),
                Effect::Store { owner, document } => drop(self.cache.insert(owner, document)),
                Effect::Forget(owner) => drop(self.cache.remove(&owner)),
                Effect::Parse { .. }
                | Effect::Bind(_)
                | Effect::ApplySettings { .. }
                | Effect::ReadCache(_)
                | Effect::ReadTeamCache
                | Effect::CheckFiles { .. } => self.pending.push(effect),
                Effect::WatchTeams
                | Effect::ReportLoaded
                | Effect::CountLoad { .. }
                | Effect::Log(_) => self.done.push(effect),
            }
        }
    }

    pub(super) fn config(&mut self, event: ConfigEvent) {
        self.event(Event::Config(event));
    }

    pub(super) fn operator(&mut self, text: &str) {
        self.config(ConfigEvent::Operator(Ok(operator(text))));
    }

    /// Teams' documents are these and no others.
    pub(super) fn teams(&mut self, documents: &[Arc<Document>]) {
        self.config(ConfigEvent::Teams(documents.to_vec()));
    }

    pub(super) fn team(&mut self, document: &Arc<Document>) {
        self.config(ConfigEvent::Team(document.clone()));
    }

    /// Ends one piece of work.
    pub(super) fn finish(&mut self, number: usize, ending: Ending) {
        let effect = self.pending.remove(number);
        if let Effect::Parse { task, .. } = &effect {
            *self.parsed.entry(task.document.text.clone()).or_default() += 1;
        }
        let event = self.answer(effect, ending);
        self.event(event);
    }

    /// Ends all work, and what follows from it, in the order in which it was asked for.
    pub(super) fn settle(&mut self) {
        while !self.pending.is_empty() {
            self.finish(0, Ending::Well);
        }
    }

    fn answer(&self, effect: Effect<Product>, ending: Ending) -> Event<Product> {
        let panic = || Panicked("a fault of ours".to_owned());
        let well = ending == Ending::Well;
        match effect {
            Effect::Parse { owner, task } => {
                let ticket = task.ticket;
                let result = if well { Ok(Arc::new(parse(task))) } else { Err(panic()) };
                Event::Parsed { owner, ticket, result }
            }
            Effect::Bind(binding) => {
                let (owner, ticket) = (binding.owner.clone(), binding.ticket);
                let result = if well { Ok(self.bind(&binding)) } else { Err(panic()) };
                Event::Bound { owner, ticket, result }
            }
            Effect::ApplySettings { revision, .. } => {
                let settings = (Vec::new(), self.series);
                let result = if well { Ok(settings) } else { Err(panic()) };
                Event::SettingsApplied { revision, result }
            }
            Effect::ReadCache(owner) => {
                let document = self.cache.get(&owner).filter(|_| well).cloned();
                Event::CacheRead { owner, document }
            }
            Effect::ReadTeamCache => {
                let teams = self.cache.iter().filter(|(owner, _)| owner.namespace().is_some());
                Event::TeamCacheRead(teams.map(|(_, document)| document.clone()).collect())
            }
            Effect::CheckFiles { owner, revision, .. } => {
                Event::FilesChecked { owner, revision, changed: false }
            }
            other => unreachable!("{other:?} is no work"),
        }
    }

    fn bind(&self, binding: &Binding<Product>) -> Outcome<Product> {
        let claims = binding.revision.config.mappings.iter();
        Outcome {
            product: binding.revision.document.text.clone(),
            settled: self.plugins != Plugins::Loading,
            complete: self.plugins == Plugins::Loaded,
            claims: claims.map(|mapping| (mapping.metric.clone(), mapping.serve.clone())).collect(),
        }
    }

    /// The plugins that an owner's document names are in this state from now on.
    pub(super) fn plugins_become(&mut self, plugins: Plugins, owner: &Owner) {
        self.plugins = plugins;
        let named = self.state.documents.get(owner).into_iter().flat_map(|one| &one.plugins);
        let named: Vec<_> = named.filter_map(|(_, spec)| spec.as_ref().ok()).cloned().collect();
        assert!(!named.is_empty(), "{owner} names no plugin");
        for spec in named {
            self.event(Event::PluginChanged(spec));
        }
        self.settle();
    }

    /// The loads of an owner's documents that were counted: whether all of each was served.
    pub(super) fn loads(&self, of: &Owner) -> Vec<bool> {
        let loads = self.done.iter().filter_map(|effect| match effect {
            Effect::CountLoad { owner, complete } if owner == of => Some(*complete),
            _ => None,
        });
        loads.collect()
    }

    /// What was published last.
    pub(super) fn published(&self) -> &Publication<Product> {
        self.publications.last().expect("something was published")
    }

    pub(super) fn contribution(&self, owner: &Owner) -> Option<&Contribution<Product>> {
        let contributions = &self.published().contributions;
        contributions.iter().find(|contribution| contribution.owner == *owner)
    }

    /// The text that is served for an owner.
    pub(super) fn served(&self, owner: &Owner) -> Option<&str> {
        let contribution = self.contribution(owner)?;
        contribution.product.as_deref().filter(|_| contribution.served)
    }

    /// All that is served.
    pub(super) fn all_served(&self) -> BTreeMap<Owner, String> {
        let contributions = self.publications.last().map(|last| &last.contributions);
        let served = contributions.into_iter().flatten().filter(|one| one.served);
        served.filter_map(|one| Some((one.owner.clone(), one.product.clone()?))).collect()
    }

    /// The messages of what is rejected of an owner's document.
    pub(super) fn rejections(&self, owner: &Owner) -> Vec<String> {
        let rejections = self.contribution(owner).into_iter().flat_map(|one| &one.rejections);
        rejections.map(|one| format!("{}: {}", one.reason, one.message)).collect()
    }

    pub(super) fn notices(&self) -> Vec<&Notice> {
        let notices = self.done.iter().filter_map(|effect| match effect {
            Effect::Log(notice) => Some(notice),
            _ => None,
        });
        notices.collect()
    }

    pub(super) fn is_loaded(&self) -> bool {
        self.done.iter().any(|effect| matches!(effect, Effect::ReportLoaded))
    }

    /// The numbers of the pieces of work that a predicate selects.
    pub(super) fn find(&self, of: impl Fn(&Effect<Product>) -> bool) -> Vec<usize> {
        (0..self.pending.len()).filter(|&number| of(&self.pending[number])).collect()
    }

    /// Whose documents are being parsed.
    pub(super) fn parsing(&self) -> Vec<Owner> {
        let owners = self.pending.iter().filter_map(|effect| match effect {
            Effect::Parse { owner, .. } => Some(owner.clone()),
            _ => None,
        });
        owners.collect()
    }
}

pub(super) fn operator(text: &str) -> Arc<Document> {
    config_map("system", "config", 0, text)
}

/// A team's document. `created` is its age.
pub(super) fn team(namespace: &str, name: &str, created: i64, text: &str) -> Arc<Document> {
    config_map(namespace, name, created, text)
}

pub(super) fn owner(namespace: &str, name: &str) -> Owner {
    Owner::Team { namespace: namespace.parse().expect("a namespace"), name: name.into() }
}

fn config_map(namespace: &str, name: &str, created: i64, text: &str) -> Arc<Document> {
    let part = ConfigMapPart {
        namespace: namespace.parse().expect("a namespace"),
        name: name.to_owned(),
        uid: Some(format!("{namespace}-{name}-{created}")),
        binaries: BTreeMap::new(),
        created,
    };
    let name = format!("{namespace}/{name}");
    let location = DocumentLocation::ConfigMap(part);
    Arc::new(Document { name, text: text.to_owned(), location })
}

/// Reads the language of these tests: words that are metrics, `!` for a fault, `*30` for so many
/// metrics, `from:SOURCE` for a query, `file:PATH` for a file; of the operator
/// `team:NAMESPACE:SOURCE:MAPPINGS`.
fn parse(task: ParseTask) -> Revision {
    let ParseTask { ticket, document, team, .. } = task;
    let mut config = valid::Config::default();
    let (mut faults, mut files) = (Vec::new(), Vec::new());
    for word in document.text.split_whitespace() {
        if word == "!" {
            faults.push(Fault::on_line(1, "a fault"));
        } else if let Some(opened) = word.strip_prefix("team:") {
            config.teams.push(opened_to(opened));
        } else if let Some(source) = word.strip_prefix("from:") {
            if team.as_ref().is_some_and(|team| !team.sources.iter().any(|open| open == source)) {
                faults.push(Fault::on_line(1, format!("there is no source \"{source}\"")));
            }
        } else if let Some(path) = word.strip_prefix("file:") {
            files.push(FileFingerprint::of(PathBuf::from(path)));
        } else if let Some(count) = word.strip_prefix('*') {
            let count: usize = count.parse().expect("a number");
            let name = document.name.replace('/', "_");
            config.mappings.extend((0..count).map(|number| mapping(&format!("{name}_{number}"))));
        } else {
            config.mappings.push(mapping(word));
        }
    }
    let (parsed, _) = document::Document::parse(&document.name, "{}");
    let (source_map, config) = (Arc::new(parsed.source_map), Arc::new(config));
    Revision { id: ticket, document, source_map, config, team, faults, files }
}

fn opened_to(text: &str) -> valid::Team {
    let mut parts = text.split(':');
    let namespace = parts.next().expect("a namespace").to_owned();
    let source = parts.next().unwrap_or("prometheus").to_owned();
    let mappings = parts.next().map_or(50, |number| number.parse().expect("a number"));
    valid::Team {
        namespaces: vec![namespace],
        sources: vec![source],
        registries: Vec::new(),
        verify: None,
        limits: TeamLimits { mappings, ..TeamLimits::default() },
    }
}

fn mapping(metric: &str) -> valid::Mapping {
    valid::Mapping {
        place: String::new(),
        metric: metric.parse().expect("a metric"),
        serve: Serve::External,
        queries: Vec::new(),
        source: None,
        plugin: "external".to_owned(),
        config: Value::Null,
        then: Vec::new(),
        candidate: None,
        policy: Policy::default(),
        activation: None,
        any_object: false,
        limits: Limits::default(),
    }
}

/// The owners that lose a metric, with the one that holds it.
pub(super) fn conflicts(publication: &Publication<Product>) -> BTreeSet<(Owner, usize, Owner)> {
    let of = |one: &Contribution<Product>| {
        let owner = one.owner.clone();
        let conflicts = one.conflicts.clone().into_iter();
        conflicts.map(move |(number, holder)| (owner.clone(), number, holder)).collect::<Vec<_>>()
    };
    publication.contributions.iter().flat_map(of).collect()
}
