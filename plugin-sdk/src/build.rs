//! Builds inputs, for tests and benchmarks.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::bindings::leadsman::plugin::types;
use crate::input::Input;
use crate::text::Interner;

impl Input {
    /// Starts an input for a test: cluster scope, the epoch, no answers.
    pub fn build() -> InputBuilder {
        InputBuilder {
            texts: Interner::for_input(),
            scope: types::Scope::Cluster,
            answers: Vec::new(),
            objects: None,
            now: 0,
        }
    }
}

/// Makes an [`Input`] from what Prometheus answers.
#[derive(Debug)]
pub struct InputBuilder {
    texts: Interner,
    scope: types::Scope,
    answers: Vec<types::Answer>,
    objects: Option<types::Objects>,
    now: i64,
}

/// What was wrong with the JSON given to an [`InputBuilder`].
#[derive(Debug)]
pub struct BuildError(String);

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BuildError {}

impl From<serde_json::Error> for BuildError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// The `data` of an answer of the Prometheus HTTP API, and what its values are counted in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PrometheusData {
    result_type: String,
    result: Value,
    #[serde(default)]
    unit: Option<String>,
}

type Point = (f64, String);

#[derive(Deserialize)]
struct VectorItem {
    metric: serde_json::Map<String, Value>,
    value: Point,
}

#[derive(Deserialize)]
struct MatrixItem {
    metric: serde_json::Map<String, Value>,
    values: Vec<Point>,
}

impl InputBuilder {
    /// Sets the scope to a namespace.
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.scope = types::Scope::Namespace(namespace.to_owned());
        self
    }

    /// Sets when the evaluation began, in milliseconds since the epoch.
    pub fn now(mut self, now: i64) -> Self {
        self.now = now;
        self
    }

    /// Adds an answer, as the Prometheus HTTP API gives it: its whole body, or only its `data`.
    /// Beside `resultType`, `unit` may say what the values are counted in.
    pub fn answer_json(self, query: &str, json: &str) -> Result<Self, BuildError> {
        self.answer(query, serde_json::from_str(json)?)
    }

    /// The same for JSON that is parsed already.
    pub fn answer(mut self, query: &str, mut json: Value) -> Result<Self, BuildError> {
        let json = json.get_mut("data").map(Value::take).unwrap_or(json);
        let data: PrometheusData = serde_json::from_value(json)?;
        let unit = data.unit.filter(|unit| !unit.is_empty());
        let data = match data.result_type.as_str() {
            "vector" => {
                let items: Vec<VectorItem> = serde_json::from_value(data.result)?;
                let mut vector =
                    types::Vector { labels: no_labels(), times: vec![], values: vec![] };
                for item in &items {
                    let (time, value) = point(&item.value)?;
                    vector.times.push(time);
                    vector.values.push(value);
                }
                vector.labels = self.labels(items.iter().map(|item| &item.metric));
                types::Data::Vector(vector)
            }
            "matrix" => {
                let items: Vec<MatrixItem> = serde_json::from_value(data.result)?;
                let (mut ends, mut times, mut values) = (vec![], vec![], vec![]);
                for item in &items {
                    for sample in &item.values {
                        let (time, value) = point(sample)?;
                        times.push(time);
                        values.push(value);
                    }
                    ends.push(u32::try_from(values.len()).unwrap_or(u32::MAX));
                }
                let labels = self.labels(items.iter().map(|item| &item.metric));
                types::Data::Matrix(types::Matrix { labels, ends, times, values })
            }
            "scalar" => {
                let (time, value) = point(&serde_json::from_value(data.result)?)?;
                types::Data::Scalar(types::Scalar { time, value })
            }
            "string" => {
                let (time, text): Point = serde_json::from_value(data.result)?;
                let text = self.texts.intern(&text);
                types::Data::Text(types::Message { time: milliseconds(time), text })
            }
            other => return Err(BuildError(format!("unknown resultType \"{other}\""))),
        };
        self.answers.push(types::Answer { query: query.to_owned(), data, unit, warnings: vec![] });
        Ok(self)
    }

    /// Adds an object that exists in the scope.
    pub fn object(self, namespace: Option<&str>, name: &str, labels: &[(&str, &str)]) -> Self {
        self.object_at(namespace, name, labels, "")
    }

    /// Adds an object with its address; empty where that is not known.
    pub fn object_at(
        mut self,
        namespace: Option<&str>,
        name: &str,
        labels: &[(&str, &str)],
        address: &str,
    ) -> Self {
        let empty = || types::Objects {
            names: vec![],
            namespaces: vec![],
            labels: no_labels(),
            addresses: vec![],
        };
        let mut objects = self.objects.take().unwrap_or_else(empty);
        // Rows are added one at a time, so the columns are laid out anew each time.
        let old_rows = objects.names.len();
        let mut columns: Vec<(u32, Vec<u32>)> = objects
            .labels
            .names
            .iter()
            .zip(objects.labels.cells.chunks(old_rows.max(1)))
            .map(|(&name, cells)| (name, cells.to_vec()))
            .collect();
        objects.names.push(self.texts.intern(name));
        objects.namespaces.push(self.texts.intern(namespace.unwrap_or_default()));
        objects.addresses.push(self.texts.intern(address));
        for (name, value) in labels {
            let (name, value) = (self.texts.intern(name), self.texts.intern(value));
            match columns.iter_mut().find(|(known, _)| *known == name) {
                Some((_, cells)) => cells.push(value),
                None => {
                    let mut cells = vec![0; old_rows];
                    cells.push(value);
                    columns.push((name, cells));
                }
            }
        }
        objects.labels = flatten(columns, old_rows + 1);
        self.objects = Some(objects);
        self
    }

    /// The input.
    pub fn finish(self) -> Input {
        Input::from_raw(self.finish_raw())
    }

    #[doc(hidden)]
    pub fn finish_raw(self) -> types::Input {
        types::Input {
            dictionary: self.texts.finish(),
            scope: self.scope,
            answers: self.answers,
            objects: self.objects,
            now: self.now,
        }
    }

    fn labels<'a>(
        &mut self,
        rows: impl ExactSizeIterator<Item = &'a serde_json::Map<String, Value>>,
    ) -> types::Labels {
        let count = rows.len();
        let mut columns: Vec<(u32, Vec<u32>)> = Vec::new();
        for (row, metric) in rows.enumerate() {
            for (name, value) in metric {
                let name = self.texts.intern(name);
                let value = self.texts.intern(value.as_str().unwrap_or_default());
                let column = match columns.iter().position(|(known, _)| *known == name) {
                    Some(column) => column,
                    None => {
                        columns.push((name, Vec::new()));
                        columns.len() - 1
                    }
                };
                columns[column].1.resize(row, 0);
                columns[column].1.push(value);
            }
        }
        flatten(columns, count)
    }
}

fn flatten(columns: Vec<(u32, Vec<u32>)>, rows: usize) -> types::Labels {
    let mut labels = no_labels();
    labels.rows = u32::try_from(rows).unwrap_or(u32::MAX);
    for (name, mut cells) in columns {
        cells.resize(rows, 0);
        labels.names.push(name);
        labels.cells.append(&mut cells);
    }
    labels
}

fn no_labels() -> types::Labels {
    types::Labels { names: vec![], rows: 0, cells: vec![] }
}

fn point((time, value): &Point) -> Result<(i64, f64), BuildError> {
    let number = value
        .parse()
        .map_err(|_| BuildError(format!("the sample value \"{value}\" is not a number")))?;
    Ok((milliseconds(*time), number))
}

#[allow(clippy::cast_possible_truncation)] // a time outside i64 saturates
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}
