//! What one run of a plugin was given, gave and logged, for explanations.
//!
//! Nothing is copied for it: the columns that were lent to the plugin are handed on.

mod excerpt;

use super::bindings::leadsman::plugin::types;
use super::convert;
use leadsman_model::data::Input;
use leadsman_model::dictionary::{EMPTY, Text};

/// A run of a plugin.
pub struct Trace {
    /// Its input, and what it gave.
    pub capture: Capture,
    /// What it logged, within the limits of logs.
    pub log: Vec<LogLine>,
    /// How many lines were dropped, since they were over the limits.
    pub log_dropped: u64,
    /// The largest linear memory that it had, in bytes.
    pub memory: usize,
}

/// A line that a plugin logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Its level.
    pub level: LogLevel,
    /// The text, without control characters.
    pub message: String,
}

/// The level of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// For authors.
    Debug,
    /// For operators.
    Info,
    /// Something is odd.
    Warn,
    /// Something is wrong.
    Error,
}

impl LogLevel {
    /// As logs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

/// The input of a run and what the plugin gave, before policies.
pub struct Capture {
    input: types::Input,
    measures: Option<types::Measures>,
}

/// The captured answer to one query.
#[derive(Clone, Copy)]
pub struct CapturedAnswer<'a> {
    capture: &'a Capture,
    answer: &'a types::Answer,
}

/// One series of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct CapturedRow<'a> {
    /// The labels that are set, by name.
    pub labels: Vec<(&'a str, &'a str)>,
    /// The samples: times in milliseconds since the epoch, and values.
    pub samples: Vec<(i64, f64)>,
    /// The text, if the answer is one.
    pub text: Option<(i64, &'a str)>,
}

/// A measure as the plugin gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct CapturedMeasure<'a> {
    /// The object's namespace; empty for that of the scope.
    pub namespace: &'a str,
    /// The object's name; empty for an item.
    pub object: &'a str,
    /// The labels of an item, sorted by name.
    pub labels: Vec<(&'a str, &'a str)>,
    /// The value.
    pub value: f64,
    /// When it was measured, in milliseconds since the epoch; `None` if the plugin does not say.
    pub time: Option<i64>,
    /// Over how many seconds it was measured.
    pub window: Option<u32>,
}

/// An object that the plugin was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapturedObject<'a> {
    /// Its namespace; empty if it lives in none.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its labels, as far as the plugin was given them.
    pub labels: Vec<(&'a str, &'a str)>,
    /// Its address; empty if it is not known or was not asked for.
    pub address: &'a str,
}

impl Capture {
    /// The input of a run that gave nothing.
    pub fn of(input: Input) -> Self {
        Self { input: convert::input(input), measures: None }
    }

    pub(super) fn new(input: types::Input, measures: Option<types::Measures>) -> Self {
        Self { input, measures }
    }

    /// The size in memory, in bytes.
    pub fn bytes(&self) -> usize {
        let answers = self.input.answers.iter().map(|answer| {
            let warnings: usize = answer.warnings.iter().map(String::capacity).sum();
            data_bytes(&answer.data) + answer.query.capacity() + warnings
        });
        let objects = self.input.objects.as_ref().map_or(0, |objects| {
            let texts = objects.names.capacity()
                + objects.namespaces.capacity()
                + objects.addresses.capacity();
            labels_bytes(&objects.labels) + texts * size_of::<Text>()
        });
        let measures = self.measures.as_ref().map_or(0, |measures| {
            dictionary_bytes(&measures.dictionary)
                + labels_bytes(&measures.labels)
                + (measures.objects.capacity()
                    + measures.namespaces.capacity()
                    + measures.windows.capacity())
                    * size_of::<u32>()
                + (measures.values.capacity() + measures.times.capacity()) * size_of::<u64>()
        });
        size_of::<Self>()
            + dictionary_bytes(&self.input.dictionary)
            + answers.sum::<usize>()
            + objects
            + measures
    }

