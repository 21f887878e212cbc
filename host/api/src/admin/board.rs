//! The entries of the page, computed once a second and shared by all of its clients.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, Semaphore};

use super::AdminState;
use super::entries::Entries;

/// How often the entries are made while somebody looks.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// The most clients at once. Each may have all entries in its connection's buffer.
pub(super) const MAX_CLIENTS: usize = 32;

/// What clients share.
pub(super) struct SharedStatus {
    made: Mutex<Option<(Instant, Arc<Entries>)>>,
    /// A permit for each client.
    pub(super) clients: Arc<Semaphore>,
}

impl Default for SharedStatus {
    fn default() -> Self {
        Self { made: Mutex::default(), clients: Arc::new(Semaphore::new(MAX_CLIENTS)) }
    }
}

/// What a client has to be sent to know these entries.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// What is new or has changed.
    pub(super) set: BTreeMap<String, Arc<str>>,
    /// What is gone.
    pub(super) gone: Vec<String>,
}

impl AdminState {
    /// The entries of now, or of less than a second ago. `None` if making them panicked.
    pub(super) async fn newest(&self) -> Option<Arc<Entries>> {
        let mut made = self.board.made.lock().await;
        if let Some((at, entries)) = &*made
            && at.elapsed() < INTERVAL
        {
            return Some(entries.clone());
        }
        let making = self.clone();
        // Not on a thread that serves reads.
        let entries = tokio::task::spawn_blocking(move || making.entries()).await;
        let entries = match entries {
            Ok(entries) => Arc::new(entries),
            Err(error) => {
                tracing::error!(%error, "making the entries of the page panicked");
                return None;
            }
        };
        *made = Some((Instant::now(), entries.clone()));
        Some(entries)
    }
}

impl Difference {
    /// From what a client knows to what there is.
    pub(super) fn between(known: &Entries, now: &Entries) -> Self {
        let has_changed = |(name, text): &(&String, &Arc<str>)| known.get(*name) != Some(*text);
        let set = now.iter().filter(has_changed);
        let gone = known.keys().filter(|name| !now.contains_key(*name));
        Self {
            set: set.map(|(name, text)| (name.clone(), text.clone())).collect(),
            gone: gone.cloned().collect(),
        }
    }

    /// Whether there is nothing to send.
    pub(super) fn is_empty(&self) -> bool {
        self.set.is_empty() && self.gone.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(of: &[(&str, &str)]) -> Entries {
        of.iter().map(|(name, text)| ((*name).to_owned(), Arc::from(*text))).collect()
    }

    #[test]
    fn what_has_not_changed_is_not_told() {
        let before = entries(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let now = entries(&[("a", "1"), ("b", "4"), ("d", "5")]);
        let difference = Difference::between(&before, &now);
        assert_eq!(difference.set, entries(&[("b", "4"), ("d", "5")]));
        assert_eq!(difference.gone, ["c"]);
        assert!(Difference::between(&now, &now).is_empty());
        assert_eq!(Difference::between(&Entries::new(), &now).set.len(), 3);
    }
}
