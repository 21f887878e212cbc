//! From a plugin's crate to a component.

use std::path::{Path, PathBuf};
use std::process::Command;

use wit_component::ComponentEncoder;

use crate::{TARGET, Toolchain};

/// Which crates to build, and where.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The folder of the workspace, or of the crate.
    pub workspace: &'a Path,
    /// The names of the crates.
    pub packages: &'a [&'a str],
    /// The cargo profile.
    pub profile: &'a str,
    /// Where cargo puts what it builds.
    pub target_dir: &'a Path,
}

/// A plugin that was built.
#[derive(Debug, Clone)]
pub struct Component {
    /// The crate's name.
    pub package: String,
    /// The component.
    pub bytes: Vec<u8>,
}

/// Why a plugin could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no compiler for it.
    #[error(transparent)]
    Toolchain(#[from] crate::Missing),
    /// The compiler could not be run.
    #[error("cannot run {program:?}")]
    Cargo {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The compiler refused the crate.
    #[error("cargo could not build {packages} for {TARGET} with {toolchain}:\n{output}")]
    Compile {
        /// The crates.
        packages: String,
        /// The compiler.
        toolchain: Toolchain,
        /// What it printed.
        output: String,
    },
    /// The built module could not be read.
    #[error("cannot read {path:?}; a plugin's crate needs crate-type = [\"cdylib\", \"rlib\"]")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The built module is not a plugin.
    #[error("{package} is not a plugin: {reason}; does it call leadsman_plugin_sdk::export!?")]
    Encode {
        /// The crate.
        package: String,
        /// What the encoder said.
        reason: String,
    },
}

impl Request<'_> {
    /// Builds the crates into components.
    pub fn build(&self) -> Result<Vec<Component>, BuildError> {
        let toolchain = Toolchain::find()?;
        self.compile(&toolchain)?;
        self.packages.iter().map(|package| self.component(package)).collect()
    }

    fn compile(&self, toolchain: &Toolchain) -> Result<(), BuildError> {
        let program =
            std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
        let mut cargo = Command::new(&program);
        forget_surrounding_cargo(&mut cargo);
        cargo.current_dir(self.workspace).args(["build", "--target", TARGET]);
        cargo.args(["--profile", self.profile]).arg("--target-dir").arg(self.target_dir);
        for package in self.packages {
            cargo.args(["--package", package]);
        }
        toolchain.apply(&mut cargo);
        let output = cargo.output().map_err(|source| BuildError::Cargo { program, source })?;
        if output.status.success() {
            return Ok(());
        }
        Err(BuildError::Compile {
            packages: self.packages.join(", "),
            toolchain: toolchain.clone(),
            output: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    fn component(&self, package: &str) -> Result<Component, BuildError> {
        let file = format!("{}.wasm", package.replace('-', "_"));
        let path = self.target_dir.join(TARGET).join(self.profile).join(file);
        let module = std::fs::read(&path).map_err(|source| BuildError::Read { path, source })?;
        let bytes = ComponentEncoder::default()
            .validate(true)
            .module(&module)
            .and_then(|mut encoder| encoder.encode())
            .map_err(|error| BuildError::Encode {
                package: package.to_owned(),
                reason: format!("{error:#}"),
            })?;
        Ok(Component { package: package.to_owned(), bytes })
    }
}

/// What a surrounding cargo says to its own compiler is not meant for this one.
fn forget_surrounding_cargo(cargo: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let own = name.starts_with("CARGO_") && name != "CARGO_HOME"
            || name.starts_with("RUSTC")
            || matches!(name.as_str(), "RUSTFLAGS" | "RUSTDOCFLAGS" | "CLIPPY_ARGS" | "TARGET");
        if own {
            cargo.env_remove(&name);
        }
    }
}
