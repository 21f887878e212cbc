//! Compiles components. A crafted one can make a compiler ask for all memory there is, or for
//! minutes; so it compiles in a child process under limits of its own, and owners take turns.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Resource, Rlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use super::code_store::CodeStore;
use super::compile_queue::{CompileOwner, CompileQueue};
use super::compiled::Compiled;
use super::engine::{self, Engine};
use super::error::LoadError;
use super::limits::{self, ExceededLimit, Structure};
use super::load::{Plugin, WeakPlugin};

/// The subcommand of this program that compiles.
pub const SUBCOMMAND: &str = "compile-plugin";

/// The memory limit of the compiler process, in bytes.
const MEMORY: u64 = 3 << 29;

/// Its limit of processor time over all threads, for components of compiled languages and for those
/// that carry an interpreter.
const CPU_TIME: Duration = Duration::from_secs(30);
const CPU_TIME_OF_INTERPRETER: Duration = Duration::from_secs(60);

/// The limit of wall time as a multiple of that. A busy or throttled node slows down good components
/// as well, so this ends only what makes no progress.
const WALL_TIME_FACTOR: u32 = 10;

/// Longer than components of compiled languages take. After it, a second compilation may start.
const SHORT: Duration = Duration::from_secs(5);

/// The maximum size of compiled code, in bytes.
pub(super) const MAX_CODE: u64 = 512 << 20;

/// The exit code for a refused component; the reason is on standard error.
const REFUSED: i32 = 1;

/// Compiles components, stores the code, and knows the plugins that are loaded.
pub struct Compiler {
    /// The program that this process runs.
    program: PathBuf,
    queue: CompileQueue,
    store: Option<CodeStore>,
    /// By the digests of their components. All are of one engine, that of the process.
    loaded: Mutex<HashMap<String, WeakPlugin>>,
}

impl Compiler {
    /// `program` is the program that this process runs, `store` where code is kept.
    pub fn new(program: PathBuf, store: Option<CodeStore>) -> Self {
        Self { program, queue: CompileQueue::default(), store, loaded: Mutex::default() }
    }

    /// Compiles a component, unless that was done before. `digest` is that of the component.
    pub(super) async fn compile(
        &self,
        engine: &Engine,
        owner: &CompileOwner,
        digest: &str,
        component: &[u8],
    ) -> Result<Compiled, LoadError> {
        let key = key(engine, digest);
        if let Some(code) = self.stored(&key).await {
            return Ok(code);
        }
        let turn = self.queue.turn(owner).await;
        // Others may have compiled the same meanwhile.
        if let Some(code) = self.stored(&key).await {
            return Ok(code);
        }
        let mut child = std::pin::pin!(child(&self.program, component));
        let code = match tokio::time::timeout(SHORT, &mut child).await {
            Ok(ended) => ended?,
            Err(_) => {
                if let Some(turn) = &turn {
                    turn.takes_long();
                }
                child.await?
            }
        };
        drop(turn);
        match &self.store {
            Some(store) => Ok(store.put(&key, code).await),
            None => Ok(code),
        }
    }

    /// The plugin of a component that is in use already.
    pub(super) fn loaded(&self, digest: &str) -> Option<Plugin> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.get(digest)?.upgrade()
    }

    pub(super) fn keep_loaded(&self, plugin: &Plugin) {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.retain(|_, known| known.upgrade().is_some());
        loaded.insert(plugin.digest().to_owned(), plugin.downgrade());
    }

    async fn stored(&self, key: &str) -> Option<Compiled> {
        self.store.as_ref()?.get(key).await
    }
}

/// The key of code in the store: the component's digest and the engine's settings.
fn key(engine: &Engine, digest: &str) -> String {
    // SipHash with fixed keys is stable across processes.
    #[allow(deprecated)]
    let mut hasher = std::hash::SipHasher::new();
    engine.wasmtime().precompile_compatibility_hash().hash(&mut hasher);
    let engine = hasher.finish();
    format!("{digest}-{engine:016x}")
}

async fn child(program: &PathBuf, component: &[u8]) -> Result<Compiled, LoadError> {
    let failed = |source| LoadError::Compiler { program: program.clone(), source };
    let time = if is_large(component) { CPU_TIME_OF_INTERPRETER } else { CPU_TIME };
    let mut child = Command::new(program)
        .arg(SUBCOMMAND)
        .arg(time.as_secs().to_string())
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async move {
        // A child that refuses early stops reading; its reason is on standard error.
        if let Some(mut input) = input {
            let _ = input.write_all(component).await;
        }
    };
    let read = async move {
        let (mut code, mut said) = (Vec::new(), Vec::new());
        let code_read = async {
            match output {
                Some(output) => output.take(MAX_CODE).read_to_end(&mut code).await.map(drop),
                None => Ok(()),
            }
        };
        let said_read = async {
            match errors {
                Some(errors) => errors.take(4096).read_to_end(&mut said).await.map(drop),
                None => Ok(()),
            }
        };
        tokio::try_join!(code_read, said_read)?;
        Ok::<_, std::io::Error>((code, said))
    };
    let work = async {
        let ((), read, status) = tokio::join!(write, read, child.wait());
        Ok::<_, std::io::Error>((read?, status?))
    };
    let wall_time = time * WALL_TIME_FACTOR;
    match tokio::time::timeout(wall_time, work).await {
        Err(_) => Err(LoadError::CompileWallTime { wall_time, cpu_time: time }),
        Ok(Err(source)) => Err(failed(source)),
        Ok(Ok(((code, said), status))) => {
            ended(status, code, &String::from_utf8_lossy(&said), time)
        }
    }
}

