//! JavaScript and TypeScript: the SDK's package bundles the sources and makes the component itself.

use std::path::Path;

use serde_json::Value;

use super::{Language, Needed, ProjectError, Tool, read, scratch};

/// What the SDK's package runs on.
const NEEDED: Needed =
    Needed { tool: "node", version: (20, 6), name: "Node.js 20.6 or later", install: INSTALL };

const INSTALL: &str =
    "install Node.js 20.6 or later from https://nodejs.org, or `apt install nodejs npm`";

/// The SDK's tool, as npm installs it.
const INSTALLED: &str = "node_modules/.bin/leadsman-plugin";
const PROGRAM: &str = "node_modules/leadsman-plugin/bin/leadsman-plugin.js";

/// Builds the file that package.json names as `main`.
pub(super) fn build(folder: &Path) -> Result<Vec<u8>, ProjectError> {
    check_version(folder)?;
    if !folder.join(INSTALLED).exists() {
        return Err(ProjectError::Packages {
            folder: folder.to_owned(),
            reason: "its packages are not installed; run `npm install` in its folder".to_owned(),
        });
    }
    let scratch = scratch()?;
    let component = scratch.path().join("component.wasm");
    let mut node = Tool::new("node", INSTALL, folder);
    // What it prints would be of the component without fixtures, in a folder that is gone afterwards.
    node.command.args([PROGRAM, "build", "--no-fixtures", "--quiet", "--output"]).arg(&component);
    node.run()?;
    read(component)
}

/// Its own tests, if package.json says how they are run.
pub(super) fn tests(folder: &Path) -> Result<Option<Tool>, ProjectError> {
    let file = folder.join(Language::JavaScript.project_file());
    let manifest: Value = serde_json::from_slice(&read(file.clone())?)
        .map_err(|error| ProjectError::Project { file, reason: error.to_string() })?;
    if manifest.pointer("/scripts/test").is_none() {
        return Ok(None);
    }
    let mut npm = Tool::new("npm", INSTALL, folder);
    npm.command.args(["test", "--silent"]);
    Ok(Some(npm))
}

fn check_version(folder: &Path) -> Result<(), ProjectError> {
    let mut node = Tool::new("node", INSTALL, folder);
    node.command.arg("--version");
    NEEDED.check(node.output()?.trim())
}
