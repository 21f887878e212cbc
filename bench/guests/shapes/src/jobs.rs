//! The job in each shape. Only the reading of keys and the writing of results differ.

use crate::bindings::leadsman::plugin::types::{Data, Dictionary, Labels, Vector};
use crate::bindings::{Input, Measure, Measures, Series, Table};
use crate::group::{Group, group};

/// The label that names the object.
const OBJECT: &str = "pod";

/// (a) Records in, records out.
pub fn records_to_records(series: &[Series]) -> Vec<Measure> {
    let rows = series.iter().map(|series| (label(series), series.time, series.value));
    group(rows).into_iter().map(|group| measure(group.key, &group)).collect()
}

/// (b) Columns with a list of strings in, records out.
pub fn strings_to_records(table: &Table) -> Vec<Measure> {
    let text = |id: u32| table.strings.get(id as usize).map_or("", String::as_str);
    let cells = column(&table.names, table.rows, &table.cells, text);
    let rows = rows(cells, &table.times, &table.values);
    group(rows).into_iter().map(|group| measure(text(group.key), &group)).collect()
}

/// The contract's input, records out.
pub fn bytes_to_records(input: &Input) -> Vec<Measure> {
    let text = |id| text(&input.dictionary, id);
    let groups = group_vector(input);
    groups.into_iter().map(|group| measure(text(group.key), &group)).collect()
}

/// (c) The contract's input, the contract's output.
pub fn bytes_to_columns(input: &Input) -> Measures {
    let groups = group_vector(input);
    Measures {
        // All names are in the dictionary of the input.
        dictionary: Dictionary { bytes: Vec::new(), ends: Vec::new() },
        objects: groups.iter().map(|group| group.key).collect(),
        namespaces: Vec::new(),
        values: groups.iter().map(|group| group.value).collect(),
        times: groups.iter().map(|group| group.time).collect(),
        windows: Vec::new(),
        labels: Labels {
            names: Vec::new(),
            rows: u32::try_from(groups.len()).unwrap_or(u32::MAX),
            cells: Vec::new(),
        },
    }
}

fn label(series: &Series) -> &str {
    let found = series.labels.iter().find(|(name, _)| name == OBJECT);
    found.map_or("", |(_, value)| value.as_str())
}

fn measure<K>(object: &str, group: &Group<K>) -> Measure {
    Measure {
        object: object.to_owned(),
        namespace: None,
        labels: Vec::new(),
        value: group.value,
        time: Some(group.time),
        window: None,
    }
}

fn group_vector(input: &Input) -> Vec<Group<u32>> {
    let Some(Data::Vector(vector)) = input.answers.first().map(|answer| &answer.data) else {
        return Vec::new();
    };
    let Vector { labels, times, values } = vector;
    let text = |id| text(&input.dictionary, id);
    group(rows(column(&labels.names, labels.rows, &labels.cells, text), times, values))
}

fn text(dictionary: &Dictionary, id: u32) -> &str {
    let end = |index: usize| dictionary.ends.get(index).copied().unwrap_or_default() as usize;
    let start = (id as usize).checked_sub(1).map_or(0, end);
    let bytes = dictionary.bytes.get(start..end(id as usize)).unwrap_or_default();
    std::str::from_utf8(bytes).unwrap_or_default()
}

fn column<'a>(
    names: &[u32],
    rows: u32,
    cells: &'a [u32],
    text: impl Fn(u32) -> &'a str,
) -> &'a [u32] {
    let rows = rows as usize;
    let found = names.iter().position(|&name| text(name) == OBJECT);
    found.and_then(|at| cells.get(at * rows..(at + 1) * rows)).unwrap_or_default()
}

fn rows(
    cells: &[u32],
    times: &[i64],
    values: &[f64],
) -> impl ExactSizeIterator<Item = (u32, i64, f64)> {
    cells.iter().zip(times).zip(values).map(|((&key, &time), &value)| (key, time, value))
}
