//! Bounds the bytes of long answers in flight. Clients decide how many they request at once and how fast
//! they receive them, so without a bound they decide how much memory is used.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use foldhash::fast::RandomState;
use http::StatusCode;

use super::status::Status;

/// How many bytes long answers in flight may have together, and those of one user: one that receives
/// nothing leaves room to others.
const MAX_BYTES: usize = 128 << 20;
const MAX_BYTES_OF_USER: usize = MAX_BYTES / 4;

/// The same for the pages of the admin address, which are everybody's.
const MAX_PAGE_BYTES: usize = 64 << 20;

/// A shorter answer is not counted: what autoscalers ask for is far below it.
const MIN_COUNTED_BYTES: usize = 64 << 10;

/// The long answers in flight.
#[derive(Debug)]
pub(super) struct LongAnswers {
    used: Arc<Mutex<Used>>,
    max_bytes: usize,
    max_of_user: usize,
}

/// The bytes in flight.
#[derive(Debug, Default)]
struct Used {
    all: usize,
    of_user: HashMap<u64, usize, RandomState>,
}

/// An answer that is counted until its last byte is sent.
struct Counted {
    body: Bytes,
    user: u64,
    used: Arc<Mutex<Used>>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut used = lock(&self.used);
        used.all = used.all.saturating_sub(self.body.len());
        if let Some(own) = used.of_user.get_mut(&self.user) {
            *own = own.saturating_sub(self.body.len());
            if *own == 0 {
                used.of_user.remove(&self.user);
            }
        }
    }
}

impl Default for LongAnswers {
    fn default() -> Self {
        Self::bounded(MAX_BYTES, MAX_BYTES_OF_USER)
    }
}

impl LongAnswers {
    /// Those of the admin address.
    pub(super) fn pages() -> Self {
        Self::bounded(MAX_PAGE_BYTES, MAX_PAGE_BYTES)
    }

    fn bounded(max_bytes: usize, max_of_user: usize) -> Self {
        Self { used: Arc::default(), max_bytes, max_of_user }
    }

    /// Counts an answer to a user if it is long, or refuses it.
    pub(super) fn admit(&self, user: u64, body: Bytes) -> Result<Bytes, Status> {
        let length = body.len();
        if length <= MIN_COUNTED_BYTES {
            return Ok(body);
        }
        let mut used = lock(&self.used);
        let own = used.of_user.get(&user).copied().unwrap_or_default();
        if own + length > self.max_of_user {
            return Err(refused("your long answers in flight", self.max_of_user, length));
        }
        if used.all + length > self.max_bytes {
            return Err(refused("all long answers in flight", self.max_bytes, length));
        }
        used.all += length;
        used.of_user.insert(user, own + length);
        drop(used);
        Ok(Bytes::from_owner(Counted { body, user, used: self.used.clone() }))
    }
}

fn refused(what: &str, limit: usize, length: usize) -> Status {
    let message = format!(
        "the answer has {} KiB, and {what} may have {} MiB together; ask for fewer objects, with a \
         shorter metric selector, or again",
        length >> 10,
        limit >> 20
    );
    Status::new(StatusCode::TOO_MANY_REQUESTS, message)
}

fn lock(used: &Mutex<Used>) -> MutexGuard<'_, Used> {
    used.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_answers_are_counted_until_they_are_sent() {
        let answers = LongAnswers::default();
        let long = || Bytes::from(vec![b'x'; MAX_BYTES_OF_USER]);
        let admit = |user| answers.admit(user, long());
        let mut in_flight: Vec<_> = (0..4).map(|user| admit(user).unwrap()).collect();
        assert_eq!(in_flight[0], long());
        let refused = serde_json::to_value(admit(4).unwrap_err()).unwrap();
        assert_eq!(refused["code"], 429);
        let short = Bytes::from(vec![b'x'; MIN_COUNTED_BYTES]);
        assert_eq!(answers.admit(0, short.clone()).unwrap(), short, "short ones are not counted");
        let part = in_flight[0].slice(..10);
        in_flight.remove(0);
        assert!(admit(4).is_err(), "a part of it is still in flight");
        drop(part);
        in_flight.push(admit(4).unwrap());
        drop(in_flight);
        assert!(lock(&answers.used).of_user.is_empty());
        let pages = LongAnswers::pages();
        let page = pages.admit(0, Bytes::from(vec![b'x'; MAX_PAGE_BYTES])).unwrap();
        assert!(pages.admit(1, long()).is_err(), "they have a bound of their own");
        drop(page);
    }

    #[test]
    fn who_receives_nothing_leaves_room_to_others() {
        let answers = LongAnswers::default();
        let long = || Bytes::from(vec![b'x'; MAX_BYTES_OF_USER / 2 + 1]);
        let first = answers.admit(0, long()).unwrap();
        let refused = serde_json::to_value(answers.admit(0, long()).unwrap_err()).unwrap();
        let reported = refused["message"].as_str().unwrap();
        assert!(refused["code"] == 429 && reported.contains("your long answers"), "{refused}");
        answers.admit(1, long()).unwrap();
        drop(first);
        answers.admit(0, long()).unwrap();
    }
}
