//! Builds the guests, so that the tests have them as components.

use std::process::ExitCode;

use leadsman_plugin_build::Script;

fn main() -> ExitCode {
    let plugins = [("hostile", "tests/guests/hostile"), ("reaching", "tests/guests/reaching")];
    Script { workspace: "..", plugins: &plugins }.run()
}
