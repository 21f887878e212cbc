//! Interned strings, each identified by a number.

use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// The number of a string in a [`Dictionary`].
pub type Text = u32;

/// The empty string. As the value of a label it means "not set".
pub const EMPTY: Text = 0;

/// Distinct strings in one buffer, in the layout of the plugin contract.
#[derive(Debug, Clone)]
pub struct Dictionary {
    text: String,
    ends: Vec<u32>,
    index: HashTable<Text>,
    hasher: RandomState,
}

impl Default for Dictionary {
    fn default() -> Self {
        Self::new()
    }
}

impl Dictionary {
    /// A dictionary with the empty string, whose number is 0.
    pub fn new() -> Self {
        let mut dictionary = Self {
            text: String::new(),
            ends: Vec::new(),
            index: HashTable::new(),
            hasher: RandomState::default(),
        };
        dictionary.intern("");
        dictionary
    }

    /// Interns a string and returns its number.
    pub fn intern(&mut self, text: &str) -> Text {
        let hash = self.hasher.hash_one(text);
        if let Some(&known) = self.index.find(hash, |&id| self.get(id) == text) {
            return known;
        }
        // Response bodies are limited to far less than 4 GiB, so neither count nor length
        // overflows.
        let id = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.text.push_str(text);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        let (all, ends, hasher) = (&self.text, &self.ends, &self.hasher);
        self.index.insert_unique(hash, id, |&id| hasher.hash_one(slice(all, ends, id)));
        id
    }

    /// The number of a string, if it was interned.
    pub fn find(&self, text: &str) -> Option<Text> {
        self.index.find(self.hasher.hash_one(text), |&id| self.get(id) == text).copied()
    }

    /// The string with this number; empty if the number is unknown.
    pub fn get(&self, id: Text) -> &str {
        slice(&self.text, &self.ends, id)
    }

    /// The number of strings.
    pub fn len(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    /// The size of all strings, in bytes.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Always `false`: every dictionary has the empty string.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All strings in one buffer, and the end of each.
    pub fn into_parts(self) -> (String, Vec<u32>) {
        (self.text, self.ends)
    }

    /// Interns the strings of another dictionary. Returns the new number for each number of
    /// `other`.
    pub fn absorb(&mut self, other: &Dictionary) -> Vec<Text> {
        (0..other.len()).map(|id| self.intern(other.get(id))).collect()
    }
}

fn slice<'a>(text: &'a str, ends: &[u32], id: Text) -> &'a str {
    let at = id as usize;
    let start = match at.checked_sub(1) {
        Some(before) => ends.get(before).copied().unwrap_or_default(),
        None => 0,
    };
    let end = ends.get(at).copied().unwrap_or_default();
    text.get(start as usize..end as usize).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_string_is_stored_once_and_the_empty_one_is_zero() {
        let mut dictionary = Dictionary::new();
        let pod = dictionary.intern("pod");
        assert_eq!(dictionary.intern("pod"), pod);
        assert_eq!(dictionary.intern(""), EMPTY);
        assert_eq!((dictionary.get(pod), dictionary.get(EMPTY)), ("pod", ""));
        assert_eq!((dictionary.find("pod"), dictionary.find("node")), (Some(pod), None));
        assert_eq!(dictionary.get(99), "");
    }

    #[test]
    fn absorbing_renumbers() {
        let mut one = Dictionary::new();
        one.intern("a");
        let mut other = Dictionary::new();
        let (b, a) = (other.intern("b"), other.intern("a"));
        let numbers = one.absorb(&other);
        assert_eq!(one.get(numbers[a as usize]), "a");
        assert_eq!(one.get(numbers[b as usize]), "b");
        assert_eq!(one.len(), 3);
    }
}
