//! The engine that compiles and runs plugins, shared by all of them.

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
use super::log_allowance::LogAllowance;
use super::run_limits::MAX_MEMORY;
use super::store::State;

/// The resolution of a plugin's time limit.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// The stack of a plugin. A deep recursion meets its end within it and not within the host's.
const STACK: usize = 512 << 10;

/// How many plugins may be described, configured and tested at once, beside those that run.
const LOADING: usize = 8;

/// A component of an interpreter has a hundred core instances.
const CORE_INSTANCES: u32 = 128;

/// How much memory an idle slot keeps: what a run over a few thousand series touches.
const KEPT_PAGES: usize = 1 << 20;

/// The elements of a table: functions that can be called by pointer. Interpreters have many.
pub(super) const TABLE_ELEMENTS: usize = 20_000;

/// Compiles and runs plugins. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    engine: wasmtime::Engine,
    linker: Linker<State>,
    slots: Arc<Semaphore>,
    slots_for_one: usize,
    loading: Arc<Semaphore>,
    log_allowance: LogAllowance,
    // Dropped last: ends the thread that moves the clock of the engine.
    _ticker: Ticker,
}

impl Engine {
    /// An engine that runs at most `concurrency` plugins at once.
    pub fn new(concurrency: usize) -> Result<Self, LoadError> {
        let engine = wasmtime::Engine::new(&settings(concurrency))
            .map_err(|error| LoadError::Engine(format!("{error:#}")))?;
        let mut linker = Linker::new(&engine);
        log::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)
            .map_err(|error| LoadError::Engine(format!("{error:#}")))?;
        let ticker = Ticker::start(engine.weak()).map_err(LoadError::Ticker)?;
        // One slot more in the pool than calls at once: an instance is given back a moment after
        // its call has ended.
        let slots = Arc::new(Semaphore::new(concurrency));
        Ok(Self(Arc::new(Inner {
            engine,
            linker,
            slots,
            slots_for_one: (concurrency / 4).max(1),
            loading: Arc::new(Semaphore::new(LOADING)),
            log_allowance: LogAllowance::default(),
            _ticker: ticker,
        })))
    }

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.engine
    }

    pub(super) fn log_allowance(&self) -> &LogAllowance {
        &self.0.log_allowance
    }

    pub(super) fn linker(&self) -> &Linker<State> {
        &self.0.linker
    }

    /// Limits how many plugins run at once. A permit must belong to the run itself, which goes on
    /// when whoever waits for it has gone.
    pub fn slots(&self) -> Arc<Semaphore> {
        self.0.slots.clone()
    }

    /// Limits how many plugins are described, configured and tested at once; take one for that.
    pub async fn loading(&self) -> Option<OwnedSemaphorePermit> {
        // Never closed, so there is always a permit to wait for.
        self.0.loading.clone().acquire_owned().await.ok()
    }

    /// How many of the slots one mapping may have at once: a plugin that uses all the time that it
    /// has leaves most of the machine to others.
    pub fn slots_for_one(&self) -> usize {
        self.0.slots_for_one
    }
}

fn settings(concurrency: usize) -> Config {
    let instances = u32::try_from(concurrency + LOADING + 2).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .max_core_instances_per_component(CORE_INSTANCES)
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES))
        .max_memories_per_component(1)
        .total_memories(instances)
        .max_memory_size(MAX_MEMORY)
        .max_tables_per_component(20)
        .total_tables(instances.saturating_mul(20))
        .table_elements(TABLE_ELEMENTS)
        .max_unused_warm_slots(instances)
        .pagemap_scan(Enabled::Auto);
    // Pages that a run touched are cleared and kept: to give each back to the system and get it
    // anew costs up to three times the run itself. Without the scan (before Linux 6.7) all that may
    // be kept would be cleared each time, which costs more than it saves.
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.linear_memory_keep_resident(KEPT_PAGES).table_keep_resident(64 << 10);
    }
    let mut config = for_compiling();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .max_wasm_stack(STACK)
        // A call is synchronous; what concurrent ones need makes it three times as expensive.
        .concurrency_support(false);
    config
}

/// What code is made with. It runs on any engine that shares these settings.
pub(super) fn for_compiling() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .cranelift_opt_level(OptLevel::Speed)
        .concurrency_support(false)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        // What plugins don't need cannot have a fault either.
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(false);
    config
}

/// Moves the engine's epoch on, on a thread of its own: a busy runtime would be late.
struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(engine: wasmtime::EngineWeak) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let thread =
            std::thread::Builder::new().name("plugin-clock".to_owned()).spawn(move || {
                while !seen.load(Ordering::Relaxed) {
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
            // A panic of the clock has nothing to say at the end of the process.
            let _ = thread.join();
        }
    }
}
