//! Answers that were rendered once, kept with the values they were made from.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use foldhash::fast::RandomState;

/// How many different answers of one evaluation are kept.
const KEPT: usize = 1024;

/// Rendered answers by request.
#[derive(Debug, Default)]
pub struct Memo(Mutex<HashMap<Box<str>, (u64, Bytes), RandomState>>);

impl Memo {
    /// The answer to a request, if it was rendered from this version of the objects.
    pub fn get(&self, request: &str, version: u64) -> Option<Bytes> {
        let memo = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memo.get(request).filter(|(known, _)| *known == version).map(|(_, bytes)| bytes.clone())
    }

    /// Keeps an answer.
    pub fn put(&self, request: &str, version: u64, answer: Bytes) {
        let mut memo = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if memo.len() < KEPT || memo.contains_key(request) {
            memo.insert(request.into(), (version, answer));
        }
    }
}
