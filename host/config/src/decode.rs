//! From the tree to the written types, item by item, so that a fault in one source or mapping
//! does not hide those of the others.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::written;
use leadsman_document::{Fault, segment};

/// What could be read. Items whose shape is broken are left out; their faults are known.
pub(super) struct Decoded {
    pub(super) sources: BTreeMap<String, Option<written::Source>>,
    pub(super) plugins: BTreeMap<String, Option<written::Plugin>>,
    /// With their places in the list.
    pub(super) mappings: Vec<(usize, written::Mapping)>,
    pub(super) objects: Vec<(usize, written::Object)>,
    pub(super) registries: Vec<(usize, written::Registry)>,
    pub(super) teams: Vec<(usize, written::Team)>,
    pub(super) verify: Option<written::Verify>,
    pub(super) rules: Vec<(usize, written::Rule)>,
    pub(super) external_rules: Vec<(usize, written::Rule)>,
    pub(super) resource_rules: Option<written::ResourceRules>,
    pub(super) discovery: Option<written::Discovery>,
}

/// Reads what has no fault. `faults` are those of the shape; what stands at their places is
/// treated as not written.
pub(super) fn decode(tree: &Value, faults: &mut Vec<Fault>) -> Decoded {
    let mut tree = tree.clone();
    for fault in faults.iter() {
        if let Some(value) = tree.pointer_mut(&fault.path) {
            // A map with a missing key stays; it is left out when it cannot be read.
            if !value.is_object() {
                *value = Value::Null;
            }
        }
    }
    remove_unknown(&mut tree, faults);
    let shape_is_good = faults.is_empty();
    let mut items = Items { tree: &tree, faults, report: shape_is_good };
    Decoded {
        sources: items.map("sources"),
        plugins: items.map("plugins"),
        mappings: items.list("mappings"),
        objects: items.list("objects"),
        registries: items.list("registries"),
        teams: items.list("teams"),
        verify: items.one("verify"),
        rules: items.list("rules"),
        external_rules: items.list("externalRules"),
        resource_rules: items.one("resourceRules"),
        discovery: items.one("discovery"),
    }
}

/// Takes out what stands at the places of faults within maps: unknown keys and wrong types.
fn remove_unknown(tree: &mut Value, faults: &[Fault]) {
    for fault in faults {
        let Some((parent, key)) = fault.path.rsplit_once('/') else { continue };
        let key = key.replace("~1", "/").replace("~0", "~");
        if let Some(Value::Object(map)) = tree.pointer_mut(parent)
            && (fault.unknown_key || map.get(&key).is_some_and(Value::is_null))
        {
            map.remove(&key);
        }
    }
}

struct Items<'a> {
    tree: &'a Value,
    faults: &'a mut Vec<Fault>,
    report: bool,
}

impl Items<'_> {
    fn map<T: DeserializeOwned>(&mut self, section: &str) -> BTreeMap<String, Option<T>> {
        let Some(Value::Object(map)) = self.tree.get(section) else { return BTreeMap::new() };
        map.iter()
            .map(|(name, value)| {
                (name.clone(), self.item(value, &format!("/{section}/{}", segment(name))))
            })
            .collect()
    }

    fn list<T: DeserializeOwned>(&mut self, section: &str) -> Vec<(usize, T)> {
        let Some(Value::Array(list)) = self.tree.get(section) else { return Vec::new() };
        list.iter()
            .enumerate()
            .filter_map(|(at, value)| Some((at, self.item(value, &format!("/{section}/{at}"))?)))
            .collect()
    }

    fn one<T: DeserializeOwned>(&mut self, section: &str) -> Option<T> {
        match self.tree.get(section) {
            None | Some(Value::Null) => None,
            Some(value) => self.item(value, &format!("/{section}")),
        }
    }

    fn item<T: DeserializeOwned>(&mut self, value: &Value, place: &str) -> Option<T> {
        match T::deserialize(value) {
            Ok(item) => Some(item),
            Err(error) => {
                // The schema says all that the types do; if it ever did not, this is not silent.
                if self.report {
                    self.faults.push(Fault::at(place, error.to_string()));
                }
                None
            }
        }
    }
}
