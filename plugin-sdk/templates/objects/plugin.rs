//! {{About}}.

use std::collections::HashMap;

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{
    Api, Context, Failure, Fault, Input, Label, Measure, Measures, Object, Plan,
};

/// What a mapping has under `config`. Types and comments make the schema that mappings are checked
/// against.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields)]
#[schemars(crate = "schemars")]
struct Config {
    /// The label that series and pods have in common.
    #[serde(default = "label")]
    label: String,
}

fn label() -> String {
    "app".to_owned()
}

/// Runs when a configuration is loaded: what is wrong is told then, with its line. It asks for the
/// pods that exist, with the one label that is needed.
fn plan(config: &Config, context: &Context) -> Result<Plan, Vec<Fault>> {
    let plan = Plan::unless([context.served_in(Api::Custom), context.only_instant()])?;
    Ok(plan.with_object_labels([config.label.as_str()]))
}

/// Gives each pod its share of what its app has to do.
fn evaluate(config: &Config, input: &Input) -> Result<Measures, Failure> {
    let mut pods: HashMap<Label<'_>, Vec<Object<'_>>> = HashMap::new();
    for pod in input.objects() {
        if let Some(app) = pod.label(&config.label) {
            pods.entry(app).or_default().push(pod);
        }
    }
    let mut measures = Measures::new();
    for backlog in input.only()?.series()? {
        let app = backlog.require(&config.label)?;
        let Some(pods) = pods.get(&app) else { continue };
        let share = backlog.value() / pods.len() as f64;
        for pod in pods {
            let measure = Measure::new(pod.name(), share).at(backlog.time());
            measures.push(match pod.namespace() {
                Some(namespace) => measure.namespace(namespace),
                None => measure,
            });
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
