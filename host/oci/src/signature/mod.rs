//! Signatures of artifacts, in the forms that cosign leaves them in a registry.
//!
//! A signature counts when one of the given keys made it over a text that names the digest of the
//! manifest; what the text says besides is not looked at, with two exceptions: an attestation (a
//! list of parts, a scan) says something about an artifact and does not vouch for it, and so its
//! text must be that of a signature. Nothing else gives trust here: neither certificates nor
//! entries of a transparency log, and not the name that a signature was made under, so that a
//! mirrored artifact keeps its signature.

mod bundle;
mod error;
mod key;
mod search;
mod simple;
#[cfg(test)]
mod tests;

pub use error::SignatureError;
pub use key::{KeyError, PublicKey};

use super::registry::Registry;
use leadsman_model::reference::Digest;
use leadsman_model::reference::Reference;

/// Looks for a signature of the artifact with this digest by one of these keys. Tag and digest of
/// the reference do not matter.
///
/// Looks at what refers to the manifest (the referrers API, or the tag that stands in for it where
/// a registry has none) and at the tag that cosign used before. One good signature is enough,
/// whatever lies beside it. Without one every fault is an error: what could not be looked at is
/// never taken for what is not there.
pub async fn verify(
    registry: &Registry,
    reference: &Reference,
    digest: &Digest,
    keys: &[PublicKey],
) -> Result<(), SignatureError> {
    let repository = format!("{}/{}", reference.registry(), reference.repository());
    let name = format!("{repository}@{digest}");
    registry
        .within(format!("the signature of {name}"), async {
            let mut session = registry.session(reference)?;
            search::Search::new(&mut session, digest, keys).run(&name).await
        })
        .await
}
