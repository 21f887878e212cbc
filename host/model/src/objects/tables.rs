//! A cache of object tables, valid until the objects change.

use std::sync::{Arc, Mutex, PoisonError};

use crate::names::Scope;
use crate::object_table::{MAX_CELLS, ObjectLabels, ObjectTable};

/// The maximum number of cached tables of one kind.
const MAX_TABLES: usize = 16;

/// The tables of one kind by scope and labels, so that the evaluations of a namespace share one.
#[derive(Debug, Default)]
pub(super) struct Tables(Mutex<Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    scope: Scope,
    labels: ObjectLabels,
    /// The version of the objects in the table.
    version: u64,
    table: Arc<ObjectTable>,
}

impl Tables {
    /// The cached table of this version.
    pub(super) fn get(
        &self,
        scope: &Scope,
        labels: &ObjectLabels,
        version: u64,
    ) -> Option<Arc<ObjectTable>> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = entries.iter().find(|entry| entry.matches(scope, labels));
        found.filter(|entry| entry.version == version).map(|entry| entry.table.clone())
    }

    /// Caches a table in place of an older version. Evicts the oldest tables above the maximum.
    pub(super) fn put(
        &self,
        scope: &Scope,
        labels: &ObjectLabels,
        version: u64,
        table: Arc<ObjectTable>,
    ) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| !entry.matches(scope, labels));
        entries.push(Entry { scope: scope.clone(), labels: labels.clone(), version, table });
        let mut cells: usize = entries.iter().map(|entry| entry.table.cells()).sum();
        while entries.len() > MAX_TABLES || cells > MAX_CELLS {
            cells -= entries.remove(0).table.cells();
        }
    }
}

impl Entry {
    fn matches(&self, scope: &Scope, labels: &ObjectLabels) -> bool {
        self.scope == *scope && self.labels == *labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_shared_until_something_changes() {
        let tables = Tables::default();
        let (shop, all) = (Scope::Namespace("shop".parse().unwrap()), ObjectLabels::All);
        let table = Arc::new(ObjectTable::default());
        tables.put(&shop, &all, 1, table.clone());
        assert!(tables.get(&shop, &all, 1).is_some_and(|found| Arc::ptr_eq(&found, &table)));
        assert!(tables.get(&shop, &all, 2).is_none(), "the objects changed");
        assert!(tables.get(&Scope::Cluster, &all, 1).is_none());
        assert!(tables.get(&shop, &ObjectLabels::Keys([].into()), 1).is_none());
        for number in 0..MAX_TABLES {
            let scope = Scope::Namespace(format!("team-{number}").parse().unwrap());
            tables.put(&scope, &all, 1, table.clone());
        }
        assert!(tables.get(&shop, &all, 1).is_none(), "the oldest made room");
    }
}
