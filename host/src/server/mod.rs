//! Listening: TLS, connections, readiness, and an orderly end.

mod certificate;
mod connections;
mod readiness;

pub use certificate::{Certificate, CertificateError, Held};
pub use connections::{Executor, Server};
pub use readiness::Readiness;
