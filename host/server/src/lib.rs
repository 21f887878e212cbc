//! Listening: TLS, connections, readiness, and an orderly end.

pub mod auth;
mod certificate;
mod connections;
mod readiness;
pub mod registration;

pub use certificate::{Certificate, CertificateError, Held};
pub use connections::{Executor, Server};
pub use readiness::Readiness;
