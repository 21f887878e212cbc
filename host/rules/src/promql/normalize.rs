//! Rewrites syntax of PromQL that the parser does not support into equivalent syntax that it does.

use std::borrow::Cow;

/// The same query with quoted strings instead of raw ones, and numbers without underscores.
pub(super) fn normalize(query: &str) -> Cow<'_, str> {
    if !query.contains(['`', '_']) {
        return query.into();
    }
    let mut normalized = String::with_capacity(query.len() + 16);
    let mut rest = query.chars().peekable();
    // Whether a digit would continue a name or a number.
    let mut within_word = false;
    while let Some(c) = rest.next() {
        match c {
            '`' => raw_string(&mut rest, &mut normalized),
            '"' | '\'' => {
                normalized.push(c);
                while let Some(inner) = rest.next() {
                    normalized.push(inner);
                    match inner {
                        '\\' => normalized.extend(rest.next()),
                        _ if inner == c => break,
                        _ => {}
                    }
                }
            }
            '#' => {
                normalized.push(c);
                for inner in rest.by_ref() {
                    normalized.push(inner);
                    if inner == '\n' {
                        break;
                    }
                }
            }
            _ if c.is_ascii_digit() && !within_word => {
                normalized.push(c);
                while let Some(inner) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    if inner != '_' {
                        normalized.push(inner);
                    }
                }
            }
            _ => normalized.push(c),
        }
        within_word = c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    }
    normalized.into()
}

/// Rewrites a raw string as a quoted one. One that is not terminated is left as it is.
fn raw_string(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, normalized: &mut String) {
    let inner: String = rest.clone().take_while(|&c| c != '`').collect();
    let length = inner.chars().count();
    if rest.clone().nth(length) != Some('`') {
        normalized.push('`');
        return;
    }
    rest.nth(length);
    normalized.push('"');
    for c in inner.chars() {
        match c {
            '\\' => normalized.push_str("\\\\"),
            '"' => normalized.push_str("\\\""),
            '\n' => normalized.push_str("\\n"),
            _ => normalized.push(c),
        }
    }
    normalized.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalized_queries_are_equivalent() {
        for (query, normalized) in [
            (r"x{a=~`b\d`}", r#"x{a=~"b\\d"}"#),
            ("x{a=`\"\n`,b='`'}", "x{a=\"\\\"\\n\",b='`'}"),
            ("x # `a\n{b=`c`}", "x # `a\n{b=\"c\"}"),
            ("x{a=`b", "x{a=`b"),
            ("a_1_0 > 1_000 + 0x_f_f", "a_1_0 > 1000 + 0xff"),
            ("{a=\"1_0\"}", "{a=\"1_0\"}"),
            ("x_y{a=\"\\\"`\"}", "x_y{a=\"\\\"`\"}"),
        ] {
            assert_eq!(normalize(query), normalized, "{query}");
        }
    }
}
