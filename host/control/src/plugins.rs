//! The plugins that are configured: each is fetched, checked, compiled and tested by a task of its
//! own, and again when its bytes change. A slow one keeps nobody else waiting.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::fetch::{Fetcher, Fetching};
use leadsman_config::valid::{KeySource, PullSecret};
use leadsman_model::names::Namespace;
use leadsman_model::reference::Reference;
use leadsman_sandbox::{CompileOwner, Plugin};

/// A plugin as it is wanted: equal ones are one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Wanted {
    pub(super) place: Place,
    /// The largest component.
    pub(super) max_bytes: u64,
    /// Whose signatures it needs: one of each.
    pub(super) verify: Vec<KeySource>,
}

/// Where the bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// They ship with Leadsman.
    Shipped(&'static str),
    /// In a file.
    File(PathBuf),
    /// In a ConfigMap: they are here, under this name.
    Bytes(String, Arc<[u8]>),
    /// In a registry.
    Oci(Artifact),
}

/// An artifact and how its registry is reached.
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

/// What became of a plugin so far.
#[derive(Default)]
pub(super) struct Now {
    /// The newest that can be used.
    pub(super) plugin: Option<Plugin>,
    /// Why there is no newer one: a reason from a closed set, and for people.
    pub(super) fault: Option<Problem>,
    /// Whether the first attempt has ended.
    pub(super) settled: bool,
}

/// Why a plugin cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// A plugin that is looked after for as long as somebody holds it.
pub(super) struct Handle {
    now: Arc<ArcSwap<Now>>,
    _end: DropGuard,
}

impl Handle {
    pub(super) fn now(&self) -> Arc<Now> {
        self.now.load_full()
    }
}

/// Looks after plugins.
pub(super) struct Plugins {
    known: HashMap<Wanted, Weak<Handle>>,
    fetcher: Arc<Fetcher>,
    changes: watch::Sender<u64>,
    end: CancellationToken,
    tasks: tokio_util::task::TaskTracker,
}

impl Plugins {
    pub(super) fn new(
        fetcher: Fetcher,
        tasks: tokio_util::task::TaskTracker,
        end: CancellationToken,
    ) -> Self {
        Self {
            known: HashMap::new(),
            fetcher: Arc::new(fetcher),
            changes: watch::Sender::new(0),
            end,
            tasks,
        }
    }

    /// Changes each time that something became of a plugin.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// A plugin, looked after from now on.
    pub(super) fn get(&mut self, wanted: &Wanted, owner: CompileOwner) -> Arc<Handle> {
        if let Some(handle) = self.known.get(wanted).and_then(Weak::upgrade) {
            return handle;
        }
        self.known.retain(|_, handle| handle.strong_count() > 0);
        let end = self.end.child_token();
        let now: Arc<ArcSwap<Now>> = Arc::default();
        let handle = Arc::new(Handle { now: now.clone(), _end: end.clone().drop_guard() });
        self.known.insert(wanted.clone(), Arc::downgrade(&handle));
        let changes = self.changes.clone();
        let tell = move |outcome: Result<Plugin, Problem>| {
            let before = now.load_full();
            let next = match outcome {
                Ok(plugin) => Now { plugin: Some(plugin), fault: None, settled: true },
                Err(fault) => {
                    Now { plugin: before.plugin.clone(), fault: Some(fault), settled: true }
                }
            };
            now.store(Arc::new(next));
            changes.send_modify(|count| *count += 1);
        };
        // What is at hand already is there at once.
        let fetching = Fetching::new(self.fetcher.clone(), wanted.clone(), owner);
        self.tasks.spawn(async move {
            tokio::select! {
                () = fetching.run(tell) => {}
                () = end.cancelled() => {}
            }
        });
        handle
    }
}
