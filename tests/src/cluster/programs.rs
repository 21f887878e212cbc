//! Locates the programs of the control plane.

use std::env;
use std::path::PathBuf;

use crate::built;

/// A program and its leading arguments.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) first: Option<&'static str>,
}

/// The programs that `cargo xtask setup --tests` has built, or those in KUBEBUILDER_ASSETS.
#[derive(Debug, Clone, Default)]
pub(crate) struct Programs {
    assets: Option<PathBuf>,
    built: Option<PathBuf>,
}

const SOURCES: [&str; 3] = ["main.go", "go.mod", "go.sum"];

impl Programs {
    /// Searches the folders in the environment variables, and the cache of xtask.
    pub(crate) fn find() -> Self {
        let assets = env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
        let built = built::folder("LEADSMAN_CONTROL_PLANE", "control-plane", &SOURCES);
        Self { assets, built }
    }

    /// A program of the control plane, or a client of it.
    ///
    /// # Panics
    /// If it was not built.
    pub(crate) fn get(&self, name: &'static str) -> Program {
        let own = |folder: &PathBuf| Some(folder.join(name)).filter(|path| path.is_file());
        if let Some(path) = self.assets.as_ref().and_then(own) {
            return Program { path, first: None };
        }
        // Helm is a separate binary; all other programs are one binary.
        if let Some(path) = self.built.as_ref().and_then(own) {
            return Program { path, first: None };
        }
        let shared = self.built.as_ref().map(|folder| folder.join("control-plane"));
        match shared.filter(|path| path.is_file()) {
            Some(path) => Program { path, first: Some(name) },
            None => panic!("there is no {name}; run: cargo xtask setup --tests"),
        }
    }
}
