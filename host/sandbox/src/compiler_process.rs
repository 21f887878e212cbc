//! The compiler process: a child with limits of its own, which reads a component and writes its code.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use super::compile::{MAX_CODE, compile, is_large};
use super::compiled::Compiled;
use super::error::LoadError;
use super::limits;

/// The subcommand of this program that runs the compiler.
pub const SUBCOMMAND: &str = "compile-plugin";

/// The memory limit of the compiler process, in bytes.
const MAX_MEMORY: u64 = 3 << 29;

/// The limit of its processor time over all threads, for components of compiled languages and for
/// components that include an interpreter.
const MAX_CPU_TIME: Duration = Duration::from_secs(30);
const MAX_CPU_TIME_INTERPRETER: Duration = Duration::from_secs(60);

/// The limit of wall time, as a multiple of the limit of processor time. A busy or throttled node
/// delays good components as well, so this stops only compilations without progress.
const WALL_TIME_FACTOR: u32 = 10;

/// The exit codes of the compiler process for a refused component and for a failure of the process.
/// The reason is on standard error.
const EXIT_REFUSED: u8 = 1;
const EXIT_FAILED: u8 = 3;

/// A setting of the program's allocator: addresses of free memory are not kept, as they would count as
/// memory in use against the child's limit.
const ALLOCATOR: (&str, &str) = ("_RJEM_MALLOC_CONF", "retain:false");

/// What compiling a component took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileCost {
    /// The processor time of all threads.
    pub cpu_time: Duration,
    /// The most memory that the compiler used at once, in bytes, if the system tells.
    pub memory: Option<u64>,
}

/// Runs the compiler as a child process.
pub(super) async fn run(
    program: &PathBuf,
    component: &[u8],
) -> Result<(Compiled, Option<CompileCost>), LoadError> {
    let failed = |source| LoadError::Compiler { program: program.clone(), source };
    let cpu_time = if is_large(component) { MAX_CPU_TIME_INTERPRETER } else { MAX_CPU_TIME };
    let mut child = Command::new(program)
        .arg(SUBCOMMAND)
        .arg(cpu_time.as_secs().to_string())
        .env_clear()
        .env(ALLOCATOR.0, ALLOCATOR.1)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async move {
        // A child that refuses the component early stops reading. Its reason is on standard error.
        if let Some(mut input) = input {
            let _ = input.write_all(component).await;
        }
    };
    let read = async move {
        let (mut code, mut message) = (Vec::new(), Vec::new());
        let read_code = async {
            match output {
                Some(output) => output.take(MAX_CODE).read_to_end(&mut code).await.map(drop),
                None => Ok(()),
            }
        };
        let read_message = async {
            match errors {
                Some(errors) => errors.take(4096).read_to_end(&mut message).await.map(drop),
                None => Ok(()),
            }
        };
        tokio::try_join!(read_code, read_message)?;
        Ok::<_, std::io::Error>((code, message))
    };
    let work = async {
        let ((), read, status) = tokio::join!(write, read, child.wait());
        Ok::<_, std::io::Error>((read?, status?))
    };
    let wall_time = cpu_time * WALL_TIME_FACTOR;
    match tokio::time::timeout(wall_time, work).await {
        Err(_) => Err(LoadError::CompileWallTime { wall_time, cpu_time }),
        Ok(Err(source)) => Err(failed(source)),
        Ok(Ok(((code, message), status))) => {
            outcome(status, code, &String::from_utf8_lossy(&message), cpu_time)
        }
    }
}

/// The outcome of a compiler process.
fn outcome(
    status: ExitStatus,
    code: Vec<u8>,
    message: &str,
    cpu_time: Duration,
) -> Result<(Compiled, Option<CompileCost>), LoadError> {
    if status.success() {
        return Ok((Compiled::from_compiler(code), read_cost(message)));
    }
    let message = message.trim();
    if status.code() == Some(i32::from(EXIT_REFUSED)) {
        return Err(match message.strip_prefix(LIMIT_PREFIX) {
            Some(limit) => LoadError::Structure(limit.to_owned()),
            None => LoadError::Invalid(message.to_owned()),
        });
    }
    // Rust aborts with this message when an allocation fails.
    const XCPU: i32 = 24;
    match status.signal() {
        Some(XCPU) => Err(LoadError::CompileTime(cpu_time)),
        _ if message.contains("memory allocation") => Err(LoadError::CompileMemory(memory_limit())),
        _ => Err(LoadError::CompilerEnded(format!("{status}{}", first_line(message)))),
    }
}

/// The first line of a message, with a separator before it.
fn first_line(message: &str) -> String {
    match message.lines().next() {
        Some(line) => format!(": {line}"),
        None => String::new(),
    }
}

