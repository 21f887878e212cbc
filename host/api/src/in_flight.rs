//! Bounds the bytes of long answers in flight: a client decides how many it asks for at once, and how
//! fast it receives them.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::status::Status;

/// How many bytes long answers in flight may have together: of reads, and of the admin address, where
/// pages are of everybody.
const MAX_BYTES: usize = 128 << 20;
const MAX_PAGE_BYTES: usize = 64 << 20;

/// A shorter answer is not counted: what autoscalers ask for is far below it.
const COUNTED_BYTES: usize = 64 << 10;

/// The unit in which bytes are counted.
const UNIT: usize = 1 << 10;

/// The long answers in flight.
#[derive(Debug)]
pub(super) struct LongAnswers {
    units: Arc<Semaphore>,
    max_bytes: usize,
}

/// An answer that is counted until its last byte is sent.
struct Counted {
    body: Bytes,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Default for LongAnswers {
    fn default() -> Self {
        Self::bounded(MAX_BYTES)
    }
}

impl LongAnswers {
    /// Those of the admin address.
    pub(super) fn pages() -> Self {
        Self::bounded(MAX_PAGE_BYTES)
    }

    fn bounded(max_bytes: usize) -> Self {
        Self { units: Arc::new(Semaphore::new(max_bytes / UNIT)), max_bytes }
    }

    /// Counts an answer if it is long, or refuses it.
    pub(super) fn admit(&self, body: Bytes) -> Result<Bytes, Status> {
        if body.len() <= COUNTED_BYTES {
            return Ok(body);
        }
        let units = u32::try_from(body.len().div_ceil(UNIT)).unwrap_or(u32::MAX);
        match self.units.clone().try_acquire_many_owned(units) {
            Ok(permit) => Ok(Bytes::from_owner(Counted { body, _permit: permit })),
            Err(_) => Err(Status::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!(
                    "the answer has {} KiB, and long answers in flight may have {} MiB together; ask \
                     for fewer objects, with a shorter metric selector, or again",
                    body.len() >> 10,
                    self.max_bytes >> 20
                ),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_answers_are_counted_until_they_are_sent() {
        let answers = LongAnswers::default();
        let long = || Bytes::from(vec![b'x'; MAX_BYTES / 4]);
        let mut in_flight: Vec<_> = (0..4).map(|_| answers.admit(long()).unwrap()).collect();
        assert_eq!(in_flight[0], long());
        let refused = serde_json::to_value(answers.admit(long()).unwrap_err()).unwrap();
        assert_eq!(refused["code"], 429);
        let short = Bytes::from(vec![b'x'; COUNTED_BYTES]);
        assert_eq!(answers.admit(short.clone()).unwrap(), short, "short ones are not counted");
        let part = in_flight[0].slice(..10);
        in_flight.remove(0);
        assert!(answers.admit(long()).is_err(), "a part of it is still in flight");
        drop(part);
        answers.admit(long()).unwrap();
        let pages = LongAnswers::pages();
        let page = pages.admit(Bytes::from(vec![b'x'; MAX_PAGE_BYTES])).unwrap();
        assert!(pages.admit(long()).is_err(), "they have a bound of their own");
        drop(page);
    }
}
