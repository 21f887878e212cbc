//! Who reads an evaluation, and when.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::MAX_READERS;
use leadsman_model::text;
use leadsman_runtime::clock;

/// A read of one reader is noted at most so often.
const INTERVAL: Duration = Duration::from_secs(1);

/// A reader that has not read for so long makes room for another one.
const MAX_UNREAD: Duration = Duration::from_secs(60);

/// How many characters of names are kept: clients make them up.
const MAX_NAME: usize = 120;

/// Who reads.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReaderIdentity<'a> {
    /// The same number for the same user, agent and namespace.
    pub key: u64,
    /// The user, where requests have users.
    pub user: Option<&'a str>,
    /// The user agent as the client states it.
    pub agent: &'a str,
    /// The namespace that is read; empty at the root.
    pub namespace: &'a str,
}

/// A reader that was noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderNote {
    /// The user, where requests have users.
    pub user: Option<Box<str>>,
    /// The user agent as the client states it.
    pub agent: Box<str>,
    /// The namespace that was read; empty at the root.
    pub namespace: Box<str>,
    /// The first read that was noted, in milliseconds since the epoch.
    pub first: i64,
    /// The last one.
    pub last: i64,
}

/// The readers of one evaluation.
#[derive(Debug, Default)]
pub struct ReaderLog(Mutex<Vec<ReaderHistory>>);

#[derive(Debug, Clone)]
struct ReaderHistory {
    key: u64,
    at: Instant,
    note: ReaderNote,
}

impl ReaderLog {
    /// Notes a read. Waits for nobody: a read at the same time may be noted in its place.
    pub fn note(&self, who: &ReaderIdentity<'_>, now: Instant) {
        let Ok(mut noted) = self.0.try_lock() else { return };
        if let Some(known) = noted.iter_mut().find(|known| known.key == who.key) {
            if now.saturating_duration_since(known.at) >= INTERVAL {
                known.at = now;
                known.note.last = clock::now();
            }
            return;
        }
        if noted.len() >= MAX_READERS {
            let oldest = noted.iter().enumerate().min_by_key(|(_, known)| known.at);
            match oldest.map(|(at, known)| (at, now.saturating_duration_since(known.at))) {
                Some((at, unread)) if unread >= MAX_UNREAD => drop(noted.swap_remove(at)),
                _ => return,
            }
        }
        let time = clock::now();
        let name = |text: &str| text::one_line(text, MAX_NAME).into_boxed_str();
        let note = ReaderNote {
            user: who.user.map(name),
            agent: name(who.agent),
            namespace: name(who.namespace),
            first: time,
            last: time,
        };
        noted.push(ReaderHistory { key: who.key, at: now, note });
    }

    /// All readers, the newest read first.
    pub fn list(&self) -> Vec<ReaderNote> {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        noted.sort_by_key(|known| std::cmp::Reverse(known.at));
        noted.into_iter().map(|known| known.note).collect()
    }

    /// A log that has the readers of another one.
    pub(crate) fn carried_on(&self) -> Self {
        Self(Mutex::new(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(key: u64, user: &str) -> ReaderIdentity<'_> {
        ReaderIdentity { key, user: Some(user), agent: "curl/8\n", namespace: "shop" }
    }

    #[test]
    fn a_reader_is_noted_once_with_its_last_read() {
        let (log, start) = (ReaderLog::default(), Instant::now());
        log.note(&who(1, "jane"), start);
        log.note(&who(2, "joe"), start + Duration::from_millis(1));
        log.note(&who(1, "jane"), start + Duration::from_secs(2));
        let list = log.list();
        let users: Vec<_> = list.iter().map(|note| note.user.as_deref().unwrap()).collect();
        assert_eq!(users, ["jane", "joe"]);
        assert_eq!((&*list[0].agent, &*list[0].namespace), ("curl/8 ", "shop"));
        assert_eq!(log.carried_on().list(), list);
    }

    #[test]
    fn readers_are_bounded_and_old_ones_make_room() {
        let (log, start) = (ReaderLog::default(), Instant::now());
        for key in 0..100 {
            log.note(&who(key, &"x".repeat(1000)), start);
        }
        assert_eq!(log.list().len(), MAX_READERS);
        assert!(log.list()[0].user.as_ref().unwrap().chars().count() <= MAX_NAME + 1);
        log.note(&who(500, "new"), start + Duration::from_secs(59));
        assert!(log.list().iter().all(|note| note.user.as_deref() != Some("new")));
        log.note(&who(500, "new"), start + Duration::from_secs(60));
        assert_eq!(log.list().len(), MAX_READERS);
        assert_eq!(log.list()[0].user.as_deref(), Some("new"));
    }

    #[test]
    fn a_read_never_waits_for_the_log() {
        let log = ReaderLog::default();
        let held = log.0.lock().unwrap();
        log.note(&who(1, "jane"), Instant::now());
        drop(held);
        assert!(log.list().is_empty());
    }
}
