//! Constants of Go templates: strings, characters and numbers.

/// A constant as a template writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Int(i64),
    /// The bits of a floating point number, so that it can be compared.
    Float(u64),
}

/// Reads a string between double quotes.
pub(super) fn quoted(text: &str) -> Result<String, String> {
    let invalid = || format!("invalid string constant {text}");
    let inner = text.get(1..text.len() - 1).ok_or_else(invalid)?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while !rest.is_empty() {
        let (unit, after) = unit(rest, '"').ok_or_else(invalid)?;
        match unit {
            Unit::Byte(byte) => bytes.push(byte),
            Unit::Char(plain) => bytes.extend(plain.encode_utf8(&mut [0; 4]).bytes()),
        }
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| format!("string constant {text} is not UTF-8"))
}

/// Reads a string between back quotes.
pub(super) fn raw(text: &str) -> String {
    // Go leaves carriage returns out of raw strings.
    text.trim_matches('`').replace('\r', "")
}

/// Reads a character between single quotes, which stands for its number.
pub(super) fn character(text: &str) -> Result<Number, String> {
    let malformed = || format!("malformed character constant: {text}");
    let (unit, rest) = unit(&text[1..], '\'').ok_or_else(malformed)?;
    if rest != "'" {
        return Err(malformed());
    }
    Ok(Number::Int(match unit {
        Unit::Byte(byte) => byte.into(),
        Unit::Char(plain) => u32::from(plain).into(),
    }))
}

/// What one character or escape of a string stands for.
enum Unit {
    Byte(u8),
    Char(char),
}

/// Reads one character or escape between the given quotes.
fn unit(text: &str, quote: char) -> Option<(Unit, &str)> {
    let mut chars = text.chars();
    let first = chars.next()?;
    if first == quote {
        return None;
    }
    if first != '\\' {
        return Some((Unit::Char(first), chars.as_str()));
    }
    let kind = chars.next()?;
    let rest = chars.as_str();
    let plain = match kind {
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '\\' => '\\',
        _ if kind == quote => quote,
        'x' => return byte(rest, 2, 16),
        '0'..='7' => return byte(&text[1..], 3, 8),
        'u' => return wide(rest, 4),
        'U' => return wide(rest, 8),
        _ => return None,
    };
    Some((Unit::Char(plain), rest))
}

fn byte(text: &str, length: usize, radix: u32) -> Option<(Unit, &str)> {
    let (value, rest) = digits(text, length, radix)?;
    Some((Unit::Byte(u8::try_from(value).ok()?), rest))
}

fn wide(text: &str, length: usize) -> Option<(Unit, &str)> {
    let (value, rest) = digits(text, length, 16)?;
    Some((Unit::Char(char::from_u32(value)?), rest))
}

fn digits(text: &str, length: usize, radix: u32) -> Option<(u32, &str)> {
    let (written, rest) = text.split_at_checked(length)?;
    let all = written.chars().all(|digit| digit.is_digit(radix));
    let value = all.then(|| u32::from_str_radix(written, radix).ok())??;
    Some((value, rest))
}

/// Reads a number as Go writes them, with `0x`, `0o` and `0b` and with
/// underscores between the digits.
pub(super) fn number(text: &str) -> Result<Number, String> {
    let illegal = || format!("illegal number syntax: {text:?}");
    if let Some(int) = integer(text) {
        return i64::try_from(int).map(Number::Int).map_err(|_| format!("{text} overflows int"));
    }
    let unsigned = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    if unsigned.ends_with('i') {
        return Err(format!("complex numbers are not supported: {text}"));
    }
    if unsigned.starts_with("0x") && unsigned.contains(['.', 'p']) {
        return Err(format!("hexadecimal fractions are not supported: {text}"));
    }
    if !unsigned.contains(['.', 'e']) {
        return Err(illegal());
    }
    // An underscore stands between two digits.
    let digit = |part: Option<&str>, end: fn(&str) -> Option<char>| {
        part.and_then(end).is_some_and(|next| next.is_ascii_digit())
    };
    let parts: Vec<&str> = text.split('_').collect();
    let separates = parts.windows(2).all(|pair| {
        digit(pair.first().copied(), |part| part.chars().next_back())
            && digit(pair.last().copied(), |part| part.chars().next())
    });
    match parts.concat().parse::<f64>() {
        Ok(float) if float.is_finite() && separates => Ok(Number::Float(float.to_bits())),
        _ => Err(illegal()),
    }
}

fn integer(text: &str) -> Option<i128> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = unsigned.to_ascii_lowercase();
    let (radix, digits) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    // An underscore may follow the prefix or a digit, and a digit follows it.
    let prefixed = radix != 10;
    let misplaced =
        digits.ends_with('_') || digits.contains("__") || (!prefixed && digits.starts_with('_'));
    let digits = digits.replace('_', "");
    if misplaced || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let value = i128::from_str_radix(&digits, radix).ok()?;
    Some(if negative { -value } else { value })
}
