//! What a fixture expects beside what came.

use std::collections::BTreeMap;

use serde_json::Value;

/// The widest a column becomes.
const MAX_WIDTH: usize = 72;

/// Two columns, one row for each measure, fault or message; rows that differ are marked.
pub(super) fn side_by_side(expected: &Value, found: &Value) -> String {
    let (expected, found) = (rows(expected), rows(found));
    let keys: std::collections::BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    let empty = String::new();
    let of =
        |rows: &BTreeMap<String, String>, key: &String| rows.get(key).unwrap_or(&empty).clone();
    let width = expected.values().map(|row| row.chars().count()).max().unwrap_or_default();
    let width = width.clamp("expected".len(), MAX_WIDTH);
    let mut text = format!("  {:width$}   found\n", "expected");
    for key in keys {
        let (left, right) = (of(&expected, key), of(&found, key));
        let mark = if left == right { ' ' } else { '≠' };
        text.push_str(&format!("  {left:width$} {mark} {right}\n"));
    }
    text
}

/// Each part of an expectation by what it is about.
fn rows(expect: &Value) -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    for (kind, of) in expect.as_object().into_iter().flatten() {
        match of.as_array() {
            Some(parts) => {
                for part in parts {
                    rows.insert(key(kind, part), part.to_string());
                }
                if parts.is_empty() {
                    rows.insert(kind.clone(), format!("no {kind}"));
                }
            }
            None => {
                rows.insert(kind.clone(), format!("{kind}: {of}"));
            }
        }
    }
    rows
}

/// What tells a measure from others: its object and labels.
fn key(kind: &str, part: &Value) -> String {
    if part.is_object() {
        let of = |key: &str| part.get(key).map(Value::to_string).unwrap_or_default();
        return format!("{kind} {} {} {}", of("namespace"), of("object"), of("labels"));
    }
    format!("{kind} {part}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn measures_of_one_object_stand_in_one_row() {
        let expected =
            json!({"measures": [{"object": "b", "value": 2}, {"object": "a", "value": 1}]});
        let found = json!({"measures": [{"object": "a", "value": 1}, {"object": "c", "value": 3}]});
        let text = side_by_side(&expected, &found);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "  expected                   found",
                r#"  {"object":"a","value":1}   {"object":"a","value":1}"#,
                r#"  {"object":"b","value":2} ≠ "#,
                r#"                           ≠ {"object":"c","value":3}"#,
            ]
        );
    }

    #[test]
    fn results_of_different_kinds() {
        let text = side_by_side(&json!({"measures": []}), &json!({"failure": "no series"}));
        assert!(text.contains("≠ failure: \"no series\""), "{text}");
        assert!(text.contains("  no measures"), "{text}");
    }
}
