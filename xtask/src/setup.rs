//! `cargo xtask setup`: what building and testing need, installed by the machine's own means.

use std::process::Command;

use leadsman_plugin_build::{TARGET, Toolchain};

use crate::apt::Apt;
use crate::cargo;
use crate::control_plane;
use crate::failure::Failure;
use crate::programs;

/// Installs the compiler for plugins, and with `tests` what the tests need, too.
pub(crate) fn run(tests: bool) -> Result<(), Failure> {
    plugins()?;
    if tests { servers() } else { Ok(()) }
}

/// Installs the compiler for plugins.
pub(crate) fn plugins() -> Result<(), Failure> {
    if let Ok(toolchain) = Toolchain::find() {
        println!("plugins: {toolchain}");
        return Ok(());
    }
    println!("plugins: no compiler for {TARGET} yet");
    let mut tried = Vec::new();
    for install in [rustup, debian] {
        if let Err(reason) = install() {
            println!("  ... {reason}");
            tried.push(reason);
        }
        if let Ok(toolchain) = Toolchain::find() {
            println!("plugins: {toolchain}");
            return Ok(());
        }
    }
    Err(Failure::Told(format!(
        "no compiler for plugins could be installed:\n  {}\n\
         Do one of these by hand, then run this again:\n  \
         rustup target add {TARGET}\n  \
         apt-get install {} lld    (Debian, as root)",
        tried.join("\n  "),
        debian_packages().join(" "),
    )))
}

/// Fast and small, but only where rustup can download.
fn rustup() -> Result<(), String> {
    if programs::find("rustup").is_none() {
        return Err("there is no rustup here".to_owned());
    }
    println!("  rustup target add {TARGET}");
    let mut command = Command::new("rustup");
    command.current_dir(cargo::root()).args(["target", "add", TARGET]);
    programs::quietly(&mut command)
        .map(drop)
        .map_err(|reason| format!("rustup could not download the target: {reason}"))
}

/// A compiler with the source of its standard library, from the distribution. It comes without a
/// linker for WebAssembly; where rustup's is not at hand, LLVM's is needed, too.
fn debian() -> Result<(), String> {
    apt(&debian_packages())?;
    if Toolchain::find().is_ok() { Ok(()) } else { apt(&["lld"]) }
}

fn debian_packages() -> Vec<&'static str> {
    Toolchain::debian_packages().collect()
}

fn apt(packages: &[&str]) -> Result<(), String> {
    Apt::find()?.install(packages).map_err(|failure| failure.to_string())
}

/// The tests ask real servers. What is missing is told at once, for one hand to mend it all.
fn servers() -> Result<(), Failure> {
    match (prometheus(), control_plane::setup()) {
        (Err(one), Err(other)) => Err(Failure::Told(format!("{one}\n{other}"))),
        (one, other) => one.and(other),
    }
}

/// The tests ask a real Prometheus.
fn prometheus() -> Result<(), Failure> {
    if programs::find("prometheus").is_none() {
        println!("tests: no prometheus on PATH yet");
        if let Err(reason) = apt(&["prometheus"]) {
            println!("  ... {reason}");
            return Err(Failure::Told(
                "the tests need a Prometheus: put a `prometheus` binary on PATH, \
                 then run this again"
                    .to_owned(),
            ));
        }
    }
    match programs::quietly(Command::new("prometheus").arg("--version")) {
        Ok(version) => {
            let version = version.lines().next().unwrap_or_default();
            println!("tests: {version}");
            Ok(())
        }
        Err(reason) => Err(Failure::Told(format!("`prometheus --version`: {reason}"))),
    }
}
