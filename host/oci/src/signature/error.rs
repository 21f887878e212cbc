//! Errors of signature verification.

use crate::error::PullError;

/// An artifact has no valid signature.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// No signature was found.
    #[error("{artifact} is not signed: there is neither a Sigstore bundle nor a cosign signature")]
    Unsigned {
        /// The artifact.
        artifact: String,
    },
    /// Signatures were found, and none is valid.
    #[error("{artifact} has no good signature: {}", list(.refused))]
    Invalid {
        /// The artifact.
        artifact: String,
        /// The signatures, and why each was refused.
        refused: Vec<String>,
    },
    /// The search for signatures failed.
    #[error("signatures cannot be looked up: {source}{}", besides(.refused))]
    Unavailable {
        /// The error.
        source: PullError,
        /// The signatures that were found, and why each was refused.
        refused: Vec<String>,
    },
}

impl SignatureError {
    /// The reason, one of a closed set.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unsigned { .. } | Self::Invalid { .. } => "SignatureInvalid",
            Self::Unavailable { .. } => "PullError",
        }
    }

    /// Whether the registry could not be asked, which says nothing of the signature.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

impl From<PullError> for SignatureError {
    fn from(source: PullError) -> Self {
        Self::Unavailable { source, refused: Vec::new() }
    }
}

fn besides(refused: &[String]) -> String {
    if refused.is_empty() { String::new() } else { format!("; besides, {}", list(refused)) }
}

/// The first few, for a message.
fn list(refused: &[String]) -> String {
    const MAX_SHOWN: usize = 5;
    let mut text = refused[..refused.len().min(MAX_SHOWN)].join("; ");
    if refused.len() > MAX_SHOWN {
        text.push_str(&format!("; and {} more", refused.len() - MAX_SHOWN));
    }
    text
}
