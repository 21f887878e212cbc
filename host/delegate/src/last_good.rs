//! The last good answers of a delegate, for as long as the configuration says.

use std::hash::BuildHasher as _;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderValue;
use moka::sync::Cache;

use super::answer::DelegateAnswer;
use super::user::ForwardedUser;

/// How many bytes all kept answers of a delegate may have together, with what they are found by.
const MAX_BYTES: u64 = 16 << 20;

/// A longer answer is not kept.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// What an entry takes in addition to the bytes that are counted.
const ENTRY_OVERHEAD: usize = 256;

static USERS: LazyLock<std::hash::RandomState> = LazyLock::new(Default::default);

/// The last good answers of a delegate.
pub(super) struct LastGood {
    answers: Cache<Key, CachedAnswer>,
    max_age: Duration,
}

/// What was asked, in which formats, and by whom: the delegate may answer one user with more than another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    path_and_query: Box<str>,
    accept: Option<HeaderValue>,
    user: u64,
}

#[derive(Debug, Clone)]
struct CachedAnswer {
    body: Bytes,
    content_type: HeaderValue,
    at: Instant,
}

impl Key {
    pub(super) fn new(
        path_and_query: &str,
        accept: Option<&HeaderValue>,
        user: &ForwardedUser<'_>,
    ) -> Self {
        let user = USERS.hash_one((user.name, user.uid, user.groups, user.extra));
        Self { path_and_query: path_and_query.into(), accept: accept.cloned(), user }
    }

    fn bytes(&self) -> usize {
        self.path_and_query.len() + self.accept.as_ref().map_or(0, HeaderValue::len)
    }
}

impl LastGood {
    pub(super) fn new(max_age: Duration) -> Self {
        let weigh = |key: &Key, kept: &CachedAnswer| {
            let bytes = key.bytes() + kept.body.len() + ENTRY_OVERHEAD;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let answers =
            Cache::builder().max_capacity(MAX_BYTES).weigher(weigh).time_to_live(max_age).build();
        Self { answers, max_age }
    }

    /// Keeps a good answer, unless it is too long. Whatever else the delegate says takes the place of the
    /// one before: a user who may not read any more, or a metric that is gone, has no good answer.
    pub(super) fn keep(&self, key: Key, answer: &DelegateAnswer, now: Instant) {
        if !answer.status.is_success() || answer.body.len() > MAX_ANSWER_BYTES {
            self.answers.invalidate(&key);
            return;
        }
        let (body, content_type) = (answer.body.clone(), answer.content_type.clone());
        self.answers.insert(key, CachedAnswer { body, content_type, at: now });
    }

    /// The last good answer and its age, unless it is too old.
    pub(super) fn get(&self, key: &Key, now: Instant) -> Option<(DelegateAnswer, Duration)> {
        let CachedAnswer { body, content_type, at } = self.answers.get(key)?;
        let age = now.saturating_duration_since(at);
        (age <= self.max_age).then(|| (DelegateAnswer::good(body, content_type), age))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn key(path: &str, name: &str) -> Key {
        let extra = BTreeMap::new();
        Key::new(path, None, &ForwardedUser { name, uid: None, groups: &[], extra: &extra })
    }

    fn answer(length: usize) -> DelegateAnswer {
        DelegateAnswer::good(
            vec![b'x'; length].into(),
            HeaderValue::from_static("application/json"),
        )
    }

    #[test]
    fn an_answer_is_kept_for_whoever_asked_and_for_its_time() {
        let (kept, now) = (LastGood::new(Duration::from_secs(60)), Instant::now());
        kept.keep(key("/a", "jane"), &answer(3), now);
        let later = now + Duration::from_secs(60);
        let (found, age) = kept.get(&key("/a", "jane"), later).unwrap();
        assert_eq!((found.body.len(), age), (3, Duration::from_secs(60)));
        assert!(kept.get(&key("/a", "jane"), later + Duration::from_millis(1)).is_none());
        assert!(kept.get(&key("/a", "joe"), now).is_none());
        assert!(kept.get(&key("/b", "jane"), now).is_none());
        let mut refused = answer(3);
        refused.status = http::StatusCode::NOT_FOUND;
        kept.keep(key("/b", "jane"), &refused, now);
        assert!(kept.get(&key("/b", "jane"), now).is_none(), "it is not good");
    }

    #[test]
    fn who_is_refused_has_no_good_answer_any_more() {
        let (kept, now) = (LastGood::new(Duration::from_secs(60)), Instant::now());
        for status in [http::StatusCode::FORBIDDEN, http::StatusCode::NOT_FOUND] {
            kept.keep(key("/a", "jane"), &answer(3), now);
            kept.keep(key("/a", "joe"), &answer(3), now);
            let mut refused = answer(3);
            refused.status = status;
            kept.keep(key("/a", "jane"), &refused, now);
            assert!(kept.get(&key("/a", "jane"), now).is_none(), "{status}");
            assert!(kept.get(&key("/a", "joe"), now).is_some(), "he was not refused");
        }
        kept.keep(key("/a", "joe"), &answer(MAX_ANSWER_BYTES + 1), now);
        assert!(kept.get(&key("/a", "joe"), now).is_none(), "an older one is not the last one");
    }

    #[test]
    fn the_bytes_are_bounded() {
        let (kept, now) = (LastGood::new(Duration::from_secs(60)), Instant::now());
        kept.keep(key("/long", "jane"), &answer(MAX_ANSWER_BYTES + 1), now);
        assert!(kept.get(&key("/long", "jane"), now).is_none());
        for number in 0..64 {
            kept.keep(key(&format!("/{number}"), "jane"), &answer(MAX_ANSWER_BYTES), now);
        }
        kept.answers.run_pending_tasks();
        assert!(kept.answers.weighted_size() <= MAX_BYTES);
        assert!(kept.answers.entry_count() > 4);
    }
}
