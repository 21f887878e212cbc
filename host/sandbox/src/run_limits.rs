//! The limits of one run of a plugin.

use std::time::Duration;

/// The limits of one run of a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The maximum time.
    pub time: Duration,
    /// The maximum memory, in bytes.
    pub memory: usize,
    /// The maximum number of measures.
    pub measures: usize,
}

/// The highest memory limit that can be configured, in bytes: the size of a slot of the pool.
pub const MAX_MEMORY: usize = 64 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_millis(100), memory: MAX_MEMORY, measures: 100_000 }
    }
}
