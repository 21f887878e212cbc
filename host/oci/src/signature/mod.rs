//! Verifies signatures of artifacts in the formats of cosign.
//!
//! A signature is valid if one of the given keys made it over a payload that names the digest of the
//! manifest and whose type is that of a signature: an attestation (an SBOM, a scan) says something
//! about an artifact and does not approve it. Nothing else establishes trust: no certificates, no
//! transparency log, and not the name under which an artifact was signed, so that a mirrored artifact
//! keeps its signature.

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

/// Searches for a valid signature of the artifact with this digest by one of these keys. Tag and
/// digest of the reference are ignored.
///
/// Examines the referrers of the manifest (by the referrers API, or by the tag that replaces it) and
/// the tag that older versions of cosign use. One valid signature is enough, regardless of others.
/// Without one, every failure of the search is an error: what cannot be read is never taken for
/// absent.
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
