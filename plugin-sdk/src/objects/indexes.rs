//! Where each object stands among the values so far.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::{ObjectKey, ObjectName};
use crate::text::Label;

/// The place of each object among the values so far.
///
/// Nearly always an object is one text of the input's dictionary, so that an array indexed by the
/// text's number finds it: less memory than a hash table, and no hashing. That goes for objects with a
/// namespace, too, as long as no other namespace has one of the same name.
#[derive(Default)]
pub(super) struct Indexes {
    /// By the number of the name, one more than the place of the first object of this name; 0 for none.
    by_name: Vec<u32>,
    /// By the number of the name, the namespace of that object; nothing as long as none has one.
    namespaces: Vec<u32>,
    /// All others.
    others: HashMap<(u32, u32), u32, BuildHasherDefault<NumberHasher>>,
}

impl Indexes {
    /// The place of an object; the next one for an object that is new.
    pub(super) fn of(&mut self, object: ObjectKey<'_>, next: u32) -> u32 {
        let label = |label: Label<'_>| label.id.saturating_add(1);
        let namespace = object.namespace.map_or(0, label);
        let name = match object.name {
            ObjectName::Fixed(_) => 0,
            ObjectName::Label(name) => {
                if self.by_name.is_empty() {
                    self.by_name.resize(name.dictionary.len() as usize, 0);
                }
                // A label of another input is distinct from all others.
                if let Some(place) = self.of_name(name.id as usize, namespace, next) {
                    return place;
                }
                label(name)
            }
        };
        *self.others.entry((namespace, name)).or_insert(next)
    }

    /// The same for an object whose name is a text of the dictionary; `None` if the first object of
    /// this name is in another namespace.
    fn of_name(&mut self, name: usize, namespace: u32, next: u32) -> Option<u32> {
        let names = self.by_name.len();
        let place = self.by_name.get_mut(name)?;
        if *place == 0 {
            *place = next.saturating_add(1);
            if namespace != 0 {
                if self.namespaces.is_empty() {
                    self.namespaces.resize(names, 0);
                }
                *self.namespaces.get_mut(name)? = namespace;
            }
            return Some(next);
        }
        let of_first = self.namespaces.get(name).copied().unwrap_or(0);
        (of_first == namespace).then(|| *place - 1)
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
