//! What every part of the process shares with its surroundings: files that are read again when
//! they change, the TLS provider, the wall clock, delays between attempts, metrics and logs. Knows nothing of the domain.

pub mod backoff;
pub mod clock;
pub mod files;
pub mod telemetry;
pub mod tls;
