//! The labels of many rows, stored by column.

use super::dictionary::{EMPTY, Text};

/// The labels of a number of rows. A column is added when a row first sets its label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    rows: usize,
    columns: Vec<Column>,
}

/// The values of one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The label's name.
    pub name: Text,
    /// The value in each row. Missing cells at the end are not set.
    cells: Vec<Text>,
}

impl Column {
    /// The value in a row, [`EMPTY`] where it is not set.
    pub fn get(&self, row: usize) -> Text {
        self.cells.get(row).copied().unwrap_or(EMPTY)
    }
}

impl Labels {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of distinct labels.
    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    /// Adds a row without labels.
    pub fn add_row(&mut self) {
        self.rows += 1;
    }

    /// Sets a label of the newest row.
    pub fn set(&mut self, name: Text, value: Text) {
        let Some(row) = self.rows.checked_sub(1) else { return };
        if value == EMPTY {
            return;
        }
        let column = match self.columns.iter_mut().position(|column| column.name == name) {
            Some(at) => &mut self.columns[at],
            None => {
                self.columns.push(Column { name, cells: Vec::new() });
                match self.columns.last_mut() {
                    Some(column) => column,
                    None => return,
                }
            }
        };
        column.cells.resize(row, EMPTY);
        column.cells.push(value);
    }

    /// The value of a label in a row; [`EMPTY`] if it is not set.
    pub fn get(&self, row: usize, name: Text) -> Text {
        let column = self.columns.iter().find(|column| column.name == name);
        column.and_then(|column| column.cells.get(row)).copied().unwrap_or(EMPTY)
    }

    /// The column of a label, if any row has it.
    pub fn column(&self, name: Text) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The labels that are set in a row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (Text, Text)> {
        self.columns.iter().filter_map(move |column| {
            let value = column.cells.get(row).copied().unwrap_or(EMPTY);
            (value != EMPTY).then_some((column.name, value))
        })
    }

    /// The names of the columns and all cells in column-major order, as in the plugin contract.
    pub fn into_parts(self) -> (Vec<Text>, Vec<Text>) {
        let names = self.columns.iter().map(|column| column.name).collect();
        let mut cells = Vec::with_capacity(self.columns.len() * self.rows);
        for mut column in self.columns {
            column.cells.resize(self.rows, EMPTY);
            cells.append(&mut column.cells);
        }
        (names, cells)
    }

    /// Keeps only the rows that are marked in `keep`.
    pub fn keep(&mut self, keep: &[bool]) {
        for column in &mut self.columns {
            column.cells.resize(self.rows, EMPTY);
            retain(&mut column.cells, keep);
        }
        self.rows = keep.iter().filter(|&&kept| kept).count();
    }

    /// Replaces the number of each string: `numbers` has the new number for each old one.
    pub fn renumber(&mut self, numbers: &[Text]) {
        let new = |old: &mut Text| *old = numbers.get(*old as usize).copied().unwrap_or(EMPTY);
        for column in &mut self.columns {
            new(&mut column.name);
            column.cells.iter_mut().for_each(new);
        }
    }
}

/// Keeps the elements of a column whose row is kept.
pub(super) fn retain<T>(column: &mut Vec<T>, keep: &[bool]) {
    let mut rows = keep.iter();
    column.retain(|_| rows.next().copied().unwrap_or(false));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_set_only_in_the_rows_that_set_it() {
        let mut labels = Labels::default();
        labels.add_row();
        labels.set(1, 10);
        labels.add_row();
        labels.set(2, 20);
        labels.add_row();
        labels.set(1, 11);
        assert_eq!((labels.get(0, 1), labels.get(1, 1), labels.get(2, 1)), (10, EMPTY, 11));
        assert_eq!(labels.row(1).collect::<Vec<_>>(), [(2, 20)]);
        assert_eq!(labels.into_parts(), (vec![1, 2], vec![10, 0, 11, 0, 20, 0]));
    }

    #[test]
    fn rows_can_be_dropped() {
        let mut labels = Labels::default();
        for value in [10, 11, 12] {
            labels.add_row();
            labels.set(1, value);
        }
        labels.keep(&[true, false, true]);
        assert_eq!(labels.into_parts(), (vec![1], vec![10, 12]));
    }
}
