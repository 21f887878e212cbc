//! The engine that runs all plugins.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

use super::bindings::leadsman::plugin::log;
use super::error::LoadError;
use super::log_rate_limit::LogRateLimit;
use super::run_limits::MAX_MEMORY;
use super::store::StoreState;
use leadsman_model::permits::FairSemaphore;

/// The resolution of a plugin's time limit.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// The stack size of a plugin, in bytes. Deep recursion overflows this stack and not the host's.
const STACK_BYTES: usize = 512 << 10;

/// The maximum number of plugins that are described, configured or tested concurrently, in addition
/// to evaluations.
const MAX_LOADING: usize = 8;

/// The maximum number of core instances of one component. With an interpreter, it has about 100.
const MAX_CORE_INSTANCES: u32 = 128;

/// The maximum memory that an idle slot keeps resident, in bytes. An evaluation of a few thousand
/// series touches about as much.
const MAX_RESIDENT_BYTES: usize = 1 << 20;

/// The maximum number of elements of a table. Elements are functions that are called indirectly.
pub(super) const MAX_TABLE_ELEMENTS: usize = 20_000;

/// Compiles and runs plugins. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    engine: wasmtime::Engine,
    linker: Linker<StoreState>,
    slots: FairSemaphore,
    slots_per_mapping: usize,
    loading: Arc<Semaphore>,
    log_rate_limit: LogRateLimit,
    // The last field, since its drop stops the thread that increments the epoch.
    _ticker: Ticker,
}

impl Engine {
    /// An engine that runs at most `concurrency` plugins at once.
    pub fn new(concurrency: usize) -> Result<Self, LoadError> {
        let engine = wasmtime::Engine::new(&settings(concurrency))
            .map_err(|error| LoadError::Engine(format!("{error:#}")))?;
        let mut linker = Linker::new(&engine);
        log::add_to_linker::<StoreState, HasSelf<StoreState>>(&mut linker, |state| state)
            .map_err(|error| LoadError::Engine(format!("{error:#}")))?;
        let ticker = Ticker::start(engine.weak()).map_err(LoadError::Ticker)?;
        // The pool has more instances than there are concurrent calls: an instance is returned
        // shortly after its call has ended.
        let slots = FairSemaphore::new(concurrency);
        Ok(Self(Arc::new(Inner {
            engine,
            linker,
            slots,
            slots_per_mapping: (concurrency / 4).max(1),
            loading: Arc::new(Semaphore::new(MAX_LOADING)),
            log_rate_limit: LogRateLimit::default(),
            _ticker: ticker,
        })))
    }

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.engine
    }

    pub(super) fn log_rate_limit(&self) -> &LogRateLimit {
        &self.0.log_rate_limit
    }

    pub(super) fn linker(&self) -> &Linker<StoreState> {
        &self.0.linker
    }

    /// Limits the number of concurrent runs, fairly between tenants. The run must own the permit,
    /// since it continues after its waiter was cancelled.
    pub fn slots(&self) -> &FairSemaphore {
        &self.0.slots
    }

    /// Waits for a permit to describe, configure or test a plugin.
    pub async fn loading(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed, so this is always `Some`.
        self.0.loading.clone().acquire_owned().await.ok()
    }

    /// The maximum number of slots that one mapping may use at once, so that a slow plugin leaves
    /// most slots to others.
    pub fn slots_per_mapping(&self) -> usize {
        self.0.slots_per_mapping
    }
}

fn settings(concurrency: usize) -> Config {
    let instances = u32::try_from(concurrency + MAX_LOADING + 2).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .max_core_instances_per_component(MAX_CORE_INSTANCES)
        .total_core_instances(instances.saturating_mul(MAX_CORE_INSTANCES))
        .max_memories_per_component(1)
        .total_memories(instances)
        .max_memory_size(MAX_MEMORY)
        .max_tables_per_component(20)
        .total_tables(instances.saturating_mul(20))
        .table_elements(MAX_TABLE_ELEMENTS)
        .max_unused_warm_slots(instances)
        .pagemap_scan(Enabled::Auto);
    // Pages that an evaluation touched are zeroed and kept resident: returning them to the system
    // and faulting them in again costs up to three times the evaluation itself. Without the pagemap
    // scan (before Linux 6.7) all resident pages would be zeroed each time, which costs more than
    // it saves.
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.linear_memory_keep_resident(MAX_RESIDENT_BYTES).table_keep_resident(64 << 10);
    }
    let mut config = for_compiling();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .max_wasm_stack(STACK_BYTES)
        // Calls are synchronous; support for concurrent ones makes a call three times as expensive.
        .concurrency_support(false);
    config
}

/// The settings that compiled code depends on. Code runs only on engines with the same settings.
pub(super) fn for_compiling() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .cranelift_opt_level(OptLevel::Speed)
        .concurrency_support(false)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        // What only debuggers and places in backtraces need. Loaded code is memory for as long as a
        // plugin is in use, and a good part of it is this.
        .generate_address_map(false)
        .debug_symbols(false)
        .native_unwind_info(false)
        // Features that plugins do not need are attack surface.
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(false);
    config
}

/// Increments the engine's epoch on a dedicated thread, since a busy runtime would delay it.
struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(engine: wasmtime::EngineWeak) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread =
            std::thread::Builder::new().name("plugin-clock".to_owned()).spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    std::thread::park_timeout(TICK);
                    match engine.upgrade() {
                        Some(engine) => engine.increment_epoch(),
                        None => return,
                    }
                }
            })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic of this thread does not matter at shutdown.
            let _ = thread.join();
        }
    }
}
