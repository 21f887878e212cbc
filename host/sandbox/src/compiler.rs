//! Compiles components. A crafted component can make a compiler use all memory or minutes of time.
//! So compilation runs in a child process with limits of its own, in a queue that is fair to
//! owners.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::code_store::CodeStore;
use super::compile::compile;
use super::compile_queue::{CompileOwner, CompilePermit, CompileQueue};
use super::compiled::Compiled;
use super::compiler_process::{self, CompileCost};
use super::engine::Engine;
use super::error::LoadError;
use super::function_cache::FunctionCache;
use super::load::{Plugin, WeakPlugin, blocking};

/// Longer than components of compiled languages take. After this time, a second compilation may
/// start.
const MAX_SHORT: Duration = Duration::from_secs(5);

/// Compiles components, caches the code, and shares the plugins that are loaded.
pub struct Compiler {
    /// The program that this process runs.
    program: PathBuf,
    /// Where it compiles in this process, the functions that it has compiled.
    functions: Option<Arc<FunctionCache>>,
    queue: CompileQueue,
    store: Option<CodeStore>,
    /// The loaded plugins by the digests of their components. All belong to the engine of the
    /// process.
    loaded: Mutex<HashMap<String, WeakPlugin>>,
}

impl Compiler {
    /// `program` is the executable of this process, `store` the cache of compiled code.
    pub fn new(program: PathBuf, store: Option<CodeStore>) -> Self {
        Self {
            program,
            functions: None,
            queue: CompileQueue::default(),
            store,
            loaded: Mutex::default(),
        }
    }

    /// Compiles in this process, without the limits of the compiler process, and no function twice. For
    /// a component that is edited and loaded again and again, on the machine of its author.
    pub fn incremental(self) -> Self {
        Self { functions: Some(Arc::default()), ..self }
    }

    /// Keeps the code of so many components at most in the store.
    pub fn keeping(self, components: usize) -> Self {
        Self { store: self.store.map(|store| store.keeping(components)), ..self }
    }

    /// Compiles a component, or returns its code from the cache. `digest` identifies the component.
    /// With what it took, if it was compiled.
    pub(super) async fn compile(
        &self,
        engine: &Engine,
        owner: &CompileOwner,
        digest: &str,
        component: &Bytes,
    ) -> Result<(Compiled, Option<CompileCost>), LoadError> {
        let key = cache_key(engine, digest);
        if let Some(code) = self.cached(&key).await {
            return Ok((code, None));
        }
        let permit = self.queue.acquire(owner).await;
        // The same component may have been compiled while this request waited.
        if let Some(code) = self.cached(&key).await {
            return Ok((code, None));
        }
        let (code, cost) = match &self.functions {
            Some(functions) => {
                let (functions, component) = (functions.clone(), component.clone());
                let code = blocking(move || compile(&component, Some(functions))).await??;
                (Compiled::from_compiler(code), None)
            }
            None => self.compile_in_child(permit.as_ref(), component).await?,
        };
        drop(permit);
        match &self.store {
            Some(store) => Ok((store.put(&key, code).await, cost)),
            None => Ok((code, cost)),
        }
    }

    async fn compile_in_child(
        &self,
        permit: Option<&CompilePermit>,
        component: &[u8],
    ) -> Result<(Compiled, Option<CompileCost>), LoadError> {
        let mut child = std::pin::pin!(compiler_process::run(&self.program, component));
        if let Ok(result) = tokio::time::timeout(MAX_SHORT, &mut child).await {
            return result;
        }
        if let Some(permit) = permit {
            permit.mark_long();
        }
        child.await
    }

    /// The loaded plugin of a component, if it is in use.
    pub(super) fn loaded(&self, digest: &str) -> Option<Plugin> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.get(digest)?.upgrade()
    }

    /// Shares a loaded plugin with later loads of the same component.
    pub(super) fn share(&self, plugin: &Plugin) {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.retain(|_, plugin| plugin.upgrade().is_some());
        loaded.insert(plugin.digest().to_owned(), plugin.downgrade());
    }

    async fn cached(&self, key: &str) -> Option<Compiled> {
        self.store.as_ref()?.get(key).await
    }
}

/// The cache key of compiled code: the component's digest and a hash of the engine's settings.
fn cache_key(engine: &Engine, digest: &str) -> String {
    // SipHash with fixed keys gives the same hash in every process.
    #[allow(deprecated)]
    let mut hasher = std::hash::SipHasher::new();
    engine.wasmtime().precompile_compatibility_hash().hash(&mut hasher);
    let engine = hasher.finish();
    format!("{digest}-{engine:016x}")
}
