//! `cargo xtask demo`: from a clean clone to a running adapter.

use crate::cargo;
use crate::failure::Failure;
use crate::programs;
use crate::setup;

/// Builds the adapter and runs its demo.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    setup::plugins()?;
    let mut command = cargo::cargo(&["run", "--package", "leadsman", "--", "demo"]);
    command.args(arguments);
    become_it(&mut command)
}

/// Replaces this process by the demo, which gets Ctrl-C and determines the exit code.
#[cfg(unix)]
fn become_it(command: &mut std::process::Command) -> Result<(), Failure> {
    use std::os::unix::process::CommandExt as _;

    let source = command.exec();
    Err(programs::cannot_start(command, source))
}

/// Ctrl-C reaches every process of the console; only success or failure is returned.
#[cfg(not(unix))]
fn become_it(command: &mut std::process::Command) -> Result<(), Failure> {
    programs::run(command, "cargo run --package leadsman -- demo")
}
