//! From series to objects: the part that most plugins share.

mod each;
mod indexes;

use std::hash::Hasher;

use schemars::JsonSchema;
use serde::Deserialize;

use self::indexes::Indexes;
use crate::input::{Answer, Column, Object, Range, Sample, Scope, Series};
use crate::log;
use crate::measures::Measure;
use crate::plan::Failure;
use crate::text::Label;

pub use self::each::measures_by_object;

/// Which object a series stands for, as written in a plugin's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ObjectSource {
    /// The label that holds the object's name.
    Label(String),
    /// The same object for every series.
    Fixed(FixedObject),
}

/// An object named in a plugin's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixedObject {
    /// The object's name.
    pub name: String,
    /// The object's namespace. Left out for the namespace that the read is for.
    #[serde(default)]
    pub namespace: Option<String>,
}

/// What to do when several series meet one object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Combine {
    /// Refuse: the query should give one series for each object.
    #[default]
    Fail,
    /// Add the values.
    Sum,
    /// Take the largest value.
    Max,
    /// Take the smallest value.
    Min,
    /// Take the mean of the values.
    Average,
    /// Leave the object out, unless all values are the same.
    Omit,
    /// Take the value of the first series, in the order of their labels.
    First,
}

/// A value for an object, made from one or more series.
#[derive(Debug, Clone, Copy)]
pub struct ObjectValue<'a> {
    /// The object.
    pub object: ObjectKey<'a>,
    /// The value.
    pub value: f64,
    /// When the oldest of its samples was taken, in milliseconds since the epoch.
    pub time: i64,
    count: u32,
    /// The row of the series that it was made from first, or that is the first of all. A number, as
    /// there is one of these for each object and a plugin's memory is fresh in every run.
    first: u32,
    /// Whether its series do not agree, and there is no saying which of them is right.
    disputed: bool,
}

impl<'a> ObjectValue<'a> {
    /// This value as a measure.
    pub fn measure(&self) -> Measure<'a> {
        self.object.measure(self.value).at(self.time)
    }
}

/// Which object a value is for. Objects of one input may be compared with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ObjectKey<'a> {
    pub(crate) namespace: Option<Label<'a>>,
    pub(crate) name: ObjectName<'a>,
}

impl<'a> ObjectKey<'a> {
    /// A value for this object.
    pub(crate) fn measure(&self, value: f64) -> Measure<'a> {
        let measure = match self.name {
            ObjectName::Label(label) => Measure::new(label, value),
            ObjectName::Fixed(fixed) => Measure::new(fixed.name.as_str(), value),
        };
        match (self.namespace, self.name) {
            (Some(label), _) => measure.namespace(label),
            (None, ObjectName::Fixed(FixedObject { namespace: Some(namespace), .. })) => {
                measure.namespace(namespace)
            }
            (None, _) => measure,
        }
    }

    /// The object's name.
    pub(crate) fn name(&self) -> &'a str {
        match self.name {
            ObjectName::Label(label) => label.as_str(),
            ObjectName::Fixed(fixed) => &fixed.name,
        }
    }
}

impl<'a> From<Object<'a>> for ObjectKey<'a> {
    fn from(object: Object<'a>) -> Self {
        Self { namespace: object.namespace(), name: ObjectName::Label(object.name()) }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum ObjectName<'a> {
    Label(Label<'a>),
    Fixed(&'a FixedObject),
}

impl PartialEq for ObjectName<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Label(a), Self::Label(b)) => a == b,
            // A configuration names one.
            (Self::Fixed(_), Self::Fixed(_)) => true,
            _ => false,
        }
    }
}

impl Eq for ObjectName<'_> {}

impl std::hash::Hash for ObjectName<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Label(label) => label.hash(state),
            Self::Fixed(_) => state.write_u32(0),
        }
    }
}

/// The label that names the namespace where a plugin's configuration does not say.
pub const NAMESPACE_LABEL: &str = "namespace";

