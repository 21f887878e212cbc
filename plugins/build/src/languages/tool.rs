//! Runs a command of a language's tool.

use std::path::Path;
use std::process::{Command, Stdio};

use super::{ProjectError, version};

/// The oldest version of a tool that will do.
pub(super) struct Needed {
    pub(super) tool: &'static str,
    pub(super) version: (u32, u32),
    /// As people call it.
    pub(super) name: &'static str,
    pub(super) install: &'static str,
}

impl Needed {
    /// Checks what a tool says of its version.
    pub(super) fn check(&self, found: &str) -> Result<(), ProjectError> {
        if version(found).is_some_and(|version| version >= self.version) {
            return Ok(());
        }
        let Self { tool, name: needed, install, .. } = *self;
        Err(ProjectError::WrongVersion { tool, found: found.to_owned(), needed, install })
    }
}

/// A command of a language's tool.
pub(super) struct Tool {
    name: &'static str,
    install: &'static str,
    pub(super) command: Command,
}

impl Tool {
    pub(super) fn new(name: &'static str, install: &'static str, folder: &Path) -> Self {
        Self::at(name.as_ref(), name, install, folder)
    }

    /// One that is at a place of its own.
    pub(super) fn at(
        program: &Path,
        name: &'static str,
        install: &'static str,
        folder: &Path,
    ) -> Self {
        let mut command = Command::new(program);
        command.current_dir(folder).stdin(Stdio::null());
        Self { name, install, command }
    }

    /// The command line, as people type it.
    pub(super) fn line(&self) -> String {
        let words = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        let words = words.map(|word| word.to_string_lossy().into_owned());
        let quoted =
            words.map(|word| if word.contains(' ') { format!("\"{word}\"") } else { word });
        quoted.collect::<Vec<_>>().join(" ")
    }

    fn missing(&self, source: std::io::Error) -> ProjectError {
        if source.kind() == std::io::ErrorKind::NotFound {
            return ProjectError::MissingTool { tool: self.name, install: self.install };
        }
        ProjectError::Run { command: self.line(), source }
    }

    /// Runs it to its end. It prints to standard error: standard output is for results.
    pub(super) fn run(mut self) -> Result<(), ProjectError> {
        self.command.stdout(std::io::stderr());
        let status = self.command.status().map_err(|source| self.missing(source))?;
        if status.success() {
            return Ok(());
        }
        Err(ProjectError::Failed { command: self.line(), status })
    }

    /// Runs it and takes what it writes to standard output.
    pub(super) fn output(mut self) -> Result<String, ProjectError> {
        self.command.stderr(Stdio::inherit());
        let output = self.command.output().map_err(|source| self.missing(source))?;
        let command = self.line();
        if !output.status.success() {
            return Err(ProjectError::Failed { command, status: output.status });
        }
        let text = String::from_utf8(output.stdout);
        text.map_err(|error| ProjectError::Unexpected { command, reason: error.to_string() })
    }
}
