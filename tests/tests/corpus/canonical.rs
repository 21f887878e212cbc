//! Queries that mean the same, in one spelling.

/// The same query with `a="b"` for `a=~"b"`, and `a!="b"` for `a!~"b"`: to be in a set of one is to
/// be equal.
pub(crate) fn canonical(query: &str) -> String {
    let mut text = String::with_capacity(query.len());
    let mut rest = query;
    while let Some(at) = rest.find("=~\"").into_iter().chain(rest.find("!~\"")).min() {
        let (before, pattern) = rest.split_at(at);
        let (operator, inside) = pattern.split_at(3);
        let end = inside.find('"').unwrap_or(inside.len());
        let plain = inside[..end].bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        text.push_str(before);
        text.push_str(match (plain && end > 0, operator) {
            (true, "=~\"") => "=\"",
            (true, _) => "!=\"",
            (false, kept) => kept,
        });
        rest = inside;
    }
    text + rest
}

#[test]
fn sets_of_one_are_equalities() {
    for (query, expected) in [
        (r#"sum(a{b=~"c"})"#, r#"sum(a{b="c"})"#),
        (r#"a{b!~"c-1",d=~"e|f",g=~"h"}"#, r#"a{b!="c-1",d=~"e|f",g="h"}"#),
        (r#"a{b=~"",c!~"d.*"}"#, r#"a{b=~"",c!~"d.*"}"#),
        (r#"a{b="c"} or e"#, r#"a{b="c"} or e"#),
    ] {
        assert_eq!(canonical(query), expected);
    }
}
