//! The one task that knows all documents and what became of them. It starts the work, takes its
//! results, and publishes snapshots; it never waits for a plugin, a registry or kube-apiserver.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{self, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::assembly::Assembly;
use super::bind::Sources;
use super::document::{At, Document};
use super::fetch::{Fetcher, chain};
use super::found::{self, ConfigOrigin, Found};
use super::job::{Job, Refused, Set};
use super::keeping::{config_map_document, kept, kept_team_document, owner_of};
use super::parts::{Kinds, Parts};
use super::plugins::{Handle, Place, Plugins, Wanted};
use super::policy::Policy;
use super::report::{EventQueue, EventWriter, Report};
use super::state::{Good, State};
use super::store::{Kept, Store};
use super::{Loaded, Setup};
use crate::cluster::{Cluster, ConfigMapReference, Unseen};
use crate::config::{self, Fault, Parsed, valid};
use crate::evaluation::Budget;
use crate::model::names::Namespace;
use crate::model::owner::Owner;
use crate::snapshot::{Rejected, Snapshot};
use crate::source::Source;

/// How long a start waits for what cannot be had before it goes on with what was kept.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a document with faults is read again although it has not changed.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What shipped plugins may have: they are ours.
const SHIPPED_BYTES: u64 = 32 << 20;

/// Follows documents and publishes snapshots.
pub struct Controller {
    parts: Parts,
    origin: ConfigOrigin,
    cluster: Option<Cluster>,
    /// Whether the first look waits for everybody.
    all: bool,
    store: Option<Arc<Store>>,
    plugins: Plugins,
    policy: Policy,
    sources: Sources,
    /// What is wrong with sources: they cannot be used by anyone.
    source_faults: Vec<Fault>,
    kinds: Kinds,
    budgets: BTreeMap<Namespace, Arc<Budget>>,
    owners: BTreeMap<Owner, State>,
    /// Whether all teams' documents are known, or nobody waits for them.
    teams_known: bool,
    /// Why the teams' documents cannot be followed.
    teams_fault: Option<Unseen>,
    following_teams: bool,
    /// Whether what was kept stands in for what cannot be had.
    patient: bool,
    jobs: JoinSet<Set>,
    /// Whose they are.
    working: HashMap<task::Id, Owner>,
    report: Report,
    event_writer: Option<EventWriter>,
    published: Arc<Snapshot>,
    first: Option<oneshot::Sender<Loaded>>,
}

impl Controller {
    /// A controller. What is told by the receiver is how the first look at everything went.
    pub fn new(setup: Setup) -> (Self, oneshot::Receiver<Loaded>) {
        let Setup { parts, compiler, cache, origin, cluster, all } = setup;
        let store = cache.and_then(|folder| open_store(&folder)).map(Arc::new);
        let fetcher = Fetcher {
            engine: parts.engine.clone(),
            compiler,
            store: store.clone(),
            cluster: cluster.clone(),
        };
        let plugins = Plugins::new(fetcher, parts.tasks.clone(), parts.end.clone());
        let (report, event_writer) =
            Report::new(parts.metrics.clone(), cluster.as_ref().map(EventQueue::of));
        let kinds = Kinds::new(&parts.objects, &[], None);
        let (first, told) = oneshot::channel();
        let controller = Self {
            parts,
            origin,
            cluster,
            all,
            store,
            plugins,
            policy: Policy::default(),
            sources: Sources::new(),
            source_faults: Vec::new(),
            kinds,
            budgets: BTreeMap::new(),
            owners: BTreeMap::new(),
            teams_known: false,
            teams_fault: None,
            following_teams: false,
            patient: true,
            jobs: JoinSet::new(),
            working: HashMap::new(),
            report,
            event_writer,
            published: Arc::new(Snapshot::new(0, Vec::new(), Vec::new())),
            first: Some(first),
        };
        (controller, told)
    }

    /// What is served before anything is known.
    pub fn empty(&self) -> Arc<Snapshot> {
        self.published.clone()
    }

