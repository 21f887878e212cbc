//! The values of an evaluation: one for each object, or items with labels.

use std::collections::HashMap;
use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::quantity::{NotServable, Quantity};

/// A value with the time and window of its measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value {
    /// The number.
    pub quantity: Quantity,
    /// The time of the measurement, in milliseconds since the epoch.
    pub time: i64,
    /// The window of the measurement, in seconds.
    pub window: Option<u32>,
}

/// An object or item whose value was refused, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The namespace; empty for cluster-scoped objects and items.
    pub namespace: String,
    /// The object's name, or the labels of an item as text.
    pub object: String,
    /// The labels of an item, sorted by name.
    pub labels: Vec<(Box<str>, Box<str>)>,
    /// The reason.
    pub reason: String,
}

/// An item of an external metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its labels, sorted by name.
    pub labels: Vec<(Box<str>, Box<str>)>,
    /// Its value.
    pub value: Value,
}

impl Item {
    /// The approximate size in memory, in bytes.
    pub fn bytes(&self) -> usize {
        let label_bytes = |(name, value): &(Box<str>, Box<str>)| name.len() + value.len() + 64;
        size_of::<Self>() + self.labels.iter().map(label_bytes).sum::<usize>()
    }
}

/// The values of a custom metric, by namespace and name. To save allocations, all names are stored
/// in one string, and a hash index of row numbers finds the rows.
#[derive(Debug, Clone, Default)]
pub struct ObjectValues {
    namespaces: HashMap<Box<str>, u32, RandomState>,
    /// The namespace of the newest row. Most rows have the namespace of the row before them.
    last: Option<(Box<str>, u32)>,
    names: String,
    rows: Vec<Row>,
    index: HashTable<u32>,
    hasher: RandomState,
}

#[derive(Debug, Clone)]
struct Row {
    namespace: u32,
    start: u32,
    end: u32,
    value: Result<Value, NotServable>,
}

impl ObjectValues {
    /// An empty collection with capacity for `count` values.
    pub fn with_capacity(count: usize) -> Self {
        Self {
            rows: Vec::with_capacity(count),
            index: HashTable::with_capacity(count),
            ..Self::default()
        }
    }

    /// Adds a value, or the reason why it cannot be served. Returns `false` and changes nothing if
    /// the object has a row already.
    pub fn insert(
        &mut self,
        namespace: &str,
        name: &str,
        value: Result<Value, NotServable>,
    ) -> bool {
        let namespace = self.namespace(namespace);
        let hash = self.hasher.hash_one((namespace, name));
        let Self { names, rows, index, hasher, .. } = self;
        let entry = index.entry(
            hash,
            |&row| is_row_of(names, &rows[row as usize], namespace, name),
            |&row| {
                let row = &rows[row as usize];
                hasher.hash_one((row.namespace, name_of(names, row)))
            },
        );
        let Entry::Vacant(entry) = entry else { return false };
        // Validation limits the texts and rows of a plugin's output to far less than 4 GiB.
        let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let (row, start) = (number(rows.len()), number(names.len()));
        names.push_str(name);
        rows.push(Row { namespace, start, end: number(names.len()), value });
        entry.insert(row);
        true
    }

    fn namespace(&mut self, name: &str) -> u32 {
        if let Some((last, id)) = &self.last
            && **last == *name
        {
            return *id;
        }
        let next = u32::try_from(self.namespaces.len()).unwrap_or(u32::MAX);
        let id = *self.namespaces.entry(name.into()).or_insert(next);
        self.last = Some((name.into(), id));
        id
    }

    /// The value of an object, or the reason why it cannot be served; `None` if the plugin returned
    /// none. The namespace is empty for cluster-scoped objects.
    pub fn get(&self, namespace: &str, name: &str) -> Option<Result<Value, NotServable>> {
        let namespace = *self.namespaces.get(namespace)?;
        let hash = self.hasher.hash_one((namespace, name));
        let matches =
            |&row: &u32| is_row_of(&self.names, &self.rows[row as usize], namespace, name);
        self.index.find(hash, matches).map(|&row| self.rows[row as usize].value)
    }

    /// The number of objects with a value that can be served.
    pub fn len(&self) -> usize {
        self.rows.iter().filter(|row| row.value.is_ok()).count()
    }

    /// The approximate size in memory, in bytes.
    fn bytes(&self) -> usize {
        self.names.len() + self.rows.len() * (size_of::<Row>() + 2 * size_of::<u32>())
    }

    /// Whether no object has a value that can be served.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many objects of a namespace have a value that can be served, and the names of the first
    /// few, in the order of the plugin.
    pub fn of_namespace(&self, namespace: &str, few: usize) -> (usize, Vec<&str>) {
        let Some(&namespace) = self.namespaces.get(namespace) else { return (0, Vec::new()) };
        let mut rows =
            self.rows.iter().filter(|row| row.namespace == namespace && row.value.is_ok());
        let first: Vec<_> = rows.by_ref().take(few).map(|row| name_of(&self.names, row)).collect();
        (first.len() + rows.count(), first)
    }

    /// All values that can be served, with namespace and name, in the order of the plugin's output.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, Value)> {
        let mut namespaces = vec![""; self.namespaces.len()];
        for (name, &id) in &self.namespaces {
            namespaces[id as usize] = name;
        }
        self.rows.iter().filter_map(move |row| {
            let value = row.value.ok()?;
            Some((namespaces[row.namespace as usize], name_of(&self.names, row), value))
        })
    }
}

fn name_of<'a>(names: &'a str, row: &Row) -> &'a str {
    &names[row.start as usize..row.end as usize]
}

