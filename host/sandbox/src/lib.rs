//! The plugin sandbox: loads components, checks them and runs them within limits.
//!
//! Independent of sources, of HTTP and of the configuration's format. The process has one
//! [`Engine`], which loads [`Plugin`]s. Every call of a plugin runs on a fresh instance.

mod bindings;
mod code_store;
mod compile;
mod compile_queue;
mod compiled;
mod compiler;
mod compiler_process;
mod convert;
mod engine;
mod error;
mod fixtures;
mod function_cache;
pub mod limits;
mod load;
mod log_rate_limit;
mod output;
mod plan;
mod run;
mod run_limits;
mod store;
mod trace;

pub use code_store::CodeStore;
pub use compile_queue::CompileOwner;
pub use compiler::Compiler;
pub use compiler_process::{CompileCost, SUBCOMMAND, compile_as_child};
pub use engine::Engine;
pub use error::{LoadError, RunError};
pub use load::Plugin;
pub use output::Expected;
pub use run::{
    Context, Description, OwnQuery, PlannedAsk, PlannedQuery, Planning, PluginFault, Run,
};
pub use run_limits::{Limits, MAX_MEMORY};
pub use trace::{
    Capture, CapturedAnswer, CapturedMeasure, CapturedObject, CapturedRow, LogLevel, LogLine, Trace,
};
