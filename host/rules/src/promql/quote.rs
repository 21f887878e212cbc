//! Escaping of request values in queries.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Escapes a value for a quoted string. The result contains no quotes of any kind and no line breaks,
/// so it cannot end the string.
pub(super) fn escape(value: &str) -> Cow<'_, str> {
    let special = |c: char| matches!(c, '\\' | '"' | '\'' | '`') || c.is_ascii_control();
    if !value.contains(special) {
        return value.into();
    }
    let mut escaped = String::with_capacity(value.len() + 8);
    for c in value.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            // Writing to a string cannot fail.
            _ if special(c) => drop(write!(escaped, "\\x{:02x}", u32::from(c))),
            _ => escaped.push(c),
        }
    }
    escaped.into()
}

/// Escapes a value for a quoted regular expression that matches exactly this value.
pub(super) fn escape_pattern(value: &str) -> String {
    let mut pattern = String::with_capacity(value.len());
    for c in value.chars() {
        if is_meta(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    escape(&pattern).into_owned()
}

/// Whether a character is a metacharacter of regular expressions: one that Go's `QuoteMeta` escapes.
fn is_meta(c: char) -> bool {
    matches!(c, '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$')
}

/// Whether a value needs no escaping in any kind of string nor, apart from dots, in a regular
/// expression.
pub(crate) fn is_plain(value: &str) -> bool {
    !value
        .chars()
        .any(|c| (is_meta(c) && c != '.') || matches!(c, '"' | '\'' | '`') || c.is_control())
}

/// Whether the name of a series needs no quotes.
pub(crate) fn is_metric_name(name: &str) -> bool {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    !name.is_empty() && name.chars().all(valid) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether the name of a label needs no quotes.
pub(crate) fn is_label_name(name: &str) -> bool {
    is_metric_name(name) && !name.contains(':')
}

/// A query without the contents of its strings and comments. Two queries that are equal in this
/// differ in strings and comments only.
pub(crate) fn outside_of_quotes(query: &str) -> String {
    let mut outside = String::with_capacity(query.len());
    let mut rest = query.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' | '\'' => {
                outside.push(c);
                while let Some(inner) = rest.next() {
                    match inner {
                        '\\' => drop(rest.next()),
                        _ if inner == c => break,
                        _ => {}
                    }
                }
            }
            '`' => {
                outside.push(c);
                rest.find(|&inner| inner == '`');
            }
            '#' => {
                outside.push(c);
                rest.find(|&inner| inner == '\n');
            }
            _ => outside.push(c),
        }
    }
    outside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_within_their_string() {
        for (value, escaped, pattern) in [
            ("web-0", "web-0", "web-0"),
            ("ip-10.0.0.1", "ip-10.0.0.1", "ip-10\\\\.0\\\\.0\\\\.1"),
            ("a\"b'c`d", "a\\x22b\\x27c\\x60d", "a\\x22b\\x27c\\x60d"),
            ("a\\", "a\\\\", "a\\\\\\\\"),
            ("a\nb\u{7f}é", "a\\x0ab\\x7fé", "a\\x0ab\\x7fé"),
            (".*|(x)", ".*|(x)", "\\\\.\\\\*\\\\|\\\\(x\\\\)"),
        ] {
            assert_eq!(escape(value), escaped);
            assert_eq!(escape_pattern(value), pattern);
        }
    }

    #[test]
    fn what_stands_outside_of_quotes() {
        for (query, outside) in [
            ("a{b=\"c\"} + 1", "a{b=\"} + 1"),
            ("a{b='c\\'\"d'}", "a{b='}"),
            ("a{b=`c\\`,d=\"`\"}", "a{b=`,d=\"}"),
            ("a # \"b\n + c", "a # + c"),
            ("a{b=\"c", "a{b=\""),
        ] {
            assert_eq!(outside_of_quotes(query), outside, "{query}");
        }
    }
}