/// What the child says that its work took.
fn read_cost(message: &str) -> Option<CompileCost> {
    let line = message.lines().find_map(|line| line.strip_prefix(COST_PREFIX))?;
    let mut numbers = line.split(' ').map(str::parse);
    let milliseconds = numbers.next()?.ok()?;
    let memory = numbers.next().and_then(Result::ok);
    Some(CompileCost { cpu_time: Duration::from_millis(milliseconds), memory })
}

/// What this process has used so far: milliseconds of processor time, and bytes of memory if the system
/// tells.
fn own_cost() -> String {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let milliseconds = time.tv_sec * 1000 + time.tv_nsec / 1_000_000;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes: Option<u64> =
        peak.and_then(|peak| peak.trim().strip_suffix("kB")?.trim().parse().ok());
    match kibibytes {
        Some(kibibytes) => format!("{milliseconds} {}", kibibytes * 1024),
        None => milliseconds.to_string(),
    }
}

/// The prefix of the child's message of what its work took.
const COST_PREFIX: &str = "cost: ";

/// The prefix of the child's message for an exceeded structural limit.
const LIMIT_PREFIX: &str = "limit: ";

/// Runs in the child: reads a component from standard input, writes code to standard output.
/// `cpu_time` is the limit of processor time in seconds. Returns the exit code.
pub fn compile_as_child(cpu_time: Option<u64>) -> u8 {
    match compile_with_limits(cpu_time.unwrap_or(MAX_CPU_TIME.as_secs())) {
        Ok(()) => 0,
        Err(ChildError::Refused(message)) => {
            eprintln!("{message}");
            EXIT_REFUSED
        }
        Err(ChildError::Failed(message)) => {
            eprintln!("{message}");
            EXIT_FAILED
        }
    }
}

/// Why the child has compiled nothing.
enum ChildError {
    /// The component is refused.
    Refused(String),
    /// The process failed.
    Failed(String),
}

fn compile_with_limits(cpu_time: u64) -> Result<(), ChildError> {
    let failed = |error: &dyn std::fmt::Display| ChildError::Failed(error.to_string());
    let both = |limit| Rlimit { current: Some(limit), maximum: Some(limit) };
    rustix::process::setrlimit(Resource::As, both(MAX_MEMORY)).map_err(|error| failed(&error))?;
    // If the container's memory limit is lower, exceeding it would kill all of its processes.
    if container_memory().is_some() {
        rustix::process::setrlimit(Resource::Data, both(memory_limit()))
            .map_err(|error| failed(&error))?;
    }
    // The soft limit sends SIGXCPU, which identifies the cause. The hard limit sends SIGKILL.
    let cpu = Rlimit { current: Some(cpu_time), maximum: Some(cpu_time + 1) };
    rustix::process::setrlimit(Resource::Cpu, cpu).map_err(|error| failed(&error))?;
    rustix::process::setrlimit(Resource::Core, both(0)).map_err(|error| failed(&error))?;
    // Reads have priority. If the priority cannot be lowered, compilation runs anyway.
    let _ = rustix::process::nice(10);
    let mut component = Vec::new();
    let max = limits::MAX_BYTES + 1;
    std::io::stdin()
        .lock()
        .take(max)
        .read_to_end(&mut component)
        .map_err(|error| failed(&error))?;
    let code = compile(&component, None).map_err(|error| match error {
        LoadError::Structure(limit) => ChildError::Refused(format!("{LIMIT_PREFIX}{limit}")),
        LoadError::Invalid(reason) => ChildError::Refused(reason),
        other => ChildError::Failed(other.to_string()),
    })?;
    let mut out = std::io::stdout().lock();
    out.write_all(&code).and_then(|()| out.flush()).map_err(|error| failed(&error))?;
    eprintln!("{COST_PREFIX}{}", own_cost());
    Ok(())
}

/// The memory that a compiler gets, in bytes.
fn memory_limit() -> u64 {
    container_memory().map_or(MAX_MEMORY, |limit| (limit / 4 * 3).min(MAX_MEMORY))
}

/// The memory limit of this process's container in bytes, if there is one.
fn container_memory() -> Option<u64> {
    std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_compiling_took_is_read() {
        let cost = |milliseconds, memory| {
            Some(CompileCost { cpu_time: Duration::from_millis(milliseconds), memory })
        };
        assert_eq!(read_cost("a warning\ncost: 1400 83886080\n"), cost(1400, Some(83_886_080)));
        assert_eq!(read_cost("cost: 7"), cost(7, None));
        assert_eq!(read_cost(""), None);
        assert_eq!(read_cost("cost: x"), None);
        let own = read_cost(&format!("{COST_PREFIX}{}", own_cost())).unwrap();
        assert!(own.memory.is_none_or(|bytes| bytes > 1 << 20), "{own:?}");
    }
}
