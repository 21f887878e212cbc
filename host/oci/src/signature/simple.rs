//! The form of a signature that cosign keeps under a tag: a small payload as a layer, and the
//! signature of it in an annotation.

use serde::Deserialize;

use super::bundle::base64;
use super::key::{self, PublicKey};
use crate::answer::shown;
use leadsman_model::reference::Digest;

pub(super) const MEDIA_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
pub(super) const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

const TYPE: &str = "cosign container image signature";

#[derive(Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// Verifies a layer as a signature of the manifest.
pub(super) fn check(
    payload: &[u8],
    signature: Option<&str>,
    digest: &Digest,
    keys: &[PublicKey],
) -> Result<(), String> {
    let signature = signature.ok_or_else(|| format!("has no annotation {SIGNATURE}"))?;
    let signature = base64(signature).ok_or("its signature is not base64")?;
    key::check(keys, &[signature], payload)?;
    let payload: Payload =
        serde_json::from_slice(payload).map_err(|_| "its payload is not a signature's")?;
    if payload.critical.kind != TYPE {
        return Err(format!("it signs something else: {}", shown(&payload.critical.kind)));
    }
    if payload.critical.image.digest != digest.to_string() {
        let other = shown(&payload.critical.image.digest);
        return Err(format!("it is a signature of another artifact, {other}"));
    }
    Ok(())
}
