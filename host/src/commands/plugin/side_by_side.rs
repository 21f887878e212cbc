//! What a fixture expects beside what came of it.

use std::collections::{BTreeMap, BTreeSet};

use leadsman_model::quantity::Quantity;
use serde_json::Value;

/// The widest a column becomes.
const MAX_WIDTH: usize = 72;

/// A column for what is expected and one for each of what came, by their titles; one row for each
/// measure, fault or message. What differs from what is expected is marked.
pub(super) fn side_by_side(expected: &Value, found: &[(&str, &Value)]) -> String {
    let expected = rows(expected);
    let found: Vec<_> = found.iter().map(|(title, value)| (*title, rows(value))).collect();
    let of_found = found.iter().flat_map(|(_, rows)| rows.keys());
    let keys: BTreeSet<_> = expected.keys().chain(of_found).collect();
    let mut columns = vec![("expected", &expected)];
    columns.extend(found.iter().map(|(title, rows)| (*title, rows)));
    let width = |(title, rows): &(&str, &BTreeMap<String, String>)| {
        let widest = rows.values().map(|row| row.chars().count()).max().unwrap_or_default();
        widest.clamp(title.len(), MAX_WIDTH)
    };
    let widths: Vec<_> = columns.iter().map(width).collect();
    let last = columns.len() - 1;
    let mut text = String::new();
    let mut line = |cells: Vec<(char, &str)>| {
        text.push_str("  ");
        for (at, ((mark, cell), width)) in cells.into_iter().zip(widths.iter().copied()).enumerate()
        {
            if at > 0 {
                text.push_str(&format!(" {mark} "));
            }
            if at == last {
                text.push_str(cell);
            } else {
                text.push_str(&format!("{cell:width$}"));
            }
        }
        text.push('\n');
    };
    line(columns.iter().map(|(title, _)| (' ', *title)).collect());
    for key in keys {
        let cell = |rows: &BTreeMap<String, String>| rows.get(key).cloned().unwrap_or_default();
        let right = cell(&expected);
        let cells: Vec<_> = columns.iter().map(|(_, rows)| cell(rows)).collect();
        let marked = cells.iter().map(|cell| (if *cell == right { ' ' } else { '≠' }, &**cell));
        line(marked.collect());
    }
    text
}

/// Each part of an expectation by what it is about.
fn rows(expect: &Value) -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    for (kind, of) in expect.as_object().into_iter().flatten() {
        match of.as_array() {
            Some(parts) => {
                for part in parts.iter().map(as_served) {
                    rows.insert(key(kind, &part), part.to_string());
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

/// A part in the words of all: numbers in thousandths, as they are served, and no key that says nothing.
fn as_served(part: &Value) -> Value {
    let says_nothing = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(keys) => keys.is_empty(),
        _ => false,
    };
    match part {
        Value::Object(keys) => keys
            .iter()
            .filter(|(_, value)| !says_nothing(value))
            .map(|(key, value)| (key.clone(), as_served(value)))
            .collect(),
        // A whole number is one already.
        Value::Number(number) if number.is_f64() => {
            let served = number.as_f64().and_then(|number| Quantity::from_f64(number).ok());
            let text = served.map(|served| served.as_f64().to_string());
            text.and_then(|text| text.parse().ok()).unwrap_or_else(|| part.clone())
        }
        other => other.clone(),
    }
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
        let text = side_by_side(&expected, &[("component", &found)]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "  expected                   component",
                r#"  {"object":"a","value":1}   {"object":"a","value":1}"#,
                r#"  {"object":"b","value":2} ≠ "#,
                r#"                           ≠ {"object":"c","value":3}"#,
            ]
        );
    }

    #[test]
    fn what_came_of_the_component_and_natively_is_written_alike() {
        let expected = json!({"measures": [{"object": "a", "value": 0.5, "time": 1}]});
        let component = json!({"measures": [{"object": "a", "value": 0.333, "time": 1}]});
        let native = json!({"measures": [
            {"object": "a", "namespace": null, "value": 0.333_333_3, "time": 1.0, "labels": {}}]});
        let text = side_by_side(&expected, &[("component", &component), ("native", &native)]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "  expected                              component                               native",
                "  {\"object\":\"a\",\"time\":1,\"value\":0.5} ≠ {\"object\":\"a\",\"time\":1,\"value\":0.333} ≠ \
                 {\"object\":\"a\",\"time\":1,\"value\":0.333}",
            ]
        );
    }

    #[test]
    fn results_of_different_kinds() {
        let found = json!({"failure": "no series"});
        let text = side_by_side(&json!({"measures": []}), &[("component", &found)]);
        assert!(text.contains("≠ failure: \"no series\""), "{text}");
        assert!(text.contains("  no measures"), "{text}");
    }
}
