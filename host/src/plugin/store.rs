//! What belongs to one run: its limits and its log.

use std::time::Duration;

use wasmtime::{ResourceLimiter, Store};

use super::bindings::leadsman::plugin::{log, types};
use super::engine::{Engine, TABLE_ELEMENTS, TICK};
use super::error::RunError;
use crate::config::valid::Limits;

/// The most that crosses from a plugin to the host in one call.
const OUTPUT_BYTES: usize = 16 << 20;

/// What a plugin may log in one run.
const LOG_LINES: u32 = 20;
const LOG_BYTES: usize = 4096;

/// The state of one run.
pub(super) struct State {
    /// The mapping, for its log lines.
    name: String,
    memory_limit: usize,
    log_lines: u32,
    log_bytes: usize,
    log_dropped: u64,
    /// The last line that was logged as an error: a panic says there what it was.
    pub(super) last_error: Option<String>,
    /// Which limit was met, if one was.
    pub(super) exceeded: Option<RunError>,
}

impl types::Host for State {}

impl log::Host for State {
    fn write(&mut self, level: log::Level, message: String) {
        if self.log_lines == LOG_LINES || self.log_bytes + message.len() > LOG_BYTES {
            self.log_dropped += 1;
            return;
        }
        self.log_lines += 1;
        self.log_bytes += message.len();
        // Control characters could forge lines or move a terminal's cursor.
        let message: String =
            message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if matches!(level, log::Level::Error) {
            self.last_error = Some(message.clone());
        }
        let mapping = &self.name;
        match level {
            log::Level::Debug => tracing::debug!(target: "plugin", mapping, "{message}"),
            log::Level::Info => tracing::info!(target: "plugin", mapping, "{message}"),
            log::Level::Warn => tracing::warn!(target: "plugin", mapping, "{message}"),
            log::Level::Error => tracing::error!(target: "plugin", mapping, "{message}"),
        }
    }
}

impl ResourceLimiter for State {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired <= self.memory_limit {
            return Ok(true);
        }
        self.exceeded = Some(RunError::Memory { limit: self.memory_limit });
        Ok(false)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired <= TABLE_ELEMENTS {
            return Ok(true);
        }
        self.exceeded = Some(RunError::Table { wanted: desired, limit: TABLE_ELEMENTS });
        Ok(false)
    }
}

/// A store for one run. `name` is what its log lines are told under.
pub(super) fn store(engine: &Engine, name: &str, limits: &Limits) -> Store<State> {
    let state = State {
        name: name.to_owned(),
        memory_limit: limits.memory,
        log_lines: 0,
        log_bytes: 0,
        log_dropped: 0,
        last_error: None,
        exceeded: None,
    };
    let mut store = Store::new(engine.wasmtime(), state);
    store.limiter(|state| state);
    store.set_hostcall_fuel(OUTPUT_BYTES);
    store.epoch_deadline_trap();
    store.set_epoch_deadline(ticks(limits.time));
    store
}

/// Says how many log lines were dropped, once a run is over.
pub(super) fn report_dropped(state: &State) {
    if state.log_dropped > 0 {
        let (mapping, dropped) = (&state.name, state.log_dropped);
        tracing::warn!(target: "plugin", mapping, dropped, "log lines over the limit of a run were dropped");
    }
}

/// One tick more than the time has: the first may come at once.
fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX).saturating_add(1)
}
