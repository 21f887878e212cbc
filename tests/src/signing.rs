//! Signatures in the formats of cosign.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The media type of a bundle.
pub(crate) const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// A private key for signatures.
pub struct SigningKey(rcgen::KeyPair);

impl SigningKey {
    /// A new key of the type that cosign uses: ECDSA on P-256.
    ///
    /// # Panics
    /// If it cannot be generated.
    pub fn generate() -> Self {
        Self(rcgen::KeyPair::generate().expect("a key"))
    }

    /// The public key in PEM, as in cosign.pub.
    pub fn public_pem(&self) -> String {
        self.0.public_key_pem()
    }

    /// The signature of a text.
    ///
    /// # Panics
    /// If signing fails.
    pub fn sign(&self, text: &[u8]) -> Vec<u8> {
        rcgen::SigningKey::sign(&self.0, text).expect("a signature")
    }

    /// A bundle with a signed statement of this predicate type about a digest.
    pub fn bundle(&self, digest: &str, predicate_type: &str) -> Value {
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"digest": {"sha256": digest.trim_start_matches("sha256:")}}],
            "predicateType": predicate_type,
            "predicate": {},
        });
        let payload = statement.to_string();
        let kind = "application/vnd.in-toto+json";
        let signed = format!("DSSEv1 {} {kind} {} {payload}", kind.len(), payload.len());
        json!({
            "mediaType": BUNDLE,
            "verificationMaterial": {"publicKey": {"hint": "a key of the tests"}},
            "dsseEnvelope": {
                "payload": STANDARD.encode(&payload),
                "payloadType": kind,
                "signatures": [{"sig": STANDARD.encode(self.sign(signed.as_bytes()))}],
            },
        })
    }
}
