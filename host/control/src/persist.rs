//! Documents on their way to the cache folder and back, and the task that writes them: one after
//! another, so that the last word on a document is the one that stays.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

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
    writes: mpsc::UnboundedSender<Write>,
}

enum Write {
    Store(Owner, Arc<Document>),
    Forget(Owner),
}

impl DocumentCache {
    /// Documents of a store. They are written by a task that ends, with all written, when no
    /// handle to the cache is left.
    pub(super) fn new(store: Arc<Store>, origin: ConfigOrigin, tasks: &TaskTracker) -> Self {
        let (writes, mut waiting) = mpsc::unbounded_channel();
        let cache = Self { store: store.clone(), origin: origin.clone(), writes };
        tasks.spawn(async move {
            while let Some(write) = waiting.recv().await {
                let (store, origin) = (store.clone(), origin.clone());
                let written = tokio::task::spawn_blocking(move || write.run(&store, &origin));
                if let Err(error) = written.await {
                    tracing::error!(%error, "writing a cached document panicked");
                }
            }
        });
        cache
    }

    pub(super) fn store(&self, owner: Owner, document: Arc<Document>) {
        // The task ends after this value.
        let _ = self.writes.send(Write::Store(owner, document));
    }

    pub(super) fn forget(&self, owner: Owner) {
        let _ = self.writes.send(Write::Forget(owner));
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
    fn run(self, store: &Store, origin: &ConfigOrigin) {
        match self {
            Self::Store(owner, document) => {
                store.keep_document(&owner.to_string(), &cached(&document, origin));
            }
            Self::Forget(owner) => store.forget_document(&owner.to_string()),
        }
    }
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
