//! The cache folder: the documents and plugins in force, for a start while registries or kube-apiserver
//! are down.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use leadsman_model::reference::Digest;
use leadsman_runtime::files;

/// How many components are kept: more than any configuration has plugins.
const MAX_COMPONENTS: usize = 200;

/// The largest file that is read: a component, or a document with its binaries.
const MAX_FILE: u64 = 128 << 20;

/// A folder of our own.
pub(super) struct Store(PathBuf);

/// An artifact that was verified, loaded and tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct VerifiedArtifact {
    /// As it is configured.
    pub(super) reference: String,
    /// The digest that it was resolved to.
    pub(super) digest: String,
    /// The public keys that had each signed it, as they were written.
    pub(super) keys: Vec<String>,
    /// The SHA-256 of its component.
    pub(super) component: String,
}

/// A document that was served as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CachedDocument {
    /// Where it came from, so that another one does not take its place.
    pub(super) origin: String,
    pub(super) text: String,
    /// When its ConfigMap was created, in seconds since the epoch. It keeps its age over a restart.
    #[serde(default)]
    pub(super) created: i64,
    /// Which of the ConfigMaps that had its name.
    #[serde(default)]
    pub(super) uid: Option<String>,
    /// In base64.
    binaries: BTreeMap<String, String>,
}

impl CachedDocument {
    pub(super) fn new(
        origin: String,
        text: String,
        binaries: &BTreeMap<String, std::sync::Arc<[u8]>>,
        created: i64,
        uid: Option<String>,
    ) -> Self {
        let encoded =
            binaries.iter().map(|(key, bytes)| (key.clone(), STANDARD.encode(bytes))).collect();
        Self { origin, text, created, uid, binaries: encoded }
    }

    pub(super) fn binaries(&self) -> BTreeMap<String, std::sync::Arc<[u8]>> {
        let decoded = |(key, text): (&String, &String)| {
            Some((key.clone(), STANDARD.decode(text).ok()?.into()))
        };
        self.binaries.iter().filter_map(decoded).collect()
    }
}

impl Store {
    /// Opens a folder, made if it is not there.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        for part in ["components", "artifacts", "documents"] {
            fs::create_dir_all(folder.join(part))?;
        }
        Ok(Self(folder.to_owned()))
    }

    pub(super) fn keep_artifact(&self, artifact: &VerifiedArtifact, component: &[u8]) {
        self.write(&self.0.join("components").join(&artifact.component), component);
        let name = name_of(&artifact.reference, &artifact.keys);
        self.write_json(&self.0.join("artifacts").join(name), artifact);
        for part in ["components", "artifacts"] {
            if let Err(error) = files::keep_newest(&self.0.join(part), MAX_COMPONENTS) {
                tracing::warn!(part, %error, "what is not needed any more cannot be dropped");
            }
        }
    }

    /// The artifact that a reference stood for when it was last verified with these keys.
    pub(super) fn artifact(&self, reference: &str, keys: &[String]) -> Option<VerifiedArtifact> {
        let kept: VerifiedArtifact =
            self.read_json(&self.0.join("artifacts").join(name_of(reference, keys)))?;
        (kept.reference == reference && kept.keys == keys).then_some(kept)
    }

    /// A component by its SHA-256, if it is there and whole.
    pub(super) fn component(&self, digest: &str) -> Option<Vec<u8>> {
        let path = self.0.join("components").join(digest);
        let damage = match files::read_regular(&path, MAX_FILE) {
            Ok(bytes) if Digest::of(&bytes).hex() == digest => return Some(bytes),
            Ok(_) => "it is not what was kept".to_owned(),
            Err(error) => error.to_string(),
        };
        tracing::error!(file = %path.display(), damage, "a component that was kept is damaged");
        None
    }

    /// A document by its owner.
    pub(super) fn document(&self, owner: &str) -> Option<CachedDocument> {
        self.read_json(&self.0.join("documents").join(file_of(owner)))
    }

    /// All documents, with their owners.
    pub(super) fn documents(&self) -> Vec<(String, CachedDocument)> {
        let Ok(entries) = fs::read_dir(self.0.join("documents")) else { return Vec::new() };
        let mut all: Vec<_> = entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let owner = path.file_name()?.to_str()?.replace('+', "/");
                Some((owner, self.read_json(&path)?))
            })
            .collect();
        all.sort_by(|one: &(String, CachedDocument), other| one.0.cmp(&other.0));
        all
    }

    pub(super) fn keep_document(&self, owner: &str, document: &CachedDocument) {
        self.write_json(&self.0.join("documents").join(file_of(owner)), document);
    }

    pub(super) fn forget_document(&self, owner: &str) {
        // One that was never cached is not there.
        let _ = fs::remove_file(self.0.join("documents").join(file_of(owner)));
    }

    fn read_json<T: for<'a> Deserialize<'a>>(&self, path: &Path) -> Option<T> {
        let text = files::read_regular(path, MAX_FILE).ok()?;
        match serde_json::from_slice(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "what was kept cannot be read");
                None
            }
        }
    }

    fn write_json<T: Serialize>(&self, path: &Path, value: &T) {
        match serde_json::to_vec(value) {
            Ok(text) => self.write(path, &text),
            Err(error) => tracing::error!(%error, "what is to be kept cannot be written down"),
        }
    }

    fn write(&self, path: &Path, bytes: &[u8]) {
        if let Err(error) = files::write_whole(path, &[bytes]) {
            let file = path.display();
            tracing::warn!(%file, %error, "it cannot be kept: a start without it would miss it");
        }
    }
}

fn name_of(reference: &str, keys: &[String]) -> String {
    Digest::of(format!("{reference}\n{}", keys.join("\n")).as_bytes()).hex()
}

/// Owners have a slash at most, and no plus.
fn file_of(owner: &str) -> String {
    owner.replace('/', "+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_found_again_whole() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let keys = vec!["key".to_owned()];
        let artifact = VerifiedArtifact {
            reference: "registry.example/a:1".to_owned(),
            digest: "sha256:00".to_owned(),
            keys: keys.clone(),
            component: Digest::of(b"component").hex(),
        };
        store.keep_artifact(&artifact, b"component");
        assert_eq!(store.artifact("registry.example/a:1", &keys), Some(artifact.clone()));
        assert_eq!(store.artifact("registry.example/a:1", &[]), None, "verified with other keys");
        assert_eq!(store.component(&artifact.component).unwrap(), b"component");
        fs::write(folder.path().join("components").join(&artifact.component), "other").unwrap();
        assert_eq!(store.component(&artifact.component), None);

        let binaries = BTreeMap::from([("p.wasm".to_owned(), [0_u8, 1].as_slice().into())]);
        let (created, uid) = (1_700_000_000, Some("uid".to_owned()));
        let kept =
            CachedDocument::new("somewhere".to_owned(), "text".to_owned(), &binaries, created, uid);
        store.keep_document("shop/metrics", &kept);
        assert_eq!(store.documents(), [("shop/metrics".to_owned(), kept.clone())]);
        assert_eq!(kept.binaries(), binaries);
        store.forget_document("shop/metrics");
        assert_eq!(store.document("shop/metrics"), None);
    }
}
