//! `cargo xtask demo`: from a clean clone to a running adapter.
//!
//! The third user of the demo has no Prometheus, but a load balancer. Its controller is recorded, too: a
//! program of the tests plays a scenario on the wire, runs the demo, and ends with it.

use std::path::Path;
use std::process::Command;

use crate::cargo;
use crate::failure::Failure;
use crate::programs;
use crate::setup;

/// One command for both programs, so that what they share is built once.
const BUILD: [&str; 9] = [
    "build",
    "--package",
    "leadsman",
    "--package",
    "leadsman-tests",
    "--bin",
    "leadsman",
    "--bin",
    "recorded_controller",
];

/// What the controller plays.
const SCENARIO: &str = "tests/scenarios/third-user.yaml";

/// Builds the adapter and the controller, and runs the demo.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    setup::plugins()?;
    cargo::run(&BUILD)?;
    let built = cargo::built()?;
    become_it(&mut demo(&built, arguments))
}

/// The controller, which fills in its address and the folder of the credentials; the demo alone if
/// another controller is named.
fn demo(built: &Path, arguments: &[String]) -> Command {
    let program = |name: &str| built.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if arguments.iter().any(|argument| argument.starts_with("--nsx-alb-url")) {
        let mut command = Command::new(program("leadsman"));
        command.arg("demo").args(arguments);
        return command;
    }
    let mut command = Command::new(program("recorded_controller"));
    command.current_dir(cargo::root()).arg(SCENARIO).arg("--").arg(program("leadsman"));
    command.args(["demo", "--nsx-alb-url", "{url}", "--nsx-alb-secret-dir", "{secretDir}"]);
    command.args(arguments);
    command
}

/// Replaces this process, so that the demo gets Ctrl-C and determines the exit code.
#[cfg(unix)]
fn become_it(command: &mut Command) -> Result<(), Failure> {
    use std::os::unix::process::CommandExt as _;

    let source = command.exec();
    Err(programs::cannot_start(command, source))
}

/// Ctrl-C reaches every process of the console; only success or failure is returned.
#[cfg(not(unix))]
fn become_it(command: &mut Command) -> Result<(), Failure> {
    programs::run(command, "leadsman demo")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &[&str]) -> Vec<String> {
        let arguments: Vec<_> = line.iter().map(|&argument| argument.to_owned()).collect();
        let command = demo(Path::new(""), &arguments);
        let all = std::iter::once(command.get_program()).chain(command.get_args());
        all.map(|part| part.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_controller_runs_the_demo_unless_another_is_named() {
        let shown_once = shown(&["--once"]);
        assert!(shown_once[0].starts_with("recorded_controller"), "{shown_once:?}");
        assert_eq!(shown_once.last().map(String::as_str), Some("--once"));
        let of_another = shown(&["--nsx-alb-url", "https://lb", "--nsx-alb-secret-dir", "f"]);
        assert!(of_another[0].starts_with("leadsman"), "{of_another:?}");
        assert_eq!(of_another[1..3], ["demo", "--nsx-alb-url"]);
    }
}
