//! Builds the guests, so that the tests have them as components.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use leadsman_plugin_build::Request;

const GUESTS: &[&str] = &["hostile", "reaching"];

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
    for path in ["wit", "plugin-sdk/src", "plugin-sdk/Cargo.toml", "tests/guests"] {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
    let request = Request {
        workspace: &workspace,
        packages: GUESTS,
        profile: "plugin",
        target_dir: &shared_target(&out),
    };
    for component in request.build()? {
        std::fs::write(out.join(format!("{}.wasm", component.package)), &component.bytes)?;
    }
    Ok(())
}

/// Where the shipped plugins are built too, so that the standard library is built once.
fn shared_target(out: &Path) -> PathBuf {
    out.ancestors().nth(4).unwrap_or(out).join("plugins")
}
