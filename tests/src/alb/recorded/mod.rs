//! A controller of NSX ALB that plays a scenario: a program that speaks the controller's wire.
//!
//! It is what a test, a benchmark or the demo asks in place of a real controller, which cannot be
//! had: sessions with a token against forged requests that changes, basic authentication, tenants,
//! pools with the markers of AKO in pages, metrics of one object and of many. The scenario says
//! which pools there are, what their values are over time, and what goes wrong when: an expired
//! session, 419, 500, a page of maintenance, an answer that is late, cut off or without end, null
//! points, old samples, pages that repeat, a node that is down.
//!
//! `recorded_controller [--secret-dir FOLDER] SCENARIO [-- COMMAND ARGUMENT...]`
//!
//! It prints the settings of the source that asks it, after the word `source:`, on standard error;
//! the files that they name are in FOLDER, which is a temporary one if it is left out. With a
//! command it runs that and ends with it: `{url}` in an argument is the address of the first node,
//! `{secretDir}` the folder. Without, it runs until SIGINT or SIGTERM.
//!
//! Scenarios are in `tests/scenarios`; every key is described in `written.rs`. One looks like this:
//!
//! ```yaml
//! repeat: 1m
//! pools:
//!   - name: k8s-03-cluster--kuard
//!     uuid: pool-1
//!     cluster: k8s-03-cluster                   # AKO made it
//!     markers: {Namespace: routing-ns1, IngressName: kuard-ingress}
//!     metrics:
//!       l4_server.avg_open_conns: {0s: 0, 30s: 1013.4}
//! faults:
//!   - {what: expireSessions, at: 20s}
//!   - {what: status, status: 500, path: /api/analytics, afterRequests: 3, times: 4}
//! ```

mod nodes;
mod scenario;
mod script;
mod values;
mod written;

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};

use leadsman_document::Faults;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};

use nodes::Nodes;
use scenario::Scenario;

const USAGE: &str =
    "usage: recorded_controller [--secret-dir FOLDER] SCENARIO [-- COMMAND ARGUMENT...]";

/// What is to be run.
#[derive(Debug, PartialEq, Eq)]
struct Arguments {
    scenario: PathBuf,
    secret_dir: Option<PathBuf>,
    command: Vec<OsString>,
}

/// Why it cannot be run.
#[derive(Debug)]
enum Failure {
    Usage(String),
    Read(PathBuf, std::io::Error),
    Scenario(Faults),
    Secret(std::io::Error),
    Command(OsString, std::io::Error),
    Start(std::io::Error),
}

/// The program, given its arguments without its own name. Returns its exit code: 1 if the scenario
/// has faults, 2 if the command line is wrong, 3 if it cannot start, and that of the command.
pub fn recorded_controller(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let played = parse(arguments).and_then(|arguments| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(Failure::Start)?;
        runtime.block_on(play(&arguments))
    });
    match played {
        Ok(code) => code,
        Err(failure) => {
            say(&failure.to_string());
            failure.code()
        }
    }
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, Failure> {
    let mut arguments = arguments.into_iter();
    let (mut scenario, mut secret_dir, mut command) = (None, None, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--") => {
                command = arguments.by_ref().collect();
                if command.is_empty() {
                    return Err(Failure::Usage("which command?".to_owned()));
                }
            }
            Some("--secret-dir") => {
                let folder = arguments.next().map(PathBuf::from);
                secret_dir =
                    Some(folder.ok_or_else(|| Failure::Usage("which folder?".to_owned()))?);
            }
            Some(flag) if flag.starts_with('-') => {
                return Err(Failure::Usage(format!("there is no flag `{flag}`")));
            }
            _ if scenario.is_some() => {
                let told = format!("one scenario is enough: {}", argument.display());
                return Err(Failure::Usage(told));
            }
            _ => scenario = Some(PathBuf::from(argument)),
        }
    }
    let scenario = scenario.ok_or_else(|| Failure::Usage("which scenario?".to_owned()))?;
    Ok(Arguments { scenario, secret_dir, command })
}

async fn play(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Arguments { scenario: path, secret_dir, command } = arguments;
    let text = std::fs::read_to_string(path).map_err(|error| Failure::Read(path.clone(), error))?;
    let name = path.display().to_string();
    let scenario = Scenario::parse(&name, &text).map_err(Failure::Scenario)?;
    // Before anything is told, so that no signal is lost.
    let mut ends = [SignalKind::interrupt(), SignalKind::terminate()]
        .into_iter()
        .map(signal)
        .collect::<Result<Vec<_>, _>>()
        .map_err(Failure::Start)?;
    let temporary = TempDir::new().map_err(Failure::Secret)?;
    let folder = secret_dir.as_deref().unwrap_or(temporary.path());
    // A configuration that names it may be in another folder.
    let folder = &std::path::absolute(folder).map_err(Failure::Secret)?;
    let (pools, is_tls) = (scenario.pools.len(), scenario.tls);
    let mut nodes = Nodes::start(scenario).await;
    nodes.write_secret(folder).map_err(Failure::Secret)?;
    let urls = nodes.urls();
    say(&format!("{name}: {pools} pools on {} nodes", urls.len()));
    say(&format!("source: {}", source(&urls, folder, is_tls)));
    tokio::select! {
        () = nodes.fail_and_return() => Ok(ExitCode::SUCCESS),
        ended = run(command, &urls, folder, &mut ends) => ended,
    }
}

