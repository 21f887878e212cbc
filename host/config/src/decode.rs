//! Deserializes the document item by item, so that a fault in one source or mapping hides neither
//! those of others nor further faults of the same one.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{SCHEMA, written};
use leadsman_document::json_schema::{self, Completed};
use leadsman_document::{Fault, segment};

/// The items that could be deserialized. Those with faults in their structure have stand-ins for the
/// faulty parts, or are left out; their faults are reported.
pub(super) struct Decoded {
    /// The places of stand-ins. A document with stand-ins is not served.
    pub(super) stand_ins: Completed,
    pub(super) sources: BTreeMap<String, Option<written::Source>>,
    pub(super) plugins: BTreeMap<String, Option<written::Plugin>>,
    /// With their indexes in the list.
    pub(super) mappings: Vec<(usize, written::Mapping)>,
    pub(super) objects: Vec<(usize, written::Object)>,
    pub(super) registries: Vec<(usize, written::Registry)>,
    pub(super) teams: Vec<(usize, written::Team)>,
    pub(super) verify: Option<written::Verify>,
    pub(super) rules: Vec<(usize, written::Rule)>,
    pub(super) external_rules: Vec<(usize, written::Rule)>,
    pub(super) resource_rules: Option<written::ResourceRules>,
    pub(super) discovery: Option<written::Discovery>,
    pub(super) delegates: Vec<(usize, written::Delegate)>,
}

/// Deserializes the items. `faults` are those of the structure; the values at their places are ignored
/// or replaced by stand-ins.
pub(super) fn decode(tree: &Value, faults: &mut Vec<Fault>) -> Decoded {
    let report = faults.is_empty();
    let reduced = (!report)
        .then(|| (without_unknown_keys(tree, faults), without_faulty_values(tree, faults)));
    let (known_keys, valid_values) = match &reduced {
        Some((known_keys, valid_values)) => (known_keys, valid_values),
        None => (tree, tree),
    };
    let mut items =
        Items { valid_values, known_keys, faults, report, stand_ins: Completed::default() };
    let mut decoded = Decoded {
        sources: items.map("sources"),
        plugins: items.map("plugins"),
        mappings: items.completed_list("mappings"),
        objects: items.completed_list("objects"),
        registries: items.completed_list("registries"),
        teams: items.completed_list("teams"),
        verify: items.section("verify"),
        rules: items.list("rules"),
        external_rules: items.list("externalRules"),
        resource_rules: items.section("resourceRules"),
        discovery: items.section("discovery"),
        delegates: items.completed_list("delegates"),
        stand_ins: Completed::default(),
    };
    decoded.stand_ins = items.stand_ins;
    decoded
}

fn without_unknown_keys(tree: &Value, faults: &[Fault]) -> Value {
    let mut tree = tree.clone();
    remove_unknown(&mut tree, faults);
    tree
}

fn without_faulty_values(tree: &Value, faults: &[Fault]) -> Value {
    let mut tree = tree.clone();
    for fault in faults {
        if let Some(value) = tree.pointer_mut(&fault.path) {
            // A map with a missing key remains; it is left out if it cannot be deserialized.
            if !value.is_object() {
                *value = Value::Null;
            }
        }
    }
    remove_unknown(&mut tree, faults);
    tree
}

/// Removes keys of maps at the places of faults: unknown keys, and values that were set to null.
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
    /// The document without faulty values.
    valid_values: &'a Value,
    /// The document without unknown keys.
    known_keys: &'a Value,
    faults: &'a mut Vec<Fault>,
    /// Whether errors are reported: not if the structure has faults, which explain them.
    report: bool,
    stand_ins: Completed,
}

impl Items<'_> {
    fn map<T: DeserializeOwned>(&mut self, section: &str) -> BTreeMap<String, Option<T>> {
        let Some(Value::Object(map)) = self.known_keys.get(section) else { return BTreeMap::new() };
        let schema = SCHEMA.get("properties").and_then(|known| known.get(section));
        let schema = schema.and_then(|section| section.get("additionalProperties"));
        map.iter()
            .map(|(name, value)| {
                let place = format!("/{section}/{}", segment(name));
                (name.clone(), self.completed_item(schema, value, &place))
            })
            .collect()
    }

    /// A list whose items are completed by stand-ins.
    fn completed_list<T: DeserializeOwned>(&mut self, section: &str) -> Vec<(usize, T)> {
        let Some(Value::Array(list)) = self.known_keys.get(section) else { return Vec::new() };
        let schema = SCHEMA.get("properties").and_then(|known| known.get(section));
        let schema = schema.and_then(|section| section.get("items"));
        let items = list.iter().enumerate();
        let read = |(at, value)| {
            Some((at, self.completed_item(schema, value, &format!("/{section}/{at}"))?))
        };
        items.filter_map(read).collect()
    }

    fn list<T: DeserializeOwned>(&mut self, section: &str) -> Vec<(usize, T)> {
        let Some(Value::Array(list)) = self.valid_values.get(section) else { return Vec::new() };
        list.iter()
            .enumerate()
            .filter_map(|(at, value)| Some((at, self.item(value, &format!("/{section}/{at}"))?)))
            .collect()
    }

    fn section<T: DeserializeOwned>(&mut self, section: &str) -> Option<T> {
        match self.valid_values.get(section) {
            None | Some(Value::Null) => None,
            Some(value) => self.item(value, &format!("/{section}")),
        }
    }

    fn completed_item<T: DeserializeOwned>(
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
                // The schema covers all that the types require. If it ever did not, this reports it.
                if self.report {
                    self.faults.push(Fault::at(place, error.to_string()));
                }
                None
            }
        }
    }
}
