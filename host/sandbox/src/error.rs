//! Errors of loading and of running plugins.

use std::path::PathBuf;
use std::time::Duration;

/// A plugin cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The engine cannot be created.
    #[error("the plugin engine cannot be started: {0}")]
    Engine(String),
    /// The thread that limits execution time cannot be started.
    #[error("the thread that limits the plugins' time cannot be started")]
    Ticker(#[source] std::io::Error),
    /// The file is empty.
    #[error("it is empty")]
    Empty,
    /// The bytes are not WebAssembly.
    #[error("it is not WebAssembly: it begins with {start}")]
    NotWasm {
        /// Its first bytes.
        start: String,
    },
    /// A core module, which has no typed interface.
    #[error(
        "it is a core WebAssembly module, not a component of the world leadsman:plugin/mapping; \
         `leadsman plugin build` makes a component of it"
    )]
    CoreModule,
    /// The bytes are WebAssembly, but not well-formed.
    #[error("it is not a valid component: {0}; build it again with `leadsman plugin build`")]
    Invalid(String),
    /// It exceeds a structural limit.
    #[error("it is larger within than plugins may be: {0}")]
    Structure(String),
    /// Compilation exceeded its limit of processor time.
    #[error("compiling it took longer than {0:?} and was stopped")]
    CompileTime(Duration),
    /// Compilation exceeded its limit of wall time before that of processor time.
    #[error(
        "compiling it did not end within {wall_time:?} and was stopped, although it had not used \
         {cpu_time:?} of processor time: the machine is too busy"
    )]
    CompileWallTime {
        /// The limit of wall time.
        wall_time: Duration,
        /// The limit of processor time.
        cpu_time: Duration,
    },
    /// Compilation exceeded its limit of memory, in bytes.
    #[error(
        "compiling it took more than {0} bytes of memory and was stopped; give the adapter a \
         higher memory limit, of which a compiler gets three quarters (interpreters take up to 400 MiB)"
    )]
    CompileMemory(u64),
    /// The compiler process ended unexpectedly.
    #[error("the compiler gave up on it ({0})")]
    CompilerEnded(String),
    /// The compiler process cannot be started.
    #[error("cannot run {program} to compile it")]
    Compiler {
        /// The executable of this process.
        program: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// It has imports that the sandbox does not provide.
    #[error(
        "it imports {}, which plugins do not get (there is only {LOG}); build it with \
         `leadsman plugin build`, which answers WASI preview 1 within the component (with \
         componentize-py alone: `--stub-wasi`)",
        .imports.join(", ")
    )]
    UnknownImports {
        /// The names of the imports.
        imports: Vec<String>,
    },
    /// It lacks exports of the plugin world.
    #[error(
        "it is a component of another world: it does not export {} (it exports {}); a plugin \
         implements leadsman:plugin/mapping; `leadsman plugin new` begins one",
        .missing.join(", "),
        if .exports.is_empty() { "nothing".to_owned() } else { .exports.join(", ") }
    )]
    OtherWorld {
        /// The missing exports.
        missing: Vec<String>,
        /// The exports it has.
        exports: Vec<String>,
    },
    /// Its functions have different types.
    #[error("its functions are not those of leadsman:plugin/mapping 0.1: {0}")]
    OtherTypes(String),
    /// Its `describe` fails.
    #[error("it cannot describe itself")]
    Describe(#[source] RunError),
}

impl LoadError {
    /// The name of the reason in logs, metrics and Events.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Structure(_) => "LimitExceeded",
            Self::CompileTime(_)
            | Self::CompileWallTime { .. }
            | Self::CompileMemory(_)
            | Self::CompilerEnded(_)
            | Self::Compiler { .. }
            | Self::Engine(_)
            | Self::Ticker(_) => "CompileFailed",
            Self::Describe(_) => "DescribeFailed",
            Self::Empty
            | Self::NotWasm { .. }
            | Self::CoreModule
            | Self::Invalid(_)
            | Self::UnknownImports { .. }
            | Self::OtherWorld { .. }
            | Self::OtherTypes(_) => "NotAPlugin",
        }
    }
}

/// The only import that is provided.
pub(super) const LOG: &str = "leadsman:plugin/log@0.1.0";

/// A call of a plugin failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// It exceeded its time limit.
    #[error("the plugin was stopped after its limit of {0:?}")]
    Timeout(Duration),
    /// It exceeded its memory limit.
    #[error("the plugin wanted more than its limit of {limit} bytes of memory")]
    Memory {
        /// The limit.
        limit: usize,
    },
    /// It exceeded the limit on table elements.
    #[error("the plugin wanted a table of {wanted} elements; the limit is {limit}")]
    Table {
        /// The requested size.
        wanted: usize,
        /// The limit.
        limit: usize,
    },
    /// It overflowed its stack.
    #[error("the plugin ran out of stack: it calls itself too deeply")]
    Stack,
    /// It trapped.
    #[error("the plugin trapped: {0}")]
    Trap(String),
    /// Its output is invalid as a whole.
    #[error("the plugin's output cannot be used: {0}")]
    Output(String),
    /// It returned a failure.
    #[error("{}{message}", .query.as_ref().map(|query| format!("query \"{query}\": ")).unwrap_or_default())]
    Failure {
        /// The plugin's message.
        message: String,
        /// The query that the failure is about.
        query: Option<String>,
    },
    /// The host failed to run it.
    #[error("the plugin could not be run: {0}")]
    Host(String),
}

impl RunError {
    /// Whether the plugin itself is at fault, whatever its input. Counts for the circuit breaker.
    pub fn is_misbehaviour(&self) -> bool {
        match self {
            Self::Timeout(_)
            | Self::Memory { .. }
            | Self::Table { .. }
            | Self::Stack
            | Self::Trap(_)
            | Self::Output(_) => true,
            Self::Failure { .. } | Self::Host(_) => false,
        }
    }

    /// The name of the reason, as a label of metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Timeout(_) => "plugin_timeout",
            Self::Memory { .. } => "plugin_memory",
            Self::Table { .. } => "plugin_table",
            Self::Stack => "plugin_stack",
            Self::Trap(_) => "plugin_trap",
            Self::Output(_) => "plugin_output",
            Self::Failure { .. } => "plugin_failure",
            Self::Host(_) => "plugin_host",
        }
    }
}
