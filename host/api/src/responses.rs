//! The response cache: rendered answers, kept while they are requested and no newer values are known.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use foldhash::fast::RandomState;
use moka::Equivalent;
use moka::sync::Cache;

use super::render::{Encoding, Shape};
use leadsman_evaluation::Missing;
use leadsman_provider::{Origin, OriginVersion};

/// How many bytes all kept answers may have together, with what they are found by.
const MAX_BYTES: u64 = 32 << 20;

/// A longer answer is not kept: it is made anew each time.
const MAX_ANSWER_BYTES: usize = 256 << 10;

/// An answer that nobody asks for is dropped after this time.
const IDLE_TIMEOUT: Duration = Duration::from_secs(120);

/// What an entry takes in addition to the bytes that are counted.
const ENTRY_OVERHEAD: usize = 256;

/// Rendered answers by question. One that was made from older values than there are now is not
/// found, and gives its place to the newer one.
pub(super) struct ResponseCache(Cache<Key, Entry, RandomState>);

/// What is asked of evaluations: all that an answer depends on besides what it is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Question<'a> {
    pub(super) shape: Shape,
    pub(super) encoding: Encoding,
    /// Empty at the root.
    pub(super) namespace: &'a str,
    /// The object; `None` for all that are picked.
    pub(super) name: Option<&'a str>,
    /// What picks objects or items.
    pub(super) labels: &'a str,
    pub(super) fields: &'a str,
}

/// A question to certain evaluations.
#[derive(Hash)]
struct EvaluationQuestion<'a> {
    evaluations: [u64; 2],
    question: Question<'a>,
}

/// The same, kept.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    evaluations: [u64; 2],
    shape: Shape,
    encoding: Encoding,
    namespace: Box<str>,
    name: Option<Box<str>>,
    labels: Box<str>,
    fields: Box<str>,
}

#[derive(Debug, Clone)]
struct Entry {
    version: OriginVersion,
    answer: Answer,
}

/// A rendered answer, and what it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) body: Bytes,
    pub(super) missing: Option<Arc<Missing>>,
    /// Whether it has no value at all.
    pub(super) is_empty: bool,
}

impl Default for ResponseCache {
    fn default() -> Self {
        let weigh = |key: &Key, entry: &Entry| {
            let bytes = key.bytes() + entry.answer.bytes() + ENTRY_OVERHEAD;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder()
            .max_capacity(MAX_BYTES)
            .weigher(weigh)
            .time_to_idle(IDLE_TIMEOUT)
            .build_with_hasher(RandomState::default());
        Self(cache)
    }
}

impl ResponseCache {
    /// The answer to a question that was made from these values and objects.
    pub(super) fn get(&self, question: &Question<'_>, origin: &Origin) -> Option<Answer> {
        let asked = EvaluationQuestion { evaluations: origin.evaluations, question: *question };
        let entry = self.0.get(&asked)?;
        (entry.version == origin.version).then_some(entry.answer)
    }

    /// Keeps an answer, unless it is too long.
    pub(super) fn put(&self, question: &Question<'_>, origin: &Origin, answer: &Answer) {
        if answer.body.len() > MAX_ANSWER_BYTES {
            return;
        }
        let key = Key::new(origin.evaluations, question);
        // The bytes alone, without the room that they were written into.
        let body = Bytes::copy_from_slice(&answer.body);
        let answer = Answer { body, missing: answer.missing.clone(), is_empty: answer.is_empty };
        self.0.insert(key, Entry { version: origin.version, answer });
    }
}

impl Answer {
    fn bytes(&self) -> usize {
        self.body.len() + self.missing.as_ref().map_or(0, |missing| missing.message.len())
    }
}

impl Key {
    fn new(evaluations: [u64; 2], question: &Question<'_>) -> Self {
        let Question { shape, encoding, namespace, name, labels, fields } = *question;
        Self {
            evaluations,
            shape,
            encoding,
            namespace: namespace.into(),
            name: name.map(Into::into),
            labels: labels.into(),
            fields: fields.into(),
        }
    }

