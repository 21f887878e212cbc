//! SHA-256 digests of content.

use std::fmt;
use std::str::FromStr;

use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN};

/// A SHA-256 digest. Identifies content independently of its origin.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; SHA256_OUTPUT_LEN]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(content: &[u8]) -> Self {
        let mut digester = Digester::new();
        digester.update(content);
        digester.finish()
    }

    /// The hexadecimal digits, without the prefix `sha256:`.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Computes the digest of content that arrives in chunks.
pub struct Digester(Context);

impl Digester {
    /// A digester without any content.
    #[allow(clippy::new_without_default)] // `Default` would have no user
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Adds the next chunk.
    pub fn update(&mut self, chunk: &[u8]) {
        self.0.update(chunk);
    }

    /// The digest of all chunks.
    pub fn finish(self) -> Digest {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        // Both have the length of a SHA-256.
        bytes.copy_from_slice(self.0.finish().as_ref());
        Digest(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || {
            let text: String = text.chars().take(100).collect();
            format!("{text:?} is no digest: write sha256: and 64 digits (0-9, a-f)")
        };
        let hex = text.strip_prefix("sha256:").ok_or_else(invalid)?.as_bytes();
        if hex.len() != 64 {
            return Err(invalid());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = digit(pair[0])
                .zip(digit(pair[1]))
                .map(|(high, low)| high * 16 + low)
                .ok_or_else(invalid)?;
        }
        Ok(Self(bytes))
    }
}

/// Refuses upper case, so that a digest has exactly one spelling.
fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_digest_is_parsed_as_it_is_printed() {
        assert_eq!(Digest::of(b"").to_string(), EMPTY);
        assert_eq!(EMPTY.parse(), Ok(Digest::of(b"")));
    }

    #[test]
    fn other_spellings_and_algorithms_are_refused() {
        for text in [
            "",
            "sha256:",
            &EMPTY[7..],
            &EMPTY[..70],
            &format!("{EMPTY}0"),
            &EMPTY.replace('e', "E"),
            &EMPTY.replace("sha256", "sha512"),
            &EMPTY.replace("e3b0", "\u{e9}b0"),
        ] {
            let error = text.parse::<Digest>().unwrap_err();
            assert!(error.contains("is no digest"), "{error}");
        }
    }
}
