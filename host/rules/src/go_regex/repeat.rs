//! Repetition operators of Go.

/// The maximum number of repetitions, with nested ones multiplied.
const MAX_REPEAT: u32 = 1000;

/// A repetition operator.
pub(super) struct Repeat {
    pub(super) written: String,
    min: u32,
    max: Option<u32>,
    pub(super) counted: bool,
}

impl Repeat {
    /// `*`, `+` or `?`.
    pub(super) fn simple(written: &str, min: u32, max: Option<u32>) -> Self {
        Self { written: written.to_owned(), min, max, counted: false }
    }

    /// A counted repetition within Go's limits.
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

    /// The number of copies that this makes of a part that already makes `copies`.
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

/// Parses `2}`, `2,}` or `2,3}`. Before anything else the brace is a literal.
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

/// Parses a number without leading zeros. One that overflows becomes the maximum.
fn number(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (written, rest) = text.split_at(digits);
    if written.is_empty() || (digits > 1 && written.starts_with('0')) {
        return None;
    }
    Some((written.parse().unwrap_or(u32::MAX), rest))
}
