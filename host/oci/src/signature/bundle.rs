//! The form of a signature that cosign attaches to a manifest: a Sigstore bundle with an envelope
//! (DSSE) around a statement (in-toto) about the manifest's digest.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use super::key::{self, PublicKey};
use crate::answer::shown;
use leadsman_model::reference::Digest;

pub(super) const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

const PAYLOAD: &str = "application/vnd.in-toto+json";
const STATEMENTS: [&str; 2] =
    ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"];
/// The predicate type of a signature, as opposed to an attestation.
const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
/// More than any tool writes.
const MAX_SIGNATURES: usize = 16;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    media_type: String,
    dsse_envelope: Option<Envelope>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    sig: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
}

#[derive(Deserialize)]
struct Subject {
    digest: BTreeMap<String, String>,
}

/// Verifies a bundle as a signature of the manifest.
pub(super) fn check(bundle: &[u8], digest: &Digest, keys: &[PublicKey]) -> Result<(), String> {
    let bundle: Bundle = serde_json::from_slice(bundle).map_err(|_| "it is not a bundle")?;
    if bundle.media_type != MEDIA_TYPE {
        return Err(format!("it is a bundle of the type {}", shown(&bundle.media_type)));
    }
    // The other kind of content, a message signature, is what cosign writes for files.
    let envelope = bundle.dsse_envelope.ok_or("it has no DSSE envelope")?;
    if envelope.payload_type != PAYLOAD {
        return Err(format!("its payload is of the type {}", shown(&envelope.payload_type)));
    }
    let payload = base64(&envelope.payload).ok_or("its payload is not base64")?;
    let signed = pre_authentication_encoding(&envelope.payload_type, &payload);
    let signatures = envelope.signatures.iter().take(MAX_SIGNATURES);
    let signatures: Vec<_> = signatures.filter_map(|signature| base64(&signature.sig)).collect();
    key::check(keys, &signatures, &signed)?;
    let statement: Statement =
        serde_json::from_slice(&payload).map_err(|_| "its payload is not a statement")?;
    if !STATEMENTS.contains(&statement.kind.as_str()) {
        return Err(format!("its statement is of the type {}", shown(&statement.kind)));
    }
    let hex = digest.hex();
    if !statement.subject.iter().any(|it| it.digest.get("sha256") == Some(&hex)) {
        return Err("it is a signature of another artifact".to_owned());
    }
    if statement.predicate_type != SIGNATURE {
        let kind = shown(&statement.predicate_type);
        return Err(format!("it is no signature but an attestation, {kind}"));
    }
    Ok(())
}

/// The pre-authentication encoding (PAE) of DSSE, which includes the payload's type.
fn pre_authentication_encoding(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut encoded = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    encoded.extend_from_slice(payload);
    encoded
}

/// Decodes base64 in either alphabet, with or without padding: the JSON form of a bundle allows all.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, CONFIG);
    const URL: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, CONFIG);
    STANDARD.decode(text).or_else(|_| URL.decode(text)).ok()
}
