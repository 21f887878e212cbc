//! A server that ends with this process, however this process ends.
//!
//! One control plane serves all tests of a program. Each test has its own runtime, so the servers
//! belong to none of them, and statics are not dropped. So each server runs under a shell that
//! waits for the end of its standard input, whose other end only this process has.

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

/// The folder of all servers. It is removed when they and this process have ended.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    // Each shell has it as its standard output and never writes to it: when the last of them has
    // ended, the process at the other end removes the folder.
    alive: PipeWriter,
    _remover: Child,
}

/// Runs `$@` with its log in `$1` until standard input ends.
const KEEPER: &str = r#"
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

/// How long a server may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

impl Folder {
    /// A new folder.
    ///
    /// # Panics
    /// If there is no place for it.
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
    /// Starts a server whose files are in this folder.
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
        let mut command = shell(KEEPER);
        command.arg(&log).arg(&program.path).args(program.first).args(arguments);
        command.stdin(Stdio::piped()).current_dir(folder.path());
        command.stdout(folder.alive.try_clone().expect("a second end of a pipe"));
        let shell = command.spawn().expect("a shell");
        Self { name, shell, log }
    }

    /// Waits until it answers as expected.
    ///
    /// # Panics
    /// If it ends instead, or does not come so far in time.
    pub(crate) async fn wait_ready(
        &mut self,
        within: Duration,
        mut ask: impl AsyncFnMut() -> Result<(), String>,
    ) {
        let what = format!("a ready {}", self.name);
        eventually(&what, within, async || {
            if let Ok(Some(status)) = self.shell.try_wait() {
                panic!("{} ended ({status}):\n{}", self.name, self.log());
            }
            ask().await.map_err(|reason| format!("{reason}\n{}", self.log()))
        })
        .await;
    }

    /// Kills it.
    ///
    /// # Panics
    /// If it does not end in time.
    pub(crate) async fn kill(mut self) {
        drop(self.shell.stdin.take());
        eventually(&format!("the end of {}", self.name), PATIENCE, async || {
            match self.shell.try_wait() {
                Ok(None) => Err("it runs".to_owned()),
                Ok(Some(_)) => Ok(()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
    }

    /// The end of its log.
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

/// The shell has its own process group: Ctrl-C reaches this process only, and the shell cleans up
/// after it.
fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).process_group(0);
    // The shell would report there how its server ended, which is expected.
    command.stderr(Stdio::null());
    command
}