/// The settings of a source that asks it, as a flow mapping.
fn source(urls: &[String], folder: &Path, is_tls: bool) -> String {
    let urls: Vec<_> = urls.iter().map(|url| format!("'{url}'")).collect();
    let tls = match is_tls {
        true => format!(", tls: {{caFile: {:?}}}", folder.join("ca.crt")),
        false => String::new(),
    };
    format!("{{urls: [{}], credentials: {{secretDir: {folder:?}}}{tls}}}", urls.join(", "))
}

/// Runs a command and ends with it, or waits for a signal if there is none.
async fn run(
    command: &[OsString],
    urls: &[String],
    folder: &Path,
    ends: &mut [Signals],
) -> Result<ExitCode, Failure> {
    let Some((program, arguments)) = command.split_first() else {
        signalled(ends).await;
        return Ok(ExitCode::SUCCESS);
    };
    let url = urls.first().map(String::as_str).unwrap_or_default();
    let filled = arguments.iter().map(|argument| filled(argument, url, folder));
    let child = Command::new(program).args(filled).kill_on_drop(true).spawn();
    let mut child = child.map_err(|error| Failure::Command(program.clone(), error))?;
    loop {
        tokio::select! {
            ended = child.wait() => {
                let status = ended.map_err(|error| Failure::Command(program.clone(), error))?;
                return Ok(code(status));
            }
            signal = signalled(ends) => pass_on(&child, signal),
        }
    }
}

fn filled(argument: &OsStr, url: &str, folder: &Path) -> OsString {
    match argument.to_str() {
        Some(text) => {
            let text = text.replace("{url}", url);
            text.replace("{secretDir}", &folder.display().to_string()).into()
        }
        None => argument.to_owned(),
    }
}

/// Waits for the first signal.
async fn signalled(ends: &mut [Signals]) -> Signal {
    let [interrupt, terminate] = ends else { return std::future::pending().await };
    tokio::select! {
        _ = interrupt.recv() => Signal::INT,
        _ = terminate.recv() => Signal::TERM,
    }
}

/// Ctrl-C reaches all processes of a terminal, and SIGTERM this one alone.
fn pass_on(child: &Child, signal: Signal) {
    let id = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(id) = id.filter(|_| signal == Signal::TERM) {
        // It may have ended meanwhile.
        let _ = kill_process(id, signal);
    }
}

/// The exit code of a command that ended; 1 if a signal ended it.
fn code(status: ExitStatus) -> ExitCode {
    status.code().map_or(ExitCode::FAILURE, |code| ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// Prints a line on standard error. Nobody may be reading it.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

impl Failure {
    fn code(&self) -> ExitCode {
        match self {
            Self::Scenario(_) => ExitCode::FAILURE,
            Self::Usage(_) => ExitCode::from(2),
            _ => ExitCode::from(3),
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Usage(told) => write!(f, "{told}\n{USAGE}"),
            Self::Read(path, error) => write!(f, "{} cannot be read: {error}", path.display()),
            Self::Scenario(faults) => write!(f, "{faults}\n{}", faults.count()),
            Self::Secret(error) => write!(f, "the credentials cannot be written: {error}"),
            Self::Command(program, error) => {
                write!(f, "{} cannot be run: {error}", program.display())
            }
            Self::Start(error) => write!(f, "it cannot start: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Arguments, String> {
        let arguments = line.split_whitespace().map(OsString::from);
        parse(arguments).map_err(|failure| failure.to_string().lines().next().unwrap().to_owned())
    }

    #[test]
    fn a_command_follows_two_dashes() {
        let arguments = parsed("--secret-dir a b.yaml -- leadsman demo --once").unwrap();
        let command = ["leadsman", "demo", "--once"].map(OsString::from).to_vec();
        let (scenario, secret_dir) = ("b.yaml".into(), Some("a".into()));
        assert_eq!(arguments, Arguments { scenario, secret_dir, command });
    }

    #[test]
    fn what_is_not_understood_is_told() {
        for (line, told) in [
            ("", "which scenario?"),
            ("a b", "one scenario is enough: b"),
            ("a --", "which command?"),
            ("a --port 1", "there is no flag `--port`"),
            ("a --secret-dir", "which folder?"),
        ] {
            assert_eq!(parsed(line), Err(told.to_owned()), "{line}");
        }
    }

    #[test]
    fn arguments_of_a_command_name_the_address_and_the_folder() {
        let filled = |text: &str| filled(OsStr::new(text), "https://h:1", Path::new("/tmp/x"));
        assert_eq!(filled("--url={url}"), "--url=https://h:1");
        assert_eq!(filled("{secretDir}/ca.crt"), "/tmp/x/ca.crt");
    }
}
