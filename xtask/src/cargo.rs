//! Running cargo, and its folders.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::programs;

/// The workspace.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The folder of this program and the others: `target/debug`.
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
    in_workspace(Command::new(program()), arguments)
}

/// The same for what is left of the cores by whoever else wants them.
pub(crate) fn gently(arguments: &[&str]) -> Command {
    in_workspace(programs::gently(&program()), arguments)
}

fn program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn in_workspace(mut command: Command, arguments: &[&str]) -> Command {
    command.current_dir(root()).args(arguments);
    without_own_variables(&mut command);
    command
}

/// Removes the variables that `cargo run` sets for this program's package. Some build scripts (such
/// as ring's) watch them, and would run again after each change between xtask and a shell.
pub(crate) fn without_own_variables(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(about_this_package) {
            command.env_remove(name);
        }
    }
}

/// Runs cargo.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    programs::run(&mut cargo(arguments), &shown(arguments))
}

/// A cargo command as in a shell.
pub(crate) fn shown(arguments: &[&str]) -> String {
    format!("cargo {}", arguments.join(" "))
}

/// Whether this is the CI, where a missing tool is a failure.
pub(crate) fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true")
}

fn about_this_package(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "OUT_DIR"
}
