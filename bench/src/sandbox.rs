//! A sandbox with the settings of production: pooled memory, epochs, and a fresh instance for each
//! call.

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

/// The configuration of the measured plugin.
pub const CONFIG: &str = r#"{"object": "pod"}"#;

const GUEST: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/leadsman-bench-shapes.wasm"));
const TICK: Duration = Duration::from_millis(10);
/// Far more than any call takes, since the epoch checks are measured and not an interruption.
const DEADLINE_TICKS: u64 = 1_000;
const MAX_MEMORY: usize = 64 << 20;
// As in host/sandbox/src/engine.rs.
const RESIDENT_MEMORY: usize = 1 << 20;
const RESIDENT_TABLE: usize = 64 << 10;
const MAX_HOSTCALL_BYTES: usize = 16 << 20;

/// How the pool treats the memory of a call, which matters as much as the shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// Pages stay resident in their slot, and touched pages are zeroed.
    Kept,
    /// Pages are returned to the system after each call, the default of wasmtime.
    Returned,
    /// As `Kept`, but the reserved address space is the memory limit. Then code checks the bounds
    /// of each access, instead of guard pages.
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

/// The data of a store.
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

    /// (b) Columns with a list of strings in, records out.
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

    /// The shipped plugin `per-object`, through the contract's world.
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
        store.set_hostcall_fuel(MAX_HOSTCALL_BYTES);
        store
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(ticker) = self.ticker.take() {
            // A panic of the thread does not matter here.
            let _ = ticker.join();
        }
    }
}

fn config(memory: Memory) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.max_memory_size(MAX_MEMORY);
    if memory != Memory::Returned {
        // Without the scan (before Linux 6.7), all resident pages are zeroed after each call.
        pool.pagemap_scan(Enabled::Auto)
            .linear_memory_keep_resident(RESIDENT_MEMORY)
            .table_keep_resident(RESIDENT_TABLE);
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
