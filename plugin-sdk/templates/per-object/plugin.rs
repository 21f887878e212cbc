//! {{About}}.

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{
    Api, Combine, Context, Failure, Fault, Input, Measures, ObjectSource, Plan, by_object,
};

/// What a mapping has under `config`. Types and comments make the schema that mappings are checked
/// against.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields)]
#[schemars(crate = "schemars")]
struct Config {
    /// How much a pod can do at once.
    capacity: f64,
}

/// Runs when a configuration is loaded: what is wrong is told then, with its line.
fn plan(config: &Config, context: &Context) -> Result<Plan, Vec<Fault>> {
    Plan::unless([
        context.served_in(Api::Custom),
        context.only_instant(),
        (config.capacity <= 0.0).then(|| Fault::at("/capacity", "must be above 0")),
    ])
}

/// Turns the answer of the query into a value for each pod. Several series of one pod are added.
fn evaluate(config: &Config, input: &Input) -> Result<Measures, Failure> {
    // The label `pod` names the object of each series.
    let pod = ObjectSource::Label("pod".to_owned());
    let mut measures = Measures::new();
    for mut busy in by_object(&input.only()?, input.scope(), &pod, None, Combine::Sum)? {
        busy.value /= config.capacity;
        measures.push(busy.measure());
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