    /// Gives back the room that columns have in addition to their elements: they grew by doubling.
    pub fn shrink_to_fit(&mut self) {
        self.input.dictionary.bytes.shrink_to_fit();
        self.input.dictionary.ends.shrink_to_fit();
        for answer in &mut self.input.answers {
            let (times, values) = match &mut answer.data {
                types::Data::Vector(vector) => (&mut vector.times, &mut vector.values),
                types::Data::Matrix(matrix) => {
                    matrix.ends.shrink_to_fit();
                    (&mut matrix.times, &mut matrix.values)
                }
                types::Data::Scalar(_) | types::Data::Text(_) => continue,
            };
            times.shrink_to_fit();
            values.shrink_to_fit();
        }
    }

    /// When the run began, in milliseconds since the epoch.
    pub fn now(&self) -> i64 {
        self.input.now
    }

    /// The namespace that the run was for; `None` for the cluster.
    pub fn namespace(&self) -> Option<&str> {
        match &self.input.scope {
            types::Scope::Namespace(namespace) => Some(namespace),
            types::Scope::Cluster => None,
        }
    }

    /// The answers, in the order of the queries.
    pub fn answers(&self) -> impl Iterator<Item = CapturedAnswer<'_>> {
        self.input.answers.iter().map(|answer| CapturedAnswer { capture: self, answer })
    }

    /// The answer to a query.
    pub fn answer(&self, query: &str) -> Option<CapturedAnswer<'_>> {
        self.answers().find(|answer| answer.query() == query)
    }

    /// How many measures there are; `None` if the plugin gave none.
    pub fn measures_len(&self) -> Option<usize> {
        self.measures.as_ref().map(|measures| measures.values.len())
    }

    /// What the plugin gave, in its order.
    pub fn measures(&self) -> impl Iterator<Item = CapturedMeasure<'_>> {
        let measures = self.measures.iter();
        measures.flat_map(move |all| (0..all.values.len()).map(move |row| self.measure(all, row)))
    }

    fn measure<'a>(&'a self, all: &'a types::Measures, row: usize) -> CapturedMeasure<'a> {
        let text = |texts: &[Text]| self.text(texts.get(row).copied().unwrap_or(EMPTY));
        let mut labels = self.labels(&all.labels, all.values.len(), row);
        labels.sort_unstable();
        CapturedMeasure {
            namespace: text(&all.namespaces),
            object: text(&all.objects),
            labels,
            value: all.values.get(row).copied().unwrap_or(f64::NAN),
            time: all.times.get(row).copied(),
            window: all.windows.get(row).copied().filter(|&seconds| seconds > 0),
        }
    }

    /// The objects that the plugin was given.
    pub fn objects(&self) -> impl Iterator<Item = CapturedObject<'_>> {
        self.input.objects.iter().flat_map(move |objects| {
            let rows = objects.names.len();
            (0..rows).map(move |row| {
                let text = |texts: &[Text]| self.text(texts.get(row).copied().unwrap_or(EMPTY));
                CapturedObject {
                    namespace: text(&objects.namespaces),
                    name: text(&objects.names),
                    labels: self.labels(&objects.labels, rows, row),
                    address: text(&objects.addresses),
                }
            })
        })
    }

    /// A text of the input, or of the plugin's own. Empty for what is in neither: a plugin may give
    /// any number.
    fn text(&self, id: Text) -> &str {
        let at = id as usize;
        let (dictionary, at) =
            match (at.checked_sub(self.input.dictionary.ends.len()), &self.measures) {
                (None, _) => (&self.input.dictionary, at),
                (Some(at), Some(measures)) => (&measures.dictionary, at),
                (Some(_), None) => return "",
            };
        let Some(&end) = dictionary.ends.get(at) else { return "" };
        let start = at.checked_sub(1).and_then(|before| dictionary.ends.get(before).copied());
        let bytes = dictionary.bytes.get(start.unwrap_or(0) as usize..end as usize);
        std::str::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
    }

    /// The labels that are set in one of `rows` rows.
    fn labels(&self, labels: &types::Labels, rows: usize, row: usize) -> Vec<(&str, &str)> {
        let of = |(at, &name): (usize, &Text)| {
            let value = *labels.cells.get(at * rows + row)?;
            (value != EMPTY).then(|| (self.text(name), self.text(value)))
        };
        labels.names.iter().enumerate().filter_map(of).collect()
    }
}

