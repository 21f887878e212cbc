//! From the tree to the written types, item by item, so that a fault in one source or mapping
//! does not hide those of the others, nor the other faults of the same one.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{SCHEMA, written};
use leadsman_document::json_schema::{self, Completed};
use leadsman_document::{Fault, segment};

/// What could be read. Items whose shape is broken have stand-ins in place of what is, or are left
/// out; their faults are known.
pub(super) struct Decoded {
    /// Where stand-ins are. A document that has any is not served.
    pub(super) stand_ins: Completed,
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
    let report = faults.is_empty();
    let without = (!report).then(|| (without_unknown(tree, faults), without_faults(tree, faults)));
    let (whole, tree) = match &without {
        Some((whole, tree)) => (whole, tree),
        None => (tree, tree),
    };
    let mut items = Items { tree, whole, faults, report, stand_ins: Completed::default() };
    let mut decoded = Decoded {
        sources: items.map("sources"),
        plugins: items.map("plugins"),
        mappings: items.whole_list("mappings"),
        objects: items.whole_list("objects"),
        registries: items.whole_list("registries"),
        teams: items.whole_list("teams"),
        verify: items.one("verify"),
        rules: items.list("rules"),
        external_rules: items.list("externalRules"),
        resource_rules: items.one("resourceRules"),
        discovery: items.one("discovery"),
        stand_ins: Completed::default(),
    };
    decoded.stand_ins = items.stand_ins;
    decoded
}

fn without_unknown(tree: &Value, faults: &[Fault]) -> Value {
    let mut tree = tree.clone();
    remove_unknown(&mut tree, faults);
    tree
}

fn without_faults(tree: &Value, faults: &[Fault]) -> Value {
    let mut tree = tree.clone();
    for fault in faults {
        if let Some(value) = tree.pointer_mut(&fault.path) {
            // A map with a missing key stays; it is left out when it cannot be read.
            if !value.is_object() {
                *value = Value::Null;
            }
        }
    }
    remove_unknown(&mut tree, faults);
    tree
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
    /// Without what has a fault.
    tree: &'a Value,
    /// Without unknown keys.
    whole: &'a Value,
    faults: &'a mut Vec<Fault>,
    report: bool,
    stand_ins: Completed,
}

impl Items<'_> {
    fn map<T: DeserializeOwned>(&mut self, section: &str) -> BTreeMap<String, Option<T>> {
        let Some(Value::Object(map)) = self.whole.get(section) else { return BTreeMap::new() };
        let schema = SCHEMA.get("properties").and_then(|known| known.get(section));
        let schema = schema.and_then(|section| section.get("additionalProperties"));
        map.iter()
            .map(|(name, value)| {
                let place = format!("/{section}/{}", segment(name));
                (name.clone(), self.whole_item(schema, value, &place))
            })
            .collect()
    }

    /// A list of items that are completed.
    fn whole_list<T: DeserializeOwned>(&mut self, section: &str) -> Vec<(usize, T)> {
        let Some(Value::Array(list)) = self.whole.get(section) else { return Vec::new() };
        let schema = SCHEMA.get("properties").and_then(|known| known.get(section));
        let schema = schema.and_then(|section| section.get("items"));
        let items = list.iter().enumerate();
        let read =
            |(at, value)| Some((at, self.whole_item(schema, value, &format!("/{section}/{at}"))?));
        items.filter_map(read).collect()
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

    fn whole_item<T: DeserializeOwned>(
        &mut self,
        schema: Option<&Value>,
        value: &Value,
        place: &str,
    ) -> Option<T> {
        let (false, Some(schema)) = (self.report, schema) else { return self.item(value, place) };
        let mut value = value.clone();
        let completed = json_schema::completed(&SCHEMA, schema, &mut value, place);
        self.stand_ins.places.extend(completed.places);
        self.item(&value, place)
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
