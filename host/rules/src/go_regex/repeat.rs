//! Repetitions of Go regular expressions.

/// The most times a part may be repeated, nested repetitions multiplied.
const MAX_REPEAT: u32 = 1000;

/// How often a part is repeated.
pub(super) struct Repeat {
    pub(super) written: String,
    min: u32,
    max: Option<u32>,
    pub(super) counted: bool,
}

impl Repeat {
    /// A repetition written with a sign.
    pub(super) fn simple(written: &str, min: u32, max: Option<u32>) -> Self {
        Self { written: written.to_owned(), min, max, counted: false }
    }

    /// A counted repetition, within the limits of Go.
    pub(super) fn checked((min, max): (u32, Option<u32>), written: &str) -> Result<Self, String> {
        if min > MAX_REPEAT || max.is_some_and(|max| max > MAX_REPEAT || max < min) {
            return Err(format!("invalid repeat count: `{written}`"));
        }
        let written = match max {
            Some(max) => format!("{{{min},{max}}}"),
            None => format!("{{{min},}}"),
        };
        Ok(Self { written, min, max, counted: true })
    }

    /// Counts the copies that this makes of a part that makes some itself.
    pub(super) fn multiply(&self, copies: u32, written: &str) -> Result<u32, String> {
        if self.max == Some(0) {
            return Ok(1);
        }
        let times = self.max.unwrap_or(self.min).max(1);
        let copies = copies.saturating_mul(times);
        if copies > MAX_REPEAT && (self.min >= 2 || self.max.is_some_and(|max| max >= 2)) {
            return Err(format!("invalid repeat count: `{written}`"));
        }
        Ok(copies)
    }
}

/// Reads `2}`, `2,}` or `2,3}`; anything else makes the brace a literal.
pub(super) fn count(text: &str) -> Option<((u32, Option<u32>), &str)> {
    let (min, rest) = number(text)?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some(((min, Some(min)), rest));
    }
    let rest = rest.strip_prefix(',')?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some(((min, None), rest));
    }
    let (max, rest) = number(rest)?;
    Some(((min, Some(max)), rest.strip_prefix('}')?))
}

/// Reads a number without leading zeros; one too large is just very large.
fn number(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (written, rest) = text.split_at(digits);
    if written.is_empty() || (digits > 1 && written.starts_with('0')) {
        return None;
    }
    Some((written.parse().unwrap_or(u32::MAX), rest))
}
