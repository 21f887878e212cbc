//! Public keys for signature verification.

use std::fmt;

use ring::signature::{ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey, VerificationAlgorithm};
use rustls_pki_types::pem::{PemObject, SectionKind};
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    kind: KeyAlgorithm,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyAlgorithm {
    P256,
    Ed25519,
}

/// A text has no usable public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It has no PEM block.
    #[error("holds no public key in PEM form (BEGIN PUBLIC KEY, as in cosign.pub)")]
    None,
    /// It is not PEM.
    #[error("is not valid PEM: {0}")]
    Pem(String),
    /// It has a PEM block that is not a public key.
    #[error("holds {0}, and a public key is wanted (BEGIN PUBLIC KEY, as in cosign.pub)")]
    Other(&'static str),
    /// The key is malformed.
    #[error("key {0} is broken")]
    Broken(usize),
    /// The key's algorithm is not supported.
    #[error("key {number} is {kind}; use ECDSA on P-256 (cosign generate-key-pair) or Ed25519")]
    Kind {
        /// The number of the key, from 1.
        number: usize,
        /// The algorithm.
        kind: String,
    },
}

const EC: &str = "1.2.840.10045.2.1";
const P256: &str = "1.2.840.10045.3.1.7";
const ED25519_ID: &str = "1.3.101.112";

impl PublicKey {
    /// Parses all keys of a PEM text: at least one, and each must be usable.
    pub fn from_pem(text: &str) -> Result<Vec<Self>, KeyError> {
        let mut keys = Vec::new();
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()) {
            let (kind, der) = section.map_err(|error| KeyError::Pem(error.to_string()))?;
            match kind {
                SectionKind::PublicKey => keys.push(Self::from_der(&der, keys.len() + 1)?),
                SectionKind::Certificate => return Err(KeyError::Other("a certificate")),
                SectionKind::PrivateKey
                | SectionKind::RsaPrivateKey
                | SectionKind::EcPrivateKey => return Err(KeyError::Other("a private key")),
                _ => return Err(KeyError::Other("something else")),
            }
        }
        if keys.is_empty() { Err(KeyError::None) } else { Ok(keys) }
    }

    /// Whether this is a signature of the text by this key.
    fn made(&self, signature: &[u8], text: &[u8]) -> bool {
        let algorithm: &dyn VerificationAlgorithm = match self.kind {
            KeyAlgorithm::P256 => &ECDSA_P256_SHA256_ASN1,
            KeyAlgorithm::Ed25519 => &ED25519,
        };
        UnparsedPublicKey::new(algorithm, &self.bytes).verify(text, signature).is_ok()
    }

    fn from_der(der: &[u8], number: usize) -> Result<Self, KeyError> {
        let broken = KeyError::Broken(number);
        let Ok(([], info)) = SubjectPublicKeyInfo::from_der(der) else { return Err(broken) };
        let bytes = info.subject_public_key.data.to_vec();
        let parameters = info.algorithm.parameters.as_ref();
        let curve = parameters.and_then(|any| any.as_oid().ok()).map(|oid| oid.to_id_string());
        let named = |kind: &str| Err(KeyError::Kind { number, kind: kind.to_owned() });
        let kind = match (info.algorithm.algorithm.to_id_string().as_str(), curve.as_deref()) {
            (EC, Some(P256)) => KeyAlgorithm::P256,
            (ED25519_ID, _) => KeyAlgorithm::Ed25519,
            (EC, Some("1.3.132.0.34")) => return named("ECDSA on P-384"),
            (EC, Some("1.3.132.0.35")) => return named("ECDSA on P-521"),
            (EC, _) => return named("ECDSA on another curve"),
            ("1.2.840.113549.1.1.1", _) => return named("RSA"),
            ("1.3.101.113", _) => return named("Ed448"),
            (other, _) => return named(&format!("of the kind {other}")),
        };
        // The only encoding of points that the verification supports.
        let is_point = match kind {
            KeyAlgorithm::P256 => bytes.len() == 65 && bytes.first() == Some(&4),
            KeyAlgorithm::Ed25519 => bytes.len() == 32,
        };
        if is_point { Ok(Self { kind, bytes }) } else { Err(broken) }
    }
}

/// Checks that one of the keys made one of the signatures.
pub(super) fn check(keys: &[PublicKey], signatures: &[Vec<u8>], text: &[u8]) -> Result<(), String> {
    let made = |signature: &Vec<u8>| keys.iter().any(|key| key.made(signature, text));
    if signatures.iter().any(made) {
        return Ok(());
    }
    let hint = if keys.iter().any(|key| key.kind == KeyAlgorithm::Ed25519) {
        // ECDSA over another curve, which is not supported.
        " (cosign signs with Ed25519ph when it is given an Ed25519 key, and that is not known \
         here: give it an ECDSA key)"
    } else {
        ""
    };
    Err(format!("none of the keys made it{hint}"))
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("PublicKey").field(&self.kind).finish()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{
        KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PublicKeyData,
    };

    use super::*;

    const RSA: &str = "-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK6EZw2x0kLzWHQkF1yI2IvIjY3bHfTj
hZ0aWXx9F3v0Mzk0Nnh2c2Jm1kPyr3r0SzH7oGk1p0qXGk1pM3vDcwsCAwEAAQ==
-----END PUBLIC KEY-----
";

    #[test]
    fn keys_of_both_kinds_are_read_and_used() {
        let p256 = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let ed25519 = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let text = format!("A remark.\n{}\n{}", p256.public_key_pem(), ed25519.public_key_pem());
        let keys = PublicKey::from_pem(&text).unwrap();
        assert_eq!(
            keys.iter().map(|key| key.kind).collect::<Vec<_>>(),
            [KeyAlgorithm::P256, KeyAlgorithm::Ed25519]
        );
        for (key, pair) in keys.iter().zip([&p256, &ed25519]) {
            let signature = rcgen::SigningKey::sign(pair, b"text").unwrap();
            assert!(key.made(&signature, b"text"));
            assert!(!key.made(&signature, b"another text"));
            assert!(!key.made(&signature[1..], b"text"));
            assert!(!key.made(b"", b"text"));
        }
        assert!(!keys[0].made(&rcgen::SigningKey::sign(&ed25519, b"text").unwrap(), b"text"));
    }

    #[test]
    fn other_keys_are_refused_by_name() {
        let p256 = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let good = p256.public_key_pem();
        for (text, wanted) in [
            (String::new(), "holds no public key"),
            ("cosign.pub".to_owned(), "holds no public key"),
            (p256.serialize_pem(), "a private key"),
            (good.replace("PUBLIC KEY", "CERTIFICATE"), "a certificate"),
            (good.replace("END PUBLIC", "END OTHER"), "is not valid PEM"),
            (format!("{good}{}", p384.public_key_pem()), "key 2 is ECDSA on P-384"),
            (RSA.to_owned(), "key 1 is RSA"),
            (good.replace("MFkw", "MFow"), "key 1 is broken"),
        ] {
            let error = PublicKey::from_pem(&text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
        assert_eq!(p256.subject_public_key_info().len(), 91);
    }
}
