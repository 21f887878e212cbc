//! Good behaviour that no shipped plugin has, or that a misdeed needs beside it.

use leadsman_plugin_sdk::{Failure, Input, Measure, Measures};

/// The value of each series for its pod.
pub(crate) fn each_pod(input: &Input) -> Result<Measures, Failure> {
    measures(input, |value| value)
}

/// The same value for each pod.
pub(crate) fn with_value(input: &Input, value: f64) -> Result<Measures, Failure> {
    measures(input, |_| value)
}

fn measures(input: &Input, value: impl Fn(f64) -> f64) -> Result<Measures, Failure> {
    let mut measures = Measures::new();
    for series in input.only()?.series()? {
        let measure = Measure::new(series.require("pod")?, value(series.value()));
        measures.push(measure.at(series.time()));
    }
    Ok(measures)
}

/// The largest value of each range for its pod.
pub(crate) fn range_max(input: &Input) -> Result<Measures, Failure> {
    let mut measures = Measures::new();
    for range in input.only()?.ranges()? {
        let largest = range.values().iter().copied().fold(f64::NEG_INFINITY, f64::max);
        measures.push(Measure::new(range.require("pod")?, largest));
    }
    Ok(measures)
}

/// For each object of the scope the number of objects of the scope.
pub(crate) fn count_objects(input: &Input) -> Measures {
    let count = u32::try_from(input.objects().count()).unwrap_or(u32::MAX);
    let mut measures = Measures::new();
    for object in input.objects() {
        measures.push(Measure::new(object.name(), f64::from(count)));
    }
    measures
}

/// The sum of all values, for the object `web` of the namespace `shop`.
pub(crate) fn sum(input: &Input) -> Result<Measures, Failure> {
    let sum = input.only()?.series()?.map(|series| series.value()).sum();
    let mut measures = Measures::new();
    measures.push(Measure::new("web", sum).namespace("shop"));
    Ok(measures)
}
