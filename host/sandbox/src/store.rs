//! The wasmtime store of one call, with its limits and its log.

use std::time::{Duration, Instant};

use wasmtime::{ResourceLimiter, Store};

use super::bindings::leadsman::plugin::{log, types};
use super::engine::{Engine, MAX_TABLE_ELEMENTS, TICK};
use super::error::RunError;
use super::run_limits::Limits;
use super::trace::{LogLevel, LogLine};

/// The maximum size of all data that a plugin passes to the host in one call, in bytes.
const MAX_OUTPUT_BYTES: usize = 16 << 20;

/// The maximum number of log lines of one call, and their maximum total size.
const MAX_LOG_LINES: u32 = 20;
const MAX_LOG_BYTES: usize = 4096;

/// The host state of one call.
pub(super) struct StoreState {
    /// The name of the mapping in log lines.
    name: String,
    memory_limit: usize,
    /// The maximum number of lines, within the mapping's rate limit.
    log_limit: u32,
    log_lines: u32,
    log_bytes: usize,
    log_dropped: u64,
    /// The number of errors, including dropped ones.
    log_errors: u32,
    /// The lines that were logged.
    log: Vec<LogLine>,
    /// The largest linear memory.
    memory: usize,
    /// The last error line. After a panic, this is its message.
    pub(super) last_error: Option<String>,
    /// The limit that was exceeded, if any.
    pub(super) exceeded: Option<RunError>,
}

impl StoreState {
    /// What was logged, how many lines were dropped, and the largest memory.
    pub(super) fn into_parts(self) -> (Vec<LogLine>, u64, usize) {
        (self.log, self.log_dropped, self.memory)
    }
}

impl types::Host for StoreState {}

impl log::Host for StoreState {
    fn write(&mut self, level: log::Level, message: String) {
        let dropped =
            self.log_lines >= self.log_limit || self.log_bytes + message.len() > MAX_LOG_BYTES;
        // The message of a panic is reported with the trap, even if the log line is dropped.
        let is_error = matches!(level, log::Level::Error)
            && self.log_errors < MAX_LOG_LINES
            && message.len() <= MAX_LOG_BYTES;
        if dropped {
            self.log_dropped += 1;
            if !is_error {
                return;
            }
        }
        // Control characters could forge log lines or control a terminal.
        let message: String =
            message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if is_error {
            self.log_errors += 1;
            self.last_error = Some(message.clone());
        }
        if dropped {
            return;
        }
        self.log_lines += 1;
        self.log_bytes += message.len();
        let mapping = &self.name;
        match level {
            log::Level::Debug => tracing::debug!(target: "plugin", mapping, "{message}"),
            log::Level::Info => tracing::info!(target: "plugin", mapping, "{message}"),
            log::Level::Warn => tracing::warn!(target: "plugin", mapping, "{message}"),
            log::Level::Error => tracing::error!(target: "plugin", mapping, "{message}"),
        }
        let level = match level {
            log::Level::Debug => LogLevel::Debug,
            log::Level::Info => LogLevel::Info,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Error => LogLevel::Error,
        };
        self.log.push(LogLine { level, message });
    }
}

impl ResourceLimiter for StoreState {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired <= self.memory_limit {
            self.memory = self.memory.max(desired);
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
        if desired <= MAX_TABLE_ELEMENTS {
            return Ok(true);
        }
        self.exceeded = Some(RunError::Table { wanted: desired, limit: MAX_TABLE_ELEMENTS });
        Ok(false)
    }
}

/// Creates a store for one call. `name` is the name of the mapping in log lines.
pub(super) fn store(engine: &Engine, name: &str, limits: &Limits) -> Store<StoreState> {
    let state = StoreState {
        name: name.to_owned(),
        memory_limit: limits.memory,
        log_limit: engine.log_rate_limit().available(name, Instant::now()).min(MAX_LOG_LINES),
        log_lines: 0,
        log_bytes: 0,
        log_dropped: 0,
        log_errors: 0,
        log: Vec::new(),
        memory: 0,
        last_error: None,
        exceeded: None,
    };
    let mut store = Store::new(engine.wasmtime(), state);
    store.limiter(|state| state);
    store.set_hostcall_fuel(MAX_OUTPUT_BYTES);
    store.epoch_deadline_trap();
    store.set_epoch_deadline(ticks(limits.time));
    store
}

/// Logs the number of dropped lines, and charges the other lines to the mapping's rate limit.
pub(super) fn log_ended(engine: &Engine, state: &StoreState) {
    let mut lines = state.log_lines;
    // A mapping that has used up its rate limit does not log this either.
    if state.log_dropped > 0 && state.log_limit > 0 {
        let (mapping, dropped) = (&state.name, state.log_dropped);
        tracing::warn!(target: "plugin", mapping, dropped, "log lines over the limit were dropped");
        lines += 1;
    }
    engine.log_rate_limit().take(&state.name, lines, Instant::now());
}

/// The number of epoch ticks of a time limit, plus one since the first tick may come immediately.
fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX).saturating_add(1)
}
