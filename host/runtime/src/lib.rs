//! What every part of the process shares with its surroundings: files that are read again when
//! they change, the TLS provider, the wall clock, metrics and logs. Knows nothing of the domain.

pub mod clock;
pub mod files;
pub mod telemetry;
pub mod tls;
