//! The measured series, in each shape.

use std::collections::HashMap;

use leadsman_bench_shapes::bindings as native;
use leadsman_plugin_sdk::bindings as sdk;

use crate::bindings as host;

/// The labels of each series.
pub const LABELS: [&str; 6] = ["namespace", "pod", "node", "container", "instance", "job"];

const NODES: usize = 50;
const CONTAINERS: [&str; 2] = ["app", "sidecar"];
const TIME: i64 = 1_760_000_000_000;

/// A number of series, independent of a shape, like a parsed answer in the host.
#[derive(Debug)]
pub struct Table {
    strings: Vec<String>,
    names: Vec<u32>,
    rows: u32,
    cells: Vec<u32>,
    times: Vec<i64>,
    values: Vec<f64>,
}

impl Table {
    /// Creates series with one namespace and job, a different pod and instance for each, and few
    /// distinct values of the other labels.
    pub fn new(rows: u32) -> Self {
        let mut strings = Strings::default();
        strings.id(String::new());
        let names = LABELS.map(|name| strings.id(name.to_owned())).to_vec();
        let count = rows as usize;
        let columns: [&dyn Fn(usize) -> String; LABELS.len()] = [
            &|_| "shop".to_owned(),
            &|row| format!("checkout-7d9c5b6f48-{row:05}"),
            &|row| format!("worker-{:02}.cluster.internal", row % NODES),
            &|row| CONTAINERS[row % CONTAINERS.len()].to_owned(),
            &|row| format!("10.{}.{}.{}:8080", 64 + row / 65_536, row / 256 % 256, row % 256),
            &|_| "kubernetes-pods".to_owned(),
        ];
        let mut cells = Vec::with_capacity(count * LABELS.len());
        for column in columns {
            cells.extend((0..count).map(|row| strings.id(column(row))));
        }
        Self {
            strings: strings.list,
            names,
            rows,
            cells,
            times: vec![TIME; count],
            values: (0..rows).map(|row| f64::from(row) * 0.25).collect(),
        }
    }

    /// The same series with only the label `pod`, as after an aggregation by it.
    pub fn pods(rows: u32) -> Self {
        let all = Self::new(rows);
        let count = rows as usize;
        let pods = &all.cells[count..2 * count];
        let text = |&id: &u32| all.strings[id as usize].clone();
        let strings = [String::new(), "pod".to_owned()].into_iter().chain(pods.iter().map(text));
        Self { strings: strings.collect(), names: vec![1], cells: (2..rows + 2).collect(), ..all }
    }

    /// The same series without the label `pod`, so that only the transfer remains to be measured.
    pub fn unnamed(rows: u32) -> Self {
        let mut table = Self::new(rows);
        for name in &mut table.strings {
            if name == "pod" {
                *name = "dop".to_owned();
            }
        }
        table
    }

    /// Shape (a).
    pub fn records(&self) -> Vec<host::Series> {
        let text = |id: u32| self.strings[id as usize].clone();
        let count = self.rows as usize;
        (0..count)
            .map(|row| host::Series {
                labels: self
                    .names
                    .iter()
                    .zip(self.cells.chunks(count))
                    .map(|(&name, column)| (text(name), text(column[row])))
                    .collect(),
                time: self.times[row],
                value: self.values[row],
            })
            .collect()
    }

    /// Shape (b).
    pub fn strings(&self) -> host::Table {
        host::Table {
            strings: self.strings.clone(),
            names: self.names.clone(),
            rows: self.rows,
            cells: self.cells.clone(),
            times: self.times.clone(),
            values: self.values.clone(),
        }
    }

    fn bytes(&self) -> (Vec<u8>, Vec<u32>) {
        let ends = self.strings.iter().scan(0, |end, text| {
            *end += text.len();
            Some(u32::try_from(*end).unwrap_or(u32::MAX))
        });
        (self.strings.concat().into_bytes(), ends.collect())
    }
}

#[derive(Default)]
struct Strings {
    list: Vec<String>,
    ids: HashMap<String, u32>,
}

impl Strings {
    fn id(&mut self, text: String) -> u32 {
        let next = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        *self.ids.entry(text).or_insert_with_key(|text| {
            self.list.push(text.clone());
            next
        })
    }
}

/// Shape (c) in the types of each of the three bindings.
macro_rules! input {
    ($table:expr, $types:path) => {{
        use $types::{Answer, Data, Dictionary, Input, Labels, Scope, Vector};
        let table: &Table = $table;
        let (bytes, ends) = table.bytes();
        Input {
            dictionary: Dictionary { bytes, ends },
            scope: Scope::Namespace("shop".to_owned()),
            answers: vec![Answer {
                query: "rate".to_owned(),
                data: Data::Vector(Vector {
                    labels: Labels {
                        names: table.names.clone(),
                        rows: table.rows,
                        cells: table.cells.clone(),
                    },
                    times: table.times.clone(),
                    values: table.values.clone(),
                }),
                unit: None,
                warnings: Vec::new(),
            }],
            objects: None,
            now: TIME,
        }
    }};
}

impl Table {
    /// Shape (c) for the sandbox.
    pub fn input(&self) -> host::Input {
        input!(self, host::leadsman::plugin::types)
    }

    /// Shape (c) for the guest's functions, run natively.
    pub fn native_input(&self) -> native::Input {
        input!(self, native::leadsman::plugin::types)
    }

    /// Shape (c) for a shipped plugin, run natively.
    pub fn sdk_input(&self) -> sdk::Input {
        input!(self, sdk::leadsman::plugin::types)
    }
}
