//! A ratio of two queries: busy to total, errors to requests.

use std::collections::HashMap;

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{
    Answer, Combine, Context, Failure, Fault, Input, Label, Measure, Measures, ObjectSource,
    ObjectValue, Plan, by_object,
};

/// Which queries are divided, and how their series meet.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields, rename_all = "camelCase")]
#[schemars(crate = "schemars")]
pub struct Config {
    /// The name of the query above the line.
    #[serde(default = "numerator")]
    numerator: String,
    /// The name of the query below the line. A scalar divides every series.
    #[serde(default = "denominator")]
    denominator: String,
    /// The label with the object's name, or a fixed object. Left out for an external metric,
    /// whose series meet on equal labels.
    object: Option<ObjectSource>,
    /// The label with the object's namespace, `namespace` by default. Read only when one
    /// evaluation serves all namespaces.
    namespace: Option<String>,
    /// The least that is divided by: a smaller denominator counts as this. Keeps a ratio of few
    /// events from jumping.
    floor: Option<f64>,
    /// What to do when several series of one query meet one object.
    #[serde(default)]
    combine: Combine,
    /// What stands above the line where only the denominator has a series.
    #[serde(default)]
    without_numerator: WithoutNumerator,
}

/// What a denominator without a numerator gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(crate = "serde", rename_all = "camelCase")]
#[schemars(crate = "schemars")]
pub enum WithoutNumerator {
    /// No value.
    #[default]
    Omit,
    /// The value 0, for counters that begin to exist with their first event, as errors do.
    Zero,
}

fn numerator() -> String {
    "numerator".to_owned()
}

fn denominator() -> String {
    "denominator".to_owned()
}

fn plan(config: &Config, context: &Context) -> Result<Plan, Vec<Fault>> {
    let usable = config.floor.is_none_or(|floor| floor.is_finite() && floor > 0.0);
    let floor = (!usable).then(|| Fault::at("/floor", "must be a number above 0"));
    let same = (config.numerator == config.denominator)
        .then(|| Fault::at("/denominator", "is the same query as the numerator"));
    Plan::unless([
        context.object_fits(config.object.is_some()),
        context.instant(&config.numerator),
        context.instant(&config.denominator),
        floor,
        same,
    ])
}

/// A value and the time of its sample.
type Timed = (f64, i64);

/// Numerator over denominator for each object, or each set of labels, that has both.
pub fn evaluate(config: &Config, input: &Input) -> Result<Measures, Failure> {
    let above = input.answer(&config.numerator)?;
    let below = input.answer(&config.denominator)?;
    match &config.object {
        Some(source) => objects(config, input, source, &above, &below),
        None => items(config, &above, &below),
    }
}

fn objects(
    config: &Config,
    input: &Input,
    source: &ObjectSource,
    above: &Answer<'_>,
    below: &Answer<'_>,
) -> Result<Measures, Failure> {
    let namespace = config.namespace.as_deref();
    let parts = by_object(above, input.scope(), source, namespace, config.combine)?;
    let mut measures = Measures::new();
    let mut push = |mut value: ObjectValue<'_>, part: Timed, total: Timed| {
        if let Some(quotient) = divide(config, part.0, total.0) {
            value.value = quotient;
            value.time = part.1.min(total.1);
            measures.push(value.measure());
        }
    };
    if below.is_scalar() {
        let total = below.scalar()?;
        for part in parts {
            push(part, (part.value, part.time), (total.value, total.time));
        }
        return Ok(measures);
    }
    let parts: HashMap<_, Timed> =
        parts.into_iter().map(|part| (part.object, (part.value, part.time))).collect();
    for total in by_object(below, input.scope(), source, namespace, config.combine)? {
        if let Some(part) = numerator_or(config, parts.get(&total.object).copied(), total.time) {
            push(total, part, (total.value, total.time));
        }
    }
    Ok(measures)
}

fn items(config: &Config, above: &Answer<'_>, below: &Answer<'_>) -> Result<Measures, Failure> {
    let mut measures = Measures::new();
    let mut push = |labels: Vec<(Label<'_>, Label<'_>)>, part: Timed, total: Timed| {
        if let Some(quotient) = divide(config, part.0, total.0) {
            let item = Measure::item(quotient).at(part.1.min(total.1));
            measures
                .push(labels.into_iter().fold(item, |item, (name, value)| item.label(name, value)));
        }
    };
    let parts = by_labels(above)?;
    if below.is_scalar() {
        let total = below.scalar()?;
        for (labels, part) in parts {
            push(labels, part, (total.value, total.time));
        }
        return Ok(measures);
    }
    let parts: HashMap<_, Timed> = parts.into_iter().collect();
    for (labels, total) in by_labels(below)? {
        if let Some(part) = numerator_or(config, parts.get(&labels).copied(), total.1) {
            push(labels, part, total);
        }
    }
    Ok(measures)
}

/// The samples of an answer by their labels but the metric's name. Those are unique within an
/// answer, as Prometheus refuses a result with two series of the same labels.
#[allow(clippy::type_complexity)] // named, it would only be read here
fn by_labels<'a>(
    answer: &Answer<'a>,
) -> Result<Vec<(Vec<(Label<'a>, Label<'a>)>, Timed)>, Failure> {
    if answer.is_scalar() {
        let sample = answer.scalar()?;
        return Ok(vec![(Vec::new(), (sample.value, sample.time))]);
    }
    let series = answer.series()?.map(|series| {
        let mut labels: Vec<_> = series.labels().filter(|(name, _)| *name != "__name__").collect();
        labels.sort_by_key(|(name, _)| name.as_str());
        (labels, (series.value(), series.time()))
    });
    Ok(series.collect())
}

fn numerator_or(config: &Config, part: Option<Timed>, time: i64) -> Option<Timed> {
    match config.without_numerator {
        WithoutNumerator::Omit => part,
        WithoutNumerator::Zero => Some(part.unwrap_or((0.0, time))),
    }
}

/// The quotient, or nothing where there is nothing to divide by.
fn divide(config: &Config, part: f64, total: f64) -> Option<f64> {
    let total = match config.floor {
        Some(floor) if total < floor => floor,
        _ => total,
    };
    (total != 0.0).then(|| part / total)
}

leadsman_plugin_sdk::export!(evaluate, plan = plan);

#[cfg(test)]
mod tests {
    #[test]
    fn fixtures() {
        leadsman_plugin_sdk::testing::fixtures(&super::plugin(), "fixtures");
    }
}