    /// Follows everything and publishes by a function. Does not end by itself.
    pub async fn run(mut self, publish: impl Fn(Arc<Snapshot>)) {
        let (tell, mut found) = mpsc::channel(64);
        let mut followers = JoinSet::new();
        let (origin, cluster, told) = (self.origin.clone(), self.cluster.clone(), tell.clone());
        followers.spawn(async move { found::operator(&origin, cluster.as_ref(), &told).await });
        if let Some(writer) = self.event_writer.take() {
            followers.spawn(writer.run());
        }
        let mut changes = self.plugins.changes();
        let patience = Instant::now() + PATIENCE;
        let mut again = tokio::time::interval(LOOK_AGAIN);
        loop {
            tokio::select! {
                Some(found) = found.recv() => {
                    self.take(found);
                    if self.wants_teams() && let Some(cluster) = self.cluster.clone() {
                        self.following_teams = true;
                        let told = tell.clone();
                        followers.spawn(async move { found::teams(&cluster, &told).await });
                    }
                }
                Ok(()) = changes.changed() => {
                    for state in self.owners.values_mut() {
                        state.dirty = true;
                    }
                }
                Some(done) = self.jobs.join_next_with_id() => self.finished(done),
                () = sleep_until(patience), if self.patient => self.out_of_patience(),
                _ = again.tick() => self.look_again(),
            }
            self.work();
            self.settle(&publish);
        }
    }

    fn wants_teams(&self) -> bool {
        !self.following_teams && !self.policy.0.teams.is_empty()
    }

    /// Takes in what was found.
    fn take(&mut self, found: Found) {
        match found {
            Found::Operator(Ok(document)) => {
                self.set_document(Owner::Operator, document);
                self.read(&Owner::Operator);
            }
            Found::Operator(Err(reason)) => {
                let state = self.owners.entry(Owner::Operator).or_default();
                state.unreadable = Some(reason);
                if state.good.is_none() && self.restore(&Owner::Operator) {
                    self.adopt_policy();
                }
            }
            Found::Team(document) => {
                if let Some(owner) = owner_of(&document) {
                    self.set_document(owner, *document);
                    self.read_teams();
                }
            }
            Found::TeamGone(namespace, name) => {
                self.drop_team(&Owner::Team { namespace, name: name.into() });
                self.read_teams();
            }
            Found::Teams(documents) => {
                let found: Vec<_> = documents.iter().filter_map(owner_of).collect();
                let gone: Vec<_> = self
                    .owners
                    .keys()
                    .filter(|owner| owner.namespace().is_some() && !found.contains(owner))
                    .cloned()
                    .collect();
                for owner in gone {
                    self.drop_team(&owner);
                }
                for (owner, document) in found.into_iter().zip(documents) {
                    self.set_document(owner, document);
                }
                (self.teams_known, self.teams_fault) = (true, None);
                self.read_teams();
            }
            // A watch that is interrupted goes on where it was, without a word, so what is said
            // of one that had begun cannot be taken back.
            Found::TeamsUnseen(unseen) if self.teams_known => {
                tracing::warn!(reason = unseen.reason, "the teams' ConfigMaps cannot be followed");
            }
            Found::TeamsUnseen(unseen) => self.teams_fault = Some(unseen),
            Found::OperatorUnseen(reason) => {
                let state = self.owners.entry(Owner::Operator).or_default();
                if state.document.is_some() {
                    tracing::warn!(reason, "the configuration cannot be followed");
                } else {
                    state.unreadable = Some(reason);
                    if state.good.is_none() && self.restore(&Owner::Operator) {
                        self.adopt_policy();
                    }
                }
            }
        }
    }

    fn set_document(&mut self, owner: Owner, document: Document) {
        let state = self.owners.entry(owner).or_default();
        state.unreadable = None;
        state.document = Some(document);
    }

    fn drop_team(&mut self, owner: &Owner) {
        self.owners.remove(owner);
        if let Some(store) = &self.store {
            store.forget_document(&owner.to_string());
        }
    }

