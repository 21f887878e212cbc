//! What an evaluation gives: a value per object, or items with labels.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::quantity::Quantity;

/// A value and what is known of its measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value {
    /// The number.
    pub quantity: Quantity,
    /// When it was measured, in milliseconds since the epoch.
    pub time: i64,
    /// The seconds over which it was measured.
    pub window: Option<u32>,
}

/// An object or item whose value was refused, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The namespace; empty if none.
    pub namespace: String,
    /// The object, or the labels of an item.
    pub object: String,
    /// Why.
    pub reason: String,
}

/// An item of an external metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its labels, by name.
    pub labels: Vec<(Box<str>, Box<str>)>,
    /// Its value.
    pub value: Value,
}

type Names<T> = HashMap<Box<str>, T, RandomState>;

/// The values of a custom metric, by namespace and name.
#[derive(Debug, Clone, Default)]
pub struct ObjectValues {
    namespaces: Names<Names<Value>>,
    len: usize,
}

impl ObjectValues {
    /// Adds a value and says whether the object had none.
    pub fn insert(&mut self, namespace: &str, name: &str, value: Value) -> bool {
        // `entry` would need an owned key for each value.
        let names = match self.namespaces.get_mut(namespace) {
            Some(names) => names,
            None => self.namespaces.entry(namespace.into()).or_default(),
        };
        let new = names.insert(name.into(), value).is_none();
        self.len += usize::from(new);
        new
    }

    /// The value of an object; the namespace is empty for objects that live in none.
    pub fn get(&self, namespace: &str, name: &str) -> Option<Value> {
        self.namespaces.get(namespace)?.get(name).copied()
    }

    /// How many objects have a value.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no object has a value.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All values with namespace and name, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, Value)> {
        self.namespaces.iter().flat_map(|(namespace, names)| {
            names.iter().map(move |(name, value)| (&**namespace, &**name, *value))
        })
    }
}

/// What an evaluation gives.
#[derive(Debug, Clone)]
pub struct Values {
    /// The values themselves.
    pub served: Served,
    /// What cannot be served, and why. The first few of them, with how many there were in all.
    pub refused: Vec<Refusal>,
    /// How many values were refused.
    pub refused_count: usize,
}

/// The values of a custom or an external metric.
#[derive(Debug, Clone)]
pub enum Served {
    /// Of a custom metric.
    Objects(ObjectValues),
    /// Of an external metric.
    Items(Vec<Item>),
}

impl Served {
    /// How many values there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Objects(objects) => objects.len(),
            Self::Items(items) => items.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When the oldest and the newest value were measured.
    pub fn times(&self) -> Option<(i64, i64)> {
        let span = |times: &mut dyn Iterator<Item = i64>| {
            times.fold(None, |span: Option<(i64, i64)>, time| match span {
                None => Some((time, time)),
                Some((oldest, newest)) => Some((oldest.min(time), newest.max(time))),
            })
        };
        match self {
            Self::Objects(objects) => span(&mut objects.iter().map(|(_, _, value)| value.time)),
            Self::Items(items) => span(&mut items.iter().map(|item| item.value.time)),
        }
    }
}
