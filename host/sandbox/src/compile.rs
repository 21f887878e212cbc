//! Compiles a component in this process.

use std::sync::Arc;

use super::engine;
use super::error::LoadError;
use super::function_cache::FunctionCache;
use super::limits::{self, ExceededLimit, StructuralLimits};

/// The maximum size of compiled code, in bytes.
pub(super) const MAX_CODE: u64 = 512 << 20;

/// Whether a component is so large that it must include an interpreter.
pub(super) fn is_large(component: &[u8]) -> bool {
    component.len() as u64 > StructuralLimits::DEFAULT.bytes
}

/// Compiles in this process, after a check of the structural limits. With the functions that need not
/// be compiled again.
pub(super) fn compile(
    component: &[u8],
    functions: Option<Arc<FunctionCache>>,
) -> Result<Vec<u8>, LoadError> {
    let structure =
        if is_large(component) { StructuralLimits::INTERPRETER } else { StructuralLimits::DEFAULT };
    limits::check(component, &structure).map_err(|exceeded| match exceeded {
        ExceededLimit::Malformed(_) => LoadError::Invalid(exceeded.to_string()),
        exceeded => LoadError::Structure(exceeded.to_string()),
    })?;
    let failed = |error: wasmtime::Error| LoadError::Engine(format!("{error:#}"));
    let mut settings = engine::for_compiling();
    if let Some(functions) = functions {
        settings.enable_incremental_compilation(functions).map_err(failed)?;
    }
    let engine = wasmtime::Engine::new(&settings).map_err(failed)?;
    engine.precompile_component(component).map_err(|error| LoadError::Invalid(format!("{error:#}")))
}