    /// Reads an owner's document as it is now.
    fn read(&mut self, owner: &Owner) {
        let team = match owner.namespace() {
            None => None,
            Some(namespace) => match self.open_to(owner, namespace) {
                Some(team) => Some(team),
                None => return self.nothing_open(owner, &namespace.clone()),
            },
        };
        let Some(state) = self.owners.get_mut(owner) else { return };
        let Some(document) = state.document.clone() else { return };
        if let Some(good) = &state.good
            && good.served
            && state.faults.is_empty()
            && good.document == document
            && good.team == team
        {
            return;
        }
        let Parsed { document: located, config, faults } = document.parse(team.as_ref());
        let located = Arc::new(located);
        let whole = faults.is_empty();
        state.faults = faults;
        state.located = Some(located.clone());
        state.dirty = true;
        let good = Good { document, located, config: Arc::new(config), team, served: whole };
        // What was taken from a team holds at once: what was good under other rules goes, too.
        state.good.take_if(|old| !old.holds_for(&good.team));
        let keeps = !whole && state.good.as_ref().is_some_and(|old| old.served);
        if whole || !keeps {
            state.good = Some(good);
            if !whole {
                state.set = None;
            }
        }
        if !whole && !keeps {
            // The first document that is seen has faults: what was kept goes on.
            self.restore(owner);
        }
        if *owner == Owner::Operator {
            self.adopt_policy();
        }
    }

    /// Takes up what was kept of an owner's document.
    fn restore(&mut self, owner: &Owner) -> bool {
        let Some(kept) = self.store.as_ref().and_then(|store| store.document(&owner.to_string()))
        else {
            return false;
        };
        self.restore_from(owner, &kept)
    }

    fn restore_from(&mut self, owner: &Owner, kept: &Kept) -> bool {
        let document = match owner {
            Owner::Operator if kept.origin != self.origin.to_string() => return false,
            Owner::Operator => self.kept_document(kept),
            Owner::Team { .. } => kept_team_document(owner, kept),
        };
        let Some(document) = document else { return false };
        let team = owner.namespace().and_then(|namespace| self.open_to(owner, namespace));
        if owner.namespace().is_some() && team.is_none() {
            return false;
        }
        let Parsed { document: located, config, faults } = document.parse(team.as_ref());
        if !faults.is_empty() {
            return false;
        }
        tracing::warn!(%owner, "what was served before the start goes on");
        let state = self.owners.entry(owner.clone()).or_default();
        let (located, config) = (Arc::new(located), Arc::new(config));
        state.good = Some(Good { document, located, config, team, served: true });
        state.dirty = true;
        true
    }

    fn kept_document(&self, kept: &Kept) -> Option<Document> {
        let at = match &self.origin {
            ConfigOrigin::File(path) => {
                At::Folder(path.parent().map_or_else(PathBuf::new, PathBuf::from))
            }
            ConfigOrigin::ConfigMap { namespace, name } => {
                return config_map_document(namespace, name, kept);
            }
        };
        Some(Document { name: format!("{} (kept)", kept.origin), text: kept.text.clone(), at })
    }

    /// Reads all teams' documents again: what is open to one may depend on the others.
    fn read_teams(&mut self) {
        let teams: Vec<_> =
            self.owners.keys().filter(|owner| owner.namespace().is_some()).cloned().collect();
        for owner in teams {
            self.read(&owner);
        }
    }

    /// What is open to a team's document: what the older ones of its namespace left.
    fn open_to(&self, owner: &Owner, namespace: &Namespace) -> Option<valid::Team> {
        let mut team = self.policy.team(namespace)?.clone();
        let own = self.age(owner);
        for (other, state) in &self.owners {
            let older =
                other != owner && other.namespace() == Some(namespace) && self.age(other) < own;
            if let (true, Some(good)) = (older, &state.good) {
                let limits = &mut team.limits;
                limits.mappings = limits.mappings.saturating_sub(good.config.mappings.len());
                limits.plugins = limits.plugins.saturating_sub(good.config.plugins.len());
            }
        }
        Some(team)
    }

