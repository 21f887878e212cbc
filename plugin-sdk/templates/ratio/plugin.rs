//! {{About}}: divides one query by another, for each pod.

use std::collections::HashMap;

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{
    Api, Combine, Context, Failure, Fault, Input, Measures, ObjectSource, ObjectValue, Plan,
    by_object,
};

/// What a mapping has under `config`. Types and comments make the schema that mappings are checked
/// against.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields)]
#[schemars(crate = "schemars")]
struct Config {
    /// The least that is divided by, so that a ratio of few requests does not jump.
    #[serde(default = "floor")]
    floor: f64,
}

fn floor() -> f64 {
    1.0
}

/// Runs when a configuration is loaded: what is wrong is told then, with its line.
fn plan(config: &Config, context: &Context) -> Result<Plan, Vec<Fault>> {
    Plan::unless([
        context.served_in(Api::Custom),
        context.instant("errors"),
        context.instant("requests"),
        (config.floor <= 0.0).then(|| Fault::at("/floor", "must be above 0")),
    ])
}

/// Turns the answers of the queries into a value for each pod.
fn evaluate(config: &Config, input: &Input) -> Result<Measures, Failure> {
    // The label `pod` names the object of each series.
    let pod = ObjectSource::Label("pod".to_owned());
    let (errors, requests) = (input.answer("errors")?, input.answer("requests")?);
    let failed = by_object(&errors, input.scope(), &pod, None, Combine::Fail)?;
    let failed: HashMap<_, ObjectValue<'_>> =
        failed.into_iter().map(|value| (value.object, value)).collect();
    let mut measures = Measures::new();
    for mut all in by_object(&requests, input.scope(), &pod, None, Combine::Fail)? {
        let divisor = all.value.max(config.floor);
        // What is missing is not zero: a pod without a series of errors has no value.
        if let Some(errors) = failed.get(&all.object) {
            all.value = errors.value / divisor;
            all.time = all.time.min(errors.time);
            measures.push(all.measure());
        }
    }
    Ok(measures)
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
