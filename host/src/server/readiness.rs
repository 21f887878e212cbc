//! Whether the process is ready to serve.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Not ready until told, and not any more once it is ending.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Everything that is needed is there.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Relaxed);
    }

    /// Whether it is.
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
