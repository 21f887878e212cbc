//! Why a plugin cannot be loaded, and why a run of it gave nothing.

use std::path::PathBuf;
use std::time::Duration;

/// Why a plugin cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The engine refused its settings.
    #[error("the plugin engine cannot be started: {0}")]
    Engine(String),
    /// The engine's clock could not be started.
    #[error("the thread that limits the plugins' time cannot be started")]
    Ticker(#[source] std::io::Error),
    /// The file is empty.
    #[error("it is empty")]
    Empty,
    /// The file is something else.
    #[error("it is not WebAssembly: it begins with {start}")]
    NotWasm {
        /// Its first bytes.
        start: String,
    },
    /// A module, which has no typed interface.
    #[error(
        "it is a core WebAssembly module, not a component of the world leadsman:plugin/mapping; \
         build it with the plugin SDK, or wrap it with `wasm-tools component new`"
    )]
    CoreModule,
    /// The bytes are WebAssembly, but not well-formed.
    #[error("it is not a valid component: {0}")]
    Invalid(String),
    /// It would be too expensive to compile.
    #[error("it is larger within than plugins may be: {0}")]
    Structure(String),
    /// It used too much processor time to compile.
    #[error("compiling it took longer than {0:?} and was stopped")]
    CompileTime(Duration),
    /// It did not get so far in much more time than that.
    #[error(
        "compiling it did not end within {wall_time:?} and was stopped, although it had not used \
         {cpu_time:?} of processor time: the machine is too busy"
    )]
    CompileWallTime {
        /// How long it took by the clock.
        wall_time: Duration,
        /// The limit of processor time.
        cpu_time: Duration,
    },
    /// It took too much memory to compile.
    #[error("compiling it took more than {0} bytes of memory and was stopped")]
    CompileMemory(u64),
    /// The compiler ended otherwise.
    #[error("the compiler gave up on it ({0})")]
    CompilerEnded(String),
    /// The compiler cannot be run.
    #[error("cannot run {program} to compile it")]
    Compiler {
        /// This very program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It wants something that a plugin does not get.
    #[error(
        "it imports {}, which plugins do not get (there is only {LOG}); build it without WASI, \
         e.g. for wasm32-unknown-unknown",
        .imports.join(", ")
    )]
    UnknownImports {
        /// What it wants.
        imports: Vec<String>,
    },
    /// It does not have what a plugin has.
    #[error(
        "it is a component of another world: it does not export {} (it exports {}); a plugin \
         implements leadsman:plugin/mapping",
        .missing.join(", "),
        if .exports.is_empty() { "nothing".to_owned() } else { .exports.join(", ") }
    )]
    OtherWorld {
        /// What is missing.
        missing: Vec<String>,
        /// What there is.
        exports: Vec<String>,
    },
    /// Its functions have other types.
    #[error("its functions are not those of leadsman:plugin/mapping 0.1: {0}")]
    OtherTypes(String),
    /// It does not say what it is.
    #[error("it cannot describe itself")]
    Describe(#[source] RunError),
}

impl LoadError {
    /// The kind of the error, as logs, metrics and Events tell it.
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

/// The one import that plugins have.
pub(super) const LOG: &str = "leadsman:plugin/log@0.1.0";

/// Why a run of a plugin gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// It did not end in time.
    #[error("the plugin was stopped after its limit of {0:?}")]
    Timeout(Duration),
    /// It wanted more memory.
    #[error("the plugin wanted more than its limit of {limit} bytes of memory")]
    Memory {
        /// The limit.
        limit: usize,
    },
    /// It wanted a larger table.
    #[error("the plugin wanted a table of {wanted} elements; the limit is {limit}")]
    Table {
        /// What it wanted.
        wanted: usize,
        /// The limit.
        limit: usize,
    },
    /// It called itself too deeply.
    #[error("the plugin ran out of stack: it calls itself too deeply")]
    Stack,
    /// It gave up.
    #[error("the plugin trapped: {0}")]
    Trap(String),
    /// It returned something that cannot be served.
    #[error("the plugin's output cannot be used: {0}")]
    Output(String),
    /// It said itself that it cannot.
    #[error("{}{message}", .query.as_ref().map(|query| format!("query \"{query}\": ")).unwrap_or_default())]
    Failure {
        /// What it said.
        message: String,
        /// The query whose answer it could not use.
        query: Option<String>,
    },
    /// The objects that it wants to see are too many.
    #[error(
        "the plugin asks for objects, and {objects} objects with {labels} different labels are more \
         than are handed over (1000 labels, 4,000,000 in all)"
    )]
    Objects {
        /// How many objects there are.
        objects: usize,
        /// How many different labels they have together.
        labels: usize,
    },
    /// The engine could not run it.
    #[error("the plugin could not be run: {0}")]
    Host(String),
}

impl RunError {
    /// Whether the plugin did what no plugin should do, whatever it was given.
    pub fn is_misbehaviour(&self) -> bool {
        match self {
            Self::Timeout(_)
            | Self::Memory { .. }
            | Self::Table { .. }
            | Self::Stack
            | Self::Trap(_)
            | Self::Output(_) => true,
            Self::Failure { .. } | Self::Objects { .. } | Self::Host(_) => false,
        }
    }

    /// The kind of the error, as metrics count it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Timeout(_) => "plugin_timeout",
            Self::Memory { .. } => "plugin_memory",
            Self::Table { .. } => "plugin_table",
            Self::Stack => "plugin_stack",
            Self::Trap(_) => "plugin_trap",
            Self::Output(_) => "plugin_output",
            Self::Failure { .. } => "plugin_failure",
            Self::Objects { .. } => "plugin_objects",
            Self::Host(_) => "plugin_host",
        }
    }
}
