//! One value per object: a label of each series names its object.

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{
    Api, Combine, Context, Failure, Fault, Input, Measures, ObjectSource, ObjectValue, Plan,
    by_object,
};

/// Which object each series is for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields)]
#[schemars(crate = "schemars")]
pub struct Config {
    /// The label with the object's name, or a fixed object.
    object: ObjectSource,
    /// The label with the object's namespace, `namespace` by default. Read only when one
    /// evaluation serves all namespaces.
    namespace: Option<String>,
    /// What to do when several series meet one object.
    #[serde(default)]
    combine: Combine,
}

fn plan(_: &Config, context: &Context) -> Result<Plan, Vec<Fault>> {
    Plan::unless([context.served_in(Api::Custom), context.only_instant()])
}

/// One measure for each object that the series of the only query name.
pub fn evaluate(config: &Config, input: &Input) -> Result<Measures, Failure> {
    let answer = input.only()?;
    let values = by_object(
        &answer,
        input.scope(),
        &config.object,
        config.namespace.as_deref(),
        config.combine,
    )?;
    let mut measures = Measures::with_capacity(values.len());
    for value in values.iter().map(ObjectValue::measure) {
        measures.push(value);
    }
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
