//! What a plugin returns: one measure per object, or per item of an external metric.

use std::time::Duration;

use crate::bindings::leadsman::plugin::types;
use crate::input::Input;
use crate::text::{Interner, Label};

/// The name of an object or the value of a label: a [`Label`] of the input, which costs nothing to
/// pass on, or any text.
#[derive(Debug, Clone)]
pub enum Name<'a> {
    /// A string of the input.
    Label(Label<'a>),
    /// Any other text.
    Text(&'a str),
}

impl<'a> From<Label<'a>> for Name<'a> {
    fn from(label: Label<'a>) -> Self {
        Self::Label(label)
    }
}

impl<'a> From<&'a str> for Name<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Name<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

/// A value for one object, or one item of an external metric.
#[derive(Debug, Clone)]
pub struct Measure<'a> {
    object: Option<Name<'a>>,
    namespace: Option<Name<'a>>,
    value: f64,
    time: Option<i64>,
    window: Option<u32>,
    labels: Vec<(Name<'a>, Name<'a>)>,
}

impl<'a> Measure<'a> {
    /// A value for the object with this name.
    pub fn new(object: impl Into<Name<'a>>, value: f64) -> Self {
        Self { object: Some(object.into()), ..Self::item(value) }
    }

    /// An item of an external metric.
    pub fn item(value: f64) -> Self {
        Self { object: None, namespace: None, value, time: None, window: None, labels: Vec::new() }
    }

    /// The object's namespace. Needed only where the scope is the cluster.
    pub fn namespace(mut self, namespace: impl Into<Name<'a>>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// When the value was measured, in milliseconds since the epoch. Pass the samples' own time
    /// on: without it the value counts as measured when the evaluation began.
    pub fn at(mut self, time: i64) -> Self {
        self.time = Some(time);
        self
    }

    /// The time over which the value was measured, rounded to seconds.
    pub fn window(mut self, window: Duration) -> Self {
        self.window = Some(u32::try_from(window.as_secs()).unwrap_or(u32::MAX));
        self
    }

    /// Adds a label to an item of an external metric.
    pub fn label(mut self, name: impl Into<Name<'a>>, value: impl Into<Name<'a>>) -> Self {
        self.labels.push((name.into(), value.into()));
        self
    }
}

/// The measures of an evaluation, column by column.
#[derive(Debug)]
pub struct Measures {
    texts: Interner,
    objects: Vec<Id>,
    /// As far as the last measure that has one: most plugins name none, and a plugin's memory is fresh
    /// in every run.
    namespaces: Vec<Id>,
    values: Vec<f64>,
    times: Vec<i64>,
    /// Whether a measure has no time.
    untimed: bool,
    /// As far as the last measure that has one.
    windows: Vec<u32>,
    label_names: Vec<Id>,
    label_cells: Vec<Vec<Id>>,
}

/// A text of the input's dictionary, or, with the highest bit set, of the output's: where the
/// input's ends is not known before it is over. No dictionary comes near 2^31 texts.
type Id = u32;

const EMPTY: Id = 0;
const OWN: Id = 1 << 31;

/// Stands for a time that the plugin did not give.
const NO_TIME: i64 = i64::MIN;

impl Default for Measures {
    fn default() -> Self {
        Self::new()
    }
}

impl Measures {
    /// No measures yet.
    pub fn new() -> Self {
        Self {
            texts: Interner::for_output(),
            objects: Vec::new(),
            namespaces: Vec::new(),
            values: Vec::new(),
            times: Vec::new(),
            untimed: false,
            windows: Vec::new(),
            label_names: Vec::new(),
            label_cells: Vec::new(),
        }
    }

    /// No measures yet, with room for so many.
    pub fn with_capacity(count: usize) -> Self {
        Self {
            objects: Vec::with_capacity(count),
            values: Vec::with_capacity(count),
            times: Vec::with_capacity(count),
            ..Self::new()
        }
    }

