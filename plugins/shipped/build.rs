//! Builds the shipped plugins, so that a plain `cargo build` of the adapter has them.

use std::process::ExitCode;

use leadsman_plugin_build::Script;

fn main() -> ExitCode {
    let plugins = [
        ("alb-pool", "plugins/alb-pool"),
        ("external", "plugins/external"),
        ("forecast", "plugins/forecast"),
        ("formula", "plugins/formula"),
        ("per-object", "plugins/per-object"),
        ("percentile", "plugins/percentile"),
        ("ratio", "plugins/ratio"),
        ("schedule", "plugins/schedule"),
        ("threshold", "plugins/threshold"),
    ];
    Script { workspace: "../..", plugins: &plugins }.run()
}
