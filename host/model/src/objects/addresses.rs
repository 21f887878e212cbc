//! Where objects can be reached. Kept apart from the objects themselves: a watch of metadata does
//! not say it.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::resource::Resource;

/// The addresses of the objects of a namespace, by name.
type ByName = HashMap<Box<str>, Box<str>, RandomState>;

/// The addresses of objects by namespace and name.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    known: HashMap<Box<str>, ByName, RandomState>,
    /// The number of changes so far.
    changes: u64,
}

/// Whether the addresses of the objects of a kind are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AddressState {
    /// Nobody has asked for them.
    #[default]
    Unfollowed,
    /// They are being listed for the first time.
    Starting,
    /// They are known.
    Known,
    /// They could not be listed, for this reason.
    Unknown(String),
}

/// The addresses of the objects of a kind are not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at which address {resource} can be reached is not known: {reason}")]
pub struct AddressesUnknown {
    /// The kind.
    pub resource: Resource,
    /// The reason.
    pub reason: String,
}

/// An address: namespace and name of its object, and the address itself.
pub type AddressOf = (String, String, String);

impl Addresses {
    /// The address of an object.
    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<&str> {
        self.known.get(namespace)?.get(name).map(AsRef::as_ref)
    }

    /// Sets the address of an object, or forgets it.
    pub(super) fn set(&mut self, namespace: &str, name: &str, address: Option<&str>) {
        if self.get(namespace, name) == address {
            return;
        }
        self.changes += 1;
        match address {
            Some(address) => {
                let space = self.known.entry(namespace.into()).or_default();
                space.insert(name.into(), address.into());
            }
            None => {
                let Some(space) = self.known.get_mut(namespace) else { return };
                space.remove(name);
                if space.is_empty() {
                    self.known.remove(namespace);
                }
            }
        }
    }

    /// Replaces all of them.
    pub(super) fn replace(&mut self, all: impl IntoIterator<Item = AddressOf>) {
        let mut new = Self { changes: self.changes + 1, ..Self::default() };
        for (namespace, name, address) in all {
            let space = new.known.entry(namespace.into()).or_default();
            space.insert(name.into(), address.into());
        }
        if new.known != self.known {
            *self = new;
        }
    }

    /// A number that changes with the addresses.
    pub(super) fn version(&self) -> u64 {
        self.changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_until_it_is_forgotten() {
        let mut addresses = Addresses::default();
        addresses.set("shop", "a", Some("10.0.0.1"));
        addresses.set("shop", "a", Some("10.0.0.1"));
        assert_eq!((addresses.get("shop", "a"), addresses.version()), (Some("10.0.0.1"), 1));
        assert_eq!((addresses.get("bank", "a"), addresses.get("shop", "b")), (None, None));
        addresses.set("shop", "a", None);
        addresses.set("shop", "a", None);
        assert_eq!((addresses.get("shop", "a"), addresses.version()), (None, 2));
        assert!(addresses.known.is_empty());
    }

    #[test]
    fn an_equal_list_changes_nothing() {
        let mut addresses = Addresses::default();
        let one = || ("shop".to_owned(), "a".to_owned(), "10.0.0.1".to_owned());
        addresses.replace([one()]);
        addresses.replace([one()]);
        assert_eq!((addresses.get("shop", "a"), addresses.version()), (Some("10.0.0.1"), 1));
        addresses.replace([]);
        assert_eq!((addresses.get("shop", "a"), addresses.version()), (None, 2));
    }
}
