//! The objects of a scope with their labels, as an input of plugins.

use std::sync::Arc;

use super::dictionary::{Dictionary, Text};
use super::labels::Labels;

/// The maximum number of distinct label keys of one table.
const MAX_KEYS: usize = 256;

/// The maximum number of cells of one table, which is objects times label keys. They take 8 MiB.
pub const MAX_CELLS: usize = 2 << 20;

/// The maximum size of all distinct names and labels of one table, in bytes.
const MAX_BYTES: usize = 16 << 20;

/// The labels of the objects that a plugin requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectLabels {
    /// All labels.
    All,
    /// The labels with these keys.
    Keys(Arc<[String]>),
}

impl ObjectLabels {
    fn includes(&self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::Keys(keys) => keys.iter().any(|known| known == key),
        }
    }
}

/// What a plugin requests of the objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectColumns {
    /// Their labels.
    pub labels: ObjectLabels,
    /// Whether it requests their addresses.
    pub addresses: bool,
}

impl ObjectColumns {
    /// Labels alone.
    pub fn labels(labels: ObjectLabels) -> Self {
        Self { labels, addresses: false }
    }
}

/// An object of a table.
#[derive(Debug, Clone)]
pub struct TableRow<'a, L> {
    /// Its namespace; empty for cluster-scoped objects.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its labels.
    pub labels: L,
    /// Its address, where that is known.
    pub address: Option<&'a str>,
}

/// The objects of a scope, with a dictionary of their own.
#[derive(Debug, Clone, Default)]
pub struct ObjectTable {
    /// The strings that the other fields refer to.
    pub dictionary: Dictionary,
    /// The objects' names.
    pub names: Vec<Text>,
    /// Their namespaces; empty for cluster-scoped objects.
    pub namespaces: Vec<Text>,
    /// Their labels.
    pub labels: Labels,
    /// Their addresses; no column if they are not requested.
    pub addresses: Vec<Text>,
}

/// The objects of a scope exceed a limit on the input of plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ObjectTableError {
    /// Too many keys.
    #[error(
        "the objects' labels have more than {MAX_KEYS} different keys; let the plugin ask for the \
         labels that it needs"
    )]
    Keys,
    /// Too many cells.
    #[error(
        "{objects} objects with {keys} different label keys are more than {MAX_CELLS} cells; let \
         the plugin ask for the labels that it needs, or evaluate for each namespace"
    )]
    Cells {
        /// The number of objects.
        objects: usize,
        /// The number of distinct label keys when the limit was exceeded.
        keys: usize,
    },
    /// Names and labels are too large.
    #[error(
        "the objects' names and labels have more than {MAX_BYTES} bytes; let the plugin ask for \
         the labels that it needs, or evaluate for each namespace"
    )]
    Bytes,
}

impl ObjectTable {
    /// An empty table with capacity for `objects` objects.
    fn with_capacity(objects: usize) -> Self {
        Self {
            names: Vec::with_capacity(objects),
            namespaces: Vec::with_capacity(objects),
            ..Self::default()
        }
    }

    /// Builds a table of objects.
    pub fn new<'a, L>(
        objects: impl ExactSizeIterator<Item = TableRow<'a, L>>,
        requested: &ObjectColumns,
    ) -> Result<Self, ObjectTableError>
    where
        L: IntoIterator<Item = (&'a str, &'a str)>,
    {
        let count = objects.len();
        let mut table = Self::with_capacity(count);
        for TableRow { namespace, name, labels, address } in objects {
            let Self { dictionary, names, namespaces, labels: columns, addresses } = &mut table;
            names.push(dictionary.intern(name));
            namespaces.push(dictionary.intern(namespace));
            columns.add_row();
            let wanted = labels.into_iter().filter(|(key, _)| requested.labels.includes(key));
            for (key, value) in wanted {
                columns.set(dictionary.intern(key), dictionary.intern(value));
            }
            if requested.addresses {
                addresses.push(dictionary.intern(address.unwrap_or_default()));
            }
            let keys = columns.columns();
            if keys > MAX_KEYS {
                return Err(ObjectTableError::Keys);
            }
            if keys.saturating_mul(count) > MAX_CELLS {
                return Err(ObjectTableError::Cells { objects: count, keys });
            }
            if dictionary.bytes() > MAX_BYTES {
                return Err(ObjectTableError::Bytes);
            }
        }
        Ok(table)
    }

    /// The number of cells.
    pub fn cells(&self) -> usize {
        self.labels.rows().saturating_mul(self.labels.columns())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of objects with a number of labels each. With `own_keys`, no two objects share a
    /// key.
    fn table(
        objects: usize,
        labels: usize,
        own_keys: bool,
        wanted: &ObjectLabels,
    ) -> Result<ObjectTable, ObjectTableError> {
        let rows: Vec<(String, Vec<(String, String)>)> = (0..objects)
            .map(|object| {
                let key = |label| match own_keys {
                    true => format!("key-{object}-{label}"),
                    false => format!("key-{label}"),
                };
                let pairs = (0..labels).map(|label| (key(label), format!("{object}-{label}")));
                (format!("pod-{object}"), pairs.collect())
            })
            .collect();
        let rows = rows.iter().map(|(name, labels)| {
            let labels = labels.iter().map(|(key, value)| (key.as_str(), value.as_str()));
            let labels = labels.collect::<Vec<_>>();
            TableRow { namespace: "shop", name, labels, address: None }
        });
        ObjectTable::new(rows, &ObjectColumns::labels(wanted.clone()))
    }

    #[test]
    fn too_many_labels_are_refused_with_the_limit() {
        // Without the limit, 2,000 objects with 60 keys of their own each took 1,858 MiB.
        let refused = table(2000, 60, true, &ObjectLabels::All).unwrap_err();
        assert_eq!(refused, ObjectTableError::Keys);
        assert!(refused.to_string().contains("256 different keys"), "{refused}");
        let refused = table(20_000, 200, false, &ObjectLabels::All).unwrap_err();
        assert!(matches!(refused, ObjectTableError::Cells { objects: 20_000, keys: 200 }));
        assert!(refused.to_string().contains("2097152 cells"), "{refused}");
    }

    #[test]
    fn a_plugin_gets_only_the_labels_that_it_requests() {
        let wanted = ObjectLabels::Keys(["key-1-7".to_owned()].into());
        let table = table(2000, 60, true, &wanted).unwrap();
        assert_eq!((table.names.len(), table.labels.columns()), (2000, 1));
        let key = table.dictionary.find("key-1-7").unwrap();
        assert_eq!(table.dictionary.get(table.labels.get(1, key)), "1-7");
        assert_eq!(table.dictionary.get(table.labels.get(2, key)), "");
        assert_eq!(table.dictionary.get(table.names[1999]), "pod-1999");
        assert!(table.addresses.is_empty(), "they are not requested");
    }

    #[test]
    fn addresses_are_a_column_of_their_own() {
        let row = |name, address| TableRow { namespace: "shop", name, labels: [], address };
        let rows = [row("a", Some("10.0.0.1")), row("b", None)];
        let wanted = ObjectColumns { labels: ObjectLabels::Keys([].into()), addresses: true };
        let table = ObjectTable::new(rows.into_iter(), &wanted).unwrap();
        let reported: Vec<_> =
            table.addresses.iter().map(|&text| table.dictionary.get(text)).collect();
        assert_eq!(reported, ["10.0.0.1", ""]);
    }
}
