//! Listening: TLS, connections and their limits, readiness, and an orderly end.

mod activity;
mod admission;
pub mod auth;
mod certificate;
mod connection;
mod executor;
mod handle;
mod limits;
mod listener;
mod readiness;
pub mod registration;
mod self_signed;
mod validity;

pub use certificate::{Certificate, CertificateError, CertificateHandle};
pub use handle::{ConnectionHandle, OpenCall};
pub use listener::{Protocol, Server};
pub use readiness::Readiness;
pub use self_signed::SelfSigned;
