//! {{About}}.

use std::time::Duration;

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{
    Api, Context, Failure, Fault, Input, Measures, ObjectSource, Plan, Sample, Targets,
    parse_duration,
};

/// What a mapping has under `config`. Types and comments make the schema that mappings are checked
/// against.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields, rename_all = "camelCase")]
#[schemars(crate = "schemars")]
struct Config {
    /// A sample that is older by this counts half as much.
    #[serde(default = "half_life")]
    half_life: String,
}

fn half_life() -> String {
    "1m".to_owned()
}

/// Runs when a configuration is loaded: what is wrong is told then, with its line.
fn plan(config: &Config, context: &Context) -> Result<Plan, Vec<Fault>> {
    let half_life = match parse_duration(&config.half_life) {
        Ok(length) if length.is_zero() => Some(Fault::at("/halfLife", "must be above 0s")),
        Ok(_) => None,
        Err(wrong) => Some(Fault::at("/halfLife", wrong)),
    };
    Plan::unless([context.served_in(Api::Custom), context.only_range(), half_life])
}

/// Turns the samples of each pod into one value.
fn evaluate(config: &Config, input: &Input) -> Result<Measures, Failure> {
    let half_life = parse_duration(&config.half_life).map_err(Failure::new)?;
    // The label `pod` names the object of each series.
    let pod = ObjectSource::Label("pod".to_owned());
    let history = input.only()?;
    let targets = Targets::new(&history, input.scope(), Some(&pod), None)?;
    let mut measures = Measures::new();
    for range in history.ranges()? {
        let samples: Vec<Sample> = range.samples().collect();
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else { continue };
        let Some(target) = targets.of_range(&range) else { continue };
        let (mut sum, mut weights) = (0.0, 0.0);
        for sample in &samples {
            let age = between(sample, last).as_secs_f64();
            let weight = (-age / half_life.as_secs_f64()).exp2();
            sum += weight * sample.value;
            weights += weight;
        }
        let measure = target.measure(sum / weights).at(last.time);
        measures.push(measure.window(between(first, last)));
    }
    Ok(measures)
}

/// The time from one sample to another.
fn between(one: &Sample, other: &Sample) -> Duration {
    Duration::from_millis(other.time.abs_diff(one.time))
}

leadsman_plugin_sdk::export!(evaluate, plan = plan);

#[cfg(test)]
mod tests {
    /// Each file in `fixtures` is an evaluation: what was answered, and what must come of it.
    #[test]
    fn fixtures() {
        leadsman_plugin_sdk::testing::fixtures(&super::plugin(), "fixtures");
    }
}
