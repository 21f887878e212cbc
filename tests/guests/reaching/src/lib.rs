//! A complete plugin that also imports `acme:storage/keys`, like one built for another host.

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{Failure, Input, Measure, Measures};

#[cfg(target_family = "wasm")]
#[allow(missing_docs, unsafe_code, unreachable_pub, clippy::all)]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package acme:storage@1.0.0;
            interface keys { get: func(key: string) -> f64; }
            world client { import keys; }
        ",
        world: "client",
    });
}

/// An empty configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "serde")]
#[schemars(crate = "schemars")]
pub struct Config {}

/// A value from the storage for each pod.
pub fn evaluate(_: &Config, input: &Input) -> Result<Measures, Failure> {
    let mut measures = Measures::new();
    for series in input.only()?.series()? {
        let pod = series.require("pod")?;
        measures.push(Measure::new(pod, stored(&pod)));
    }
    Ok(measures)
}

#[cfg(target_family = "wasm")]
fn stored(key: &str) -> f64 {
    bindings::acme::storage::keys::get(key)
}

#[cfg(not(target_family = "wasm"))]
fn stored(_: &str) -> f64 {
    0.0
}

leadsman_plugin_sdk::export!(evaluate);