    /// In which order owners have a right to a metric.
    fn age(&self, owner: &Owner) -> (bool, i64, Owner) {
        let created = self.owners.get(owner).and_then(|state| {
            let document = state.document.as_ref();
            match &document.or(state.good.as_ref().map(|good| &good.document))?.at {
                At::ConfigMap(part) => Some(part.created),
                At::Folder(_) => None,
            }
        });
        (*owner != Owner::Operator, created.unwrap_or_default(), owner.clone())
    }

    fn nothing_open(&mut self, owner: &Owner, namespace: &Namespace) {
        let Some(state) = self.owners.get_mut(owner) else { return };
        let message = format!(
            "the operator's configuration opens nothing to the namespace {namespace}; it would be \
             an entry under `teams`"
        );
        (state.good, state.set) = (None, None);
        state.faults = vec![Fault::at("", message)];
        state.located = None;
    }

    /// Takes up what the operator's configuration says for all.
    fn adopt_policy(&mut self) {
        let Some(good) = self.owners.get(&Owner::Operator).and_then(|state| state.good.clone())
        else {
            return;
        };
        if Arc::ptr_eq(&self.policy.0, &good.config) {
            return;
        }
        let mut faults = Vec::new();
        let mut sources = Sources::new();
        for (name, config) in &good.config.sources {
            // The same one keeps its connections, and its count of queries under way.
            let known = self.sources.get(name).filter(|(known, _)| known == config);
            let source = match known {
                Some(known) => known.clone(),
                None => match Source::new(config) {
                    Ok(source) => (config.clone(), Arc::new(source)),
                    Err(error) => {
                        let place = format!("/sources/{}", config::segment(name));
                        faults.push(Fault::at(place, chain(&error)));
                        continue;
                    }
                },
            };
            sources.insert(name.clone(), source);
        }
        if self.cluster.is_some() && !good.config.objects.is_empty() {
            let message = "a cluster is asked which objects there are, so a list of them would \
                           have no effect; remove it";
            faults.push(Fault::at("/objects", message));
        }
        self.kinds = Kinds::new(&self.parts.objects, &good.config.objects, Some(&self.kinds));
        (self.sources, self.source_faults) = (sources, faults);
        self.policy = Policy(good.config);
        let teams = &self.policy.0.teams;
        self.budgets.retain(|namespace, budget| {
            let limits = teams.iter().find(|team| team.names(namespace)).map(|team| team.limits);
            limits.as_ref() == Some(budget.limits())
        });
        self.read_teams();
        for state in self.owners.values_mut() {
            state.dirty = true;
        }
    }

    /// What cannot be had by now is replaced by what was kept.
    fn out_of_patience(&mut self) {
        self.patient = false;
        let state = self.owners.entry(Owner::Operator).or_default();
        if state.good.is_none() && state.document.is_none() {
            let place = self.origin.to_string();
            state.unreadable.get_or_insert_with(|| format!("{place} has not been seen yet"));
            if self.restore(&Owner::Operator) {
                self.adopt_policy();
            }
        }
        if self.teams_known || self.policy.0.teams.is_empty() {
            return;
        }
        let Some(store) = self.store.clone() else { return };
        for (name, kept) in store.documents() {
            let Some((namespace, name)) = name.split_once('/') else { continue };
            let Ok(namespace) = namespace.parse() else { continue };
            let owner = Owner::Team { namespace, name: name.into() };
            self.restore_from(&owner, &kept);
        }
    }

    /// What is wrong with a document may lie beside it, as a file that is there by now.
    fn look_again(&mut self) {
        let faulty = self.owners.iter().filter(|(_, state)| !state.faults.is_empty());
        let faulty: Vec<_> = faulty.map(|(owner, _)| owner.clone()).collect();
        for owner in faulty {
            self.read(&owner);
        }
    }

