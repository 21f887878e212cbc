//! What a plugin is given: the answers of the mapping's queries, as typed series.

use crate::bindings::leadsman::plugin::types;
use crate::plan::Failure;
use crate::text::{Dictionary, Label};

/// Everything one evaluation is made from.
#[derive(Debug)]
pub struct Input {
    pub(crate) dictionary: Dictionary,
    scope: Scope,
    answers: Vec<types::Answer>,
    objects: Option<types::Objects>,
    now: i64,
}

/// Which objects the evaluation is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Those of one namespace.
    Namespace(String),
    /// Those of the whole cluster: each measure of a namespaced object must name its namespace.
    Cluster,
}

impl Input {
    #[doc(hidden)]
    pub fn from_raw(raw: types::Input) -> Self {
        Self {
            dictionary: Dictionary::new(raw.dictionary),
            scope: match raw.scope {
                types::Scope::Namespace(name) => Scope::Namespace(name),
                types::Scope::Cluster => Scope::Cluster,
            },
            answers: raw.answers,
            objects: raw.objects,
            now: raw.now,
        }
    }

    /// Which objects the evaluation is for.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// When the evaluation began, in milliseconds since the epoch. Plugins have no clock.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// The answer of the query with this name.
    pub fn answer(&self, query: &str) -> Result<Answer<'_>, Failure> {
        self.answers().find(|answer| answer.query() == query).ok_or_else(|| {
            let known: Vec<_> = self.answers().map(|a| format!("\"{}\"", a.query())).collect();
            Failure::new(format!(
                "the mapping has no query named \"{query}\"; it has {}",
                if known.is_empty() { "none".to_owned() } else { known.join(", ") }
            ))
        })
    }

    /// The answer of the mapping's only query, whatever its name.
    pub fn only(&self) -> Result<Answer<'_>, Failure> {
        match self.answers.as_slice() {
            [answer] => Ok(Answer { input: self, raw: answer }),
            answers => Err(Failure::new(format!(
                "this plugin works on one query, and the mapping has {}",
                answers.len()
            ))),
        }
    }

    /// All answers, in the order of the mapping's queries.
    pub fn answers(&self) -> impl Iterator<Item = Answer<'_>> {
        self.answers.iter().map(|raw| Answer { input: self, raw })
    }

    /// The objects that exist in the scope. Empty unless the [`Plan`](crate::Plan) asks for them.
    pub fn objects(&self) -> impl Iterator<Item = Object<'_>> {
        self.objects.iter().flat_map(move |raw| {
            (0..raw.names.len()).map(move |row| Object { input: self, raw, row })
        })
    }

    fn label(&self, id: u32) -> Label<'_> {
        Label { dictionary: &self.dictionary, id }
    }

    fn cell(&self, labels: &types::Labels, row: usize, name: &str) -> Option<Label<'_>> {
        self.at(labels, row, self.column(labels, name)?)
    }

    fn column(&self, labels: &types::Labels, name: &str) -> Option<Column> {
        labels.names.iter().position(|&column| self.dictionary.is(column, name)).map(Column)
    }

    fn at(&self, labels: &types::Labels, row: usize, column: Column) -> Option<Label<'_>> {
        match labels.cells.get(column.0 * labels.rows as usize + row) {
            None | Some(0) => None,
            Some(&id) => Some(self.label(id)),
        }
    }

    fn cells<'a>(
        &'a self,
        labels: &'a types::Labels,
        row: usize,
    ) -> impl Iterator<Item = (Label<'a>, Label<'a>)> {
        labels.names.iter().enumerate().filter_map(move |(column, &name)| {
            match labels.cells.get(column * labels.rows as usize + row) {
                None | Some(0) => None,
                Some(&id) => Some((self.label(name), self.label(id))),
            }
        })
    }
}

/// What one query was answered with.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    input: &'a Input,
    raw: &'a types::Answer,
}

