//! The `deny` step: licences, banned crates, sources and advisories of all dependencies.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::built::{Hash, in_cache};
use crate::cargo;
use crate::failure::Failure;
use crate::programs;

/// The version that `deny.toml` was written for.
const VERSION: &str = "0.20.2";

/// Checks `deny.toml`.
///
/// Advisories need a database that only a machine with Internet access can fetch. A failed download
/// says nothing about the dependencies, so it is reported but not a failure; an advisory is one.
pub(crate) fn run() -> Result<String, Failure> {
    let tool = tool()?;
    check(&tool, &["licenses", "bans", "sources"])?;
    if let Err(reason) = programs::quietly(&mut deny(&tool, &["fetch", "db"])) {
        println!("advisories: NOT CHECKED, the database could not be fetched: {reason}");
        return Ok("advisories not checked: no database".to_owned());
    }
    check(&tool, &["--disable-fetch", "advisories"])?;
    Ok(String::new())
}

fn check(tool: &Path, arguments: &[&str]) -> Result<(), Failure> {
    let line = [&["check", "--hide-inclusion-graph"], arguments].concat();
    let shown = format!("cargo deny {}", line.join(" "));
    programs::run(&mut deny(tool, &line), &shown)
}

fn deny(tool: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(tool);
    command.current_dir(cargo::root()).args(arguments);
    command
}

/// Builds the tool, unless it is there. It takes minutes.
pub(crate) fn setup() -> Result<(), Failure> {
    tool().map(drop)
}

/// The tool on `PATH`, or one built once for all checkouts on this machine.
fn tool() -> Result<PathBuf, Failure> {
    if let Some(path) = programs::find("cargo-deny") {
        return Ok(path);
    }
    let mut version = Hash::default();
    version.add(VERSION.as_bytes());
    let folder = in_cache("cargo-deny", &version)?;
    let path = folder.join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    if path.is_file() {
        return Ok(path);
    }
    println!("no cargo-deny on PATH: building {VERSION} into {}", folder.display());
    let build = folder.join("build");
    let package = format!("cargo-deny@{VERSION}");
    // Without optimization it builds in half the time, and the check still takes a second.
    let mut install = cargo::cargo(&["install", "--debug", "--locked", &package]);
    install.arg("--root").arg(&folder).arg("--target-dir").arg(&build);
    // Nobody debugs it, and a third of the build would be debug information.
    install.env("CARGO_PROFILE_DEV_DEBUG", "0");
    programs::run(&mut install, &format!("cargo install {package}"))?;
    match std::fs::remove_dir_all(&build) {
        Ok(()) => Ok(path),
        Err(source) => Err(Failure::File { path: build, source }),
    }
}
