//! Server processes that end with the test.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::waiting::eventually;

/// A running server and the lines of its log.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    log: watch::Receiver<Vec<String>>,
    reader: JoinSet<()>,
}

/// The timeout for a process to start or to end.
pub(crate) const PROCESS_TIMEOUT: Duration = Duration::from_secs(60);

impl Process {
    /// Starts a program. Its standard error is its log.
    pub(crate) fn start(program: &Path, arguments: &[String]) -> std::io::Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (sender, log) = watch::channel(Vec::new());
        let stderr = child.stderr.take();
        let mut reader = JoinSet::new();
        reader.spawn(async move {
            let Some(stderr) = stderr else { return };
            let mut lines = BufReader::new(stderr).split(b'\n');
            while let Ok(Some(line)) = lines.next_segment().await {
                let line = String::from_utf8_lossy(&line).into_owned();
                sender.send_modify(|lines| lines.push(line));
            }
        });
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, child, log, reader })
    }

    /// Waits for the first log line for which `find` returns a result; `None` if the log ends
    /// before.
    ///
    /// # Panics
    /// After a timeout.
    pub(crate) async fn line<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> Option<T> {
        let found = |lines: &Vec<String>| lines.iter().any(|line| find(line).is_some());
        let mut log = self.log.clone();
        match timeout(PROCESS_TIMEOUT, log.wait_for(found)).await {
            Err(_) => panic!("{} does not start:\n{}", self.name, self.log()),
            Ok(Err(_)) => None,
            Ok(Ok(lines)) => lines.iter().find_map(|line| find(line)),
        }
    }

    /// The standard error so far.
    pub(crate) fn log(&self) -> String {
        self.log.borrow().join("\n")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if let Err(error) = kill_process(self.pid(), signal) {
            panic!("{} cannot be sent {signal:?}: {error}\n{}", self.name, self.log());
        }
    }

    /// The peak memory, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.pid().as_raw_nonzero());
        let status = std::fs::read_to_string(&path).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.trim().parse().ok());
        let kibibytes: u64 = kibibytes.unwrap_or_else(|| panic!("no VmHWM in {path}:\n{status}"));
        kibibytes * 1024
    }

    /// Checks that all threads are stopped. A stop signal reaches them one after the other.
    pub(crate) fn is_paused(&self) -> Result<(), String> {
        let tasks = format!("/proc/{}/task", self.pid().as_raw_nonzero());
        for task in std::fs::read_dir(&tasks).map_err(|error| error.to_string())? {
            let stat = task.and_then(|task| std::fs::read_to_string(task.path().join("stat")));
            // The state follows the name, which is in parentheses.
            let stat = stat.map_err(|error| error.to_string())?;
            if !stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T')) {
                return Err(stat);
            }
        }
        Ok(())
    }

    /// The process id.
    pub(crate) fn number(&self) -> u32 {
        self.pid().as_raw_nonzero().get().unsigned_abs()
    }

    fn pid(&self) -> Pid {
        let id = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        id.unwrap_or_else(|| panic!("{} has ended:\n{}", self.name, self.log()))
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until the process ends.
    ///
    /// # Panics
    /// If it does not end in time.
    pub(crate) async fn exit(&mut self) -> ExitStatus {
        let Ok(exit) = timeout(PROCESS_TIMEOUT, self.child.wait()).await else {
            panic!("{} does not end:\n{}", self.name, self.log())
        };
        // A child of the process could keep the pipe open.
        let _ = timeout(Duration::from_secs(5), self.reader.join_next()).await;
        exit.unwrap_or_else(|error| panic!("{} cannot be waited for: {error}", self.name))
    }
}

impl Drop for Process {
    #[allow(clippy::disallowed_methods, reason = "a destructor cannot await")]
    fn drop(&mut self) {
        // The files of the process are removed next, so it must have ended.
        let _ = self.child.start_kill();
        for _ in 0..1000 {
            if self.has_ended() {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A server that a test can stop, pause and start again.
#[derive(Debug)]
pub(crate) struct Server {
    name: &'static str,
    process: Option<Process>,
}

impl Server {
    /// A server that is not running yet.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, process: None }
    }

    /// Sets the running process.
    pub(crate) fn set_process(&mut self, process: Process) {
        self.process = Some(process);
    }

    /// The running process.
    ///
    /// # Panics
    /// If the server is stopped.
    pub(crate) fn running(&self) -> &Process {
        self.process.as_ref().unwrap_or_else(|| panic!("{} does not run", self.name))
    }

    /// Stops the server with a signal, if it is running, and waits for its end.
    pub(crate) async fn end(&mut self, signal: Signal) {
        if let Some(mut process) = self.process.take() {
            process.signal(signal);
            process.exit().await;
        }
    }

    /// Makes the server hang: it accepts connections and never responds.
    pub(crate) async fn pause(&self) {
        let process = self.running();
        process.signal(Signal::STOP);
        let stopped = format!("a stopped {}", self.name);
        eventually(&stopped, Duration::from_secs(30), async || process.is_paused()).await;
    }

    pub(crate) fn resume(&self) {
        self.running().signal(Signal::CONT);
    }
}

/// The path of a program of a Debian package.
///
/// # Panics
/// If it is not installed.
pub(crate) fn program(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name));
    found.into_iter().find(|program| program.is_file()).unwrap_or_else(|| {
        panic!(
            "there is no {name}; install it: apt-get install {package}, or run cargo xtask setup"
        )
    })
}

/// Where ports for servers that cannot bind to port 0 are from: below those that the system gives to
/// connections and to other servers, which would take one in the moment before its server binds it.
const PORTS: std::ops::Range<u16> = 10_000..32_000;

/// A free port for a server that cannot bind to port 0. No other call of this program gets it, and
/// programs that run at the same time begin at different places.
///
/// # Panics
/// If none is free.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let length = u32::from(PORTS.end - PORTS.start);
    // Processes that are started one after the other are far from each other.
    let first = std::process::id().wrapping_mul(7919);
    let candidates = (0..length).map(|_| {
        let at = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % length;
        PORTS.start + u16::try_from(at).expect("within the range")
    });
    let is_free = |port: &u16| TcpListener::bind(("0.0.0.0", *port)).is_ok();
    { candidates }.find(is_free).expect("a free port")
}
