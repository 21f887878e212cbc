//! Running cargo, and the places it knows.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::programs;

/// The workspace.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Where this very program was built: `target/debug`, which the other programs are beside.
pub(crate) fn built() -> Result<PathBuf, Failure> {
    let path = env::current_exe()
        .map_err(|source| Failure::File { path: PathBuf::from("cargo xtask"), source })?;
    Ok(path.parent().unwrap_or(&path).to_owned())
}

/// The target folder.
pub(crate) fn target() -> Result<PathBuf, Failure> {
    let built = built()?;
    Ok(built.parent().unwrap_or(&built).to_owned())
}

/// A cargo command in the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root()).args(arguments);
    // What `cargo run` tells this program about its own package. Build scripts (ring's is one)
    // watch these variables, and would run again for each change between here and a shell.
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(about_this_package) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs cargo to its end.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    programs::run(&mut cargo(arguments), &shown(arguments))
}

/// A cargo command as a person would type it.
pub(crate) fn shown(arguments: &[&str]) -> String {
    format!("cargo {}", arguments.join(" "))
}

/// Whether this is the CI, where what is missing is a failure.
pub(crate) fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true")
}

fn about_this_package(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "OUT_DIR"
}
