//! Builds the guests, so that the tests have them as components.

use std::process::ExitCode;

use leadsman_plugin_build::Script;

fn main() -> ExitCode {
    let plugins =
        ["hostile", "reaching", "versioned"].map(|name| (name, format!("tests/guests/{name}")));
    let plugins = plugins.each_ref().map(|(name, folder)| (*name, folder.as_str()));
    Script { workspace: "..", plugins: &plugins }.run()
}
