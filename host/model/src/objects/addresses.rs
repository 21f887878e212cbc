//! Where objects can be reached. Told apart from the objects themselves: a watch of metadata does
//! not say it.

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// The addresses of objects by namespace and name.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    known: HashMap<Box<str>, HashMap<Box<str>, Box<str>, RandomState>, RandomState>,
    /// The number of changes so far.
    changes: u64,
}

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
}
