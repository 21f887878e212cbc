//! Builds the guest that is measured, so that `cargo bench` needs no step before it.

use std::process::ExitCode;

use leadsman_plugin_build::Script;

fn main() -> ExitCode {
    let plugins = [("leadsman-bench-shapes", "bench/guests/shapes")];
    Script { workspace: "..", plugins: &plugins }.run()
}
