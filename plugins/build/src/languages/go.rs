//! Go: its own compiler makes a core module for WASI preview 1, without a generator.

use std::path::Path;

use super::{Needed, ProjectError, Tool, read, scratch};

/// What the SDK is written for.
const NEEDED: Needed =
    Needed { tool: "go", version: (1, 26), name: "go1.26 or newer", install: INSTALL };

const INSTALL: &str = "install Go 1.26 or newer from https://go.dev/dl (TinyGo is another compiler, \
                       and will not do)";

/// Builds the package `main` in a folder.
pub(super) fn build(folder: &Path) -> Result<Vec<u8>, ProjectError> {
    check_version(folder)?;
    let scratch = scratch()?;
    let module = scratch.path().join("core.wasm");
    let mut go = Tool::new("go", INSTALL, folder);
    // No path and no state of version control: the digest is that of the sources.
    go.command.args(["build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false"]);
    go.command.args(["-ldflags=-s -w -buildid=", "-o"]).arg(&module).arg(".");
    go.command.envs([("GOOS", "wasip1"), ("GOARCH", "wasm"), ("CGO_ENABLED", "0"), ("GOWASM", "")]);
    go.run()?;
    read(module)
}

/// Its own tests.
pub(super) fn tests(folder: &Path) -> Tool {
    let mut go = Tool::new("go", INSTALL, folder);
    go.command.args(["test", "./..."]);
    go
}

fn check_version(folder: &Path) -> Result<(), ProjectError> {
    let mut go = Tool::new("go", INSTALL, folder);
    // The one that builds this module: go.mod may ask for another.
    go.command.args(["env", "GOVERSION"]);
    NEEDED.check(go.output()?.trim())
}
