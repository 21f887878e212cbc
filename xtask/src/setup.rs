//! `cargo xtask setup`: installs what building and testing need, with the machine's own tools.

use std::process::Command;

use leadsman_plugin_build::{TARGET, Toolchain};

use crate::apt::Apt;
use crate::author_tools;
use crate::built::Manners;
use crate::cargo;
use crate::control_plane;
use crate::failure::Failure;
use crate::keda;
use crate::programs;
use crate::prometheus_adapter;

/// Installs the compiler for plugins, and with `tests` also what the tests need.
pub(crate) fn run(tests: bool) -> Result<(), Failure> {
    plugins()?;
    if !tests {
        return Ok(());
    }
    let mut all = packages();
    all.push(control_plane::setup(Manners::Usual));
    all.push(prometheus_adapter::setup(Manners::Usual));
    all.push(author_tools::setup());
    all.push(keda::setup(Manners::Usual));
    together(all)
}

/// Installs what all tests need, without what is built or fetched beside those that do not need it.
pub(crate) fn for_tests() -> Result<(), Failure> {
    plugins()?;
    together(packages())
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
    Err(Failure::Message(format!(
        "no compiler for plugins could be installed:\n  {}\n\
         Do one of these by hand, then run this again:\n  \
         rustup target add {TARGET}\n  \
         apt-get install {} lld    (Debian, as root)",
        tried.join("\n  "),
        debian_packages().join(" "),
    )))
}

/// Fast and small, but only if rustup can download.
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

/// The distribution's compiler with the source of its standard library. It has no linker for
/// WebAssembly; without rustup's, LLVM's is needed, too.
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

/// What the tests use of the distribution.
fn packages() -> Vec<Result<(), Failure>> {
    vec![
        server("prometheus"),
        server("docker-registry"),
        // The browser that the page is tested in.
        server("chromium"),
        author_tools::interpreters(),
        // An author's tools in C.
        server("clang"),
        program("wasm-ld", "lld"),
    ]
}

/// All that is missing is reported at once.
fn together(all: Vec<Result<(), Failure>>) -> Result<(), Failure> {
    let missing: Vec<_> = all.into_iter().filter_map(Result::err).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
    Err(Failure::Message(missing.join("\n")))
}

/// A program that the tests run, from the package of its name.
fn server(name: &str) -> Result<(), Failure> {
    program(name, name)
}

/// The same from a package of another name.
fn program(name: &str, package: &str) -> Result<(), Failure> {
    if programs::find(name).is_none() {
        println!("tests: no {name} on PATH yet");
        let installed = Apt::find().map_err(str::to_owned).and_then(|apt| {
            apt.install(&[package]).map_err(|failure| failure.to_string())?;
            apt.stop_service(package);
            Ok(())
        });
        if let Err(reason) = installed {
            println!("  ... {reason}");
            return Err(Failure::Message(format!(
                "the tests need a {name}: put a `{name}` binary on PATH, then run this again"
            )));
        }
    }
    match programs::quietly(Command::new(name).arg("--version")) {
        Ok(version) => {
            let version = version.lines().next().unwrap_or_default();
            println!("tests: {version}");
            Ok(())
        }
        Err(reason) => Err(Failure::Message(format!("`{name} --version`: {reason}"))),
    }
}