    fn question(&self) -> Question<'_> {
        Question {
            shape: self.shape,
            encoding: self.encoding,
            namespace: &self.namespace,
            name: self.name.as_deref(),
            labels: &self.labels,
            fields: &self.fields,
        }
    }

    fn bytes(&self) -> usize {
        let name = self.name.as_ref().map_or(0, |name| name.len());
        self.namespace.len() + name + self.labels.len() + self.fields.len()
    }
}

impl Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        EvaluationQuestion { evaluations: self.evaluations, question: self.question() }.hash(state);
    }
}

impl Equivalent<Key> for EvaluationQuestion<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.evaluations == key.evaluations && self.question == key.question()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::CustomVersion;
    use leadsman_evaluation::MissingReason;

    fn origin(evaluations: [u64; 2], values: [u64; 2], objects: u64) -> Origin {
        Origin { evaluations, version: OriginVersion { values, objects } }
    }

    fn whole(body: Bytes) -> Answer {
        Answer { body, missing: None, is_empty: false }
    }

    fn question(labels: &str) -> Question<'_> {
        Question {
            shape: Shape::Custom(CustomVersion::V1Beta2),
            encoding: Encoding::Json,
            namespace: "shop",
            name: None,
            labels,
            fields: "",
        }
    }

    #[test]
    fn an_answer_is_that_to_the_same_question_from_the_same_values() {
        let cache = ResponseCache::default();
        let (first, question) = (origin([1, 0], [7, 0], 3), question("app=web"));
        let mut body = whole(Bytes::from_static(b"answer"));
        body.missing = Some(Arc::new(Missing::new(MissingReason::NoSeries, "why")));
        cache.put(&question, &first, &body);
        assert_eq!(cache.get(&question, &first), Some(body));
        for other in [
            origin([2, 0], [7, 0], 3),
            origin([1, 1], [7, 0], 3),
            origin([1, 0], [8, 0], 3),
            origin([1, 0], [7, 1], 3),
            origin([1, 0], [7, 0], 4),
        ] {
            assert_eq!(cache.get(&question, &other), None, "{other:?}");
        }
        for other in [
            Question { shape: Shape::Custom(CustomVersion::V1Beta1), ..question },
            Question { encoding: Encoding::Protobuf, ..question },
            Question { namespace: "bank", ..question },
            Question { name: Some(""), ..question },
            Question { name: Some("app=web"), labels: "", ..question },
            Question { labels: "", fields: "app=web", ..question },
            Question { labels: "app=we", fields: "b", ..question },
        ] {
            assert_eq!(cache.get(&other, &first), None, "{other:?}");
        }
    }

    #[test]
    fn newer_values_take_the_place_of_older_ones() {
        let (cache, question) = (ResponseCache::default(), question(""));
        for value in 0..1000 {
            let origin = origin([1, 0], [value, 0], 0);
            cache.put(&question, &origin, &whole(Bytes::from_static(b"answer")));
        }
        cache.0.run_pending_tasks();
        assert_eq!(cache.0.entry_count(), 1);
    }

    /// 1,024 made-up selectors on a list of 913 kB took 948 MiB.
    #[test]
    fn many_and_long_answers_stay_within_the_bound() {
        let cache = ResponseCache::default();
        let origin = origin([1, 0], [1, 0], 0);
        let (long, longer) = (vec![b'x'; MAX_ANSWER_BYTES], vec![b'x'; MAX_ANSWER_BYTES + 1]);
        let (long, longer) = (whole(Bytes::from(long)), whole(Bytes::from(longer)));
        cache.put(&question("longer"), &origin, &longer);
        assert_eq!(cache.get(&question("longer"), &origin), None);
        for number in 0..1024 {
            cache.put(&question(&format!("made-up={number}")), &origin, &long);
        }
        cache.0.run_pending_tasks();
        let (weight, count) = (cache.0.weighted_size(), cache.0.entry_count());
        assert!(weight <= MAX_BYTES, "{weight} bytes");
        assert!(count > 100, "{count} answers");
    }
}
