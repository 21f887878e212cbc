//! The sandbox as production runs it: pooled memory, epochs, and a fresh instance for each call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{
    Config, Enabled, Engine, Error, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    Result, Store, StoreLimits, StoreLimitsBuilder,
};

use crate::bindings::contract::MappingPre;
use crate::bindings::contract::leadsman::plugin::log;
use crate::bindings::{Input, Measure, Measures, Series, ShapesPre, Table};

/// The configuration of the shipped plugin that is measured.
pub const CONFIG: &str = r#"{"object": "pod"}"#;

const GUEST: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/leadsman-bench-shapes.wasm"));
const TICK: Duration = Duration::from_millis(10);
/// Far more than any call takes: the check is measured, not the interruption.
const DEADLINE_TICKS: u64 = 1_000;
const MAX_MEMORY: usize = 64 << 20;
// As in host/sandbox/src/engine.rs.
const KEPT_PAGES: usize = 1 << 20;
const KEPT_TABLE: usize = 64 << 10;
const HOSTCALL_BYTES: usize = 16 << 20;

/// How the pool treats the memory of a call, which decides as much as the shape does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// Pages stay with their slot and are cleared, as far as they were touched.
    Kept,
    /// Pages go back to the system after each call, which is wasmtime's default.
    Returned,
    /// Kept, and no more address space is reserved than the limit: each access is then checked
    /// in code, and not by the pages behind the memory.
    Exact,
}

/// An engine with the guests compiled, and the thread that advances its epoch.
pub struct Sandbox {
    engine: Engine,
    shapes: ShapesPre<Host>,
    per_object: MappingPre<Host>,
    stop: Arc<AtomicBool>,
    ticker: Option<JoinHandle<()>>,
}

/// What a store carries.
struct Host {
    limits: StoreLimits,
}

impl log::Host for Host {
    fn write(&mut self, _: log::Level, _: String) {}
}

impl Sandbox {
    /// Compiles the guests.
    pub fn new(memory: Memory) -> Result<Self> {
        let engine = Engine::new(&config(memory))?;
        let shapes = Component::new(&engine, GUEST)?;
        let shapes = ShapesPre::new(Linker::new(&engine).instantiate_pre(&shapes)?)?;
        let mut linker = Linker::new(&engine);
        log::add_to_linker::<_, HasSelf<Host>>(&mut linker, |host| host)?;
        let per_object = leadsman_shipped_plugins::SHIPPED_PLUGINS
            .iter()
            .find(|plugin| plugin.name == "per-object")
            .ok_or_else(|| Error::msg("no plugin per-object is shipped"))?;
        let per_object = Component::new(&engine, per_object.component)?;
        let per_object = MappingPre::new(linker.instantiate_pre(&per_object)?)?;
        let stop = Arc::new(AtomicBool::new(false));
        let ticker = std::thread::Builder::new().name("plugin-clock".to_owned()).spawn({
            let (engine, stop) = (engine.clone(), Arc::clone(&stop));
            move || {
                while !stop.load(Ordering::Relaxed) {
                    std::thread::park_timeout(TICK);
                    engine.increment_epoch();
                }
            }
        })?;
        Ok(Self { engine, shapes, per_object, stop, ticker: Some(ticker) })
    }

    /// (a) Records in, records out.
    pub fn records_to_records(&self, series: &[Series]) -> Result<Vec<Measure>> {
        let mut store = self.store();
        self.shapes.instantiate(&mut store)?.call_records_to_records(&mut store, series)
    }

    /// (b) Columns over a list of strings in, records out.
    pub fn strings_to_records(&self, table: &Table) -> Result<Vec<Measure>> {
        let mut store = self.store();
        self.shapes.instantiate(&mut store)?.call_strings_to_records(&mut store, table)
    }

    /// The contract's input, records out.
    pub fn bytes_to_records(&self, input: &Input) -> Result<Vec<Measure>> {
        let mut store = self.store();
        self.shapes.instantiate(&mut store)?.call_bytes_to_records(&mut store, input)
    }

    /// (c) The contract's input, the contract's output.
    pub fn bytes_to_columns(&self, input: &Input) -> Result<Measures> {
        let mut store = self.store();
        self.shapes.instantiate(&mut store)?.call_bytes_to_columns(&mut store, input)
    }

    /// The shipped plugin `per-object`, by the contract's own world.
    pub fn per_object(&self, input: &Input) -> Result<Measures> {
        let mut store = self.store();
        let plugin = self.per_object.instantiate(&mut store)?;
        plugin
            .call_evaluate(&mut store, CONFIG, input)?
            .map_err(|failure| Error::msg(failure.message))
    }

    fn store(&self) -> Store<Host> {
        let limits = StoreLimitsBuilder::new().memory_size(MAX_MEMORY).build();
        let mut store = Store::new(&self.engine, Host { limits });
        store.limiter(|host| &mut host.limits);
        store.set_epoch_deadline(DEADLINE_TICKS);
        store.set_hostcall_fuel(HOSTCALL_BYTES);
        store
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(ticker) = self.ticker.take() {
            // A ticker that panicked has nothing left to stop.
            let _ = ticker.join();
        }
    }
}

fn config(memory: Memory) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.max_memory_size(MAX_MEMORY);
    if memory != Memory::Returned {
        // Without the scan (Linux before 6.7), all that may be kept is cleared after each call.
        pool.pagemap_scan(Enabled::Auto)
            .linear_memory_keep_resident(KEPT_PAGES)
            .table_keep_resident(KEPT_TABLE);
    }
    let mut config = Config::new();
    if memory == Memory::Exact {
        config.memory_reservation(MAX_MEMORY as u64);
    }
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .epoch_interruption(true)
        .cranelift_opt_level(OptLevel::Speed)
        .concurrency_support(false);
    config
}
