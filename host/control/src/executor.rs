//! The controller: passes events to the state machine and executes the effects. Work runs in tasks
//! whose end is watched; the controller itself waits only for events.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{self, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::bindings::Bindings;
use super::effect::{Effect, Notice};
use super::event::{Event, Panicked};
use super::fetch::Fetcher;
use super::listing::Listings;
use super::persist::DocumentCache;
use super::plugins::Plugins;
use super::publisher::Publisher;
use super::report::{EventQueue, EventWriter, Report};
use super::runtime::Runtime;
use super::settings::OperatorSettings;
use super::state::{ClusterAccess, Completeness, State};
use super::step::step;
use super::store::Store;
use super::tasks::{Completion, TaskOwner};
use super::traced::Reloads;
use super::watch_config;
use super::{FirstLoad, GRACE_PERIOD, RESYNC_INTERVAL, Setup};
use leadsman_cluster::Cluster;
use leadsman_config::Flags;
use leadsman_provider::snapshot::Snapshot;
use leadsman_runtime::supervise::{panic_message, supervised};

/// How many events may wait for the controller.
const MAX_WAITING_EVENTS: usize = 64;

/// Follows documents and publishes snapshots.
pub struct Controller {
    state: State<Arc<Bindings>>,
    pub(super) runtime: Runtime,
    pub(super) flags: Arc<Flags>,
    pub(super) cluster: Option<Cluster>,
    pub(super) settings: OperatorSettings,
    pub(super) plugins: Plugins,
    pub(super) listings: Listings,
    pub(super) cache: Option<DocumentCache>,
    publisher: Publisher,
    event_writer: Option<EventWriter>,
    events: mpsc::Sender<Event<Arc<Bindings>>>,
    waiting: mpsc::Receiver<Event<Arc<Bindings>>>,
    /// Work that ends with an event.
    pub(super) work: JoinSet<Completion>,
    /// Whose it is, to report it if it panics.
    pub(super) owners: HashMap<task::Id, TaskOwner>,
    /// Tasks that do not end by themselves.
    watchers: JoinSet<()>,
    pub(super) reloads: Reloads,
}

impl Controller {
    /// A controller, and a receiver of how the first load went.
    pub fn new(setup: Setup) -> (Self, oneshot::Receiver<FirstLoad>) {
        let Setup { runtime, compiler, cache, origin, flags, cluster, all } = setup;
        let store = cache.and_then(|folder| open_store(&folder)).map(Arc::new);
        let fetcher = Fetcher {
            engine: runtime.engine.clone(),
            compiler,
            store: store.clone(),
            cluster: cluster.clone(),
        };
        let (events, waiting) = mpsc::channel(MAX_WAITING_EVENTS);
        let plugins =
            Plugins::new(fetcher, events.clone(), runtime.tasks.clone(), runtime.end.clone());
        let (report, event_writer) =
            Report::new(runtime.metrics.clone(), cluster.as_ref().map(EventQueue::of));
        let (first, loaded) = oneshot::channel();
        let access = if cluster.is_some() { ClusterAccess::Connected } else { ClusterAccess::None };
        let completeness = if all { Completeness::All } else { Completeness::Operator };
        let cache = store.map(|store| DocumentCache::new(store, origin.clone(), &runtime.tasks));
        let controller = Self {
            state: State::new(origin, access, completeness),
            settings: OperatorSettings::new(runtime.clone()),
            listings: Listings::new(cluster.clone(), runtime.metrics.clone(), events.clone()),
            publisher: Publisher::new(runtime.metrics.clone(), report, first, cluster.is_none()),
            flags: Arc::new(flags),
            cluster,
            plugins,
            cache,
            event_writer,
            events,
            waiting,
            work: JoinSet::new(),
            owners: HashMap::new(),
            watchers: JoinSet::new(),
            reloads: Reloads::default(),
            runtime,
        };
        (controller, loaded)
    }

    /// What is served before anything is known.
    pub fn empty(&self) -> Arc<Snapshot> {
        self.publisher.published()
    }

    /// Follows everything and publishes by a function. Does not end by itself.
    pub async fn run(mut self, publish: impl Fn(Arc<Snapshot>)) {
        self.watch_operator();
        self.write_events();
        let grace_period = Instant::now() + GRACE_PERIOD;
        let mut grace_over = false;
        let mut resync = tokio::time::interval(RESYNC_INTERVAL);
        loop {
            let event = tokio::select! {
                Some(event) = self.waiting.recv() => event,
                Some(done) = self.work.join_next_with_id() => match self.finished(done) {
                    Some(event) => event,
                    None => continue,
                },
                () = sleep_until(grace_period), if !grace_over => {
                    grace_over = true;
                    Event::GraceOver
                }
                _ = resync.tick() => Event::Resync,
            };
            // What was listed may be for other rules by now.
            let event = match event {
                Event::SeriesListed(_) => Event::SeriesListed(self.listings.state()),
                event => event,
            };
            for effect in step(&mut self.state, event) {
                self.execute(effect, &publish);
            }
            let owners = &self.owners;
            self.reloads.end(|owner| owners.values().any(|task| task.works_for(owner)));
        }
    }

