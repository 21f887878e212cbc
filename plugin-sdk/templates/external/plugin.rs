//! {{About}}.

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{Api, Context, Failure, Fault, Input, Measure, Measures, Plan};

/// What a mapping has under `config`. Types and comments make the schema that mappings are checked
/// against.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields, rename_all = "camelCase")]
#[schemars(crate = "schemars")]
struct Config {
    /// How many messages are handled in a second.
    per_second: f64,
}

/// Runs when a configuration is loaded: what is wrong is told then, with its line.
fn plan(config: &Config, context: &Context) -> Result<Plan, Vec<Fault>> {
    Plan::unless([
        context.served_in(Api::External),
        context.only_instant(),
        (config.per_second <= 0.0).then(|| Fault::at("/perSecond", "must be above 0")),
    ])
}

/// Makes an item of each queue. An HPA selects items by their labels and adds them up.
fn evaluate(config: &Config, input: &Input) -> Result<Measures, Failure> {
    let mut measures = Measures::new();
    for messages in input.only()?.series()? {
        let queue = messages.require("queue")?;
        let seconds = messages.value() / config.per_second;
        measures.push(Measure::item(seconds).at(messages.time()).label("queue", queue));
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
