//! Escape sequences of Go.

/// Splits the first character off.
pub(super) fn split_first(text: &str) -> Option<(char, &str)> {
    let mut chars = text.chars();
    let first = chars.next()?;
    Some((first, chars.as_str()))
}

/// Parses the escape sequence at the beginning of `text`, which starts with a backslash. Returns the
/// code point and the rest.
pub(super) fn read(text: &str) -> Result<(u32, &str), String> {
    let Some((kind, rest)) = split_first(&text[1..]) else {
        return Err("trailing backslash at end of expression: ``".to_owned());
    };
    let value = match kind {
        '0'..='7' => octal(kind, rest).ok_or(rest),
        'x' => hexadecimal(rest),
        'a' => Ok((0x07, rest)),
        'f' => Ok((0x0c, rest)),
        'n' => Ok((0x0a, rest)),
        'r' => Ok((0x0d, rest)),
        't' => Ok((0x09, rest)),
        'v' => Ok((0x0b, rest)),
        _ if kind.is_ascii() && !kind.is_ascii_alphanumeric() => Ok((kind.into(), rest)),
        _ => Err(rest),
    };
    value.map_err(|rest: &str| {
        let end = text.len() - rest.len();
        format!("invalid escape sequence: `{}`", &text[..end])
    })
}

/// Parses the octal digits after the first. A single digit other than 0 would be a back reference,
/// which Go does not support.
fn octal(first: char, rest: &str) -> Option<(u32, &str)> {
    let more = rest.bytes().take(2).take_while(|digit| (b'0'..=b'7').contains(digit)).count();
    if first != '0' && more == 0 {
        return None;
    }
    let (digits, after) = rest.split_at(more);
    let value =
        digits.bytes().fold(first.to_digit(8)?, |sum, digit| sum * 8 + u32::from(digit - b'0'));
    Some((value, after))
}

/// Parses what follows `\x`: `41` or `{1F600}`. The error is the rest after the invalid part.
fn hexadecimal(rest: &str) -> Result<(u32, &str), &str> {
    let Some(mut inner) = rest.strip_prefix('{') else {
        let (first, rest) = split_first(rest).ok_or(rest)?;
        let (second, rest) = split_first(rest).ok_or(rest)?;
        let digits = first.to_digit(16).zip(second.to_digit(16));
        let (high, low) = digits.ok_or(rest)?;
        return Ok((high * 16 + low, rest));
    };
    let mut value = 0;
    let mut empty = true;
    loop {
        let (digit, after) = split_first(inner).ok_or(inner)?;
        if digit == '}' && !empty {
            return Ok((value, after));
        }
        value = value * 16 + digit.to_digit(16).ok_or(after)?;
        if value > u32::from(char::MAX) {
            return Err(after);
        }
        empty = false;
        inner = after;
    }
}
