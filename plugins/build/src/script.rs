//! For build scripts of crates that carry plugins.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::Request;

/// What every plugin is made of, relative to the workspace.
const SHARED: [&str; 5] =
    ["wit", "plugin-sdk/src", "plugin-sdk/Cargo.toml", "Cargo.toml", "Cargo.lock"];

/// Plugins that a build script builds.
#[derive(Debug, Clone, Copy)]
pub struct Script<'a> {
    /// The workspace, relative to the crate of the script.
    pub workspace: &'a str,
    /// The crates, with their folders relative to the workspace.
    pub plugins: &'a [(&'a str, &'a str)],
}

impl Script<'_> {
    /// Builds each plugin, with its fixtures, into `OUT_DIR/PACKAGE.wasm`, and tells cargo when to do it again. What
    /// goes wrong is printed for people.
    pub fn run(&self) -> ExitCode {
        match self.build() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("\n{error}\n");
                ExitCode::FAILURE
            }
        }
    }

    fn build(&self) -> Result<(), Box<dyn std::error::Error>> {
        let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
        let out = PathBuf::from(std::env::var("OUT_DIR")?);
        let workspace = here.join(self.workspace).canonicalize()?;
        let own = self.plugins.iter().flat_map(|(_, folder)| {
            ["src", "wit", "fixtures", "Cargo.toml"].map(|part| format!("{folder}/{part}"))
        });
        // A path that is not there would count as changed each time.
        let own = own.filter(|path| workspace.join(path).exists());
        for path in SHARED.map(str::to_owned).into_iter().chain(own) {
            println!("cargo::rerun-if-changed={}", workspace.join(path).display());
        }
        let packages: Vec<_> = self.plugins.iter().map(|(package, _)| *package).collect();
        let request = Request {
            workspace: &workspace,
            packages: &packages,
            profile: "plugin",
            target_dir: &shared_target(&out),
        };
        for mut component in request.build()? {
            let folder = self.plugins.iter().find(|(package, _)| *package == component.package);
            if let Some((_, folder)) = folder {
                crate::embed_fixtures(
                    &mut component.bytes,
                    &workspace.join(folder).join("fixtures"),
                )?;
            }
            std::fs::write(out.join(format!("{}.wasm", component.package)), &component.bytes)?;
        }
        Ok(())
    }
}

/// All crates and all profiles use one folder, beside `target/<profile>/build/<package>/out`, so
/// that what plugins share, the standard library above all, is built once.
fn shared_target(out: &Path) -> PathBuf {
    out.ancestors().nth(4).unwrap_or(out).join("plugins")
}
