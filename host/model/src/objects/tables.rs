//! A cache of object tables, valid until the objects change.

use std::sync::{Arc, Mutex, PoisonError};

use crate::names::Scope;
use crate::object_table::{MAX_CELLS, ObjectColumns, ObjectTable};

/// The maximum number of cached tables of one kind.
const MAX_TABLES: usize = 16;

/// The tables of one kind by scope and columns, so that the evaluations of a namespace share one.
#[derive(Debug, Default)]
pub(super) struct Tables(Mutex<Vec<Entry>>);

/// The version of the objects in a table, and that of their addresses if it has them.
type Version = (u64, u64);

#[derive(Debug)]
struct Entry {
    scope: Scope,
    columns: ObjectColumns,
    version: Version,
    table: Arc<ObjectTable>,
}

impl Tables {
    /// The cached table of this version.
    pub(super) fn get(
        &self,
        scope: &Scope,
        columns: &ObjectColumns,
        version: Version,
    ) -> Option<Arc<ObjectTable>> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = entries.iter().find(|entry| entry.matches(scope, columns));
        found.filter(|entry| entry.version == version).map(|entry| entry.table.clone())
    }

    /// Caches a table in place of an older version. Evicts the oldest tables above the maximum.
    pub(super) fn put(
        &self,
        scope: &Scope,
        columns: &ObjectColumns,
        version: Version,
        table: Arc<ObjectTable>,
    ) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| !entry.matches(scope, columns));
        entries.push(Entry { scope: scope.clone(), columns: columns.clone(), version, table });
        let mut cells: usize = entries.iter().map(|entry| entry.table.cells()).sum();
        while entries.len() > MAX_TABLES || cells > MAX_CELLS {
            cells -= entries.remove(0).table.cells();
        }
    }
}

impl Entry {
    fn matches(&self, scope: &Scope, columns: &ObjectColumns) -> bool {
        self.scope == *scope && self.columns == *columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object_table::ObjectLabels;

    #[test]
    fn a_table_is_shared_until_something_changes() {
        let tables = Tables::default();
        let shop = Scope::Namespace("shop".parse().unwrap());
        let all = ObjectColumns::labels(ObjectLabels::All);
        let table = Arc::new(ObjectTable::default());
        tables.put(&shop, &all, (1, 0), table.clone());
        assert!(tables.get(&shop, &all, (1, 0)).is_some_and(|found| Arc::ptr_eq(&found, &table)));
        assert!(tables.get(&shop, &all, (2, 0)).is_none(), "the objects changed");
        assert!(tables.get(&Scope::Cluster, &all, (1, 0)).is_none());
        let others = [
            ObjectColumns::labels(ObjectLabels::Keys([].into())),
            ObjectColumns { addresses: true, ..all.clone() },
        ];
        assert!(others.iter().all(|other| tables.get(&shop, other, (1, 0)).is_none()));
        for number in 0..MAX_TABLES {
            let scope = Scope::Namespace(format!("team-{number}").parse().unwrap());
            tables.put(&scope, &all, (1, 0), table.clone());
        }
        assert!(tables.get(&shop, &all, (1, 0)).is_none(), "the oldest made room");
    }
}
