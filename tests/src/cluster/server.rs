//! Servers that end with this process, even if it is killed.
//!
//! All tests of a program share one control plane. Its servers cannot belong to the runtime of one
//! test, and statics are not dropped. So a shell supervises each server: it kills the server when
//! its standard input ends, and only this process has the write end.

use std::io::{PipeWriter, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::programs::Program;
use crate::waiting::eventually;

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    name: &'static str,
    shell: Child,
    log: PathBuf,
}

/// The folder of all servers. It is removed after the servers and this process have ended.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    // The standard output of all shells, which write nothing to it. When the last shell has ended,
    // the remover reads the end of the pipe and removes the folder.
    alive: PipeWriter,
    _remover: Child,
}

/// Runs a command with the log `$1` until standard input ends.
const SUPERVISOR: &str = r#"
exec 3<&0
log=$1; shift
"$@" 3<&- </dev/null >>"$log" 2>&1 & server=$!
{ while read -r _; do :; done; kill -9 $server; } <&3 2>/dev/null & watch=$!
wait $server; status=$?
kill $watch 2>/dev/null
exit $status
"#;

/// Removes the folder `$1` when standard input ends.
const REMOVER: &str = r#"while read -r _; do :; done; rm -rf "$1""#;

/// The timeout for a server to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

impl Folder {
    /// A new folder.
    ///
    /// # Panics
    /// If it cannot be created.
    pub(crate) fn new() -> Self {
        let path = TempDir::with_prefix("leadsman-cluster-").expect("a temporary folder").keep();
        let (ends, alive) = std::io::pipe().expect("a pipe");
        let mut command = shell(REMOVER);
        command.arg(&path).stdin(ends).stdout(Stdio::null());
        let remover = command.spawn().expect("a shell");
        Self { path, alive, _remover: remover }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file of this name and returns its path.
    ///
    /// # Panics
    /// If that fails.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path.join(name);
        let written = std::fs::File::create(&path).and_then(|mut f| f.write_all(text.as_bytes()));
        written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }
}

impl Server {
    /// Starts a server with this folder as its working directory.
    ///
    /// # Panics
    /// If that fails.
    pub(crate) fn start(
        name: &'static str,
        program: &Program,
        arguments: &[String],
        folder: &Folder,
    ) -> Self {
        let log = folder.path().join(format!("{name}.log"));
        let mut command = shell(SUPERVISOR);
        command.arg(&log).arg(&program.path).args(program.first).args(arguments);
        command.stdin(Stdio::piped()).current_dir(folder.path());
        command.stdout(folder.alive.try_clone().expect("a second end of a pipe"));
        let shell = command.spawn().expect("a shell");
        Self { name, shell, log }
    }

    /// Waits until `poll` succeeds.
    ///
    /// # Panics
    /// If the server ends, or after the timeout.
    pub(crate) async fn wait_ready(
        &mut self,
        timeout: Duration,
        mut poll: impl AsyncFnMut() -> Result<(), String>,
    ) {
        let what = format!("a ready {}", self.name);
        eventually(&what, timeout, async || {
            if let Ok(Some(status)) = self.shell.try_wait() {
                panic!("{} ended ({status}):\n{}", self.name, self.log());
            }
            poll().await.map_err(|reason| format!("{reason}\n{}", self.log()))
        })
        .await;
    }

    /// Kills the server.
    ///
    /// # Panics
    /// If it does not end in time.
    pub(crate) async fn kill(mut self) {
        drop(self.shell.stdin.take());
        eventually(&format!("the end of {}", self.name), STOP_TIMEOUT, async || {
            match self.shell.try_wait() {
                Ok(None) => Err("it runs".to_owned()),
                Ok(Some(_)) => Ok(()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
    }

    /// The last lines of its log.
    pub(crate) fn log(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().rev().take(40).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// A shell in its own process group, so that Ctrl-C ends only this process, and the shell can clean
/// up.
fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).process_group(0);
    // The shell would report the expected end of its server here.
    command.stderr(Stdio::null());
    command
}
