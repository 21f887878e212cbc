//! Builds the shipped plugins, so that a plain `cargo build` of the adapter has them.

use std::process::ExitCode;

use leadsman_plugin_build::Script;

fn main() -> ExitCode {
    let plugins = [
        ("alb-pool", "plugins/alb-pool"),
        ("external", "plugins/external"),
        ("per-object", "plugins/per-object"),
        ("ratio", "plugins/ratio"),
        ("threshold", "plugins/threshold"),
    ];
    Script { workspace: "../..", plugins: &plugins }.run()
}