    /// The event that finished work ends with.
    fn finished(
        &mut self,
        done: Result<(task::Id, Completion), task::JoinError>,
    ) -> Option<Event<Arc<Bindings>>> {
        match done {
            Ok((id, Completion::Event(event))) => {
                self.owners.remove(&id);
                Some(event)
            }
            Ok((id, Completion::Settings { revision, settings, faults })) => {
                self.owners.remove(&id);
                self.settings = *settings;
                let rules = self.settings.policy.0.rules.clone();
                self.listings.follow(rules.as_ref(), &self.settings.sources);
                let result = Ok((faults, self.listings.state()));
                Some(Event::SettingsApplied { revision, result })
            }
            Err(error) => {
                let owner = self.owners.remove(&error.id())?;
                let reason = match error.try_into_panic() {
                    Ok(panic) => panic_message(&*panic),
                    Err(error) => error.to_string(),
                };
                Some(owner.panicked(Panicked(reason)))
            }
        }
    }

    fn execute(&mut self, effect: Effect<Arc<Bindings>>, publish: &impl Fn(Arc<Snapshot>)) {
        match effect {
            Effect::Parse { owner, task } => self.parse(owner, task),
            Effect::Bind(binding) => self.bind(binding),
            Effect::ApplySettings { revision, config } => self.apply_settings(revision, config),
            Effect::ReadCache(owner) => self.read_cache(owner),
            Effect::ReadTeamCache => self.read_team_cache(),
            Effect::CheckFiles { owner, revision, files } => {
                self.check_files(owner, revision, files);
            }
            Effect::Store { owner, document } => {
                if let Some(cache) = &self.cache {
                    cache.store(owner, document);
                }
            }
            Effect::Forget(owner) => {
                self.runtime.metrics.forget_loads(&owner.to_string());
                if let Some(cache) = &self.cache {
                    cache.forget(owner);
                }
            }
            Effect::WatchTeams => self.watch_teams(),
            Effect::Publish { publication, config_maps } => {
                let _spans = self.reloads.publishing();
                if let Some(snapshot) = self.publisher.publish(&publication, &config_maps) {
                    publish(snapshot);
                }
            }
            Effect::ReportLoaded => self.publisher.report_loaded(),
            Effect::CountLoad { owner, complete } => {
                self.runtime.metrics.loaded(owner.to_string(), complete);
            }
            Effect::Log(notice) => log(&notice),
        }
    }

    fn watch_operator(&mut self) {
        let (origin, cluster) = (self.state.origin.clone(), self.cluster.clone());
        let events = self.events.clone();
        self.watchers.spawn(async move {
            let watch = || watch_config::operator(&origin, cluster.as_ref(), &events);
            supervised("watching the configuration", watch, |_| std::future::ready(())).await;
        });
    }

    fn watch_teams(&mut self) {
        let Some(cluster) = self.cluster.clone() else { return };
        let events = self.events.clone();
        self.watchers.spawn(async move {
            let watch = || watch_config::teams(&cluster, &events);
            supervised("watching teams' ConfigMaps", watch, |_| std::future::ready(())).await;
        });
    }

    fn write_events(&mut self) {
        let Some(writer) = self.event_writer.take() else { return };
        self.watchers.spawn(async move {
            supervised("writing Events", || writer.run(), |_| std::future::ready(())).await;
        });
    }
}

fn log(notice: &Notice) {
    match notice {
        Notice::OperatorUnreachable(reason) => {
            tracing::warn!(reason, "the configuration cannot be followed");
        }
        Notice::TeamsUnreachable(reason) => {
            tracing::warn!(reason, "the teams' ConfigMaps cannot be followed");
        }
        Notice::Restored(owner) => {
            tracing::warn!(%owner, "what was served before the start goes on");
        }
        Notice::Panicked { owner, work, reason } => {
            tracing::error!(%owner, work, reason, "the adapter failed while it loaded a document");
        }
    }
}

fn open_store(folder: &std::path::Path) -> Option<Store> {
    match Store::open(folder) {
        Ok(store) => Some(store),
        Err(error) => {
            let folder = folder.display();
            tracing::error!(%folder, %error, "nothing can be cached for the next start");
            None
        }
    }
}
