//! A percentile of a classic histogram: from its buckets, the latency that 95 % of the requests did
//! not exceed.
//!
//! As `histogram_quantile` of Prometheus, with what an autoscaler needs besides: no value where too
//! few observations would make it noise, and a word where it lies beyond the last bound.

use std::collections::HashMap;

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{
    Context, Failure, Fault, Input, Measures, ObjectSource, Plan, Target, Targets, log,
};

mod histogram;

use histogram::{Histogram, Percentile};

/// Which percentile, and which object each series is for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields)]
#[schemars(crate = "schemars")]
pub struct Config {
    /// The percentile, above 0 and at most 100: 95.
    percentile: f64,
    /// The label with the object's name, or a fixed object. Left out for an external metric, whose
    /// items have all other labels of the series.
    object: Option<ObjectSource>,
    /// The label with the object's namespace, `namespace` by default; empty for objects that live
    /// in none. When an evaluation is for one namespace, series that name another one by a label
    /// that is set here are passed over.
    namespace: Option<String>,
    /// The least that the bucket of everything must count, in the unit of the query: below it there
    /// is no value. With 0, the default, a value needs any observation.
    #[serde(default)]
    least: f64,
    /// What there is where the percentile lies beyond the largest finite bound.
    #[serde(default)]
    beyond: Beyond,
}

/// What there is where a percentile lies beyond the largest finite bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(crate = "serde", rename_all = "camelCase")]
#[schemars(crate = "schemars")]
pub enum Beyond {
    /// That bound, as Prometheus has it: the percentile is at least this.
    #[default]
    Bound,
    /// No value.
    Omit,
}

/// The label with the upper bound of a bucket.
const BOUND: &str = "le";

fn plan(config: &Config, context: &Context) -> Result<Plan, Vec<Fault>> {
    let percentile = (!(config.percentile > 0.0 && config.percentile <= 100.0))
        .then(|| Fault::at("/percentile", "must be above 0 and at most 100"));
    let least = (!(config.least >= 0.0 && config.least.is_finite()))
        .then(|| Fault::at("/least", "must be a number from 0 on"));
    Plan::unless([
        context.object_fits(config.object.is_some()),
        context.only_instant(),
        percentile,
        least,
    ])
}

/// The percentile of each histogram of the only query.
pub fn evaluate(config: &Config, input: &Input) -> Result<Measures, Failure> {
    let answer = input.only()?;
    let mut found: Vec<(Target<'_>, Histogram, i64)> = Vec::new();
    let mut rows: HashMap<Target<'_>, usize> = HashMap::new();
    let mut bound_seen = false;
    let namespace = config.namespace.as_deref();
    let targets = Targets::new(&answer, input.scope(), config.object.as_ref(), namespace)?;
    let targets = targets.without(&[BOUND]);
    for series in answer.series()? {
        let Some(written) = series.label(BOUND) else { continue };
        bound_seen = true;
        let Some(target) = targets.of(&series) else { continue };
        let bound: f64 =
            written.parse().ok().filter(|bound: &f64| !bound.is_nan()).ok_or_else(|| {
                let message =
                    format!("the bound le=\"{}\" is not a number", written.escape_debug());
                Failure::in_query(answer.query(), message)
            })?;
        let row = *rows.entry(target.clone()).or_insert(found.len());
        if row == found.len() {
            found.push((target, Histogram::default(), series.time()));
        }
        let (_, histogram, time) = &mut found[row];
        histogram.add(bound, series.value());
        *time = (*time).min(series.time());
    }
    if !bound_seen && answer.series()?.len() > 0 {
        return Err(Failure::in_query(
            answer.query(),
            "no series has the label \"le\", which the buckets of a classic histogram have; query \
             NAME_bucket and keep le in its by (…). For a native histogram write \
             histogram_quantile(0.95, …) in the query, and use per-object or external",
        ));
    }
    Ok(measured(config, found))
}

fn measured(config: &Config, found: Vec<(Target<'_>, Histogram, i64)>) -> Measures {
    let mut measures = Measures::with_capacity(found.len());
    let mut broken = Notes::default();
    let mut beyond = Notes::default();
    for (target, mut histogram, time) in found {
        let value = match histogram.percentile(config.percentile / 100.0, config.least) {
            Ok(Percentile::Of(value)) => value,
            Ok(Percentile::Beyond(bound)) => {
                beyond.add(&target, &format!("at least {bound}"));
                if config.beyond == Beyond::Omit {
                    continue;
                }
                bound
            }
            Ok(Percentile::TooFew) => continue,
            Err(reason) => {
                broken.add(&target, reason.describe());
                continue;
            }
        };
        measures.push(target.measure(value).at(time));
    }
    broken.write(log::warn, "is left out, as its buckets are no histogram");
    let consequence = match config.beyond {
        Beyond::Bound => "has the largest bound as its value, as the percentile lies beyond it",
        Beyond::Omit => "is left out, as the percentile lies beyond the largest bound",
    };
    beyond.write(log::info, consequence);
    measures
}

/// What is to be said of some histograms: how many, and the first of them.
#[derive(Debug, Default)]
struct Notes {
    count: usize,
    first: String,
}

impl Notes {
    fn add(&mut self, target: &Target<'_>, detail: &str) {
        if self.count == 0 {
            self.first = format!("{} ({detail})", target.called());
        }
        self.count += 1;
    }

    fn write(&self, write: fn(&str), consequence: &str) {
        match self.count {
            0 => {}
            1 => write(&format!("{} {consequence}", self.first)),
            count => write(&format!("{} {consequence}; so with {} others", self.first, count - 1)),
        }
    }
}

leadsman_plugin_sdk::export!(evaluate, plan = plan);

#[cfg(test)]
mod tests {
    #[test]
    fn fixtures() {
        leadsman_plugin_sdk::testing::fixtures(&super::plugin(), "fixtures");
    }
}