fn is_row_of(names: &str, row: &Row, namespace: u32, name: &str) -> bool {
    row.namespace == namespace && name_of(names, row) == name
}

/// The policy for values that are NaN or infinite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnNan {
    /// The value is refused, with the reason.
    #[default]
    Refuse,
    /// The value is dropped, as if the plugin had not returned it.
    Absent,
    /// The value is replaced by this one.
    Value(Quantity),
}

impl OnNan {
    /// The quantity of a value under this policy; `None` if the value is dropped.
    pub fn quantity(self, value: f64) -> Result<Option<Quantity>, NotServable> {
        match (Quantity::from_f64(value), self) {
            (Err(NotServable::NotANumber | NotServable::Infinite), Self::Absent) => Ok(None),
            (Err(NotServable::NotANumber | NotServable::Infinite), Self::Value(stated)) => {
                Ok(Some(stated))
            }
            (known, _) => known.map(Some),
        }
    }
}

/// The result of an evaluation.
#[derive(Debug, Clone)]
pub struct Values {
    /// The values that can be served.
    pub served: MetricValues,
    /// The first refused values, with their reasons.
    pub refused: Vec<Refusal>,
    /// The number of all refused values.
    pub refused_count: usize,
    /// The number of values that [`OnNan`] has replaced or dropped.
    pub not_numbers: usize,
}

impl Values {
    /// The approximate size in memory, in bytes.
    pub fn bytes(&self) -> usize {
        let label_bytes = |(name, value): &(Box<str>, Box<str>)| name.len() + value.len() + 64;
        let refusal_bytes = |refusal: &Refusal| {
            let texts = refusal.namespace.len() + refusal.object.len() + refusal.reason.len();
            size_of::<Refusal>() + texts + refusal.labels.iter().map(label_bytes).sum::<usize>()
        };
        self.served.bytes() + self.refused.iter().map(refusal_bytes).sum::<usize>()
    }

    /// The same without the values, which count as refused: how many there were stays known.
    #[must_use]
    pub fn counted_only(&self) -> Self {
        let served = match self.served {
            MetricValues::Objects(_) => MetricValues::Objects(ObjectValues::default()),
            MetricValues::Items(_) => MetricValues::Items(Vec::new()),
        };
        let refused_count = self.refused_count + self.served.len();
        Self { served, refused: Vec::new(), refused_count, not_numbers: self.not_numbers }
    }
}

/// The name of an object for people: `namespace/name`, or the name alone of one that lives in none.
pub fn object_name(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

/// The values of a custom or an external metric.
#[derive(Debug, Clone)]
pub enum MetricValues {
    /// The values of a custom metric.
    Objects(ObjectValues),
    /// The items of an external metric.
    Items(Vec<Item>),
}

impl MetricValues {
    /// The number of values.
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

    /// Each value by its name for people: `namespace/name` of an object, `label=value,…` of an item.
    pub fn named(&self) -> Vec<(String, Quantity)> {
        match self {
            Self::Objects(objects) => objects
                .iter()
                .map(|(namespace, name, value)| (object_name(namespace, name), value.quantity))
                .collect(),
            Self::Items(items) => items
                .iter()
                .map(|item| {
                    let labels: Vec<_> =
                        item.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
                    (labels.join(","), item.value.quantity)
                })
                .collect(),
        }
    }

    /// The approximate size in memory, in bytes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Objects(objects) => objects.bytes(),
            Self::Items(items) => items.iter().map(Item::bytes).sum(),
        }
    }

    /// The oldest and the newest time of a measurement, in milliseconds since the epoch.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn value(milli: i64) -> Result<Value, NotServable> {
        Ok(Value { quantity: Quantity::from_milli(milli), time: 0, window: None })
    }

    #[test]
    fn equal_names_in_two_namespaces_are_two_objects() {
        let mut values = ObjectValues::with_capacity(2);
        assert!(values.insert("one", "a", value(1)));
        assert!(values.insert("two", "a", value(2)));
        assert!(!values.insert("one", "a", value(3)), "it has a value");
        for number in 0..1000 {
            assert!(values.insert("one", &format!("pod-{number}"), value(number)));
        }
        assert_eq!(values.get("one", "a"), Some(value(1)));
        assert_eq!(values.get("two", "a"), Some(value(2)));
        assert_eq!(values.get("one", "pod-999"), Some(value(999)));
        assert_eq!((values.get("two", "pod-1"), values.get("three", "a")), (None, None));
        assert_eq!((values.len(), values.iter().count()), (1002, 1002));
        assert_eq!(values.iter().nth(1), Some(("two", "a", value(2).unwrap())));
        assert!(values.insert("two", "nan", Err(NotServable::NotANumber)));
        assert_eq!(values.get("two", "nan"), Some(Err(NotServable::NotANumber)));
        assert_eq!(values.iter().count(), 1002);
        assert_eq!(values.of_namespace("two", 3), (1, vec!["a"]));
        assert_eq!(values.of_namespace("one", 2), (1001, vec!["a", "pod-0"]));
        assert_eq!(values.of_namespace("three", 2), (0, vec![]));
    }

    #[test]
    fn the_policy_applies_only_to_nan_and_infinity() {
        let stated = OnNan::Value(Quantity::from_milli(1500));
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(OnNan::Refuse.quantity(value).is_err());
            assert_eq!(OnNan::Absent.quantity(value), Ok(None));
            assert_eq!(stated.quantity(value), Ok(Some(Quantity::from_milli(1500))));
        }
        for policy in [OnNan::Refuse, OnNan::Absent, stated] {
            assert_eq!(policy.quantity(0.25), Ok(Some(Quantity::from_milli(250))));
            assert_eq!(policy.quantity(1e300), Err(NotServable::TooLarge));
        }
    }
}
