//! What a value will be in some minutes, by the same time of earlier days or weeks.
//!
//! No forecast without its error: each is compared with what came in the past, and where the past
//! is too short, or the error too large, there is none.

use std::collections::HashSet;
use std::time::Duration;

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{
    Context, Failure, Fault, Input, Measures, ObjectSource, Plan, Targets, parse_duration,
};

mod history;
mod model;
mod outcome;
mod report;

use history::Grid;
use outcome::{Outcome, Question};
use report::Report;

/// What is forecast, how, and what stands where it cannot be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields, rename_all = "camelCase")]
#[schemars(crate = "schemars")]
pub struct Config {
    /// How far ahead: `10m`. As long as it takes until new pods serve. At most a season.
    ahead: String,
    /// What repeats: `1d` is the same time of earlier days, `7d` that of earlier weeks. The `range`
    /// of the query must cover two seasons, and its `step` divide one.
    season: String,
    /// How the forecast is made.
    #[serde(default)]
    method: Method,
    /// How quickly `holtWinters` follows new samples.
    #[serde(default)]
    smoothing: Smoothing,
    /// The label with the object's name, or a fixed object. Left out for an external metric.
    object: Option<ObjectSource>,
    /// The label with the object's namespace, `namespace` by default; empty for objects that live
    /// in none. When an evaluation is for one namespace, series that name another one by a label
    /// that is set here are passed over.
    namespace: Option<String>,
    /// What stands where there is too little history, or the error is too large.
    #[serde(default)]
    insufficient: Insufficient,
    /// The largest error on the past with which a forecast counts, as a share of the values: 0.3 is
    /// 30 %. Any if left out.
    max_error: Option<f64>,
    /// How many times the mean error on the past is added to the forecast.
    #[serde(default)]
    margin: f64,
    /// What stands where the forecast is below the present value.
    #[serde(default)]
    below: Below,
}

/// How a forecast is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(crate = "serde", rename_all = "camelCase")]
#[schemars(crate = "schemars")]
pub enum Method {
    /// The mean of the same time in all earlier seasons.
    #[default]
    Seasonal,
    /// A level, a trend and a season, each smoothed. Follows a load that grows.
    HoltWinters,
}

/// How quickly the parts of Holt-Winters follow new samples, from 0, never, to 1, at once.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields, default)]
#[schemars(crate = "schemars")]
pub struct Smoothing {
    /// The level.
    level: f64,
    /// The trend.
    trend: f64,
    /// What each time of a season adds.
    season: f64,
}

impl Default for Smoothing {
    fn default() -> Self {
        Self { level: 0.3, trend: 0.02, season: 0.3 }
    }
}

/// What stands where there is no forecast.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(crate = "serde", rename_all = "camelCase")]
#[schemars(crate = "schemars")]
pub enum Insufficient {
    /// No value.
    #[default]
    Absent,
    /// The newest sample.
    Current,
}

/// What stands where a forecast is below the present value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(crate = "serde", rename_all = "camelCase")]
#[schemars(crate = "schemars")]
pub enum Below {
    /// The newest sample: a forecast never scales down what is busy.
    #[default]
    Current,
    /// The forecast.
    Forecast,
}

/// The longest season.
const MAX_SEASON: Duration = Duration::from_secs(35 * 86_400);

/// `ahead` and `season`, in milliseconds. The error is all faults.
fn times(config: &Config) -> Result<(i64, i64), Vec<Fault>> {
    let read = |place: &str, text: &str| {
        let read = parse_duration(text).map_err(|message| Fault::at(place, message))?;
        let is_usable = !read.is_zero() && read <= MAX_SEASON;
        let milliseconds = i64::try_from(read.as_millis()).ok().filter(|_| is_usable);
        milliseconds.ok_or_else(|| Fault::at(place, "must be above 0 and at most 35d"))
    };
    match (read("/ahead", &config.ahead), read("/season", &config.season)) {
        (Ok(ahead), Ok(season)) if ahead > season => {
            Err(vec![Fault::at("/ahead", "is longer than the season")])
        }
        (Ok(ahead), Ok(season)) => Ok((ahead, season)),
        (ahead, season) => Err([ahead.err(), season.err()].into_iter().flatten().collect()),
    }
}

fn plan(config: &Config, context: &Context) -> Result<Plan, Vec<Fault>> {
    let share = |place: &str, value: f64| {
        (!(0.0..=1.0).contains(&value)).then(|| Fault::at(place, "must be from 0 to 1"))
    };
    let Smoothing { level, trend, season } = config.smoothing;
    let positive = |value: f64| value.is_finite() && value > 0.0;
    let max_error = config.max_error.filter(|share| !positive(*share));
    let margin = (!(config.margin.is_finite() && config.margin >= 0.0))
        .then(|| Fault::at("/margin", "must be a number from 0 on"));
    let own = [
        context.object_fits(config.object.is_some()),
        context.only_range(),
        share("/smoothing/level", level),
        share("/smoothing/trend", trend),
        share("/smoothing/season", season),
        max_error.map(|_| Fault::at("/maxError", "must be a number above 0")),
        margin,
    ];
    let times = times(config).err().unwrap_or_default();
    Plan::unless(own.into_iter().chain(times.into_iter().map(Some)))
}

/// The forecast for each series of the only query.
pub fn evaluate(config: &Config, input: &Input) -> Result<Measures, Failure> {
    let (ahead, season) = times(config).map_err(|faults| {
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        Failure::new(faults.join("; "))
    })?;
    let answer = input.only()?;
    let namespace = config.namespace.as_deref();
    let targets = Targets::new(&answer, input.scope(), config.object.as_ref(), namespace)?;
    let grid = Grid::of(&answer)?;
    let question = match grid {
        Some(grid) => Some(
            Question::new(config, &grid, ahead, season)
                .map_err(|message| Failure::in_query(answer.query(), message))?,
        ),
        None => None,
    };
    let mut report = Report::new(config);
    let mut measures = Measures::new();
    let mut seen = HashSet::new();
    for range in answer.ranges()? {
        let Some(target) = targets.of_range(&range) else { continue };
        if !seen.insert(target.clone()) {
            let message = format!(
                "several series are for {}; aggregate them in the query: sum by (…)",
                target.called()
            );
            return Err(Failure::in_query(answer.query(), message));
        }
        let Some(sample) = range.samples().filter(|sample| sample.value.is_finite()).last() else {
            continue;
        };
        let history = grid.and_then(|grid| grid.history(&range));
        let outcome = match (&question, history) {
            (Some(question), Some(history)) => question.answer(&history, input.now()),
            _ => Outcome::of_one_sample(sample, input.now()),
        };
        if let Some(value) = report.value(&target, outcome) {
            measures.push(target.measure(value).at(sample.time));
        }
    }
    report.write();
    Ok(measures)
}

leadsman_plugin_sdk::export!(evaluate, plan = plan);

#[cfg(test)]
mod tests {
    #[test]
    fn fixtures() {
        leadsman_plugin_sdk::testing::fixtures(&super::plugin(), "fixtures");
    }
}
