//! A plugin's bytes from an OCI registry, and the signature that vouches for them.
//!
//! [`Registry`] tells what a [`Reference`] stands for now and reads what a [`Digest`] names;
//! [`verify`] looks for a signature of that digest by one of some keys. Nothing is ever read
//! without a bound on its size and on the time it takes, and nothing is given away that was not
//! compared with the digest that asked for it.
//!
//! The protocol is small, and it is spoken here and not by a client library because those read
//! manifests, tokens, errors and lists of referrers to whatever end the registry gives them.

mod answer;
mod challenge;
mod credentials;
mod entries;
mod error;
mod manifest;
mod registry;
mod session;
mod signature;
#[cfg(test)]
mod tests;

pub use credentials::{Credentials, CredentialsError};
pub use error::PullError;
pub use leadsman_model::reference::{Digest, Reference, ReferenceError};
pub use manifest::NotAPlugin;
pub use registry::{Access, Registry};
pub use signature::{KeyError, PublicKey, SignatureError, verify};