/// Finds the object of each series of an answer and combines those that meet.
///
/// `namespace` is the label with the object's namespace. Where the scope is the cluster it is
/// [`NAMESPACE_LABEL`] if `None`, and no label if it is empty: objects that live in no namespace are
/// by their name alone. Where the scope is a namespace, series that name another one by it are passed
/// over. A series without the object's label belongs to no object and is passed over, as Prometheus
/// has such series for targets outside of Kubernetes; it is a failure only if every series lacks it.
pub fn by_object<'a>(
    answer: &Answer<'a>,
    scope: &'a Scope,
    source: &'a ObjectSource,
    namespace: Option<&str>,
    combine: Combine,
) -> Result<Vec<ObjectValue<'a>>, Failure> {
    // Of another type of answer, the labels say nothing.
    let _ = answer.series()?;
    let finder = ObjectFinder::new(answer, scope, source, namespace)?;
    combined(answer, combine, |series| Some((finder.object(series)?, series.sample())))
}

/// Combines the samples that meet one object: those that a function makes of series, each with its
/// object. A series of which it makes none is passed over.
pub fn combined<'a>(
    answer: &Answer<'a>,
    combine: Combine,
    mut of: impl FnMut(&Series<'a>) -> Option<(ObjectKey<'a>, Sample)>,
) -> Result<Vec<ObjectValue<'a>>, Failure> {
    let series = answer.series()?;
    let mut values: Vec<ObjectValue<'a>> = Vec::with_capacity(series.len());
    let mut indexes = Indexes::default();
    for (row, series) in (0..).zip(series) {
        let Some((object, sample)) = of(&series) else { continue };
        let next = u32::try_from(values.len()).unwrap_or(u32::MAX);
        let index = indexes.of(object, next);
        match values.get_mut(index as usize) {
            None => values.push(ObjectValue {
                object,
                value: sample.value,
                time: sample.time,
                count: 1,
                first: row,
                disputed: false,
            }),
            Some(value) => value.add(answer, row, sample, combine)?,
        }
    }
    match combine {
        Combine::Average => {
            for value in &mut values {
                value.value /= f64::from(value.count);
            }
        }
        Combine::Omit => values.retain(|value| !value.disputed),
        Combine::Fail | Combine::Sum | Combine::Max | Combine::Min | Combine::First => {}
    }
    Ok(values)
}

/// A series of an answer of either type, as far as its labels go.
pub(crate) trait Labelled<'a> {
    fn at(&self, column: Column) -> Option<Label<'a>>;
}

impl<'a> Labelled<'a> for Series<'a> {
    fn at(&self, column: Column) -> Option<Label<'a>> {
        Series::at(self, column)
    }
}

impl<'a> Labelled<'a> for Range<'a> {
    fn at(&self, column: Column) -> Option<Label<'a>> {
        Range::at(self, column)
    }
}

/// Finds the object of each series of an answer, as [`by_object`] does.
#[derive(Debug)]
pub struct ObjectFinder<'a> {
    source: Source<'a>,
    namespace: Option<Column>,
    /// The label by which series name another namespace than the one that is asked for.
    elsewhere: Option<(Column, &'a str)>,
}

impl<'a> ObjectFinder<'a> {
    /// For the series of an answer. Fails if none of them has the label that names the object.
    pub fn new(
        answer: &Answer<'_>,
        scope: &'a Scope,
        source: &'a ObjectSource,
        namespace: Option<&str>,
    ) -> Result<Self, Failure> {
        let column = |label: &str| if label.is_empty() { None } else { answer.column(label) };
        let (namespace, elsewhere) = match scope {
            Scope::Namespace(asked) => (None, namespace.and_then(column).zip(Some(asked.as_str()))),
            Scope::Cluster => (column(namespace.unwrap_or(NAMESPACE_LABEL)), None),
        };
        let source = match source {
            ObjectSource::Label(label) => match answer.column(label) {
                Some(column) => Source::Column(column),
                None => match first_labels(answer) {
                    None => Source::Nothing,
                    Some(present) => return Err(nothing_named(answer, label, &present)),
                },
            },
            ObjectSource::Fixed(fixed) => Source::Fixed(fixed),
        };
        Ok(Self { source, namespace, elsewhere })
    }