/// The outcome of a compiler process.
fn ended(
    status: ExitStatus,
    code: Vec<u8>,
    said: &str,
    time: Duration,
) -> Result<Compiled, LoadError> {
    if status.success() {
        return Ok(Compiled::made_here(code));
    }
    let said = said.trim();
    if status.code() == Some(REFUSED) {
        return Err(match said.strip_prefix(LIMIT) {
            Some(limit) => LoadError::Structure(limit.to_owned()),
            None => LoadError::Invalid(said.to_owned()),
        });
    }
    // Rust aborts when it gets no memory; anything else that ends a compiler so early is a failed
    // mapping of memory, too.
    const XCPU: i32 = 24;
    match status.signal() {
        Some(XCPU) => Err(LoadError::CompileTime(time)),
        _ if said.contains("memory allocation") => Err(LoadError::CompileMemory(MEMORY)),
        _ => Err(LoadError::CompilerEnded(format!("{status}{}", note(said)))),
    }
}

fn note(said: &str) -> String {
    match said.lines().next() {
        Some(line) => format!(": {line}"),
        None => String::new(),
    }
}

/// What stands before the text of a limit that was met.
const LIMIT: &str = "limit: ";

/// The child: reads a component, writes code. `time` is how many seconds of processor time it may
/// use; the result is the exit code.
pub fn compile_as_child(time: Option<u64>) -> u8 {
    match limited(time.unwrap_or(CPU_TIME.as_secs())) {
        Ok(()) => 0,
        Err(Refusal::Component(text)) => {
            eprintln!("{text}");
            1
        }
        Err(Refusal::Process(text)) => {
            eprintln!("{text}");
            3
        }
    }
}

enum Refusal {
    Component(String),
    Process(String),
}

fn limited(time: u64) -> Result<(), Refusal> {
    let process = |error: &dyn std::fmt::Display| Refusal::Process(error.to_string());
    let both = |limit| Rlimit { current: Some(limit), maximum: Some(limit) };
    rustix::process::setrlimit(Resource::As, both(MEMORY)).map_err(|error| process(&error))?;
    // Where a container's memory ends before that, all of its processes would be killed.
    if let Some(limit) = container_memory() {
        let most = (limit / 4 * 3).min(MEMORY);
        rustix::process::setrlimit(Resource::Data, both(most)).map_err(|error| process(&error))?;
    }
    // The first limit ends it with a signal that says why, the second one with one that does not.
    let cpu = Rlimit { current: Some(time), maximum: Some(time + 1) };
    rustix::process::setrlimit(Resource::Cpu, cpu).map_err(|error| process(&error))?;
    rustix::process::setrlimit(Resource::Core, both(0)).map_err(|error| process(&error))?;
    // Reads go first. A process that may not be nicer compiles all the same.
    let _ = rustix::process::nice(10);
    let mut component = Vec::new();
    let most = limits::MAX_BYTES + 1;
    std::io::stdin()
        .lock()
        .take(most)
        .read_to_end(&mut component)
        .map_err(|error| process(&error))?;
    let code = compile(&component).map_err(|error| match error {
        LoadError::Structure(limit) => Refusal::Component(format!("{LIMIT}{limit}")),
        LoadError::Invalid(reason) => Refusal::Component(reason),
        other => Refusal::Process(other.to_string()),
    })?;
    let mut out = std::io::stdout().lock();
    out.write_all(&code).and_then(|()| out.flush()).map_err(|error| process(&error))
}

/// Whether it is as large as one that brings its interpreter.
fn is_large(component: &[u8]) -> bool {
    component.len() as u64 > Structure::DEFAULT.bytes
}

/// The memory of the container that this process is in, if it has a limit.
fn container_memory() -> Option<u64> {
    std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok()?.trim().parse().ok()
}

/// Compiles in this process, after a look at what would make that too expensive.
pub(super) fn compile(component: &[u8]) -> Result<Vec<u8>, LoadError> {
    // Whoever allows so many bytes allows what comes with an interpreter.
    let structure = if is_large(component) { Structure::INTERPRETER } else { Structure::DEFAULT };
    limits::check(component, &structure).map_err(|exceeded| match exceeded {
        ExceededLimit::Malformed(_) => LoadError::Invalid(exceeded.to_string()),
        exceeded => LoadError::Structure(exceeded.to_string()),
    })?;
    let engine = wasmtime::Engine::new(&engine::for_compiling())
        .map_err(|error| LoadError::Engine(format!("{error:#}")))?;
    engine.precompile_component(component).map_err(|error| LoadError::Invalid(format!("{error:#}")))
}