    /// Starts the work that is to be done.
    fn work(&mut self) {
        let dirty: Vec<_> = self
            .owners
            .iter()
            .filter(|(_, state)| state.dirty && !state.working)
            .map(|(owner, _)| owner.clone())
            .collect();
        for owner in dirty {
            if let Some(job) = self.job(&owner) {
                let task = self.jobs.spawn(async move { job.run().await });
                self.working.insert(task.id(), owner);
            }
        }
    }

    fn job(&mut self, owner: &Owner) -> Option<Job> {
        let budget = self.budget(owner);
        let state = self.owners.get_mut(owner)?;
        state.dirty = false;
        let good = state.good.clone()?;
        state.working = true;
        let before = state.set.clone();
        let plugins = plugins_of(&good, &self.policy, &mut self.plugins);
        Some(Job {
            owner: owner.clone(),
            document: good.located,
            config: good.config,
            plugins,
            sources: self.sources.clone(),
            kinds: self.kinds.clone(),
            budget,
            before,
            parts: self.parts.clone(),
        })
    }

    fn budget(&mut self, owner: &Owner) -> Option<Arc<Budget>> {
        let namespace = owner.namespace()?;
        let limits = self.policy.team(namespace)?.limits;
        let known = self.budgets.entry(namespace.clone());
        Some(known.or_insert_with(|| Arc::new(Budget::new(limits))).clone())
    }

    /// Takes the result of work.
    fn finished(&mut self, done: Result<(task::Id, Set), task::JoinError>) {
        let (id, set) = match done {
            Ok((id, set)) => (id, Some(set)),
            Err(error) => {
                tracing::error!(%error, "loading a configuration panicked");
                (error.id(), None)
            }
        };
        let Some(owner) = self.working.remove(&id) else { return };
        // It may be gone by now, or be another one.
        let Some(state) = self.owners.get_mut(&owner) else { return };
        state.working = false;
        let Some(set) = set else { return };
        let Some(good) = &state.good else { return };
        if !Arc::ptr_eq(&good.located, &set.document) {
            return;
        }
        let whole = set.settled
            && good.served
            && set.unused.is_empty()
            && set.slots.iter().all(|slot| slot.refused.is_none());
        if whole && let Some(store) = &self.store {
            store.keep_document(&owner.to_string(), &kept(&good.document, &self.origin));
        }
        self.parts.metrics.loaded(owner.to_string(), whole && state.faults.is_empty());
        state.set = Some(Arc::new(set));
    }

    /// Publishes what there is, if that is another thing than before, and tells how the first
    /// look went once everything was looked at.
    fn settle(&mut self, publish: &impl Fn(Arc<Snapshot>)) {
        let settled = self.is_settled();
        if self.first.is_some() && !settled && self.patient {
            return;
        }
        let Assembly { mappings, rejected, faults, .. } = self.assemble();
        let served = self.published.mappings();
        let same = served.len() == mappings.len()
            && served.iter().zip(&mappings).all(|(one, other)| Arc::ptr_eq(one, other));
        if !same || *self.published.rejected() != *rejected {
            self.report.tell(&rejected, &self.config_maps());
            let gone = self.published.mappings().iter().filter(|old| {
                let title = old.mapping().title();
                !mappings.iter().any(|new| new.mapping().title() == title)
            });
            gone.for_each(|old| self.parts.metrics.forget(&old.mapping().title()));
            let generation = self.published.generation + 1;
            let snapshot = Arc::new(Snapshot::new(generation, mappings, rejected));
            if !same {
                let mappings = snapshot.mappings().len();
                tracing::info!(generation, mappings, "the configuration is served");
            }
            self.parts.metrics.serving(generation);
            self.published = snapshot.clone();
            publish(snapshot);
        }
        // A team that takes its time, or whose registry does, holds up nobody but itself.
        let late = !self.all && !self.patient && self.is_looked_at(&Owner::Operator);
        if (settled || late)
            && let Some(first) = self.first.take()
        {
            // Whoever does not wait for it need not know.
            let _ = first.send(Loaded { faults, snapshot: self.published.clone() });
        }
    }

