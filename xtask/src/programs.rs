//! Finding and running other programs.

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::failure::Failure;

/// The path of a program on `PATH`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(&file)).find(|path| path.is_file())
}

/// A command for what is left of the cores by whoever else wants them.
pub(crate) fn gently(program: &OsStr) -> Command {
    match find("nice") {
        Some(nice) => {
            let mut command = Command::new(nice);
            command.args(["-n", "19"]).arg(program);
            command
        }
        None => Command::new(program),
    }
}

/// Runs a program with visible output.
pub(crate) fn run(command: &mut Command, shown: &str) -> Result<(), Failure> {
    let status = command.status().map_err(|source| cannot_start(command, source))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::Exit { command: shown.to_owned(), status })
}

/// Runs a program with visible errors, and returns what it wrote to its standard output.
pub(crate) fn output(command: &mut Command, shown: &str) -> Result<String, Failure> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| cannot_start(command, source))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(Failure::Exit { command: shown.to_owned(), status: output.status })
}

/// Runs a program whose output is shown only as the error if it fails.
pub(crate) fn quietly(command: &mut Command) -> Result<String, String> {
    match command.output() {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => Err(complaint(&output)),
        Err(error) => Err(error.to_string()),
    }
}

/// Why a program could not be started.
pub(crate) fn cannot_start(command: &Command, source: std::io::Error) -> Failure {
    Failure::Start { program: command.get_program().to_string_lossy().into_owned(), source }
}

/// The most informative line: the first that contains an error, otherwise the last.
fn complaint(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.clone().find(|line| {
        let line = line.to_ascii_lowercase();
        ["error:", "e:", "fatal:", "sudo:"].iter().any(|mark| line.starts_with(mark))
    });
    let line = first.or_else(|| lines.next_back());
    line.map_or_else(|| output.status.to_string(), str::to_owned)
}