impl<'a> Answer<'a> {
    /// The query's name.
    pub fn query(&self) -> &'a str {
        &self.raw.query
    }

    /// What the values are counted in, if the source says so, in its own words: `count`, `percent`,
    /// `milliseconds`, `bits_per_second` … Prometheus says nothing of it.
    pub fn unit(&self) -> Option<&'a str> {
        self.raw.unit.as_deref()
    }

    /// What the source warned of.
    pub fn warnings(&self) -> &'a [String] {
        &self.raw.warnings
    }

    /// The series of an instant vector. Fails if the answer has another type.
    pub fn series(&self) -> Result<impl ExactSizeIterator<Item = Series<'a>> + use<'a>, Failure> {
        let input = self.input;
        let query = self.query();
        match &self.raw.data {
            types::Data::Vector(raw) => {
                Ok((0..raw.values.len()).map(move |row| Series { input, query, raw, row }))
            }
            other => Err(self.unexpected("an instant vector", other)),
        }
    }

    /// Finds a label once, for plugins that read it of many series; `None` if no series has it.
    pub fn column(&self, name: &str) -> Option<Column> {
        match &self.raw.data {
            types::Data::Vector(raw) => self.input.column(&raw.labels, name),
            types::Data::Matrix(raw) => self.input.column(&raw.labels, name),
            types::Data::Scalar(_) | types::Data::Text(_) => None,
        }
    }

    /// The series of a range query. Fails if the answer has another type.
    pub fn ranges(&self) -> Result<impl ExactSizeIterator<Item = Range<'a>> + use<'a>, Failure> {
        let input = self.input;
        let query = self.query();
        match &self.raw.data {
            types::Data::Matrix(raw) => {
                Ok((0..raw.ends.len()).map(move |row| Range { input, query, raw, row }))
            }
            other => Err(self.unexpected("a range matrix", other)),
        }
    }

    /// The sample of a scalar. Fails if the answer has another type.
    pub fn scalar(&self) -> Result<Sample, Failure> {
        match &self.raw.data {
            types::Data::Scalar(raw) => Ok(Sample { time: raw.time, value: raw.value }),
            other => Err(self.unexpected("a scalar", other)),
        }
    }

    /// Whether the answer is a scalar, for plugins that take either.
    pub fn is_scalar(&self) -> bool {
        matches!(self.raw.data, types::Data::Scalar(_))
    }

    /// The text of a string result. Fails if the answer has another type.
    pub fn text(&self) -> Result<&'a str, Failure> {
        match &self.raw.data {
            types::Data::Text(raw) => Ok(self.input.dictionary.get(raw.text)),
            other => Err(self.unexpected("a string", other)),
        }
    }

    fn unexpected(&self, wanted: &str, found: &types::Data) -> Failure {
        let found = match found {
            types::Data::Vector(_) => "an instant vector",
            types::Data::Matrix(_) => "a range matrix",
            types::Data::Scalar(_) => "a scalar",
            types::Data::Text(_) => "a string",
        };
        Failure::in_query(self.query(), format!("expected {wanted}, and the answer is {found}"))
    }
}

/// A label of an answer, found once for all of its series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column(usize);

/// One series of an instant vector.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a> {
    input: &'a Input,
    query: &'a str,
    raw: &'a types::Vector,
    row: usize,
}

impl<'a> Series<'a> {
    /// The value of a label, `None` where it is not set.
    pub fn label(&self, name: &str) -> Option<Label<'a>> {
        self.input.cell(&self.raw.labels, self.row, name)
    }

    /// The value of a label that was found with [`Answer::column`] of the same answer.
    pub fn at(&self, column: Column) -> Option<Label<'a>> {
        self.input.at(&self.raw.labels, self.row, column)
    }

    /// The value of a label that every series must have.
    pub fn require(&self, name: &str) -> Result<Label<'a>, Failure> {
        self.label(name).ok_or_else(|| missing_label(self.query, name, self.labels()))
    }

    /// All labels that are set, with their values.
    pub fn labels(&self) -> impl Iterator<Item = (Label<'a>, Label<'a>)> + use<'a> {
        self.input.cells(&self.raw.labels, self.row)
    }

    /// The sample's value. May be NaN or infinite, as it came.
    pub fn value(&self) -> f64 {
        self.raw.values[self.row]
    }

    /// When the sample was taken, in milliseconds since the epoch.
    pub fn time(&self) -> i64 {
        self.raw.times[self.row]
    }

    /// Both.
    pub fn sample(&self) -> Sample {
        Sample { time: self.time(), value: self.value() }
    }
}

