//! Where each object stands among the values so far.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::{ObjectKey, ObjectName};
use crate::text::Label;

/// The place of each object among the values so far.
///
/// Nearly always an object is one text of the input's dictionary, so that an array indexed by the
/// text's number finds it: less memory than a hash table, and no hashing.
#[derive(Default)]
pub(super) struct Indexes {
    /// By the number of the name, one more than the place; 0 for none.
    by_name: Vec<u32>,
    /// Objects with a namespace, or that the configuration names.
    others: HashMap<(u32, u32), u32, BuildHasherDefault<NumberHasher>>,
}

impl Indexes {
    /// The place of an object; the next one for an object that is new.
    pub(super) fn of(&mut self, object: ObjectKey<'_>, next: u32) -> u32 {
        let label = |label: Label<'_>| label.id.saturating_add(1);
        match (object.namespace, object.name) {
            (None, ObjectName::Label(name)) => {
                if self.by_name.is_empty() {
                    self.by_name.resize(name.dictionary.len() as usize, 0);
                }
                match self.by_name.get_mut(name.id as usize) {
                    Some(0) => {
                        self.by_name[name.id as usize] = next.saturating_add(1);
                        next
                    }
                    Some(place) => *place - 1,
                    // A label of another input, which is distinct from all others.
                    None => *self.others.entry((0, label(name))).or_insert(next),
                }
            }
            (namespace, name) => {
                let name = match name {
                    ObjectName::Label(name) => label(name),
                    ObjectName::Fixed(_) => 0,
                };
                *self.others.entry((namespace.map_or(0, label), name)).or_insert(next)
            }
        }
    }
}

/// Labels hash as one number, for which a multiplication spreads well enough.
#[derive(Default)]
struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_isize(&mut self, number: isize) {
        #[allow(clippy::cast_sign_loss)] // only the bits matter
        self.write_u64(number as u64);
    }
}
