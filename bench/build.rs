//! Builds the measured guest, so that `cargo bench` needs no previous step.

use std::process::ExitCode;

use leadsman_plugin_build::Script;

fn main() -> ExitCode {
    let plugins = [("leadsman-bench-shapes", "bench/guests/shapes")];
    Script { workspace: "..", plugins: &plugins }.run()
}
