//! Converts documents for the cache folder, and the task that writes them one after another, so that the
//! newest state of a document is the one that remains.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::document::{ConfigMapPart, Document, DocumentLocation};
use super::store::{CachedDocument, Store};
use super::watch_config::{ConfigOrigin, KEY};
use leadsman_model::owner::Owner;

/// The cached documents.
#[derive(Clone)]
pub(super) struct DocumentCache {
    store: Arc<Store>,
    origin: ConfigOrigin,
    /// The newest write for each owner that was not made yet: an older one is of no use.
    pending: Arc<Mutex<BTreeMap<Owner, Write>>>,
    /// Wakes the task. A hint that was not taken yet is enough.
    hints: mpsc::Sender<()>,
}

enum Write {
    Store(Arc<Document>),
    Forget,
}

impl DocumentCache {
    /// Documents of a store. They are written by a task that ends, with all written, when no
    /// handle to the cache is left.
    pub(super) fn new(store: Arc<Store>, origin: ConfigOrigin, tasks: &TaskTracker) -> Self {
        let (hints, mut waiting) = mpsc::channel(1);
        let pending: Arc<Mutex<BTreeMap<Owner, Write>>> = Arc::default();
        let cache =
            Self { store: store.clone(), origin: origin.clone(), pending: pending.clone(), hints };
        tasks.spawn(async move {
            while waiting.recv().await.is_some() {
                let writes = std::mem::take(&mut *locked(&pending));
                let (store, origin) = (store.clone(), origin.clone());
                let written = tokio::task::spawn_blocking(move || {
                    writes
                        .into_iter()
                        .for_each(|(owner, write)| write.run(&owner, &store, &origin));
                });
                if let Err(error) = written.await {
                    tracing::error!(%error, "writing a cached document panicked");
                }
            }
        });
        cache
    }

    pub(super) fn store(&self, owner: Owner, document: Arc<Document>) {
        self.write(owner, Write::Store(document));
    }

    pub(super) fn forget(&self, owner: Owner) {
        self.write(owner, Write::Forget);
    }

    fn write(&self, owner: Owner, write: Write) {
        locked(&self.pending).insert(owner, write);
        // The task ends after this value, and takes all that is pending at each hint.
        let _ = self.hints.try_send(());
    }

    /// The cached document of an owner.
    pub(super) fn read(&self, owner: &Owner) -> Option<Arc<Document>> {
        let cached = self.store.document(&owner.to_string())?;
        let document = match owner {
            Owner::Operator if cached.origin != self.origin.to_string() => return None,
            Owner::Operator => self.operator(&cached),
            Owner::Team { namespace, name } => {
                config_map_document(namespace.as_str(), name, &cached)
            }
        };
        document.map(Arc::new)
    }

    /// The cached documents of all teams.
    pub(super) fn read_teams(&self) -> Vec<Arc<Document>> {
        let team = |(owner, cached): (String, CachedDocument)| {
            let (namespace, name) = owner.split_once('/')?;
            config_map_document(namespace, name, &cached).map(Arc::new)
        };
        self.store.documents().into_iter().filter_map(team).collect()
    }

    fn operator(&self, cached: &CachedDocument) -> Option<Document> {
        let folder = match &self.origin {
            ConfigOrigin::File(path) => path.parent().map_or_else(PathBuf::new, PathBuf::from),
            ConfigOrigin::ConfigMap { namespace, name } => {
                return config_map_document(namespace, name, cached);
            }
        };
        let (name, text) = (format!("{} (kept)", cached.origin), cached.text.clone());
        Some(Document { name, text, location: DocumentLocation::Folder(folder) })
    }
}

impl Write {
    fn run(self, owner: &Owner, store: &Store, origin: &ConfigOrigin) {
        match self {
            Self::Store(document) => {
                store.keep_document(&owner.to_string(), &cached(&document, origin));
            }
            Self::Forget => store.forget_document(&owner.to_string()),
        }
    }
}

fn locked(pending: &Mutex<BTreeMap<Owner, Write>>) -> MutexGuard<'_, BTreeMap<Owner, Write>> {
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cached(document: &Document, origin: &ConfigOrigin) -> CachedDocument {
    let nothing = BTreeMap::new();
    let (binaries, created, uid) = match &document.location {
        DocumentLocation::Folder(_) => (&nothing, 0, None),
        DocumentLocation::ConfigMap(part) => (&part.binaries, part.created, part.uid.clone()),
    };
    CachedDocument::new(origin.to_string(), document.text.clone(), binaries, created, uid)
}

fn config_map_document(namespace: &str, name: &str, cached: &CachedDocument) -> Option<Document> {
    let part = ConfigMapPart {
        namespace: namespace.parse().ok()?,
        name: name.to_owned(),
        uid: cached.uid.clone(),
        binaries: cached.binaries(),
        created: cached.created,
    };
    let name = format!("ConfigMap {namespace}/{name} {KEY} (kept)");
    Some(Document { name, text: cached.text.clone(), location: DocumentLocation::ConfigMap(part) })
}
