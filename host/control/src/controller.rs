//! The one task that knows all documents and what became of them. It starts the work, takes its
//! results, and publishes snapshots; it never waits for a plugin, a registry or kube-apiserver.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{self, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::PATIENCE;
use super::assembly::{Assembly, document_rejection};
use super::fetch::Fetcher;
use super::found::{self, Found};
use super::job::{Job, Set};
use super::keeping::{kept, owner_of};
use super::listing::Listings;
use super::owners::Owners;
use super::parts::Parts;
use super::plugins::Plugins;
use super::report::{EventQueue, EventWriter, Report};
use super::rules::Rules;
use super::state::State;
use super::store::Store;
use super::{Loaded, Setup};
use leadsman_cluster::{Cluster, Unseen};
use leadsman_document::Fault;
use leadsman_model::owner::Owner;
use leadsman_provider::snapshot::{Contents, Snapshot};

/// How often a document with faults is read again although it has not changed.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Follows documents and publishes snapshots.
pub struct Controller {
    parts: Parts,
    cluster: Option<Cluster>,
    /// Whether the first look waits for everybody.
    all: bool,
    plugins: Plugins,
    rules: Rules,
    owners: Owners,
    listings: Listings,
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
        let Setup { parts, compiler, cache, origin, flags, cluster, all } = setup;
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
        let rules = Rules::new(parts.objects.clone());
        let listings = Listings::new(cluster.clone(), parts.metrics.clone());
        let (first, told) = oneshot::channel();
        let controller = Self {
            parts,
            all,
            plugins,
            rules,
            owners: Owners::new(origin, flags, store),
            listings,
            teams_known: false,
            teams_fault: None,
            following_teams: false,
            patient: true,
            jobs: JoinSet::new(),
            working: HashMap::new(),
            report,
            event_writer,
            published: Arc::new(Snapshot::new(0, Contents::default())),
            first: Some(first),
            cluster,
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
        let (origin, cluster, told) =
            (self.owners.origin.clone(), self.cluster.clone(), tell.clone());
        followers.spawn(async move { found::operator(&origin, cluster.as_ref(), &told).await });
        if let Some(writer) = self.event_writer.take() {
            followers.spawn(writer.run());
        }
        let mut changes = self.plugins.changes();
        let mut listed = self.listings.changes();
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
                Ok(()) = changes.changed() => self.all_dirty(),
                Ok(()) = listed.changed() => self.operator_dirty(),
                Some(done) = self.jobs.join_next_with_id() => self.finished(done),
                () = sleep_until(patience), if self.patient => self.out_of_patience(),
                _ = again.tick() => self.look_again(),
            }
            self.work();
            self.settle(&publish);
        }
    }

    fn wants_teams(&self) -> bool {
        !self.following_teams && !self.rules.policy.0.teams.is_empty()
    }

    /// Takes in what was found.
    fn take(&mut self, found: Found) {
        match found {
            Found::Operator(Ok(document)) => {
                self.owners.put(Owner::Operator, document);
                self.read(&Owner::Operator);
            }
            Found::Operator(Err(reason)) => self.go_without(reason),
            Found::Team(document) => {
                if let Some(owner) = owner_of(&document) {
                    self.owners.put(owner, *document);
                    self.read_teams();
                }
            }
            Found::TeamGone(namespace, name) => {
                self.owners.remove(&Owner::Team { namespace, name: name.into() });
                self.read_teams();
            }
            Found::Teams(documents) => {
                self.owners.put_teams(documents);
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
                let state = self.owners.states.entry(Owner::Operator).or_default();
                if state.document.is_some() {
                    tracing::warn!(reason, "the configuration cannot be followed");
                } else {
                    self.go_without(reason);
                }
            }
        }
    }

    /// The operator's document cannot be had: what was kept stands in for it.
    fn go_without(&mut self, reason: String) {
        let state = self.owners.states.entry(Owner::Operator).or_default();
        state.unreadable = Some(reason);
        if state.good.is_none() && self.owners.restore(&Owner::Operator, &self.rules.policy) {
            self.adopt_rules();
        }
    }

    fn read(&mut self, owner: &Owner) {
        self.owners.read(owner, &self.rules.policy);
        if *owner == Owner::Operator {
            self.adopt_rules();
        }
    }

    fn read_teams(&mut self) {
        self.owners.read_teams(&self.rules.policy);
    }

    /// Takes up what the operator's configuration says for all.
    fn adopt_rules(&mut self) {
        let good = self.owners.states.get(&Owner::Operator).and_then(|state| state.good.as_ref());
        if good.is_some_and(|good| self.rules.adopt(&good.config)) {
            self.listings.follow(self.rules.policy.0.rules.as_ref(), &self.rules.sources);
            self.read_teams();
            self.all_dirty();
        }
    }

    /// Only the operator has rules.
    fn operator_dirty(&mut self) {
        if let Some(state) = self.owners.states.get_mut(&Owner::Operator) {
            state.dirty = true;
        }
    }

    fn all_dirty(&mut self) {
        for state in self.owners.states.values_mut() {
            state.dirty = true;
        }
    }

    /// What cannot be had by now is replaced by what was kept.
    fn out_of_patience(&mut self) {
        self.patient = false;
        let state = self.owners.states.entry(Owner::Operator).or_default();
        if state.good.is_none() && state.document.is_none() {
            let unseen = || format!("{} has not been seen yet", self.owners.origin);
            let reason = state.unreadable.take().unwrap_or_else(unseen);
            self.go_without(reason);
        }
        if self.teams_known || self.rules.policy.0.teams.is_empty() {
            return;
        }
        self.owners.restore_teams(&self.rules.policy);
    }

    /// What is wrong with a document may lie beside it, as a file that is there by now.
    fn look_again(&mut self) {
        let faulty = self.owners.states.iter().filter(|(_, state)| !state.faults.is_empty());
        let faulty: Vec<_> = faulty.map(|(owner, _)| owner.clone()).collect();
        for owner in faulty {
            self.read(&owner);
        }
    }

    /// Starts the work that is to be done.
    fn work(&mut self) {
        let dirty: Vec<_> = self
            .owners
            .states
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
        let budget = owner.namespace().and_then(|namespace| self.rules.budget(namespace));
        let state = self.owners.states.get_mut(owner)?;
        state.dirty = false;
        let good = state.good.clone()?;
        state.working = true;
        let before = state.set.clone();
        let plugins = good.plugins(&self.rules.policy, &mut self.plugins);
        Some(Job {
            owner: owner.clone(),
            document: good.located,
            config: good.config,
            plugins,
            sources: self.rules.sources.clone(),
            kinds: self.rules.kinds.clone(),
            budget,
            before,
            listed: self.listings.listed().filter(|_| *owner == Owner::Operator),
            parts: self.parts.clone(),
        })
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
        let Some(state) = self.owners.states.get_mut(&owner) else { return };
        state.working = false;
        let Some(set) = set else { return };
        let Some(good) = &state.good else { return };
        if !Arc::ptr_eq(&good.located, &set.document) {
            return;
        }
        let whole = good.served && set.is_whole();
        // Work is done again when a plugin changes; the document is still the one that was kept.
        let known = state.set.as_ref().is_some_and(|before| {
            Arc::ptr_eq(&before.document, &set.document) && before.is_whole()
        });
        if whole
            && !known
            && let Some(store) = &self.owners.store
        {
            store.keep_document(&owner.to_string(), &kept(&good.document, &self.owners.origin));
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
        let Assembly { mappings, resource_metrics, rejections, faults, rules, .. } =
            self.assemble();
        let contents = Contents { mappings, resource_metrics, rejections, rules };
        let same = self.published.serves(&contents);
        if !same || !self.published.rejects(&contents) {
            let generation = self.published.generation + 1;
            let snapshot = Arc::new(Snapshot::new(generation, contents));
            self.report.tell(snapshot.rejections(), &self.owners.config_maps());
            let titles: HashSet<_> = snapshot.in_use().map(|new| new.mapping().title()).collect();
            let before = self.published.in_use().map(|old| old.mapping().title());
            before
                .filter(|title| !titles.contains(title))
                .for_each(|gone| self.parts.metrics.forget(&gone));
            let (mappings, of_rules) = snapshot.counts();
            if !same {
                tracing::info!(generation, mappings, of_rules, "the configuration is served");
            }
            self.parts.metrics.serving(generation);
            self.parts.metrics.listing().offered(of_rules);
            self.published = snapshot.clone();
            publish(snapshot);
        }
        // A team that takes its time, or whose registry does, holds up nobody but itself.
        let late = !self.all
            && !self.patient
            && self.owners.states.get(&Owner::Operator).is_some_and(State::is_looked_at);
        if (settled || late)
            && let Some(first) = self.first.take()
        {
            // Whoever does not wait for it need not know.
            let _ = first.send(Loaded { faults, snapshot: self.published.clone() });
        }
    }

    fn is_settled(&self) -> bool {
        let teams = self.rules.policy.0.teams.is_empty()
            || self.cluster.is_none()
            || self.teams_known
            || !self.patient;
        self.owners.states.contains_key(&Owner::Operator)
            && teams
            && (self.listings.are_settled() || !self.patient)
            && self.owners.states.values().all(State::is_looked_at)
    }

    /// All that can be served, all that cannot, and the same as faults of documents.
    fn assemble(&self) -> Assembly {
        let mut assembly = Assembly::default();
        for (owner, state) in self.owners.in_order() {
            let faults: &[Fault] = if *owner == Owner::Operator { &self.rules.faults } else { &[] };
            assembly.add(owner, state, faults, &self.owners.origin);
        }
        if let Some(Unseen { forbidden, reason }) = &self.teams_fault {
            let code = if *forbidden { "Forbidden" } else { "Unreadable" };
            let mut rejected = document_rejection(&Owner::Operator, code);
            rejected.title = "teams".to_owned();
            rejected.message = format!("the teams' ConfigMaps cannot be followed: {reason}");
            rejected.serving = true;
            assembly.rejections.push(rejected);
        }
        assembly
    }
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
