//! The project's own tests, beside its fixtures in the sandbox.

use std::path::Path;
use std::time::{Duration, Instant};

use leadsman_plugin_build::Project;

/// How the tests of a project ended, run by its language's own tool.
pub(super) struct Native {
    /// The command line that passed, or what went wrong.
    pub(super) outcome: Result<String, String>,
    /// How long they took.
    pub(super) time: Duration,
}

impl Native {
    /// Runs them. Nothing if the project has none.
    pub(super) fn of(folder: &Path) -> Option<Self> {
        let begun = Instant::now();
        let ended = Project::find(folder).and_then(|project| project.test_natively());
        let time = begun.elapsed();
        let outcome = match ended {
            Ok(command) => Ok(command?),
            Err(error) => Err(format!("{:#}", anyhow::Error::from(error))),
        };
        Some(Self { outcome, time })
    }

    /// A line for the author.
    pub(super) fn line(&self) -> String {
        let seconds = self.time.as_secs_f64();
        match &self.outcome {
            Ok(command) => format!("passed  natively, {seconds:.1} s: {command}"),
            Err(reason) => format!("FAILED  natively, {seconds:.1} s: {reason}"),
        }
    }
}