impl<'a> CapturedAnswer<'a> {
    /// The query's name.
    pub fn query(&self) -> &'a str {
        &self.answer.query
    }

    /// What all values are counted in, if the source said so.
    pub fn unit(&self) -> Option<&'a str> {
        self.answer.unit.as_deref()
    }

    /// Warnings of the source.
    pub fn warnings(&self) -> &'a [String] {
        &self.answer.warnings
    }

    /// Whether it is the answer to a range query.
    pub fn is_matrix(&self) -> bool {
        matches!(self.answer.data, types::Data::Matrix(_))
    }

    /// Whether it is one sample without labels.
    pub fn is_scalar(&self) -> bool {
        matches!(self.answer.data, types::Data::Scalar(_))
    }

    /// How many series there are.
    pub fn rows(&self) -> usize {
        match &self.answer.data {
            types::Data::Vector(vector) => vector.values.len(),
            types::Data::Matrix(matrix) => matrix.ends.len(),
            types::Data::Scalar(_) | types::Data::Text(_) => 1,
        }
    }

    /// All series.
    pub fn iter(self) -> impl Iterator<Item = CapturedRow<'a>> {
        (0..self.rows()).map(move |row| self.row(row))
    }

    /// The series at a place.
    fn row(&self, row: usize) -> CapturedRow<'a> {
        let (capture, rows) = (self.capture, self.rows());
        match &self.answer.data {
            types::Data::Vector(vector) => CapturedRow {
                labels: capture.labels(&vector.labels, rows, row),
                samples: pair(&vector.times, &vector.values, row, row + 1),
                text: None,
            },
            types::Data::Matrix(matrix) => {
                let end = |row: usize| matrix.ends.get(row).copied().unwrap_or_default() as usize;
                let start = row.checked_sub(1).map_or(0, end);
                CapturedRow {
                    labels: capture.labels(&matrix.labels, rows, row),
                    samples: pair(&matrix.times, &matrix.values, start, end(row)),
                    text: None,
                }
            }
            types::Data::Scalar(scalar) => {
                let samples = vec![(scalar.time, scalar.value)];
                CapturedRow { labels: Vec::new(), samples, text: None }
            }
            types::Data::Text(message) => {
                let text = Some((message.time, capture.text(message.text)));
                CapturedRow { labels: Vec::new(), samples: Vec::new(), text }
            }
        }
    }
}

fn pair(times: &[i64], values: &[f64], start: usize, end: usize) -> Vec<(i64, f64)> {
    let times = times.get(start..end).unwrap_or_default();
    let values = values.get(start..end).unwrap_or_default();
    times.iter().copied().zip(values.iter().copied()).collect()
}

fn dictionary_bytes(dictionary: &types::Dictionary) -> usize {
    dictionary.bytes.capacity() + dictionary.ends.capacity() * size_of::<u32>()
}

fn labels_bytes(labels: &types::Labels) -> usize {
    (labels.names.capacity() + labels.cells.capacity()) * size_of::<Text>()
}

fn data_bytes(data: &types::Data) -> usize {
    match data {
        types::Data::Vector(vector) => {
            labels_bytes(&vector.labels)
                + (vector.times.capacity() + vector.values.capacity()) * size_of::<u64>()
        }
        types::Data::Matrix(matrix) => {
            labels_bytes(&matrix.labels)
                + matrix.ends.capacity() * size_of::<u32>()
                + (matrix.times.capacity() + matrix.values.capacity()) * size_of::<u64>()
        }
        types::Data::Scalar(_) | types::Data::Text(_) => 0,
    }
}

#[cfg(test)]
mod tests;
