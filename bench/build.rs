//! Builds the guest that is measured, so that `cargo bench` needs no step before it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use leadsman_plugin_build::Request;

const GUEST: &str = "leadsman-bench-shapes";

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{error}\n");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), Box<dyn std::error::Error>> {
    let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let workspace = here.join("..").canonicalize()?;
    for path in ["wit", "bench/guests/shapes", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
    let request = Request {
        workspace: &workspace,
        packages: &[GUEST],
        // What the shipped plugins are built with.
        profile: "plugin",
        target_dir: &shared_target(&out),
    };
    for component in request.build()? {
        std::fs::write(out.join("shapes.wasm"), &component.bytes)?;
    }
    Ok(())
}

/// The shipped plugins' folder, beside `target/<profile>/build/<package>/out`: what they share
/// with the guest is built once.
fn shared_target(out: &Path) -> PathBuf {
    out.ancestors().nth(4).unwrap_or(out).join("plugins")
}
