//! Access to the environment that all crates share: files that are reloaded on change, the TLS
//! provider, the wall clock, back-off, supervision of tasks, threads that may block, metrics and logs.
//! Independent of the domain.

pub mod backoff;
pub mod clock;
pub mod decoding;
pub mod files;
pub mod supervise;
pub mod telemetry;
pub mod tls;
