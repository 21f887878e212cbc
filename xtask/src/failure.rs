//! Why a command failed, for the person who ran it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus};

use crate::arguments::USAGE;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line makes no sense.
    Usage(String),
    /// A program could not be started.
    Start { program: String, source: io::Error },
    /// A program said no; it has said why.
    Exit { command: String, status: ExitStatus },
    /// A file could not be used.
    File { path: PathBuf, source: io::Error },
    /// Something else, told in full.
    Told(String),
    /// Already shown.
    Shown,
}

impl Failure {
    /// Prints the failure, and says what to exit with: 2 for a wrong command line, otherwise 1.
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
            Self::Usage(text) | Self::Told(text) => f.write_str(text),
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
