//! Strings by number: the dictionary of an input and the labels that refer to it.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use crate::bindings::leadsman::plugin::types;

/// The strings of an input. Each is checked to be UTF-8 when it is read: most never are, since series
/// are told apart by the numbers of their labels.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Dictionary {
    pub(crate) fn new(raw: types::Dictionary) -> Self {
        Self { bytes: raw.bytes, ends: raw.ends }
    }

    /// A string. The host sends only whole UTF-8 strings; if it ever did not, one that is broken would
    /// be read as empty.
    pub(crate) fn get(&self, id: u32) -> &str {
        std::str::from_utf8(self.bytes_of(id)).unwrap_or_default()
    }

    /// Whether a string is this one, without reading it as text.
    pub(crate) fn is(&self, id: u32, text: &str) -> bool {
        self.bytes_of(id) == text.as_bytes()
    }

    fn bytes_of(&self, id: u32) -> &[u8] {
        let index = id as usize;
        let start = match index {
            0 => 0,
            _ => self.ends.get(index - 1).copied().unwrap_or_default() as usize,
        };
        let end = self.ends.get(index).copied().unwrap_or_default() as usize;
        self.bytes.get(start..end).unwrap_or_default()
    }

    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }
}

/// Builds a dictionary, each string once.
#[derive(Debug)]
pub(crate) struct Interner {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    ids: HashMap<String, u32>,
}

impl Interner {
    /// An interner whose first string is the empty one.
    pub(crate) fn for_input() -> Self {
        let mut interner = Self::for_output();
        interner.intern("");
        interner
    }

    pub(crate) fn for_output() -> Self {
        Self { bytes: Vec::new(), ends: Vec::new(), ids: HashMap::new() }
    }

    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        if let Some(&id) = self.ids.get(text) {
            return id;
        }
        let id = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(text.as_bytes());
        self.ends.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        self.ids.insert(text.to_owned(), id);
        id
    }

    pub(crate) fn get(&self, id: u32) -> &str {
        let index = id as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        std::str::from_utf8(&self.bytes[start..self.ends[index] as usize]).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(crate) fn finish(self) -> types::Dictionary {
        types::Dictionary { bytes: self.bytes, ends: self.ends }
    }
}

/// The value of a label. Reads as a `&str`; compares and hashes by number, so grouping series by
/// a label, or joining two queries on it, never compares text.
///
/// Labels of one input may be compared with each other; those of different inputs may not.
#[derive(Clone, Copy)]
pub struct Label<'a> {
    pub(crate) dictionary: &'a Dictionary,
    pub(crate) id: u32,
}

impl<'a> Label<'a> {
    /// The text, for as long as the input lives.
    pub fn as_str(&self) -> &'a str {
        self.dictionary.get(self.id)
    }
}

impl Deref for Label<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Label<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Label<'_> {}

impl Hash for Label<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u32(self.id);
    }
}

impl PartialEq<str> for Label<'_> {
    fn eq(&self, other: &str) -> bool {
        self.dictionary.is(self.id, other)
    }
}

impl PartialEq<&str> for Label<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.dictionary.is(self.id, other)
    }
}

impl fmt::Debug for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dictionary(bytes: &[u8], ends: &[u32]) -> Dictionary {
        Dictionary::new(types::Dictionary { bytes: bytes.to_vec(), ends: ends.to_vec() })
    }

    #[test]
    fn strings_are_read_and_compared_by_number() {
        let texts = dictionary("podä".as_bytes(), &[0, 3, 5]);
        assert_eq!((texts.get(0), texts.get(1), texts.get(2)), ("", "pod", "ä"));
        assert_eq!((texts.get(3), texts.len()), ("", 3));
        let label = Label { dictionary: &texts, id: 2 };
        assert!(label == "ä" && label != "pod" && label == *"ä");
        assert!(texts.is(0, "") && !texts.is(1, "po") && !texts.is(1, "podx"));
    }

    #[test]
    fn what_is_broken_is_empty_and_moves_no_other() {
        // A string that is not UTF-8, one that is, and an end beyond all bytes.
        let texts = dictionary(b"\xffpod", &[0, 1, 4, 9]);
        assert_eq!((texts.get(1), texts.get(2), texts.get(3)), ("", "pod", ""));
        // Ends within a character.
        let texts = dictionary("ä!".as_bytes(), &[0, 1, 2, 3]);
        assert_eq!((texts.get(1), texts.get(2), texts.get(3)), ("", "", "!"));
        // Ends that go back.
        assert_eq!(dictionary(b"pod", &[0, 3, 1]).get(2), "");
    }
}
