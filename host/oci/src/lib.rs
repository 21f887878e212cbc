//! An OCI registry client: pulls components, verifies their signatures, and pushes.
//!
//! [`Registry`] resolves a [`Reference`] to a [`Digest`] and pulls the component of a digest;
//! [`verify`] searches for a signature of that digest by one of some keys. Everything is read with
//! limits on size and time, and compared with its digest before it is returned.
//!
//! The protocol is implemented here because client libraries read manifests, tokens, errors and lists
//! of referrers without limits.

mod answer;
mod challenge;
mod credentials;
mod entries;
mod error;
mod manifest;
mod push;
mod registry;
mod session;
mod signature;
#[cfg(test)]
mod tests;

pub use credentials::{CredentialsError, RegistryCredentials};
pub use error::PullError;
pub use leadsman_model::reference::{Digest, Reference, ReferenceError};
pub use manifest::NotAPlugin;
pub use push::{ARTIFACT_TYPE, Expected, NewArtifact, PushError, Pushed};
pub use registry::{Access, ArtifactInfo, Registry};
pub use signature::{KeyError, PublicKey, SignatureError, verify};
