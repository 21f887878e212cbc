//! Write a Leadsman plugin: one function that turns the answers of queries into a value for each
//! object.
//!
//! A plugin is an ordinary library crate. The function below takes the busy workers of each pod
//! and returns them as a share of its configured size; [`export!`] makes it a plugin. Built for
//! `wasm32-unknown-unknown` it is a component that Leadsman loads into its sandbox; built natively
//! it is plain Rust, so `cargo test` and a debugger work as they always do.
//!
//! ```
//! use leadsman_plugin_sdk::{Failure, Input, Measure, Measures, schemars, serde};
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//!
//! /// How busy each pod is.
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(crate = "serde", deny_unknown_fields)]
//! #[schemars(crate = "schemars")]
//! struct Config {
//!     /// How many workers a pod has.
//!     workers: u32,
//! }
//!
//! fn busy(config: &Config, input: &Input) -> Result<Measures, Failure> {
//!     let mut measures = Measures::new();
//!     for series in input.answer("busy")?.series()? {
//!         let pod = series.require("pod")?;
//!         let share = series.value() / f64::from(config.workers);
//!         measures.push(Measure::new(pod, share).at(series.time()));
//!     }
//!     Ok(measures)
//! }
//!
//! leadsman_plugin_sdk::export!(busy);
//!
//! // A unit test with what Prometheus answered, as `curl` prints it:
//! let input = Input::build()
//!     .namespace("shop")
//!     .answer_json("busy", r#"{"resultType": "vector", "result": [
//!         {"metric": {"pod": "cart-0"}, "value": [1695018199.504, "6"]}]}"#)
//!     .unwrap()
//!     .finish();
//! let measures = busy(&Config { workers: 8 }, &input).unwrap();
//! assert_eq!(measures.rows(&input)[0].object, "cart-0");
//! assert_eq!(measures.rows(&input)[0].value, 0.75);
//! assert_eq!(plugin().description().name, "leadsman-plugin-sdk");
//! ```
//!
//! [`testing`] runs a folder of JSON fixtures against a plugin.

mod build;
mod duration;
mod input;
mod measures;
mod objects;
mod plan;
mod plugin;
mod query;
mod summable;
mod target;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
mod text;

pub mod log;

#[doc(hidden)]
#[allow(missing_docs, unsafe_code, clippy::all, unreachable_pub)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "mapping",
        pub_export_macro: true,
        default_bindings_module: "leadsman_plugin_sdk::bindings",
        runtime_path: "leadsman_plugin_sdk::__runtime",
        additional_derives: [PartialEq],
    });
}

// The generated code names its runtime by the path an author's crate sees.
extern crate self as leadsman_plugin_sdk;

#[doc(hidden)]
pub use wit_bindgen::rt as __runtime;

pub use build::{BuildError, InputBuilder};
pub use duration::parse_duration;
pub use input::{Answer, Column, Input, Object, Range, Sample, Scope, Series};
pub use measures::{Measure, Measures, Name, Row};
pub use objects::{
    Combine, FixedObject, NAMESPACE_LABEL, ObjectFinder, ObjectKey, ObjectSource, ObjectValue,
    by_object, combined, measures_by_object,
};
pub use plan::{Api, Context, Failure, Fault, OwnQuery, Plan};
pub use plugin::{Description, Plugin};
pub use query::{NsxAlbQuery, Query};
pub use summable::{is_health_score, may_be_summed};
pub use target::{Target, Targets};
pub use text::Label;
pub use {schemars, serde, serde_json};

/// Makes a function the plugin of this crate.
///
/// `export!(evaluate)` takes a `fn(&Config, &Input) -> Result<Measures, Failure>` whose `Config`
/// implements [`serde::Deserialize`] and [`schemars::JsonSchema`]. A plugin that checks its
/// configuration further, looks at the mapping around it, or brings queries of its own, adds
/// `plan = fn(&Config, &Context) -> Result<Plan, Vec<Fault>>`.
///
/// Name, version and description are those of the crate's `Cargo.toml`. The macro adds a function
/// `plugin()` for tests, and on Wasm targets the exports of the contract.
#[macro_export]
macro_rules! export {
    ($evaluate:path $(, plan = $plan:path)? $(,)?) => {
        /// The plugin of this crate, as the adapter sees it.
        pub fn plugin() -> $crate::Plugin {
            $crate::Plugin::new(
                env!("CARGO_PKG_NAME"),
                env!("CARGO_PKG_VERSION"),
                env!("CARGO_PKG_DESCRIPTION"),
                $evaluate,
            )
            $(.with_plan($plan))?
        }

        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code)]
        const _: () = {
            struct Component;

            impl $crate::bindings::Guest for Component {
                fn describe() -> $crate::bindings::Description {
                    $crate::log::report_panics();
                    plugin().describe()
                }
                fn configure(
                    config: String,
                    context: $crate::bindings::Context,
                ) -> Result<$crate::bindings::Plan, Vec<$crate::bindings::Fault>> {
                    $crate::log::report_panics();
                    plugin().configure(&config, context)
                }
                fn evaluate(
                    config: String,
                    input: $crate::bindings::Input,
                ) -> Result<$crate::bindings::Measures, $crate::bindings::Failure> {
                    $crate::log::report_panics();
                    plugin().evaluate(&config, input)
                }
            }

            $crate::bindings::export!(Component with_types_in $crate::bindings);
        };
    };
}
