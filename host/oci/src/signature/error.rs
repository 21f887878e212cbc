//! Why an artifact is not taken for signed.

use crate::error::PullError;

/// Why an artifact is not taken for signed.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// Nothing was found.
    #[error("{artifact} is not signed: there is neither a Sigstore bundle nor a cosign signature")]
    Unsigned {
        /// The artifact.
        artifact: String,
    },
    /// Something was found, and none of it is good.
    #[error("{artifact} has no good signature: {}", list(.refused))]
    Invalid {
        /// The artifact.
        artifact: String,
        /// What was found, and why it was refused.
        refused: Vec<String>,
    },
    /// It could not be looked up.
    #[error("signatures cannot be looked up: {source}{}", besides(.refused))]
    Unavailable {
        /// Why not.
        source: PullError,
        /// What was found nevertheless, and why it was refused.
        refused: Vec<String>,
    },
}

impl SignatureError {
    /// The kind of the error, out of a closed set.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unsigned { .. } | Self::Invalid { .. } => "SignatureInvalid",
            Self::Unavailable { .. } => "PullError",
        }
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

/// As many as can be read.
fn list(refused: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text = refused[..refused.len().min(SHOWN)].join("; ");
    if refused.len() > SHOWN {
        text.push_str(&format!("; and {} more", refused.len() - SHOWN));
    }
    text
}
