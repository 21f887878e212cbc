//! Python: the SDK's package makes the component, with an interpreter in it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Language, ProjectError, Tool, read, scratch, version};

/// The oldest version that the SDK's package runs on.
const NEEDED: (u32, u32) = (3, 11);
const NEEDED_NAME: &str = "Python 3.11 or later";

const INSTALL: &str =
    "install Python 3.11 or later from https://www.python.org/downloads, or `apt install python3`";

/// Where a project has the SDK.
const VENDORED: &str = "vendor/leadsman-plugin/src";

/// Prints the version, and then whether the SDK is there.
const LOOK: &str = "import sys, importlib.util as i; \
                    print('%d.%d' % sys.version_info[:2], i.find_spec('leadsman_plugin') is not None)";

/// Builds the plugin of a project.
pub(super) fn build(folder: &Path) -> Result<Vec<u8>, ProjectError> {
    check(folder)?;
    let scratch = scratch()?;
    let component = scratch.path().join("component.wasm");
    let mut python = python(folder);
    python.command.args(["-m", "leadsman_plugin", "build"]).arg(folder);
    python.command.arg("-o").arg(&component).arg("--no-fixtures");
    python.run()?;
    read(component)
}

/// Checks that the interpreter is new enough and has the SDK.
fn check(folder: &Path) -> Result<(), ProjectError> {
    let mut look = python(folder);
    look.command.args(["-c", LOOK]);
    let output = look.output()?;
    let (found, has_sdk) = output.trim().split_once(' ').unwrap_or((output.trim(), ""));
    if version(found).is_none_or(|version| version < NEEDED) {
        let found = found.to_owned();
        let (tool, needed) = ("python3", NEEDED_NAME);
        return Err(ProjectError::WrongVersion { tool, found, needed, install: INSTALL });
    }
    if has_sdk == "True" {
        return Ok(());
    }
    Err(ProjectError::Project {
        file: folder.join(Language::Python.project_file()),
        reason: format!(
            "there is no module leadsman_plugin: put the SDK into {VENDORED}, or `pip install` its \
             wheel"
        ),
    })
}

/// The interpreter of the active environment, of the project's own one, or of the path.
fn python(folder: &Path) -> Tool {
    let active = std::env::var_os("VIRTUAL_ENV").filter(|folder| !folder.is_empty());
    let environments = [active.map(PathBuf::from), Some(folder.join(".venv"))];
    let mut programs = environments.into_iter().flatten().map(|folder| folder.join("bin/python"));
    let program = programs.find(|program| program.is_file());
    let program = program.unwrap_or_else(|| PathBuf::from("python3"));
    let mut python = Tool::at(&program, "python3", INSTALL, folder);
    let vendored = folder.join(VENDORED);
    if vendored.is_dir() {
        let mut path: OsString = vendored.into();
        if let Some(others) = std::env::var_os("PYTHONPATH").filter(|others| !others.is_empty()) {
            path.push(":");
            path.push(others);
        }
        python.command.env("PYTHONPATH", path);
    }
    python
}
