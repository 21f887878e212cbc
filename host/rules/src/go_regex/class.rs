//! Character classes of Go, translated for Rust.
//!
//! Every class is expanded to ranges: the short names match more characters in Rust (`\d` is any
//! Unicode digit there), and `[`, `&&`, `--` and `~~` are special inside of classes in Rust but not in
//! Go.

use std::fmt::Write as _;

use super::{escape, names};

/// A class without characters.
const EMPTY_CLASS: &str = r"[^\x00-\x{10FFFF}]";

/// One character as a literal for Rust, inside or outside of a class.
pub(super) fn literal(value: u32) -> String {
    match char::from_u32(value) {
        Some(plain) if plain.is_ascii_alphanumeric() => plain.to_string(),
        Some(_) => format!("\\x{{{value:X}}}"),
        // No string contains a surrogate.
        None => EMPTY_CLASS.to_owned(),
    }
}

/// Parses `\d`, `\D`, `\s`, `\S`, `\w` or `\W` and expands it.
pub(super) fn perl(text: &str) -> Option<(String, &str)> {
    let (kind, rest) = escape::split_first(text.strip_prefix('\\')?)?;
    let ranges = match kind.to_ascii_lowercase() {
        'd' => "0-9",
        's' => r"\t\n\f\r\x20",
        'w' => "0-9A-Za-z_",
        _ => return None,
    };
    let not = if kind.is_ascii_uppercase() { "^" } else { "" };
    Some((format!("[{not}{ranges}]"), rest))
}

/// Parses `\pN`, `\p{Greek}` or a negated one and translates it.
pub(super) fn unicode(text: &str) -> Result<Option<(String, &str)>, String> {
    let (rest, negated) = if let Some(rest) = text.strip_prefix(r"\p") {
        (rest, false)
    } else if let Some(rest) = text.strip_prefix(r"\P") {
        (rest, true)
    } else {
        return Ok(None);
    };
    let bad = |end: usize| format!("invalid character class range: `{}`", &text[..end]);
    let (name, after) = if let Some(inner) = rest.strip_prefix('{') {
        inner.split_once('}').ok_or_else(|| bad(text.len()))?
    } else {
        let width = rest.chars().next().map_or(0, char::len_utf8);
        rest.split_at(width)
    };
    let (name, inverted) = match name.strip_prefix('^') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let found = names::class(name).ok_or_else(|| bad(text.len() - after.len()))?;
    let class = if negated == inverted { format!("[{found}]") } else { format!("[^{found}]") };
    Ok(Some((class, after)))
}

/// Parses a class in brackets and translates it.
pub(super) fn bracketed(text: &str) -> Result<(String, &str), String> {
    let mut rest = &text[1..];
    let mut class = String::from("[");
    if let Some(after) = rest.strip_prefix('^') {
        class.push('^');
        rest = after;
    }
    let opening = class.len();
    let mut first = true;
    // A closing bracket at the beginning is a character of the class.
    while first || !rest.starts_with(']') {
        first = false;
        let (item, after) = item(rest, text)?;
        class.push_str(&item);
        rest = after;
    }
    if class.len() == opening {
        // The class contains surrogates only, which match nothing.
        class = if opening == 1 { EMPTY_CLASS.to_owned() } else { r"[\x00-\x{10FFFF}]".to_owned() };
    } else {
        class.push(']');
    }
    Ok((class, &rest[1..]))
}

/// Parses one item of a class: a named class, a character or a range.
fn item<'a>(text: &'a str, whole: &str) -> Result<(String, &'a str), String> {
    if let Some(found) = posix(text)? {
        return Ok(found);
    }
    if let Some(found) = unicode(text)? {
        return Ok(found);
    }
    if let Some(found) = perl(text) {
        return Ok(found);
    }
    let (low, mut rest) = character(text, whole)?;
    let mut high = low;
    // A dash just before the closing bracket is a character.
    if rest.len() >= 2 && rest.starts_with('-') && !rest.starts_with("-]") {
        (high, rest) = character(&rest[1..], whole)?;
        if high < low {
            let end = text.len() - rest.len();
            return Err(format!("invalid character class range: `{}`", &text[..end]));
        }
    }
    Ok((range(low, high), rest))
}

/// Parses one character of a class, escaped or not.
fn character<'a>(text: &'a str, whole: &str) -> Result<(u32, &'a str), String> {
    if text.starts_with('\\') {
        return escape::read(text);
    }
    match escape::split_first(text) {
        Some((plain, rest)) => Ok((plain.into(), rest)),
        None => Err(format!("missing closing ]: `{whole}`")),
    }
}

/// A range without surrogates at its ends, which Rust refuses.
fn range(low: u32, high: u32) -> String {
    let low = if char::from_u32(low).is_none() { 0xE000 } else { low };
    let high = if char::from_u32(high).is_none() { 0xD7FF } else { high };
    let mut written = String::new();
    if low == high {
        written.push_str(&literal(low));
    } else if low < high {
        // Writing to a string cannot fail.
        let _ = write!(written, "{}-{}", literal(low), literal(high));
    }
    written
}

/// Parses `[:alpha:]` or `[:^alpha:]` and expands it.
fn posix(text: &str) -> Result<Option<(String, &str)>, String> {
    let Some((name, rest)) = text.strip_prefix("[:").and_then(|inner| inner.split_once(":]"))
    else {
        return Ok(None);
    };
    let (plain, not) = match name.strip_prefix('^') {
        Some(plain) => (plain, "^"),
        None => (name, ""),
    };
    let ranges = match plain {
        "alnum" => "0-9A-Za-z",
        "alpha" => "A-Za-z",
        "ascii" => r"\x00-\x7F",
        "blank" => r"\t\x20",
        "cntrl" => r"\x00-\x1F\x7F",
        "digit" => "0-9",
        "graph" => r"\x21-\x7E",
        "lower" => "a-z",
        "print" => r"\x20-\x7E",
        "punct" => r"\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E",
        "space" => r"\t\n\x0B\f\r\x20",
        "upper" => "A-Z",
        "word" => "0-9A-Za-z_",
        "xdigit" => "0-9A-Fa-f",
        _ => return Err(format!("invalid character class range: `[:{name}:]`")),
    };
    Ok(Some((format!("[{not}{ranges}]"), rest)))
}
