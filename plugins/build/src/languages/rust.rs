//! Rust: cargo makes a core module that has the contract's types in it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Language, Needed, ProjectError, Tool, read};
use crate::{TARGET, Toolchain};

/// What the SDK is written for.
pub(super) const NEEDED: Needed =
    Needed { tool: "cargo", version: (1, 95), name: "Rust 1.95 or newer", install: INSTALL };

const INSTALL: &str = "install Rust from https://rustup.rs, then `rustup target add \
                       wasm32-unknown-unknown`";

const INSTALL_TARGET: &str = "run `rustup target add wasm32-unknown-unknown`, or, where rustup cannot \
                              download it, `apt-get install cargo-web rustc-web rust-web-src` (Debian)";

/// Builds the package of a folder.
pub(super) fn build(folder: &Path) -> Result<Vec<u8>, ProjectError> {
    check_version(folder)?;
    let library = Library::of(folder)?;
    let toolchain = Toolchain::find().map_err(|crate::Missing| ProjectError::MissingTool {
        tool: "compiler for wasm32-unknown-unknown",
        install: INSTALL_TARGET,
    })?;
    let mut cargo = cargo(folder);
    cargo.command.args(["build", "--release", "--target", TARGET, "--package", &library.package]);
    if folder.join("Cargo.lock").is_file() {
        cargo.command.arg("--locked");
    }
    // Messages of panics have paths in them: without these the digest would be that of a folder.
    let remapped = [(folder.to_owned(), "/plugin"), (cargo_home(), "/cargo")];
    let remapped =
        remapped.map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
    cargo.command.env("CARGO_ENCODED_RUSTFLAGS", remapped.join("\u{1f}"));
    toolchain.apply(&mut cargo.command);
    cargo.run()?;
    read(library.target_folder.join(TARGET).join("release").join(library.file))
}

fn check_version(folder: &Path) -> Result<(), ProjectError> {
    let mut cargo = cargo(folder);
    // Of the toolchain that the folder asks for: `cargo 1.95.0 (f2d3ce0bd 2026-03-21)`.
    cargo.command.arg("--version");
    let says = cargo.output()?;
    NEEDED.check(says.split_whitespace().nth(1).unwrap_or_default())
}

/// Its own tests.
pub(super) fn tests(folder: &Path) -> Tool {
    let mut cargo = cargo(folder);
    cargo.command.args(["test", "--quiet"]);
    cargo
}

/// The library that becomes the plugin.
struct Library {
    package: String,
    file: String,
    target_folder: PathBuf,
}

impl Library {
    fn of(folder: &Path) -> Result<Self, ProjectError> {
        let mut cargo = cargo(folder);
        cargo.command.args(["metadata", "--no-deps", "--format-version", "1"]);
        let command = cargo.line();
        let metadata: Value = serde_json::from_str(&cargo.output()?)
            .map_err(|error| ProjectError::Unexpected { command, reason: error.to_string() })?;
        let file = folder.join(Language::Rust.project_file());
        let refused =
            |reason: &str| ProjectError::Project { file: file.clone(), reason: reason.to_owned() };
        let packages = metadata.get("packages").and_then(Value::as_array);
        let package = packages
            .into_iter()
            .flatten()
            .find(|package| Path::new(&text(package, "manifest_path")) == file.as_path())
            .ok_or_else(|| refused("it has no [package]; name the folder of the plugin's crate"))?;
        let mut targets = package.get("targets").and_then(Value::as_array).into_iter().flatten();
        let is_library = |target: &&Value| {
            let types = target.get("crate_types").and_then(Value::as_array);
            types.into_iter().flatten().any(|kind| kind == "cdylib")
        };
        let library = targets.find(is_library).ok_or_else(|| {
            refused("it makes no library for WebAssembly; add [lib] crate-type = [\"cdylib\", \"rlib\"]")
        })?;
        Ok(Self {
            package: text(package, "name"),
            file: format!("{}.wasm", text(library, "name").replace('-', "_")),
            target_folder: PathBuf::from(text(&metadata, "target_directory")),
        })
    }
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn cargo(folder: &Path) -> Tool {
    Tool::new("cargo", INSTALL, folder)
}

/// Where cargo keeps the sources of dependencies.
fn cargo_home() -> PathBuf {
    let home = std::env::home_dir().unwrap_or_default();
    std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from)
}
