//! `cargo xtask layout`: finds the functions that run while the adapter serves, for the linker.
//!
//! The tests below do what operators do; the adapter that they start is the released one, run by
//! `leadsman-layout`, which records.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cargo;
use crate::failure::Failure;
use crate::programs;
use crate::servers;
use crate::setup;
use crate::test;

/// What is written: `host/build.rs` gives it to the linker.
const SCRIPT: &str = "host/layout.ld";

/// Test programs of what an adapter does in its life: it starts, reads, watches, reloads and scales. Programs
/// that are about faults are left out.
const PROGRAMS: [&str; 11] = [
    "cluster_alb",
    "cluster_keda",
    "cluster_live",
    "cluster_neighbours",
    "cluster_resource_metrics",
    "cluster_rules",
    "cluster_scaling",
    "discovery",
    "end_to_end",
    "exposition",
    "shipped_plugins",
];

/// Writes the linker script.
pub(crate) fn run() -> Result<(), Failure> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        let message =
            "functions are recorded on Linux on x86-64 alone: the breakpoints are of that machine";
        return Err(Failure::Message(message.to_owned()));
    }
    setup::run(true)?;
    let folder = cargo::target()?.join("layout");
    let records = folder.join("records");
    // Addresses of another build say nothing of this one.
    if records.exists() {
        fs::remove_dir_all(&records).map_err(|source| failed(&records, source))?;
    }
    fs::create_dir_all(&folder).map_err(|source| failed(&folder, source))?;
    let link_map = folder.join("link.map");
    let program = released(&folder, &link_map)?;
    test::build()?;
    cargo::run(&["build", "--package", "leadsman-layout"])?;
    let recorder = cargo::built()?.join("leadsman-layout");
    for name in PROGRAMS {
        let own = records.join(name);
        fs::create_dir_all(&own).map_err(|source| failed(&own, source))?;
        let line = ["test", "--workspace", "--test", name, "--no-fail-fast"];
        let mut command = cargo::cargo(&line);
        command
            .env("LEADSMAN_BINARY", &recorder)
            .env("LEADSMAN_LAYOUT_PROGRAM", &program)
            .env("LEADSMAN_LAYOUT_LINK_MAP", &link_map)
            .env("LEADSMAN_LAYOUT_RECORDS", &own)
            .envs(servers::variables());
        // What ran until then is recorded. A test that measures the process measures the recorder.
        if let Err(failure) = programs::run(&mut command, &cargo::shown(&line)) {
            println!("warning: {failure}");
        }
    }
    let script = cargo::root().join(SCRIPT);
    let mut command = std::process::Command::new(&recorder);
    command.arg("write").args([&link_map, &records, &script]);
    programs::run(&mut command, "leadsman-layout write")
}

/// Builds the adapter as it is released, with the link map.
fn released(folder: &Path, link_map: &Path) -> Result<PathBuf, Failure> {
    let argument = format!("link-arg=-Wl,-Map={}", link_map.display());
    let package = ["rustc", "--release", "--package", "leadsman", "--bin", "leadsman"];
    cargo::run(&[&package[..], &["--", "-C", &argument]].concat())?;
    // A build in between would replace it.
    let built = cargo::target()?.join("release/leadsman");
    let program = folder.join("leadsman");
    fs::copy(&built, &program).map_err(|source| failed(&built, source))?;
    Ok(program)
}

fn failed(path: &Path, source: std::io::Error) -> Failure {
    Failure::File { path: path.to_owned(), source }
}
