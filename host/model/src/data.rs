//! Answers of sources, and the input of plugins.

use super::dictionary::{Dictionary, Text};
use super::labels::{Labels, retain};
use super::names::Scope;
use super::object_table::ObjectTable;
use super::selector::Selector;

/// The answer to one query.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The strings that `data` refers to.
    pub dictionary: Dictionary,
    /// The samples.
    pub data: Data,
    /// What all values are counted in, if the source says so: `bits_per_second`.
    pub unit: Option<String>,
    /// Warnings of the source.
    pub warnings: Vec<String>,
}

/// The series of an answer that were dropped, for their samples are too old.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DroppedSeriesSummary {
    /// How many there were.
    pub count: usize,
    /// The first few of them.
    pub few: Vec<DroppedSeries>,
}

/// A series that was dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedSeries {
    /// The time of its newest sample.
    pub time: i64,
    /// The names and values of its labels.
    pub labels: Vec<(String, String)>,
}

/// How many series that were dropped are kept with their labels.
const MAX_STALE_SERIES: usize = 200;

/// The samples of an answer. Times are in milliseconds since the epoch.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// An instant vector: one sample for each series.
    Vector(Vector),
    /// A range vector: several samples for each series.
    Matrix(Matrix),
    /// A single sample without labels.
    Scalar {
        /// The time of the sample.
        time: i64,
        /// The value.
        value: f64,
    },
    /// A string.
    Text {
        /// The time of the sample.
        time: i64,
        /// The string.
        text: Text,
    },
}

/// One sample for each series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vector {
    /// The series' labels.
    pub labels: Labels,
    /// The samples' times.
    pub times: Vec<i64>,
    /// The samples' values.
    pub values: Vec<f64>,
}

/// Several samples for each series. The samples of series `i` are at `ends[i-1]..ends[i]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matrix {
    /// The series' labels.
    pub labels: Labels,
    /// The end of each series' samples in `times` and `values`.
    pub ends: Vec<u32>,
    /// The samples' times.
    pub times: Vec<i64>,
    /// The samples' values.
    pub values: Vec<f64>,
}

impl Data {
    /// The number of series.
    pub fn series(&self) -> usize {
        match self {
            Self::Vector(vector) => vector.labels.rows(),
            Self::Matrix(matrix) => matrix.labels.rows(),
            Self::Scalar { .. } | Self::Text { .. } => 1,
        }
    }

    fn labels_mut(&mut self) -> Option<&mut Labels> {
        match self {
            Self::Vector(vector) => Some(&mut vector.labels),
            Self::Matrix(matrix) => Some(&mut matrix.labels),
            Self::Scalar { .. } | Self::Text { .. } => None,
        }
    }
}

impl Answer {
    /// The approximate size in memory, in bytes.
    pub fn bytes(&self) -> usize {
        let labels = |labels: &Labels| labels.rows() * labels.columns() * size_of::<Text>();
        let samples = |count: usize| count * (size_of::<i64>() + size_of::<f64>());
        let data = match &self.data {
            Data::Vector(vector) => labels(&vector.labels) + samples(vector.values.len()),
            Data::Matrix(matrix) => {
                let ends = matrix.ends.len() * size_of::<u32>();
                labels(&matrix.labels) + ends + samples(matrix.values.len())
            }
            Data::Scalar { .. } | Data::Text { .. } => 0,
        };
        // Of each string there are its end and its place in the index, too.
        let strings = self.dictionary.len() as usize * 2 * size_of::<Text>();
        self.dictionary.bytes() + strings + data
    }

    /// Keeps only the series that match a selector. Fails with a requirement's key if no series has
    /// that label: the query aggregates it away, and dropping all series would look like "no data".
    pub fn select(&mut self, selector: &Selector) -> Result<(), String> {
        let labels = match &self.data {
            Data::Vector(vector) => &vector.labels,
            Data::Matrix(matrix) => &matrix.labels,
            Data::Scalar { .. } | Data::Text { .. } => {
                return match selector.keys().next() {
                    Some(key) => Err(key.to_owned()),
                    None => Ok(()),
                };
            }
        };
        let rows = labels.rows();
        for key in selector.keys() {
            let known = self.dictionary.find(key);
            let is_set = |row| known.is_some_and(|name| labels.get(row, name) != 0);
            if rows > 0 && !(0..rows).any(is_set) {
                return Err(key.to_owned());
            }
        }
        let keep: Vec<bool> = (0..rows)
            .map(|row| {
                selector.matches(|key| {
                    let value = labels.get(row, self.dictionary.find(key)?);
                    (value != 0).then(|| self.dictionary.get(value))
                })
            })
            .collect();
        match &mut self.data {
            Data::Vector(vector) => vector.keep(&keep),
            Data::Matrix(matrix) => matrix.keep(&keep),
            Data::Scalar { .. } | Data::Text { .. } => {}
        }
        Ok(())
    }
}

