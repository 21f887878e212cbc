//! Builds the shipped plugins, so that a plain `cargo build` of the adapter has them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use leadsman_plugin_build::Request;

const PLUGINS: &[&str] = &["external", "per-object", "ratio", "threshold"];

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
    let workspace = here.join("../..").canonicalize()?;
    for path in ["wit", "plugin-sdk/src", "plugin-sdk/Cargo.toml", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
    for plugin in PLUGINS {
        for path in ["src", "Cargo.toml"] {
            let path = workspace.join("plugins").join(plugin).join(path);
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    let request = Request {
        workspace: &workspace,
        packages: PLUGINS,
        profile: "plugin",
        target_dir: &shared_target(&out),
    };
    let mut table = String::from("&[\n");
    for component in request.build()? {
        let path = out.join(format!("{}.wasm", component.package));
        std::fs::write(&path, &component.bytes)?;
        table.push_str(&format!(
            "    ShippedPlugin {{ name: {:?}, component: include_bytes!({path:?}) }},\n",
            component.package
        ));
    }
    table.push(']');
    std::fs::write(out.join("table.rs"), table)?;
    Ok(())
}

/// All profiles of the adapter use the same plugins, so they are built once, beside
/// `target/<profile>/build/<package>/out`.
fn shared_target(out: &Path) -> PathBuf {
    out.ancestors().nth(4).unwrap_or(out).join("plugins")
}
