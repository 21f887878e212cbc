//! Failures of commands.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus};

use crate::arguments::USAGE;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line is invalid.
    Usage(String),
    /// A program could not be started.
    Start { program: String, source: io::Error },
    /// A program failed and has printed why.
    Exit { command: String, status: ExitStatus },
    /// A file could not be read or written.
    File { path: PathBuf, source: io::Error },
    /// Something else, with a complete message.
    Message(String),
    /// Already shown.
    Shown,
}

impl Failure {
    /// Prints the failure and returns the exit code: 2 for an invalid command line, otherwise 1.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Usage(_) => {
                eprintln!("error: {self}\n\n{USAGE}");
                ExitCode::from(2)
            }
            Self::Shown => ExitCode::FAILURE,
            _ => {
                eprintln!("error: {self}");
                ExitCode::FAILURE
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Message(text) => f.write_str(text),
            Self::Start { program, source } => write!(f, "cannot run {program}: {source}"),
            Self::Exit { command, status } => write!(f, "`{command}` failed with {status}"),
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Shown => f.write_str("see above"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Start { source, .. } | Self::File { source, .. } => Some(source),
            _ => None,
        }
    }
}