    fn is_settled(&self) -> bool {
        let teams = self.policy.0.teams.is_empty()
            || self.cluster.is_none()
            || self.teams_known
            || !self.patient;
        self.owners.contains_key(&Owner::Operator)
            && teams
            && self.owners.keys().all(|owner| self.is_looked_at(owner))
    }

    /// Whether it is known what can be served of an owner's document.
    fn is_looked_at(&self, owner: &Owner) -> bool {
        let Some(state) = self.owners.get(owner) else { return false };
        let seen = state.document.is_some() || state.unreadable.is_some() || state.good.is_some();
        let done = match (&state.good, &state.set) {
            (None, _) => true,
            (Some(_), Some(set)) => set.settled,
            (Some(_), None) => false,
        };
        seen && done && !state.dirty && !state.working
    }

    /// All that can be served, all that cannot, and the same as faults of documents.
    fn assemble(&self) -> Assembly {
        let mut order: Vec<_> = self.owners.keys().cloned().collect();
        order.sort_by_key(|owner| self.age(owner));
        let mut assembly = Assembly::default();
        for owner in &order {
            let Some(state) = self.owners.get(owner) else { continue };
            let source_faults: &[Fault] =
                if *owner == Owner::Operator { &self.source_faults } else { &[] };
            assembly.add(owner, state, source_faults, &self.origin.to_string());
        }
        if let Some(Unseen { forbidden, reason }) = &self.teams_fault {
            let code = if *forbidden { "Forbidden" } else { "Unreadable" };
            let mut rejected = Rejected::of_document(&Owner::Operator, code);
            rejected.title = "teams".to_owned();
            rejected.message = format!("the teams' ConfigMaps cannot be followed: {reason}");
            rejected.serving = true;
            assembly.rejected.push(rejected);
        }
        assembly
    }

    /// The ConfigMaps that documents stand in.
    fn config_maps(&self) -> HashMap<Owner, ConfigMapReference> {
        let reference = |(owner, state): (&Owner, &State)| match &state.document.as_ref()?.at {
            At::Folder(_) => None,
            At::ConfigMap(part) => Some((
                owner.clone(),
                ConfigMapReference {
                    namespace: part.namespace.to_string(),
                    name: part.name.clone(),
                    uid: part.uid.clone(),
                },
            )),
        };
        self.owners.iter().filter_map(reference).collect()
    }
}

/// The plugins that a document names, looked after from now on.
fn plugins_of(
    good: &Good,
    policy: &Policy,
    plugins: &mut Plugins,
) -> BTreeMap<String, Result<Arc<Handle>, Refused>> {
    let mut named = BTreeMap::new();
    for (name, plugin) in &good.config.plugins {
        let wanted = policy.wanted(&good.document, good.team.as_ref(), name, plugin);
        named.insert(name.clone(), wanted.map(|wanted| plugins.get(&wanted)));
    }
    for shipped in leadsman_shipped_plugins::SHIPPED_PLUGINS {
        let used = good.config.mappings.iter().any(|mapping| {
            let candidate = mapping.candidate.as_ref().map(|(name, _)| name.as_str());
            mapping.plugin == shipped.name || candidate == Some(shipped.name)
        });
        if used && !named.contains_key(shipped.name) {
            let place = Place::Shipped(shipped.name);
            let wanted = Wanted { place, max_bytes: SHIPPED_BYTES, verify: Vec::new() };
            named.insert(shipped.name.to_owned(), Ok(plugins.get(&wanted)));
        }
    }
    named
}

fn open_store(folder: &std::path::Path) -> Option<Store> {
    match Store::open(folder) {
        Ok(store) => Some(store),
        Err(error) => {
            let folder = folder.display();
            tracing::error!(%folder, %error, "nothing can be kept for the next start");
            None
        }
    }
}
