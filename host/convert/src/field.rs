//! Fields of an object, with a message for each that is of another type.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// An object within a manifest, by the place that messages name.
pub(crate) struct Fields<'v, 'f> {
    map: Option<&'v Map<String, Value>>,
    place: String,
    faults: &'f mut Vec<String>,
}

impl<'v, 'f> Fields<'v, 'f> {
    pub(crate) fn new(value: &'v Value, place: String, faults: &'f mut Vec<String>) -> Self {
        let map = value.as_object();
        if map.is_none() && !value.is_null() {
            faults.push(format!("{place} is {}, not a map", kind(value)));
        }
        Self { map, place, faults }
    }

    /// The map at a key.
    pub(crate) fn inner(&mut self, key: &str) -> Option<Fields<'v, '_>> {
        let value = self.map(key)?;
        let place = self.inside(key);
        Some(Fields::new(value, place, self.faults))
    }

    /// An item of the list at a key.
    pub(crate) fn item(&mut self, key: &str, at: usize, item: &'v Value) -> Fields<'v, '_> {
        let place = self.inside(&format!("{key}[{at}]"));
        Fields::new(item, place, self.faults)
    }

    fn inside(&self, key: &str) -> String {
        if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) }
    }

    /// The value of a key. `null` is as if it were not there, as in Kubernetes.
    pub(crate) fn value(&self, key: &str) -> Option<&'v Value> {
        self.map?.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&mut self, key: &str) -> Option<String> {
        let value = self.value(key)?;
        let text = value.as_str().map(str::to_owned);
        self.or_fault(text, key, value, "a text")
    }

    /// A number that is written as a text, or that nobody put between quotes.
    pub(crate) fn number_text(&mut self, key: &str) -> Option<String> {
        match self.value(key)? {
            Value::Number(number) => Some(number.to_string()),
            _ => self.text(key),
        }
    }

    pub(crate) fn integer(&mut self, key: &str) -> Option<i64> {
        let value = self.value(key)?;
        let number = value.as_i64().filter(|number| i32::try_from(*number).is_ok());
        self.or_fault(number, key, value, "a whole number")
    }

    /// A number that has to be there.
    pub(crate) fn required_integer(&mut self, key: &str) -> i64 {
        if self.value(key).is_none() {
            let fault = format!("{} is missing", self.inside(key));
            self.faults.push(fault);
        }
        self.integer(key).unwrap_or_default()
    }

    pub(crate) fn flag(&mut self, key: &str) -> bool {
        let Some(value) = self.value(key) else { return false };
        self.or_fault(value.as_bool(), key, value, "true or false").unwrap_or_default()
    }

    pub(crate) fn list(&mut self, key: &str) -> &'v [Value] {
        let Some(value) = self.value(key) else { return &[] };
        let list = value.as_array().map(Vec::as_slice);
        self.or_fault(list, key, value, "a list").unwrap_or_default()
    }

    pub(crate) fn map(&mut self, key: &str) -> Option<&'v Value> {
        let value = self.value(key)?;
        let map = value.is_object().then_some(value);
        self.or_fault(map, key, value, "a map")
    }

    /// A map of texts. Numbers and booleans that nobody put between quotes are taken as they are written.
    pub(crate) fn texts(&mut self, key: &str) -> BTreeMap<String, String> {
        let Some(Value::Object(map)) = self.map(key) else { return BTreeMap::new() };
        let mut texts = BTreeMap::new();
        for (name, value) in map {
            match value {
                Value::String(text) => texts.insert(name.clone(), text.clone()),
                Value::Number(_) | Value::Bool(_) => texts.insert(name.clone(), value.to_string()),
                Value::Null => texts.insert(name.clone(), String::new()),
                Value::Array(_) | Value::Object(_) => {
                    let place = self.inside(key);
                    let fault = format!("{place}.{name} is {}, not a text", kind(value));
                    self.faults.push(fault);
                    None
                }
            };
        }
        texts
    }

    /// The keys that are not among these, each with its place.
    pub(crate) fn others(&self, known: &[&str]) -> Vec<String> {
        let keys = self.map.into_iter().flat_map(Map::keys);
        let others = keys.filter(|key| !known.contains(&key.as_str()));
        others.map(|key| self.inside(key)).collect()
    }

    fn or_fault<T>(
        &mut self,
        found: Option<T>,
        key: &str,
        value: &Value,
        wanted: &str,
    ) -> Option<T> {
        if found.is_none() {
            let fault = format!("{} is {}, not {wanted}", self.inside(key), kind(value));
            self.faults.push(fault);
        }
        found
    }
}

/// A value as messages call it.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