    /// Adds a measure.
    pub fn push(&mut self, measure: Measure<'_>) {
        let row = self.values.len();
        self.values.push(measure.value);
        let time = measure.time.unwrap_or(NO_TIME);
        self.untimed |= time == NO_TIME;
        self.times.push(time);
        let object = self.optional(measure.object);
        self.objects.push(object);
        if let Some(namespace) = measure.namespace {
            let namespace = self.id(namespace);
            if self.namespaces.is_empty() {
                // As many as objects: it would be moved each time it grows.
                self.namespaces.reserve(self.objects.capacity());
            }
            self.namespaces.resize(row, EMPTY);
            self.namespaces.push(namespace);
        }
        if let Some(window) = measure.window {
            self.windows.resize(row, 0);
            self.windows.push(window);
        }
        for (name, value) in measure.labels {
            let name = self.id(name);
            let value = self.id(value);
            let column = match self.label_names.iter().position(|known| *known == name) {
                Some(column) => column,
                None => {
                    self.label_names.push(name);
                    self.label_cells.push(Vec::new());
                    self.label_names.len() - 1
                }
            };
            let cells = &mut self.label_cells[column];
            cells.resize(row, EMPTY);
            cells.push(value);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The measures row by row, for tests. `input` is what they were made from.
    pub fn rows(&self, input: &Input) -> Vec<Row> {
        let text = |id: Id| match id & OWN {
            0 => input.dictionary.get(id).to_owned(),
            _ => self.texts.get(id & !OWN).to_owned(),
        };
        let filled = |id: Id| Some(text(id)).filter(|text| !text.is_empty());
        (0..self.len())
            .map(|row| Row {
                object: text(self.objects[row]),
                namespace: self.namespaces.get(row).copied().and_then(filled),
                value: self.values[row],
                time: Some(self.times[row]).filter(|&time| time != NO_TIME),
                window: self.windows.get(row).copied().filter(|&seconds| seconds > 0),
                labels: self
                    .label_names
                    .iter()
                    .zip(&self.label_cells)
                    .filter_map(|(&name, cells)| Some((text(name), filled(*cells.get(row)?)?)))
                    .collect(),
            })
            .collect()
    }

    pub(crate) fn into_raw(self, input_texts: u32, now: i64) -> types::Measures {
        let number = |id: Id| if id & OWN == 0 { id } else { input_texts + (id & !OWN) };
        let rows = self.values.len();
        let has_own = !self.texts.is_empty();
        let column = |mut ids: Vec<Id>| {
            if ids.iter().all(|&id| id == EMPTY) {
                return Vec::new();
            }
            ids.resize(rows, EMPTY);
            if has_own {
                ids.iter_mut().for_each(|id| *id = number(*id));
            }
            ids
        };
        let mut cells = Vec::with_capacity(rows * self.label_names.len());
        for mut column in self.label_cells {
            column.resize(rows, EMPTY);
            cells.extend(column.into_iter().map(number));
        }
        let mut times = self.times;
        if self.untimed {
            if times.iter().all(|&time| time == NO_TIME) {
                times.clear();
            }
            for time in times.iter_mut().filter(|time| **time == NO_TIME) {
                *time = now;
            }
        }
        let mut windows = self.windows;
        if windows.iter().all(|&window| window == 0) {
            windows.clear();
        } else {
            windows.resize(rows, 0);
        }
        types::Measures {
            dictionary: self.texts.finish(),
            objects: column(self.objects),
            namespaces: column(self.namespaces),
            values: self.values,
            times,
            windows,
            labels: types::Labels {
                names: self.label_names.into_iter().map(number).collect(),
                rows: u32::try_from(rows).unwrap_or(u32::MAX),
                cells,
            },
        }
    }

    fn optional(&mut self, name: Option<Name<'_>>) -> Id {
        name.map_or(EMPTY, |name| self.id(name))
    }

    fn id(&mut self, name: Name<'_>) -> Id {
        match name {
            Name::Label(label) => label.id,
            Name::Text("") => EMPTY,
            Name::Text(text) => OWN | self.texts.intern(text),
        }
    }
}

/// A measure as a test sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The object's name; empty for an item of an external metric.
    pub object: String,
    /// The namespace, if the plugin named it.
    pub namespace: Option<String>,
    /// The value.
    pub value: f64,
    /// Milliseconds since the epoch, if the plugin gave a time.
    pub time: Option<i64>,
    /// Seconds, if the plugin gave a window.
    pub window: Option<u32>,
    /// The labels of an external metric's item, by name.
    pub labels: std::collections::BTreeMap<String, String>,
}
