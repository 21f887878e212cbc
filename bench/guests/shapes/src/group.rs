//! The job itself: the sum of the values of each key.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// The sum and the oldest time of the rows that share a key.
pub(crate) struct Group<K> {
    pub(crate) key: K,
    pub(crate) value: f64,
    pub(crate) time: i64,
}

/// Groups rows by key, in the order of first occurrence.
pub(crate) fn group<K: Copy + Eq + Hash>(
    rows: impl ExactSizeIterator<Item = (K, i64, f64)>,
) -> Vec<Group<K>> {
    let mut groups: Vec<Group<K>> = Vec::with_capacity(rows.len());
    let mut indexes: HashMap<K, usize, BuildHasherDefault<FastHasher>> =
        HashMap::with_capacity_and_hasher(rows.len(), BuildHasherDefault::default());
    for (key, time, value) in rows {
        let index = *indexes.entry(key).or_insert(groups.len());
        match groups.get_mut(index) {
            None => groups.push(Group { key, value, time }),
            Some(group) => {
                group.value += value;
                group.time = group.time.min(time);
            }
        }
    }
    groups
}

/// A hasher for strings and numbers, so cheap that hashing does not dominate the comparison.
#[derive(Default)]
struct FastHasher(u64);

impl Hasher for FastHasher {
    fn finish(&self) -> u64 {
        // The map uses the low bits for the bucket, and multiplication mixes the high bits best.
        self.0.rotate_left(26)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
