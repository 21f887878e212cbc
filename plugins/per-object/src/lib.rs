//! One value per object: a label of each series names its object.

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{
    Api, Combine, Context, Failure, Fault, Input, Measures, ObjectSource, Plan, log,
    measures_by_object,
};

/// Which object each series is for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields)]
#[schemars(crate = "schemars")]
pub struct Config {
    /// The label with the object's name, or a fixed object.
    object: ObjectSource,
    /// The label with the object's namespace, `namespace` by default; empty for objects that live
    /// in none. When an evaluation is for one namespace, series that name another one by a label
    /// that is set here are passed over.
    namespace: Option<String>,
    /// What to do when several series meet one object.
    #[serde(default)]
    combine: Combine,
    /// What to do when no series has the object's label.
    #[serde(default)]
    unnamed: Unnamed,
}

/// What to do when no series has the object's label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(crate = "serde", rename_all = "camelCase")]
#[schemars(crate = "schemars")]
pub enum Unnamed {
    /// Refuse: the query has lost the label.
    #[default]
    Fail,
    /// No object has a value.
    Omit,
}

fn plan(_: &Config, context: &Context) -> Result<Plan, Vec<Fault>> {
    Plan::unless([context.served_in(Api::Custom), context.only_instant()])
}

/// One measure for each object that the series of the only query name.
pub fn evaluate(config: &Config, input: &Input) -> Result<Measures, Failure> {
    let answer = input.only()?;
    if let (Unnamed::Omit, ObjectSource::Label(label)) = (config.unnamed, &config.object)
        && answer.series()?.len() > 0
        && answer.column(label).is_none()
    {
        log::warn(&format!(
            "no series has the label \"{label}\" that names the object, so that no object has a value"
        ));
        return Ok(Measures::new());
    }
    measures_by_object(
        &answer,
        input.scope(),
        &config.object,
        config.namespace.as_deref(),
        config.combine,
    )
}

leadsman_plugin_sdk::export!(evaluate, plan = plan);

#[cfg(test)]
mod tests {
    #[test]
    fn fixtures() {
        leadsman_plugin_sdk::testing::fixtures(&super::plugin(), "fixtures");
    }
}