    /// The object of a series of the answer; `None` if it is for none, or for one of another
    /// namespace.
    pub fn object(&self, series: &Series<'a>) -> Option<ObjectKey<'a>> {
        self.of(series)
    }

    /// The same for a series of either type of answer.
    pub(crate) fn of(&self, series: &impl Labelled<'a>) -> Option<ObjectKey<'a>> {
        if let Some((column, asked)) = self.elsewhere
            && series.at(column).is_some_and(|named| named != *asked)
        {
            return None;
        }
        object_of(series, &self.source, self.namespace)
    }
}

/// What decides which of two series comes first, whatever their order in the answer.
fn order<'a>(answer: &Answer<'a>, row: u32) -> Vec<(&'a str, &'a str)> {
    let series = answer.series().ok().and_then(|mut series| series.nth(row as usize));
    let labels = series.iter().flat_map(Series::labels);
    let mut labels: Vec<_> = labels.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    labels.sort_unstable();
    labels
}

impl<'a> ObjectValue<'a> {
    fn add(
        &mut self,
        answer: &Answer<'a>,
        row: u32,
        sample: Sample,
        combine: Combine,
    ) -> Result<(), Failure> {
        let query = answer.query();
        if combine == Combine::First {
            if order(answer, row) < order(answer, self.first) {
                (self.first, self.value, self.time) = (row, sample.value, sample.time);
            }
            return Ok(());
        }
        let other = sample.value;
        self.value = match combine {
            Combine::Fail => {
                return Err(Failure::in_query(
                    query,
                    format!(
                        "several series are for the object \"{}\"; aggregate them in the query, or \
                         set `combine` to sum, max, min, average, first or omit",
                        self.object_name()
                    ),
                ));
            }
            Combine::Sum | Combine::Average => self.value + other,
            // NaN is kept, so that it is refused where it can be explained and never hidden.
            Combine::Max if other > self.value || other.is_nan() => other,
            Combine::Min if other < self.value || other.is_nan() => other,
            Combine::Max | Combine::Min | Combine::First => self.value,
            Combine::Omit if self.disputed || other.to_bits() == self.value.to_bits() => self.value,
            Combine::Omit => {
                log::warn(&format!(
                    "several series are for the object \"{}\" and do not agree, so it is left \
                     out; aggregate them in the query: {query}",
                    self.object_name()
                ));
                self.disputed = true;
                self.value
            }
        };
        self.time = self.time.min(sample.time);
        self.count += 1;
        Ok(())
    }

    fn object_name(&self) -> &str {
        self.object.name()
    }
}

/// Where the object's name stands in this answer.
#[derive(Debug)]
enum Source<'a> {
    Column(Column),
    Fixed(&'a FixedObject),
    /// There are no series.
    Nothing,
}

fn object_of<'a>(
    series: &impl Labelled<'a>,
    source: &Source<'a>,
    namespace: Option<Column>,
) -> Option<ObjectKey<'a>> {
    // Objects that live in no namespace have no such label.
    let namespace = namespace.and_then(|column| series.at(column));
    match source {
        Source::Column(column) => {
            Some(ObjectKey { namespace, name: ObjectName::Label(series.at(*column)?) })
        }
        Source::Fixed(fixed) => {
            // Where the configuration does not name the namespace, series of several namespaces
            // are for several objects of the name.
            let namespace = if fixed.namespace.is_some() { None } else { namespace };
            Some(ObjectKey { namespace, name: ObjectName::Fixed(fixed) })
        }
        Source::Nothing => None,
    }
}

fn nothing_named(answer: &Answer<'_>, wanted: &str, present: &str) -> Failure {
    Failure::in_query(
        answer.query(),
        format!(
            "no series has the label \"{wanted}\" that names the object (labels of the first \
             series: {present}); keep it in the query's by (…), or set `object` to another label"
        ),
    )
}

/// The names of the labels of the first series, if there is one.
fn first_labels(answer: &Answer<'_>) -> Option<String> {
    let names: Vec<String> = match (answer.series(), answer.ranges()) {
        (Ok(mut series), _) => series.next()?.labels().map(|(name, _)| name.to_string()).collect(),
        (_, Ok(mut ranges)) => ranges.next()?.labels().map(|(name, _)| name.to_string()).collect(),
        _ => return None,
    };
    Some(if names.is_empty() { "none".to_owned() } else { names.join(", ") })
}
