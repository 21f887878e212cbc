//! Activation: a value below a threshold becomes exactly 0, which is what lets an HPA scale to
//! zero.

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{
    Combine, Context, Failure, Fault, Input, Measure, Measures, ObjectSource, Plan, by_object,
};

/// Where activation begins, and which object each series is for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields)]
#[schemars(crate = "schemars")]
pub struct Config {
    /// Values below this are returned as exactly 0; this and larger ones as they are.
    activation: f64,
    /// The label with the object's name, or a fixed object. Left out for an external metric.
    object: Option<ObjectSource>,
    /// The label with the object's namespace, `namespace` by default. Read only when one
    /// evaluation serves all namespaces.
    namespace: Option<String>,
    /// What to do when several series meet one object. The threshold applies to the result.
    #[serde(default)]
    combine: Combine,
}

fn plan(config: &Config, context: &Context) -> Result<Plan, Vec<Fault>> {
    let activation = (!config.activation.is_finite())
        .then(|| Fault::at("/activation", "must be a finite number"));
    Plan::unless([context.object_fits(config.object.is_some()), context.only_instant(), activation])
}

/// The values of the only query, those below the threshold as 0.
pub fn evaluate(config: &Config, input: &Input) -> Result<Measures, Failure> {
    let answer = input.only()?;
    let mut measures = Measures::new();
    if let Some(source) = &config.object {
        let namespace = config.namespace.as_deref();
        for mut value in by_object(&answer, input.scope(), source, namespace, config.combine)? {
            value.value = activated(config, value.value);
            measures.push(value.measure());
        }
    } else if answer.is_scalar() {
        let sample = answer.scalar()?;
        measures.push(Measure::item(activated(config, sample.value)).at(sample.time));
    } else {
        for series in answer.series()? {
            let item = Measure::item(activated(config, series.value())).at(series.time());
            let labels = series.labels().filter(|(name, _)| *name != "__name__");
            measures.push(labels.fold(item, |item, (name, value)| item.label(name, value)));
        }
    }
    Ok(measures)
}

/// NaN is not below anything: it stays NaN and is refused with its reason.
fn activated(config: &Config, value: f64) -> f64 {
    if value < config.activation { 0.0 } else { value }
}

leadsman_plugin_sdk::export!(evaluate, plan = plan);

#[cfg(test)]
mod tests {
    #[test]
    fn fixtures() {
        leadsman_plugin_sdk::testing::fixtures(&super::plugin(), "fixtures");
    }
}
