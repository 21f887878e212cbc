//! What one run of a plugin may use.

use std::time::Duration;

/// What one run of a plugin may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The time.
    pub time: Duration,
    /// The memory in bytes.
    pub memory: usize,
    /// How many measures.
    pub measures: usize,
}

/// The most memory that a plugin can be given: the size of a slot of the pool.
pub const MAX_MEMORY: usize = 64 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_millis(100), memory: MAX_MEMORY, measures: 100_000 }
    }
}