/// One series of a range query.
#[derive(Debug, Clone, Copy)]
pub struct Range<'a> {
    input: &'a Input,
    query: &'a str,
    raw: &'a types::Matrix,
    row: usize,
}

/// A value and when it was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Milliseconds since the epoch.
    pub time: i64,
    /// The value. May be NaN or infinite, as it came.
    pub value: f64,
}

impl<'a> Range<'a> {
    /// The value of a label, `None` where it is not set.
    pub fn label(&self, name: &str) -> Option<Label<'a>> {
        self.input.cell(&self.raw.labels, self.row, name)
    }

    /// The value of a label that was found with [`Answer::column`] of the same answer.
    pub fn at(&self, column: Column) -> Option<Label<'a>> {
        self.input.at(&self.raw.labels, self.row, column)
    }

    /// The value of a label that every series must have.
    pub fn require(&self, name: &str) -> Result<Label<'a>, Failure> {
        self.label(name).ok_or_else(|| missing_label(self.query, name, self.labels()))
    }

    /// All labels that are set, with their values.
    pub fn labels(&self) -> impl Iterator<Item = (Label<'a>, Label<'a>)> + use<'a> {
        self.input.cells(&self.raw.labels, self.row)
    }

    /// The samples, oldest first.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = Sample> + use<'a> {
        let span = self.span();
        let raw = self.raw;
        span.map(move |at| Sample { time: raw.times[at], value: raw.values[at] })
    }

    /// The values alone, oldest first.
    pub fn values(&self) -> &'a [f64] {
        &self.raw.values[self.span()]
    }

    fn span(&self) -> std::ops::Range<usize> {
        let start = match self.row {
            0 => 0,
            row => self.raw.ends[row - 1] as usize,
        };
        start..self.raw.ends[self.row] as usize
    }
}

/// An object that exists in the scope.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    input: &'a Input,
    raw: &'a types::Objects,
    row: usize,
}

impl<'a> Object<'a> {
    /// The object's name.
    pub fn name(&self) -> Label<'a> {
        self.input.label(self.raw.names[self.row])
    }

    /// The object's namespace, `None` for those that live in none.
    pub fn namespace(&self) -> Option<Label<'a>> {
        match self.raw.namespaces[self.row] {
            0 => None,
            id => Some(self.input.label(id)),
        }
    }

    /// The value of one of the object's labels, `None` where it is not set.
    pub fn label(&self, name: &str) -> Option<Label<'a>> {
        self.input.cell(&self.raw.labels, self.row, name)
    }

    /// Where the object can be reached, as the IP address of a pod; `None` where that is not known,
    /// or the [`Plan`](crate::Plan) does not ask for it.
    pub fn address(&self) -> Option<Label<'a>> {
        match self.raw.addresses.get(self.row) {
            None | Some(0) => None,
            Some(&id) => Some(self.input.label(id)),
        }
    }
}

fn missing_label<'a>(
    query: &str,
    name: &str,
    present: impl Iterator<Item = (Label<'a>, Label<'a>)>,
) -> Failure {
    let present: Vec<_> = present.map(|(name, _)| name.as_str()).collect();
    let present = if present.is_empty() { "no labels".to_owned() } else { present.join(", ") };
    Failure::in_query(
        query,
        format!(
            "a series has no label \"{name}\" (it has {present}); keep the label in the query's by (…)"
        ),
    )
}
