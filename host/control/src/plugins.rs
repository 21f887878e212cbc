//! The configured plugins. Each has a task that fetches, checks, compiles and tests it, again whenever its
//! bytes change, so a slow plugin delays no other.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::bindings::Bindings;
use super::event::Event;
use super::fetch::{Fetcher, Fetching};
use super::reason::Reason;
use leadsman_config::valid::{KeySource, PullSecret};
use leadsman_model::names::Namespace;
use leadsman_model::owner::Owner;
use leadsman_model::reference::Reference;
use leadsman_runtime::supervise::supervised;
use leadsman_sandbox::{CompileOwner, Plugin};

/// A plugin as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PluginSpec {
    pub(super) source: PluginSource,
    /// The largest component.
    pub(super) max_bytes: u64,
    /// The keys that must each have signed it.
    pub(super) verify: Vec<KeySource>,
}

impl PluginSpec {
    /// On whose behalf it is compiled, if this owner's document names it.
    pub(super) fn compile_owner(&self, owner: &Owner) -> CompileOwner {
        match (&self.source, owner.namespace()) {
            (PluginSource::Shipped(_), _) => CompileOwner::Shipped,
            (_, Some(namespace)) => CompileOwner::Team(namespace.clone()),
            (_, None) => CompileOwner::Operator,
        }
    }
}

/// Where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum PluginSource {
    /// They ship with Leadsman.
    Shipped(&'static str),
    /// In a file.
    File(PathBuf),
    /// In a ConfigMap, under this key of its `binaryData`.
    Bytes(String, Arc<[u8]>),
    /// In a registry.
    Oci(Artifact),
}

/// An artifact, and how its registry is reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Artifact {
    pub(super) reference: Reference,
    pub(super) check_every: std::time::Duration,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) plain_http: bool,
    pub(super) pull_secret: Option<Credentials>,
}

/// Where credentials are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Credentials {
    /// In a file.
    File(PathBuf),
    /// In a Secret of a namespace.
    Secret(Namespace, String),
}

impl Credentials {
    /// `namespace` is the one of the document that names them.
    pub(super) fn of(secret: &PullSecret, namespace: Option<&Namespace>) -> Result<Self, String> {
        match (secret, namespace) {
            (PullSecret::File(path), _) => Ok(Self::File(path.clone())),
            (PullSecret::Secret(name), Some(namespace)) => {
                Ok(Self::Secret(namespace.clone(), name.clone()))
            }
            (PullSecret::Secret(_), None) => Err("a Secret is looked up in the namespace of the \
                                                  ConfigMap that names it; use pullSecretFile in \
                                                  a file"
                .to_owned()),
        }
    }
}

/// The status of a plugin.
#[derive(Default)]
pub(super) struct PluginStatus {
    /// The newest that can be used.
    pub(super) plugin: Option<Plugin>,
    /// Why there is none, or no newer one.
    pub(super) problem: Option<Problem>,
    /// Whether the first attempt has ended.
    pub(super) settled: bool,
}

/// Why a plugin cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) reason: Reason,
    pub(super) message: String,
}

/// A plugin that is followed for as long as somebody holds it.
pub(super) struct PluginHandle {
    status: Arc<ArcSwap<PluginStatus>>,
    _end: DropGuard,
}

impl PluginHandle {
    pub(super) fn status(&self) -> Arc<PluginStatus> {
        self.status.load_full()
    }
}

/// Reports what becomes of one plugin.
#[derive(Clone)]
pub(super) struct PluginReporter {
    spec: PluginSpec,
    status: Arc<ArcSwap<PluginStatus>>,
    events: mpsc::Sender<Event<Arc<Bindings>>>,
}

impl PluginReporter {
    /// A version that can be used, or why there is none. What was loaded before stays in use.
    pub(super) async fn report(&self, outcome: Result<Plugin, Problem>) {
        let next = match outcome {
            Ok(plugin) => PluginStatus { plugin: Some(plugin), problem: None, settled: true },
            Err(problem) => {
                let plugin = self.status.load().plugin.clone();
                PluginStatus { plugin, problem: Some(problem), settled: true }
            }
        };
        self.status.store(Arc::new(next));
        // Nobody listens any more once the process ends.
        let _ = self.events.send(Event::PluginChanged(self.spec.clone())).await;
    }
}

/// The plugins in use. Equal ones of two owners are followed apart, so that one whose owner has many
/// that are expensive to compile does not wait in that owner's queue; what they have in common, code
/// and memory, is shared by [`Compiler`](leadsman_sandbox::Compiler).
pub(super) struct Plugins {
    known: HashMap<(PluginSpec, CompileOwner), Weak<PluginHandle>>,
    fetcher: Arc<Fetcher>,
    events: mpsc::Sender<Event<Arc<Bindings>>>,
    end: CancellationToken,
    tasks: TaskTracker,
}

impl Plugins {
    pub(super) fn new(
        fetcher: Fetcher,
        events: mpsc::Sender<Event<Arc<Bindings>>>,
        tasks: TaskTracker,
        end: CancellationToken,
    ) -> Self {
        Self { known: HashMap::new(), fetcher: Arc::new(fetcher), events, end, tasks }
    }

    /// A plugin, followed from now on.
    pub(super) fn get(&mut self, spec: &PluginSpec, owner: CompileOwner) -> Arc<PluginHandle> {
        let key = (spec.clone(), owner.clone());
        if let Some(handle) = self.known.get(&key).and_then(Weak::upgrade) {
            return handle;
        }
        self.known.retain(|_, handle| handle.strong_count() > 0);
        let end = self.end.child_token();
        let status: Arc<ArcSwap<PluginStatus>> = Arc::default();
        let guard = end.clone().drop_guard();
        let handle = Arc::new(PluginHandle { status: status.clone(), _end: guard });
        self.known.insert(key, Arc::downgrade(&handle));
        let reporter = PluginReporter { spec: spec.clone(), status, events: self.events.clone() };
        let (fetcher, spec) = (self.fetcher.clone(), spec.clone());
        self.tasks.spawn(async move {
            let fetching = || {
                Fetching::new(fetcher.clone(), spec.clone(), owner.clone()).run(reporter.clone())
            };
            let failed = |reason: String| {
                let message = format!("the adapter failed while it loaded this plugin: {reason}");
                reporter.report(Err(Problem { reason: Reason::InternalError, message }))
            };
            tokio::select! {
                () = supervised("following a plugin", fetching, failed) => {}
                () = end.cancelled() => {}
            }
        });
        handle
    }
}