impl Answer {
    /// Drops the series whose newest sample was taken before a time, and says which. Fails with the
    /// time of the newest sample of all if there were series and none is left.
    pub fn drop_older(&mut self, oldest: i64) -> Result<DroppedSeriesSummary, i64> {
        let newest: Vec<i64> = match &self.data {
            Data::Vector(vector) => vector.times.clone(),
            Data::Matrix(matrix) => {
                let starts = std::iter::once(0).chain(matrix.ends.iter().copied());
                let samples = starts.zip(&matrix.ends).map(|(start, &end)| {
                    matrix.times.get(start as usize..end as usize).unwrap_or_default()
                });
                samples.map(|times| times.iter().copied().max().unwrap_or(i64::MIN)).collect()
            }
            Data::Scalar { time, .. } | Data::Text { time, .. } => vec![*time],
        };
        let Some(&last) = newest.iter().max() else { return Ok(DroppedSeriesSummary::default()) };
        if last < oldest {
            return Err(last);
        }
        let count = newest.iter().filter(|&&time| time < oldest).count();
        if count == 0 {
            return Ok(DroppedSeriesSummary::default());
        }
        let old =
            newest.iter().enumerate().filter(|&(_, &time)| time < oldest).take(MAX_STALE_SERIES);
        let few =
            old.map(|(row, &time)| DroppedSeries { time, labels: self.labels_of(row) }).collect();
        let keep: Vec<bool> = newest.iter().map(|&time| time >= oldest).collect();
        match &mut self.data {
            Data::Vector(vector) => vector.keep(&keep),
            Data::Matrix(matrix) => matrix.keep(&keep),
            Data::Scalar { .. } | Data::Text { .. } => {}
        }
        Ok(DroppedSeriesSummary { count, few })
    }

    /// The labels of a series, in words.
    fn labels_of(&self, row: usize) -> Vec<(String, String)> {
        let labels = match &self.data {
            Data::Vector(vector) => &vector.labels,
            Data::Matrix(matrix) => &matrix.labels,
            Data::Scalar { .. } | Data::Text { .. } => return Vec::new(),
        };
        let word = |text: Text| self.dictionary.get(text).to_owned();
        labels.row(row).map(|(name, value)| (word(name), word(value))).collect()
    }
}

impl Vector {
    fn keep(&mut self, keep: &[bool]) {
        self.labels.keep(keep);
        retain(&mut self.times, keep);
        retain(&mut self.values, keep);
    }
}

impl Matrix {
    fn keep(&mut self, keep: &[bool]) {
        let mut samples = Vec::with_capacity(self.values.len());
        let mut ends = Vec::with_capacity(self.ends.len());
        let (mut start, mut total) = (0, 0);
        for (&end, &kept) in self.ends.iter().zip(keep) {
            samples.resize(end as usize, kept);
            if kept {
                total += end - start;
                ends.push(total);
            }
            start = end;
        }
        self.labels.keep(keep);
        retain(&mut self.times, &samples);
        retain(&mut self.values, &samples);
        self.ends = ends;
    }
}

/// The input of one evaluation. All parts share one dictionary.
#[derive(Debug, Clone)]
pub struct Input {
    /// The strings of all answers and objects.
    pub dictionary: Dictionary,
    /// The scope of the evaluation.
    pub scope: Scope,
    /// The answer to each query.
    pub answers: Vec<NamedAnswer>,
    /// The objects, if the plugin requests them.
    pub objects: Option<InputObjects>,
    /// The start of the evaluation, in milliseconds since the epoch.
    pub now: i64,
}

/// The answer to a query of a mapping, in the dictionary of the input.
#[derive(Debug, Clone)]
pub struct NamedAnswer {
    /// The query's name.
    pub query: String,
    /// The samples.
    pub data: Data,
    /// What all values are counted in, if the source says so.
    pub unit: Option<String>,
    /// Warnings of the source.
    pub warnings: Vec<String>,
}

/// The objects of the scope, in the dictionary of the input.
#[derive(Debug, Clone)]
pub struct InputObjects {
    /// Their names.
    pub names: Vec<Text>,
    /// Their namespaces; empty for cluster-scoped objects.
    pub namespaces: Vec<Text>,
    /// Their labels.
    pub labels: Labels,
    /// Their addresses; no column if the plugin does not ask for them.
    pub addresses: Vec<Text>,
}

impl Input {
    /// Merges the dictionaries of all answers. The numbers of the first answer stay valid, so a
    /// single query needs no copy.
    pub fn new(scope: Scope, now: i64, answers: Vec<(String, Answer)>) -> Self {
        let mut input =
            Self { dictionary: Dictionary::new(), scope, answers: vec![], objects: None, now };
        for (at, (query, mut answer)) in answers.into_iter().enumerate() {
            if at == 0 {
                input.dictionary = answer.dictionary;
            } else {
                let numbers = input.dictionary.absorb(&answer.dictionary);
                if let Some(labels) = answer.data.labels_mut() {
                    labels.renumber(&numbers);
                }
                if let Data::Text { text, .. } = &mut answer.data {
                    *text = numbers.get(*text as usize).copied().unwrap_or_default();
                }
            }
            let Answer { data, unit, warnings, .. } = answer;
            input.answers.push(NamedAnswer { query, data, unit, warnings });
        }
        input
    }

    /// Adds an answer.
    pub fn with_answer(mut self, query: &str, answer: Answer) -> Self {
        let Answer { dictionary, mut data, unit, warnings } = answer;
        let numbers = self.dictionary.absorb(&dictionary);
        if let Some(labels) = data.labels_mut() {
            labels.renumber(&numbers);
        }
        if let Data::Text { text, .. } = &mut data {
            *text = numbers.get(*text as usize).copied().unwrap_or_default();
        }
        self.answers.push(NamedAnswer { query: query.to_owned(), data, unit, warnings });
        self
    }

    /// Adds the objects of the scope.
    pub fn with_objects(mut self, table: &ObjectTable) -> Self {
        let numbers = self.dictionary.absorb(&table.dictionary);
        let renumbered = |texts: &[Text]| {
            texts
                .iter()
                .map(|&text| numbers.get(text as usize).copied().unwrap_or_default())
                .collect()
        };
        let mut labels = table.labels.clone();
        labels.renumber(&numbers);
        self.objects = Some(InputObjects {
            names: renumbered(&table.names),
            namespaces: renumbered(&table.namespaces),
            labels,
            addresses: renumbered(&table.addresses),
        });
        self
    }
}

#[cfg(test)]
mod tests;
