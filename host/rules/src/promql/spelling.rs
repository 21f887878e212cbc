//! Spellings of PromQL that the parser does not read, written as it does.

use std::borrow::Cow;

/// The same query with raw strings in double quotes, and numbers without underscores.
pub(super) fn of_the_parser(query: &str) -> Cow<'_, str> {
    if !query.contains(['`', '_']) {
        return query.into();
    }
    let mut spelled = String::with_capacity(query.len() + 16);
    let mut rest = query.chars().peekable();
    // Whether a digit now would go on with a name or a number.
    let mut within_word = false;
    while let Some(c) = rest.next() {
        match c {
            '`' => raw(&mut rest, &mut spelled),
            '"' | '\'' => {
                spelled.push(c);
                while let Some(inner) = rest.next() {
                    spelled.push(inner);
                    match inner {
                        '\\' => spelled.extend(rest.next()),
                        _ if inner == c => break,
                        _ => {}
                    }
                }
            }
            '#' => {
                spelled.push(c);
                for inner in rest.by_ref() {
                    spelled.push(inner);
                    if inner == '\n' {
                        break;
                    }
                }
            }
            _ if c.is_ascii_digit() && !within_word => {
                spelled.push(c);
                while let Some(inner) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    if inner != '_' {
                        spelled.push(inner);
                    }
                }
            }
            _ => spelled.push(c),
        }
        within_word = c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    }
    spelled.into()
}

/// What stands between back quotes, in double quotes. One without an end stays as it is.
fn raw(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, spelled: &mut String) {
    let inner: String = rest.clone().take_while(|&c| c != '`').collect();
    let length = inner.chars().count();
    if rest.clone().nth(length) != Some('`') {
        spelled.push('`');
        return;
    }
    rest.nth(length);
    spelled.push('"');
    for c in inner.chars() {
        match c {
            '\\' => spelled.push_str("\\\\"),
            '"' => spelled.push_str("\\\""),
            '\n' => spelled.push_str("\\n"),
            _ => spelled.push(c),
        }
    }
    spelled.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_spellings_mean_the_same() {
        for (query, spelled) in [
            (r"x{a=~`b\d`}", r#"x{a=~"b\\d"}"#),
            ("x{a=`\"\n`,b='`'}", "x{a=\"\\\"\\n\",b='`'}"),
            ("x # `a\n{b=`c`}", "x # `a\n{b=\"c\"}"),
            ("x{a=`b", "x{a=`b"),
            ("a_1_0 > 1_000 + 0x_f_f", "a_1_0 > 1000 + 0xff"),
            ("{a=\"1_0\"}", "{a=\"1_0\"}"),
            ("x_y{a=\"\\\"`\"}", "x_y{a=\"\\\"`\"}"),
        ] {
            assert_eq!(of_the_parser(query), spelled, "{query}");
        }
    }
}
