//! Redacts the error messages of sources. Prometheus and others quote labels of any series that a query
//! touched, and the reader may be allowed one namespace only.

/// The most characters of a message that are repeated.
const MAX_MESSAGE: usize = 500;

/// A message without the sets of labels and the quoted texts that do not come from the query itself.
pub(super) fn message(text: &str, query: &str) -> String {
    let redacted =
        replace_groups(text, &['{', '"'], |group| query.contains(&group[1..group.len() - 1]));
    leadsman_model::text::excerpt(&redacted, MAX_MESSAGE).into_owned()
}

/// The beginning of a body without the sets of labels in it.
pub(super) fn excerpt(text: &str) -> String {
    replace_groups(text, &['{'], |group| !group.contains("=\""))
}

/// Replaces what stands between braces, or double quotes, unless it is kept.
fn replace_groups(text: &str, opening: &[char], keep: impl Fn(&str) -> bool) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(opening) {
        shown.push_str(&rest[..start]);
        rest = &rest[start..];
        let brace = rest.starts_with('{');
        let Some(length) = group_length(rest) else {
            // It was cut off: what follows may belong to it.
            shown.push_str(if brace { "{…" } else { "\"…" });
            return shown;
        };
        let (group, after) = rest.split_at(length);
        shown.push_str(match brace {
            _ if keep(group) => group,
            true => "{…}",
            false => "\"…\"",
        });
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// How long the group is that a text begins with: up to the brace or quote that closes it.
fn group_length(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && !quoted {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_series_are_left_out_unless_the_query_has_them() {
        let query = "a{namespace=\"shop\"} * on (pod) b";
        for (said, reported) in [
            (
                "found duplicate series for the match group {pod=\"x\"} on the right hand-side of the \
                 operation: [{__name__=\"b\", namespace=\"bank\", pod=\"x\"}, {namespace=\"a}\\\"b\"}];\
                 many-to-many matching not allowed: matching labels must be unique on one side",
                "found duplicate series for the match group {…} on the right hand-side of the \
                 operation: [{…}, {…}];\
                 many-to-many matching not allowed: matching labels must be unique on one side",
            ),
            (
                "1:5: parse error: unexpected \"shop\" in {namespace=\"shop\"}",
                "1:5: parse error: unexpected \"shop\" in {namespace=\"shop\"}",
            ),
            ("bucket label \"le\" of \"bank_total\"", "bucket label \"…\" of \"…\""),
            ("cut off: {namespace=\"ba", "cut off: {…"),
            ("cut off: \"ba", "cut off: \"…"),
            ("it's down", "it's down"),
        ] {
            assert_eq!(message(said, query), reported);
        }
        let long = message(&"é".repeat(1000), query);
        assert_eq!(long.chars().count(), MAX_MESSAGE + 1);
        assert_eq!(
            excerpt("up{job=\"x\"} 1 {\"error\": \"no route\"}"),
            "up{…} 1 {\"error\": \"no route\"}"
        );
    }
}
