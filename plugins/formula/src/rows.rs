//! Joining answers: the values of all operands for one object, or for one set of labels.

use std::collections::HashMap;
use std::hash::Hash;

use leadsman_plugin_sdk::{
    Answer, Combine, Failure, Input, Label, Measure, Measures, ObjectKey, ObjectSource,
    ObjectValue, Scope, by_object,
};

use crate::program::Program;

/// What the values of an external metric meet on: all labels but the name of the series.
pub(crate) type Labels<'a> = Vec<(Label<'a>, Label<'a>)>;

/// A value and the time of its sample.
type Timed = (f64, i64);

/// The values of all operands, row by row.
struct Table<K> {
    keys: HashMap<K, usize>,
    /// The values of a row beside each other.
    cells: Vec<Option<f64>>,
    /// The time of the oldest value of each row.
    times: Vec<i64>,
    operands: usize,
    /// The operands that are one number, which counts in every row.
    single: Vec<Option<Timed>>,
}

impl<K: Eq + Hash> Table<K> {
    fn new(operands: usize) -> Self {
        Self {
            keys: HashMap::new(),
            cells: Vec::new(),
            times: Vec::new(),
            operands,
            single: vec![None; operands],
        }
    }

    /// Adds a value; false if there is one already.
    fn add(&mut self, key: K, operand: usize, (value, time): Timed) -> bool {
        let row = *self.keys.entry(key).or_insert(self.times.len());
        if row == self.times.len() {
            self.cells.resize(self.cells.len() + self.operands, None);
            self.times.push(time);
        }
        self.times[row] = self.times[row].min(time);
        self.cells[row * self.operands + operand].replace(value).is_none()
    }

    /// The value of the formula for a row, if it has one. Without a row for the numbers alone.
    fn value(&self, program: &Program, row: Option<usize>) -> Option<(f64, Option<i64>)> {
        let mut time = row.map(|row| self.times[row]);
        let mut operands = match row {
            Some(row) => self.cells[row * self.operands..][..self.operands].to_vec(),
            None => vec![None; self.operands],
        };
        for (cell, single) in operands.iter_mut().zip(&self.single) {
            if let Some((value, taken)) = *single {
                *cell = Some(value);
                time = Some(time.map_or(taken, |time| time.min(taken)));
            }
        }
        Some((program.value(&operands)?, time))
    }
}

/// Which objects a formula is for.
pub(crate) struct Objects<'a> {
    pub(crate) source: &'a ObjectSource,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) combine: Combine,
}

/// A value for each object that a series of any operand names.
pub(crate) fn objects(
    program: &Program,
    input: &Input,
    of: &Objects<'_>,
) -> Result<Measures, Failure> {
    // The one object of a configuration is there whether or not a series is.
    let only = match of.source {
        ObjectSource::Fixed(fixed) => {
            let known = fixed.namespace.is_some() || *input.scope() != Scope::Cluster;
            known.then_some(fixed)
        }
        ObjectSource::Label(_) => None,
    };
    let mut table = Table::<ObjectKey<'_>>::new(program.operands.len());
    let mut found: Vec<ObjectValue<'_>> = Vec::new();
    for (at, operand) in program.operands.iter().enumerate() {
        let answer = input.answer(&operand.query)?;
        let single = if answer.is_scalar() {
            scalar(&answer)?
        } else if only.is_some() {
            None
        } else {
            without_object(&answer, input.scope(), of)?
        };
        if single.is_some() {
            table.single[at] = single;
            continue;
        }
        for value in by_object(&answer, input.scope(), of.source, of.namespace, of.combine)? {
            table.add(value.object, at, (value.value, value.time));
            if table.times.len() > found.len() {
                found.push(value);
            }
        }
    }
    let mut measures = Measures::with_capacity(found.len());
    for (row, object) in found.iter_mut().enumerate() {
        if let Some((value, time)) = table.value(program, Some(row)) {
            object.value = value;
            object.time = time.unwrap_or(object.time);
            measures.push(object.measure());
        }
    }
    if let (Some(fixed), true) = (only, found.is_empty()) {
        if let Some((value, time)) = table.value(program, None) {
            let measure = Measure::new(fixed.name.as_str(), value);
            let measure = fixed.namespace.iter().fold(measure, |of, name| of.namespace(name));
            measures.push(time.into_iter().fold(measure, Measure::at));
        }
    } else if found.is_empty() && table.single.iter().all(Option::is_some) {
        return Err(Failure::new(
            "each answer is one number without the label that `object` names, so there is no \
             object to give a value to; keep the label in a query's by (…), or set `object` to \
             one object: {name: …}",
        ));
    }
    Ok(measures)
}

