//! Changes of the files of a project, without those that its tools write.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

/// Folders that tools fill: builds, packages, caches.
const OF_TOOLS: [&str; 8] =
    ["target", "node_modules", "dist", "build", "__pycache__", "venv", "vendor", "site-packages"];
/// The most folders that are watched, so that a project in a large folder does not use up what the
/// system has of watches.
const MAX_FOLDERS: usize = 2_000;
/// How long to wait for more events of one change: editors write a file in several steps.
const SETTLE_TIME: Duration = Duration::from_millis(40);

/// Hints that something of a project has changed.
pub(super) struct Changes {
    root: PathBuf,
    /// The folder of the component that something else builds.
    component: Option<PathBuf>,
    hints: mpsc::Receiver<()>,
    watcher: RecommendedWatcher,
}

impl Changes {
    /// Watches a folder and those below it, or one component that something else builds.
    pub(super) fn of(root: &Path, component: Option<&Path>) -> anyhow::Result<Self> {
        let (sender, hints) = mpsc::channel(1);
        let (base, built) = (root.to_owned(), component.map(Path::to_owned));
        let heard = move |event: notify::Result<notify::Event>| {
            // An error may stand for events that were lost.
            let counts = event.map_or(true, |event| {
                is_change(event.kind)
                    && event.paths.iter().any(|path| match &built {
                        Some(built) => path == built || is_mapping(&base, path),
                        None => is_source(&base, path),
                    })
            });
            if counts {
                // One hint that was not taken yet is enough.
                let _ = sender.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(heard).context("files cannot be watched")?;
        let component = component.and_then(Path::parent).map(Path::to_owned);
        let mut changes = Self { root: root.to_owned(), component, hints, watcher };
        changes.watch()?;
        Ok(changes)
    }

    /// Waits for a change. What changes in one go is one.
    pub(super) async fn next(&mut self) -> anyhow::Result<()> {
        self.hints.recv().await.context("files are not watched any more")?;
        tokio::time::sleep(SETTLE_TIME).await;
        let _ = self.hints.try_recv();
        // There may be new folders.
        self.watch()
    }

    /// Watches each folder that there is.
    fn watch(&mut self) -> anyhow::Result<()> {
        let folders =
            folders(&self.root).with_context(|| format!("cannot read {}", self.root.display()))?;
        for folder in folders.into_iter().chain(self.component.clone()) {
            match self.watcher.watch(&folder, RecursiveMode::NonRecursive) {
                // It may have been removed since it was listed.
                Err(_) if !folder.exists() => {}
                watched => {
                    watched.with_context(|| format!("cannot watch {}", folder.display()))?;
                }
            }
        }
        Ok(())
    }
}

/// Whether an event may stand for other content of a file.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

/// Whether a path is one that an author edits. Components and locks are what builds write.
fn is_source(root: &Path, path: &Path) -> bool {
    let below = path.strip_prefix(root).unwrap_or(path);
    let hidden = |name: &OsStr| name.as_encoded_bytes().starts_with(b".");
    let of_tools = |name: &OsStr| {
        OF_TOOLS.iter().any(|known| name == *known)
            || name.as_encoded_bytes().ends_with(b".egg-info")
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_written = name.ends_with('~')
        || name.ends_with(".wasm")
        || name.ends_with(".lock")
        || name == "go.sum";
    !is_written && !below.iter().any(|part| hidden(part) || of_tools(part))
}

/// Whether a path is a mapping or a fixture: what else is served anew when it changes.
fn is_mapping(root: &Path, path: &Path) -> bool {
    let ending = path.extension().and_then(OsStr::to_str);
    is_source(root, path) && matches!(ending, Some("yaml" | "yml" | "json"))
}

/// A folder and those below it, without those of tools.
fn folders(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![root.to_owned()];
    let mut next = 0;
    while let Some(folder) = found.get(next).cloned() {
        next += 1;
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            // What is gone, or for others only, has nothing to watch.
            Err(_) if folder != root => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && is_source(root, &entry.path()) && found.len() < MAX_FOLDERS {
                found.push(entry.path());
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wait that fails the test and does not hang it.
    const TIMEOUT: Duration = Duration::from_secs(30);

    #[test]
    fn what_tools_write_is_no_source() {
        let root = Path::new("/projects/target/busy");
        let is = |path: &str| is_source(root, &root.join(path));
        for source in ["src/lib.rs", "fixtures/a.json", "go.mod", "mapping.yaml", "src/new/x.py"] {
            assert!(is(source), "{source}");
        }
        for written in [
            "target/debug/x.rs",
            "node_modules/a/b.js",
            ".git/index",
            "src/.lib.rs.swp",
            "src/lib.rs~",
            "busy.wasm",
            "Cargo.lock",
            "src/__pycache__/app.pyc",
        ] {
            assert!(!is(written), "{written}");
        }
    }

    #[tokio::test]
    async fn an_edit_in_a_new_folder_is_heard() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        std::fs::create_dir(root.join("target")).unwrap();
        let mut changes = Changes::of(root, None).unwrap();
        for path in ["src", "src/inner"] {
            std::fs::create_dir(root.join(path)).unwrap();
            tokio::time::timeout(TIMEOUT, changes.next()).await.unwrap().unwrap();
        }
        std::fs::write(root.join("src/inner/lib.rs"), "a").unwrap();
        tokio::time::timeout(TIMEOUT, changes.next()).await.unwrap().unwrap();
    }
}
