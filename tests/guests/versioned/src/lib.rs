//! A plugin whose values identify its version and configuration.
//!
//! A test creates versions of it by writing other digits into `VERSION` of the built component.

use std::hint::black_box;

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{Context, Failure, Fault, Input, Measure, Measures, Plan, Query};

/// The marker that a test searches in the component, and the digits after it.
static VERSION: [u8; 24] = *b"version of a test 000000";

/// The digits of a build that panics whatever it is given.
const BROKEN: u32 = 666_666;

/// The configuration.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields)]
#[schemars(crate = "schemars")]
pub struct Config {
    /// Added to a thousand times the version. 500 and more are refused by the plugin itself.
    #[serde(default)]
    edition: u32,
    /// An additional query.
    #[serde(default)]
    ask: Option<String>,
    /// Changes the value of this pod.
    #[serde(default)]
    odd: Option<String>,
}

fn plan(config: &Config, _: &Context) -> Result<Plan, Vec<Fault>> {
    if config.edition >= 500 {
        return Err(vec![Fault::at("/edition", "no edition is as high as that")]);
    }
    Ok(match &config.ask {
        None => Plan::new(),
        Some(promql) => Plan::new().query(Query::instant("besides", promql.clone())),
    })
}

/// The same value for each pod, which identifies the version. Values below zero make it fail.
pub fn evaluate(config: &Config, input: &Input) -> Result<Measures, Failure> {
    assert!(version() != BROKEN, "this build is broken");
    let mut measures = Measures::new();
    let value = f64::from(version() * 1000 + config.edition);
    for series in input.answer("q")?.series()? {
        assert!(series.value() >= 0.0, "a value below zero");
        let pod = series.require("pod")?;
        let odd = config.odd.as_deref().is_some_and(|odd| pod.as_str() == odd);
        measures.push(Measure::new(pod, if odd { value + 0.5 } else { value }));
    }
    Ok(measures)
}

fn version() -> u32 {
    // Read at run time, so that the compiler does not fold the digits into code.
    let digits = black_box(&VERSION)[18..].iter();
    digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
}

leadsman_plugin_sdk::export!(evaluate, plan = plan);
