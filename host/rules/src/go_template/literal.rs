//! Reads quoted strings and formats.

use super::Piece;

/// What a string between double quotes says.
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

/// Splits a format at its verbs.
pub(super) fn pieces(format: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        pieces.push(Piece::Text(before.to_owned()));
        let mut letters = after.chars();
        pieces.push(match letters.next() {
            Some('s') => Piece::String,
            Some('v') => Piece::Value,
            Some('%') => Piece::Text("%".to_owned()),
            _ => {
                let end = after.find(char::is_alphabetic).map_or(after.len(), |at| at + 1);
                let verb = after.get(..end).unwrap_or(after);
                return Err(format!("printf does not support %{verb}; there are %s, %v and %%"));
            }
        });
        rest = letters.as_str();
    }
    pieces.push(Piece::Text(rest.to_owned()));
    Ok(pieces)
}
