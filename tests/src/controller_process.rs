//! The program that plays a scenario of a load balancer's controller, as a process.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::process::Command;

use crate::leadsman::{CheckReport, Exited, binary, ended};
use crate::process::Process;

/// A running controller that plays a scenario.
pub struct RecordedController {
    process: Process,
    /// The settings of a source that asks it, without their braces.
    settings: String,
    folder: TempDir,
}

/// The word before the settings of a source.
const SOURCE: &str = "source: ";

impl RecordedController {
    /// Plays a scenario of `tests/scenarios`.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(scenario: &str) -> Self {
        Self::launch(&scenarios().join(scenario)).await.unwrap_or_else(|Exited { status, log }| {
            panic!("the recorded controller ended ({status}):\n{log}")
        })
    }

    /// Plays a scenario of `tests/scenarios` while `leadsman` runs with these arguments, in which
    /// `{url}` is the address and `{secretDir}` the folder of the credentials.
    ///
    /// # Panics
    /// If they do not end in time.
    pub async fn run(scenario: &str, arguments: &[&str]) -> CheckReport {
        let file = scenarios().join(scenario);
        let mut command = Command::new(program());
        command.arg(&file).arg("--").arg(binary()).args(arguments).kill_on_drop(true);
        ended(command, arguments, &file).await
    }

    /// Plays a scenario, and returns an error if it is none.
    ///
    /// # Panics
    /// If it neither starts nor ends in time.
    pub async fn launch(scenario: &Path) -> Result<Self, Exited> {
        Self::launch_program(&program(), &[], scenario).await
    }

    /// The same with a program that [`recorded_controller`](crate::recorded_controller) is part of,
    /// and arguments before those of it.
    ///
    /// # Panics
    /// If it neither starts nor ends in time.
    pub async fn launch_program(
        program: &Path,
        before: &[&str],
        scenario: &Path,
    ) -> Result<Self, Exited> {
        let folder = TempDir::new().expect("a temporary folder");
        let own = [Path::new("--secret-dir"), folder.path(), scenario].map(text);
        let arguments: Vec<_> =
            before.iter().map(|&argument| argument.to_owned()).chain(own).collect();
        let mut process =
            Process::start(program, &arguments).expect("the recorded controller can be run");
        let settings = process.line(|line| Some(line.strip_prefix(SOURCE)?.to_owned())).await;
        match settings {
            Some(settings) => {
                let settings = settings.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
                let settings = settings.expect("a flow mapping").to_owned();
                Ok(Self { process, settings, folder })
            }
            None => Err(Exited { status: process.exit().await, log: process.log() }),
        }
    }

    /// The entry under `sources` of a configuration, with further settings, each with a comma before
    /// it.
    pub fn source_with(&self, settings: &str) -> String {
        format!("nsxAlb: {{{}{settings}}}", self.settings)
    }

    /// The addresses of its nodes.
    pub fn urls(&self) -> Vec<String> {
        // `urls: ['…', '…']`
        let list = self.settings.split(']').next().unwrap_or_default();
        list.split('\'').skip(1).step_by(2).map(str::to_owned).collect()
    }

    /// The folder of the credentials.
    pub fn secret(&self) -> &Path {
        self.folder.path()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.number()
    }

    /// What it has printed.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// The program of this package, which is built for its tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test.parent().and_then(|deps| deps.parent()).expect("target/PROFILE/deps");
    let program = profile.join("recorded_controller");
    let name = program.display();
    assert!(program.is_file(), "there is no {name}; run: cargo build -p leadsman-tests --bins");
    program
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}
