//! A plugin's project: which language it is of, and how that language's own tool builds it.

mod go;
mod javascript;
mod python;
mod rust;
mod tool;

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use self::tool::{Needed, Tool};
use crate::core_module::{CoreModuleError, component_of_module};

/// The variable that names the file into which the fixtures' runner of an SDK writes what came of each.
const FIXTURE_REPORT: &str = "LEADSMAN_FIXTURE_REPORT";

/// A language that plugins are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Rust, built by cargo.
    Rust,
    /// Go, built by go.
    Go,
    /// JavaScript or TypeScript.
    JavaScript,
    /// Python.
    Python,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rust, Self::Go, Self::JavaScript, Self::Python];

    /// The file that every project of the language has in its folder.
    pub fn project_file(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::Go => "go.mod",
            Self::JavaScript => "package.json",
            Self::Python => "pyproject.toml",
        }
    }
}

/// The project files, each with its language.
fn project_files() -> String {
    Language::ALL.map(|language| format!("{} ({language})", language.project_file())).join(", ")
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::Go => "Go",
            Self::JavaScript => "JavaScript or TypeScript",
            Self::Python => "Python",
        })
    }
}

/// A folder with a plugin's sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The folder.
    pub folder: PathBuf,
    /// The language of the sources.
    pub language: Language,
}

