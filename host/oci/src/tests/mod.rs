//! Against registries that fail, lie or ask in ways that a real one cannot be made to.

pub(super) mod fake;

mod access;
mod faults;
mod push;

use std::time::Duration;

use super::{Access, Digest, PullError, Reference, Registry};
use fake::Fake;

/// As these tests reach a registry.
pub(super) fn access() -> Access {
    Access {
        ca_file: None,
        plain_http: true,
        credentials: None,
        max_bytes: 1000,
        timeout: Duration::from_secs(20),
    }
}

async fn pull(fake: &Fake, access: &Access, digest: &Digest) -> Result<Vec<u8>, PullError> {
    Registry::new(access)?.pull(&fake.reference(":v1"), digest).await
}

async fn resolve(fake: &Fake, access: &Access) -> Result<Digest, PullError> {
    let reference: Reference = fake.reference(":v1");
    Registry::new(access)?.resolve(&reference).await
}

/// The manifest of a plugin whose layer has this digest and this size.
fn manifest(layer: &Digest, size: usize) -> Vec<u8> {
    let layer = serde_json::json!({
        "mediaType": "application/wasm", "digest": layer.to_string(), "size": size,
    });
    let media_type = super::manifest::IMAGE_MANIFEST;
    serde_json::json!({"schemaVersion": 2, "mediaType": media_type, "layers": [layer]})
        .to_string()
        .into_bytes()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, PullError>, reason: &str, text: &str) {
    let error = result.expect_err("a refusal");
    assert!(error.to_string().contains(text), "{error}");
    assert_eq!(error.reason(), reason, "{error}");
}
