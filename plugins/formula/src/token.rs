//! A formula as tokens, each with its place.

/// Something that is wrong in a formula, and where.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mistake {
    /// The place, in bytes from the start.
    at: usize,
    message: String,
}

impl Mistake {
    pub(crate) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }

    /// The message with its place in the formula, as people count: from 1, in characters.
    pub(crate) fn describe(&self, formula: &str) -> String {
        format!("{}: {}", place(formula, self.at), self.message)
    }
}

/// `column 7`, or `line 2, column 7` of a formula of several lines.
pub(crate) fn place(formula: &str, at: usize) -> String {
    let before = formula.get(..at).unwrap_or(formula);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    if formula.trim_end().contains('\n') {
        format!("line {line}, column {column}")
    } else {
        format!("column {column}")
    }
}

/// A part of a formula that has no parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Token<'f> {
    Number(f64),
    /// A word: a query, a function, or one with a meaning of its own.
    Name(&'f str),
    /// A query whose name stands between back quotes.
    Quoted(&'f str),
    Symbol(&'static str),
}

/// A token and where it begins, in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Placed<'f> {
    pub(crate) token: Token<'f>,
    pub(crate) at: usize,
}

/// The longer ones first, where one begins with another.
const SYMBOLS: [&str; 27] = [
    "??", "**", "==", "!=", "<=", ">=", "&&", "||", "(", ")", "[", "]", "{", "}", ",", "?", ":",
    "+", "-", "*", "/", "%", "^", "<", ">", "!", "#",
];

/// The longest text of a formula that messages repeat, in characters.
const EXCERPT: usize = 24;

impl Token<'_> {
    /// How messages call it.
    pub(crate) fn called(&self) -> String {
        match self {
            Self::Number(number) => format!("the number {number}"),
            Self::Name(name) | Self::Quoted(name) => excerpt(name),
            Self::Symbol(symbol) => format!("\"{symbol}\""),
        }
    }
}

/// A text of the formula between quotes, short and without control characters.
pub(crate) fn excerpt(text: &str) -> String {
    let short: String = text.chars().take(EXCERPT).collect();
    let rest = if short.len() < text.len() { "…" } else { "" };
    format!("\"{}{rest}\"", short.escape_debug())
}

/// Splits a formula into tokens.
pub(crate) fn tokens(formula: &str) -> Result<Vec<Placed<'_>>, Mistake> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        let rest = formula.get(at..).unwrap_or_default();
        let text = rest.trim_start();
        at += rest.len() - text.len();
        let Some(first) = text.chars().next() else { return Ok(tokens) };
        let (token, length) = match first {
            '0'..='9' | '.' => number(text, at)?,
            '`' => quoted(text, at)?,
            _ if begins_name(first) => {
                let length = text.find(|next| !continues_name(next)).unwrap_or(text.len());
                (Token::Name(&text[..length]), length)
            }
            _ => match SYMBOLS.into_iter().find(|symbol| text.starts_with(symbol)) {
                Some(symbol) => (Token::Symbol(symbol), symbol.len()),
                None => return Err(Mistake::new(at, unknown(first))),
            },
        };
        tokens.push(Placed { token, at });
        at += length;
    }
}

fn begins_name(next: char) -> bool {
    next.is_ascii_alphabetic() || next == '_'
}

fn continues_name(next: char) -> bool {
    next.is_ascii_alphanumeric() || next == '_'
}

fn unknown(first: char) -> String {
    let hint = match first {
        '=' => "; two values are compared by ==",
        '&' => "; both conditions are &&",
        '|' => "; either condition is ||",
        '"' | '\'' => "; a query is named without quotes, or between ` and `",
        _ => "; a query with such a name stands between ` and `",
    };
    format!("{} has no meaning in a formula{hint}", excerpt(&first.to_string()))
}

fn quoted(text: &str, at: usize) -> Result<(Token<'_>, usize), Mistake> {
    let name = text[1..].split_once('`').map(|(name, _)| name);
    match name {
        None => Err(Mistake::new(at, "this ` is never closed by another one")),
        Some("") => Err(Mistake::new(at, "the name of a query belongs between ` and `")),
        Some(name) => Ok((Token::Quoted(name), name.len() + 2)),
    }
}

fn number(text: &str, at: usize) -> Result<(Token<'_>, usize), Mistake> {
    let bytes = text.as_bytes();
    let digits = |mut end: usize| {
        while bytes.get(end).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'_') {
            end += 1;
        }
        end
    };
    let mut length = digits(0);
    if bytes.get(length) == Some(&b'.') {
        length = digits(length + 1);
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let signed = matches!(bytes.get(length + 1), Some(b'+' | b'-'));
        let exponent = length + 1 + usize::from(signed);
        if bytes.get(exponent).is_some_and(u8::is_ascii_digit) {
            length = digits(exponent);
        }
    }
    let written = &text[..length];
    let value = written.replace('_', "").parse::<f64>().ok().filter(|number| number.is_finite());
    let Some(value) = value else {
        return Err(Mistake::new(at, format!("{} is not a number", excerpt(written))));
    };
    if let Some(next) = text[length..].chars().next()
        && (begins_name(next) || next == '.')
    {
        let message = format!(
            "a number and {} with nothing between them; to multiply, write *, and write units \
             out: 100m is 0.1",
            excerpt(&next.to_string())
        );
        return Err(Mistake::new(at + length, message));
    }
    Ok((Token::Number(value), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(formula: &str) -> Vec<Token<'_>> {
        tokens(formula).unwrap().into_iter().map(|placed| placed.token).collect()
    }

    #[test]
    fn numbers_names_and_symbols() {
        assert_eq!(
            of("a1*1_000.5e-1??`error-rate`"),
            [
                Token::Name("a1"),
                Token::Symbol("*"),
                Token::Number(100.05),
                Token::Symbol("??"),
                Token::Quoted("error-rate"),
            ]
        );
        assert_eq!(of(" .5 "), [Token::Number(0.5)]);
        assert!(of("").is_empty());
    }

    #[test]
    fn what_is_no_token_is_told_with_its_place() {
        for (formula, says) in [
            ("a = 2", "column 3: \"=\" has no meaning in a formula; two values are compared by =="),
            ("a\n  + 10m", "line 2, column 7: a number and \"m\" with nothing between them"),
            ("1e999", "column 1: \"1e999\" is not a number"),
            ("1.2.3", "column 4: a number and \".\""),
            (".", "column 1: \".\" is not a number"),
            ("a + `b", "column 5: this ` is never closed"),
            ("``", "column 1: the name of a query belongs between"),
            ("a ± \u{7}", "column 3: \"±\" has no meaning"),
        ] {
            let mistake = tokens(formula).unwrap_err().describe(formula);
            assert!(mistake.contains(says), "{formula}: {mistake}");
        }
    }
}
