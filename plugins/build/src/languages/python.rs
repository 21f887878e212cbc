//! Python: the SDK's package makes the component, with an interpreter in it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Needed, ProjectError, Tool, read, scratch};

/// What the SDK's package runs on.
const NEEDED: Needed =
    Needed { tool: "python3", version: (3, 11), name: "Python 3.11 or later", install: INSTALL };

const INSTALL: &str = "install Python 3.11 or later from https://www.python.org/downloads, or \
                       `apt install python3 python3-venv`";

/// Where a project has the SDK.
const VENDORED: &str = "vendor/leadsman-plugin/src";

/// The SDK's module, and those of the packages that build and test.
const SDK: &str = "leadsman_plugin";
const BUILDS: (&str, &str) = ("componentize_py", "componentize-py");
const TESTS: (&str, &str) = ("pytest", "pytest");

/// What a new project names these packages in.
const REQUIREMENTS: &str = "requirements-dev.txt";

/// The exit code of pytest if there is no test.
pub(super) const NO_TESTS: i32 = 5;

/// Prints the version, and then those of the modules that are not there.
const LOOK: &str = "import sys, importlib.util as i; \
                    print('%d.%d' % sys.version_info[:2], \
                    *(name for name in sys.argv[1:] if i.find_spec(name) is None))";

/// Builds the plugin of a project. With the file of a snapshot, for `leadsman plugin dev`.
pub(super) fn build(folder: &Path, snapshot: Option<&Path>) -> Result<Vec<u8>, ProjectError> {
    check(folder, BUILDS)?;
    let scratch = scratch()?;
    let component = scratch.path().join("component.wasm");
    let mut python = python(folder);
    python.command.args(["-m", "leadsman_plugin", "build"]).arg(folder);
    // What it prints would be of the component without fixtures, in a folder that is gone afterwards.
    python.command.arg("-o").arg(&component).args(["--no-fixtures", "--quiet"]);
    if let Some(snapshot) = snapshot {
        python.command.arg("--snapshot").arg(snapshot);
    }
    python.run()?;
    read(component)
}

/// Its own tests.
pub(super) fn tests(folder: &Path) -> Result<Tool, ProjectError> {
    check(folder, TESTS)?;
    let mut python = python(folder);
    python.command.args(["-m", "pytest", "-q"]);
    Ok(python)
}

/// Checks that the interpreter is new enough, and has the SDK and a package, which is given by its module
/// and its name.
fn check(folder: &Path, (module, package): (&str, &str)) -> Result<(), ProjectError> {
    let mut look = python(folder);
    look.command.args(["-c", LOOK, SDK, module]);
    let program = look.command.get_program().to_string_lossy().into_owned();
    let output = look.output()?;
    let mut words = output.split_whitespace();
    NEEDED.check(words.next().unwrap_or_default())?;
    let reason = match words.next() {
        None => return Ok(()),
        Some(missing) if missing == SDK => format!(
            "there is no module {SDK}: put the SDK into {VENDORED}, as `leadsman plugin new` does, or \
             `pip install` its wheel"
        ),
        Some(_) => {
            let named = folder.join(REQUIREMENTS).is_file();
            let what = if named { format!("-r {REQUIREMENTS}") } else { package.to_owned() };
            format!(
                "{program} has no {package}; run `python3 -m venv .venv && .venv/bin/pip install \
                 {what}` in its folder"
            )
        }
    };
    Err(ProjectError::Packages { folder: folder.to_owned(), reason })
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
