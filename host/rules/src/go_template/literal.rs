//! Parses string literals and `printf` formats.

use super::FormatPart;

/// Resolves the escape sequences of a quoted string.
pub(super) fn unescaped(inner: &str) -> Result<String, String> {
    let mut text = String::new();
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        text.push(match letter {
            '\\' => match letters.next() {
                Some(same @ ('\\' | '"')) => same,
                Some('n') => '\n',
                Some('t') => '\t',
                other => {
                    let other = other.map(String::from).unwrap_or_default();
                    return Err(format!("\\{other} is not supported in a string"));
                }
            },
            _ => letter,
        });
    }
    Ok(text)
}

/// Parses a format.
pub(super) fn parts(format: &str) -> Result<Vec<FormatPart>, String> {
    let mut parts = Vec::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        parts.push(FormatPart::Text(before.to_owned()));
        let mut letters = after.chars();
        parts.push(match letters.next() {
            Some('s') => FormatPart::String,
            Some('v') => FormatPart::Value,
            Some('%') => FormatPart::Text("%".to_owned()),
            _ => {
                let end = after.find(char::is_alphabetic).map_or(after.len(), |at| at + 1);
                let verb = after.get(..end).unwrap_or(after);
                return Err(format!("printf does not support %{verb}; there are %s, %v and %%"));
            }
        });
        rest = letters.as_str();
    }
    parts.push(FormatPart::Text(rest.to_owned()));
    Ok(parts)
}