/// Why a project cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The folder is no project.
    #[error(
        "{} has no project file; there should be one of {}; `leadsman plugin new NAME --language go` \
         makes a project",
        .0.display(),
        project_files()
    )]
    NoProject(PathBuf),
    /// The folder is a project of several languages.
    #[error(
        "{} has the project files of several languages, {}, so it is not clear what builds the \
         plugin; leave one of them, or name the folder of the plugin alone",
        .folder.display(),
        .files.join(" and ")
    )]
    Several {
        /// The folder.
        folder: PathBuf,
        /// Its project files.
        files: Vec<&'static str>,
    },
    /// The language's tool is not there.
    #[error("there is no {tool} on this machine: {install}")]
    MissingTool {
        /// The tool.
        tool: &'static str,
        /// How it is installed.
        install: &'static str,
    },
    /// The language's tool is too old.
    #[error("{tool} is {found}, and plugins need {needed}: {install}")]
    WrongVersion {
        /// The tool.
        tool: &'static str,
        /// What it says of itself.
        found: String,
        /// What is needed.
        needed: &'static str,
        /// How it is installed.
        install: &'static str,
    },
    /// The language's tool cannot be run.
    #[error("cannot run {command}")]
    Run {
        /// The command line.
        command: String,
        /// Why.
        source: std::io::Error,
    },
    /// The language's tool refused the project.
    #[error("{command} failed ({status}); what it said is above")]
    Failed {
        /// The command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// The language's tool gave something unexpected.
    #[error("{command} gave something else than expected: {reason}")]
    Unexpected {
        /// The command line.
        command: String,
        /// What.
        reason: String,
    },
    /// The project cannot become a plugin.
    #[error("{} is not the project of a plugin: {reason}", .file.display())]
    Project {
        /// The project file.
        file: PathBuf,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// Packages that the language's tool needs are not installed.
    #[error("{}: {reason}", .folder.display())]
    Packages {
        /// The folder of the project.
        folder: PathBuf,
        /// What is missing, and how it is installed.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("cannot use {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What was built is not a plugin.
    #[error("what was built is not a plugin")]
    Module(#[from] CoreModuleError),
}

impl ProjectError {
    /// Whether the machine lacks what the project needs, and nothing was run.
    pub fn is_of_the_machine(&self) -> bool {
        matches!(self, Self::MissingTool { .. } | Self::WrongVersion { .. } | Self::Packages { .. })
    }
}

impl Project {
    /// Finds the language of a folder by its project file.
    pub fn find(folder: &Path) -> Result<Self, ProjectError> {
        let has = |language: &Language| folder.join(language.project_file()).is_file();
        let found: Vec<_> = Language::ALL.into_iter().filter(has).collect();
        match found.as_slice() {
            [] => Err(ProjectError::NoProject(folder.to_owned())),
            [language] => Ok(Self { folder: folder.to_owned(), language: *language }),
            several => Err(ProjectError::Several {
                folder: folder.to_owned(),
                files: several.iter().map(|language| language.project_file()).collect(),
            }),
        }
    }

    /// Builds the component, without fixtures. What the language's tool prints goes to standard error.
    /// The same sources and the same tool give the same bytes, whatever the folder.
    ///
    /// For `leadsman plugin dev`, which is to have it soon, with a file for a snapshot: where a component
    /// of the language includes one of an interpreter, the one in that file is used again. If it is not
    /// there or does not fit, the file is written anew.
    pub fn build(&self, dev_snapshot: Option<&Path>) -> Result<Vec<u8>, ProjectError> {
        let folder = self.absolute()?;
        let module = match self.language {
            Language::Rust => rust::build(&folder)?,
            Language::Go => go::build(&folder)?,
            Language::JavaScript => return javascript::build(&folder),
            Language::Python => return python::build(&folder, dev_snapshot),
        };
        Ok(component_of_module(&module)?)
    }

    /// Runs the project's own tests with its language's own tool, whose output goes to standard error.
    /// Where they run fixtures with the SDK, it adds a line to the report for each of them.
    /// Returns the command line, or nothing if the project has no tests.
    pub fn test_natively(&self, report: &Path) -> Result<Option<String>, ProjectError> {
        let folder = self.absolute()?;
        let tests = match self.language {
            Language::Rust => Some(rust::tests(&folder)),
            Language::Go => Some(go::tests(&folder)),
            Language::JavaScript => javascript::tests(&folder)?,
            Language::Python => Some(python::tests(&folder)?),
        };
        let Some(mut tests) = tests else { return Ok(None) };
        tests.command.env(FIXTURE_REPORT, report);
        let line = tests.line();
        match tests.run() {
            Err(ProjectError::Failed { status, .. })
                if self.language == Language::Python && status.code() == Some(python::NO_TESTS) =>
            {
                Ok(None)
            }
            ended => ended.map(|()| Some(line)),
        }
    }

    /// Its folder, for tools that run in it.
    fn absolute(&self) -> Result<PathBuf, ProjectError> {
        let absolute = self.folder.canonicalize();
        absolute.map_err(|source| ProjectError::File { path: self.folder.clone(), source })
    }

    /// The folder of its fixtures.
    pub fn fixtures(&self) -> PathBuf {
        self.folder.join("fixtures")
    }

    /// The name of its component: that of its folder.
    pub fn component_name(&self) -> String {
        let folder = self.absolute().unwrap_or_else(|_| self.folder.clone());
        let name = folder.file_name().unwrap_or(OsStr::new("plugin")).to_string_lossy();
        format!("{name}.wasm")
    }
}

/// The first two numbers of a version: `go1.26.8`, `go1.27rc1`, `v20.6.1`, `3.11`.
fn version(text: &str) -> Option<(u32, u32)> {
    let (_, numbers) = text.split_at(text.find(|c: char| c.is_ascii_digit())?);
    let mut numbers = numbers.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// A folder that is gone when its value is.
fn scratch() -> Result<tempfile::TempDir, ProjectError> {
    tempfile::tempdir().map_err(|source| ProjectError::File { path: std::env::temp_dir(), source })
}

fn read(path: PathBuf) -> Result<Vec<u8>, ProjectError> {
    std::fs::read(&path).map_err(|source| ProjectError::File { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        folder
    }

    #[test]
    fn the_project_file_tells_the_language() {
        for language in Language::ALL {
            let folder = folder_with(&[language.project_file(), "README.md"]);
            assert_eq!(Project::find(folder.path()).unwrap().language, language);
        }
    }

    #[test]
    fn none_and_two_project_files_are_errors_that_say_so() {
        let none = folder_with(&["main.py"]);
        let told = Project::find(none.path()).unwrap_err().to_string();
        assert!(told.contains("has no project file") && told.contains("go.mod (Go)"), "{told}");
        let two = folder_with(&["go.mod", "Cargo.toml"]);
        let told = Project::find(two.path()).unwrap_err().to_string();
        assert!(told.contains("several languages, Cargo.toml and go.mod,"), "{told}");
    }

    #[test]
    fn a_project_in_javascript_has_tests_if_its_manifest_says_how_they_run() {
        let folder = folder_with(&[]);
        let write = |text: &str| std::fs::write(folder.path().join("package.json"), text).unwrap();
        write("{}");
        let project = Project::find(folder.path()).unwrap();
        let report = folder.path().join("report");
        assert_eq!(project.test_natively(&report).unwrap(), None);
        write("{]");
        let told = project.test_natively(&report).unwrap_err().to_string();
        assert!(told.contains("package.json is not the project of a plugin: "), "{told}");
        let tests = |text: &str| {
            write(text);
            javascript::tests(folder.path()).unwrap().unwrap().line()
        };
        assert_eq!(tests(r#"{"scripts": {"test": "node --test"}}"#), "npm test --silent");
    }

    /// What is needed is what the SDK's manifest says.
    #[test]
    fn a_project_in_rust_needs_the_version_of_its_sdk() {
        let sdks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugin-sdk");
        let manifest = std::fs::read_to_string(sdks.join("Cargo.standalone.toml")).unwrap();
        let (major, minor) = rust::NEEDED.version;
        assert!(manifest.contains(&format!("rust-version = \"{major}.{minor}\"")), "{manifest}");
    }

    /// Each SDK has the name on its own.
    #[test]
    fn the_sdks_write_the_report_that_is_asked_for() {
        let sdks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugin-sdk");
        for runner in [
            "src/testing/report.rs",
            "go/plugintest/report.go",
            "javascript/src/testing/index.js",
            "python/src/leadsman_plugin/testing.py",
        ] {
            let source = std::fs::read_to_string(sdks.join(runner)).unwrap();
            assert!(source.contains(FIXTURE_REPORT), "{runner}");
        }
    }

    #[test]
    fn versions() {
        for (text, expected) in [
            ("go1.26.8", Some((1, 26))),
            ("go1.27rc1", Some((1, 27))),
            ("devel go1.28-3a5f2c", Some((1, 28))),
            ("v20.6.1", Some((20, 6))),
            ("3.11", Some((3, 11))),
            ("tinygo", None),
            ("", None),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
        assert!(version("go1.9.7") < version("go1.26.8"));
    }

    #[test]
    fn a_tool_that_is_missing_or_fails_is_named() {
        let folder = folder_with(&[]);
        let missing = Tool::new("no-such-compiler", "install it from here", folder.path());
        let told = missing.output().unwrap_err().to_string();
        assert_eq!(told, "there is no no-such-compiler on this machine: install it from here");
        let missing = Tool::new("no-such-compiler", "", folder.path()).run().unwrap_err();
        assert!(missing.is_of_the_machine());
        let mut fails = Tool::new("false", "", folder.path());
        fails.command.arg("a b");
        let failed = fails.run().unwrap_err();
        assert!(!failed.is_of_the_machine());
        let told = failed.to_string();
        assert!(told.starts_with("false \"a b\" failed (exit status: 1)"), "{told}");
    }
}
