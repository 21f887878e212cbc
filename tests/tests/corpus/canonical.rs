//! Queries that mean the same, in one spelling.

/// The same query with `a="b"` for `a=~"b"`, and `a!="b"` for `a!~"b"`: to be in a set of one is to
/// be equal. The names of a larger set are in order.
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
        let set: Vec<_> = inside[..end].split('|').collect();
        let is_name = |name: &&str| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        };
        rest = inside;
        if set.len() > 1 && set.iter().all(is_name) {
            let mut set = set;
            set.sort_unstable();
            text.push_str(&set.join("|"));
            rest = &inside[end..];
        }
    }
    text + rest
}

#[test]
fn sets_of_one_are_equalities() {
    for (query, expected) in [
        (r#"sum(a{b=~"c"})"#, r#"sum(a{b="c"})"#),
        (r#"a{b!~"c-1",d=~"f|e",g=~"h"}"#, r#"a{b!="c-1",d=~"e|f",g="h"}"#),
        (r#"a{b=~"",c!~"d.*"}"#, r#"a{b=~"",c!~"d.*"}"#),
        (r#"a{b="c"} or e"#, r#"a{b="c"} or e"#),
    ] {
        assert_eq!(canonical(query), expected);
    }
}
