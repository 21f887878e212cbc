//! The labels of many rows, column by column.

use super::dictionary::{EMPTY, Text};

/// The labels of a number of rows. Columns appear as rows need them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    rows: usize,
    columns: Vec<Column>,
}

/// One label of every row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The label's name.
    pub name: Text,
    /// Its value in each row; may be shorter than there are rows, whose value is then not set.
    cells: Vec<Text>,
}

impl Column {
    /// The value in a row, [`EMPTY`] where it is not set.
    pub fn get(&self, row: usize) -> Text {
        self.cells.get(row).copied().unwrap_or(EMPTY)
    }
}

impl Labels {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many different labels they have.
    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    /// Begins a new row.
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

    /// The value of a label in a row, [`EMPTY`] where it is not set.
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

    /// The names of the columns and all cells, column after column, as the contract has them.
    pub fn into_parts(self) -> (Vec<Text>, Vec<Text>) {
        let names = self.columns.iter().map(|column| column.name).collect();
        let mut cells = Vec::with_capacity(self.columns.len() * self.rows);
        for mut column in self.columns {
            column.cells.resize(self.rows, EMPTY);
            cells.append(&mut column.cells);
        }
        (names, cells)
    }

    /// Keeps only some rows, in order.
    pub fn keep(&mut self, keep: &[bool]) {
        for column in &mut self.columns {
            column.cells.resize(self.rows, EMPTY);
            retain(&mut column.cells, keep);
        }
        self.rows = keep.iter().filter(|&&kept| kept).count();
    }

    /// Replaces every number by another.
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
    fn a_label_that_appears_late_is_not_set_before_and_after() {
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
