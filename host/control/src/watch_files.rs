//! When to read a file again. Mounted volumes are swapped by a link in their folder, so the folder
//! is watched; an event is a hint, and so is the time that has passed.

use std::path::Path;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

/// How often a file is looked at although nothing was heard: not all file systems send events.
const RESYNC_INTERVAL: Duration = Duration::from_secs(30);

/// How long to wait for more events of one change.
const SETTLE_TIME: Duration = Duration::from_millis(50);

/// Hints that a file may have changed.
pub(super) struct FileEvents {
    hints: mpsc::Receiver<()>,
    _watcher: Option<RecommendedWatcher>,
}

impl FileEvents {
    pub(super) fn of(path: &Path) -> Self {
        let (sender, hints) = mpsc::channel(1);
        let heard = move |event: notify::Result<notify::Event>| {
            // Reading is no change, and looking again would read.
            let read_only = event.is_ok_and(|event| event.kind.is_access() && !is_closed(&event));
            if !read_only {
                // One hint that was not taken yet is enough.
                let _ = sender.try_send(());
            }
        };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let watcher = notify::recommended_watcher(heard).and_then(|mut watcher| {
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        if let Err(error) = &watcher {
            let (folder, every) = (folder.display(), RESYNC_INTERVAL);
            tracing::warn!(%folder, %error, ?every, "changes are looked for, not heard of");
        }
        Self { hints, _watcher: watcher.ok() }
    }

    /// Waits for a hint. What changes in one go is one.
    pub(super) async fn next(&mut self) {
        match tokio::time::timeout(RESYNC_INTERVAL, self.hints.recv()).await {
            // Without a watcher there are no events.
            Ok(None) => tokio::time::sleep(RESYNC_INTERVAL).await,
            Ok(Some(())) => {
                tokio::time::sleep(SETTLE_TIME).await;
                let _ = self.hints.try_recv();
            }
            Err(_) => {}
        }
    }
}

/// Whether a file was closed that had been written to.
fn is_closed(event: &notify::Event) -> bool {
    use notify::event::{AccessKind, AccessMode};
    matches!(event.kind, notify::EventKind::Access(AccessKind::Close(AccessMode::Write)))
}