/// An item for each set of labels that a series of any operand has.
pub(crate) fn items(program: &Program, input: &Input) -> Result<Measures, Failure> {
    let mut table = Table::<Labels<'_>>::new(program.operands.len());
    let mut found: Vec<Labels<'_>> = Vec::new();
    for (at, operand) in program.operands.iter().enumerate() {
        let answer = input.answer(&operand.query)?;
        if answer.is_scalar() {
            table.single[at] = scalar(&answer)?;
            continue;
        }
        let series = answer.series()?;
        let alone = series.len() == 1;
        for series in series {
            let labels = labels(series.labels());
            let timed = (series.value(), series.time());
            if alone && labels.is_empty() {
                table.single[at] = Some(timed);
                continue;
            }
            if !table.add(labels.clone(), at, timed) {
                return Err(Failure::in_query(
                    answer.query(),
                    "several series differ in nothing but their name, and so are for one item; \
                     aggregate them in the query: sum by (…)",
                ));
            }
            if table.times.len() > found.len() {
                found.push(labels);
            }
        }
    }
    let mut measures = Measures::with_capacity(found.len().max(1));
    let alone = found.is_empty().then(|| (None, Labels::new()));
    let rows = found.into_iter().enumerate().map(|(row, labels)| (Some(row), labels));
    for (row, labels) in rows.chain(alone) {
        if let Some((value, time)) = table.value(program, row) {
            let item = time.into_iter().fold(Measure::item(value), Measure::at);
            let item = labels.into_iter().fold(item, |item, (name, value)| item.label(name, value));
            measures.push(item);
        }
    }
    Ok(measures)
}

fn scalar(answer: &Answer<'_>) -> Result<Option<Timed>, Failure> {
    answer.scalar().map(|sample| Some((sample.value, sample.time)))
}

/// The only series of an answer, if it names no object because nothing is left of its labels, as
/// after `sum(…)`. With labels of its own it may be one that has lost the object's.
fn without_object(
    answer: &Answer<'_>,
    scope: &Scope,
    of: &Objects<'_>,
) -> Result<Option<Timed>, Failure> {
    let mut all = answer.series()?;
    let (1, Some(series)) = (all.len(), all.next()) else { return Ok(None) };
    let mut rest = labels(series.labels());
    if let ObjectSource::Label(object) = of.source
        && rest.iter().any(|(name, _)| *name == object.as_str())
    {
        return Ok(None);
    }
    if let Scope::Namespace(asked) = scope {
        let label = of.namespace.unwrap_or(leadsman_plugin_sdk::NAMESPACE_LABEL);
        rest.retain(|(name, value)| *name != label || *value != asked.as_str());
    }
    Ok(rest.is_empty().then(|| (series.value(), series.time())))
}

/// Labels but the name of the series, in the order of their names.
fn labels<'a>(all: impl Iterator<Item = (Label<'a>, Label<'a>)>) -> Labels<'a> {
    let mut labels: Labels<'a> = all.filter(|(name, _)| *name != "__name__").collect();
    labels.sort_by_key(|(name, _)| name.as_str());
    labels
}
