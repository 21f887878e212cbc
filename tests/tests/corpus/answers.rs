//! Answers of both, and whether they agree.

use leadsman_tests::Answer;
use serde_json::{Value, json};

/// How near two answers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// They are the same for a client.
    Same,
    /// Values differ by one thousandth.
    Precision,
    /// They are not the same.
    Different,
}

/// The keys of timestamps, which differ.
const TIMES: [&str; 2] = ["timestamp", "creationTimestamp"];

/// The keys of values.
const VALUES: [&str; 3] = ["value", "cpu", "memory"];

/// The status code under the key `code`, and the answer without times and with sorted lists, whose
/// order is random.
pub(crate) fn plain(answer: &Answer) -> Value {
    if !answer.is_success() {
        let status: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let text = status["message"].as_str().unwrap_or(&answer.body);
        return json!({"code": answer.status, "reason": status["reason"], "message": text});
    }
    let mut body = answer.json();
    simplify(&mut body);
    body["code"] = json!(answer.status);
    body
}

fn simplify(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for time in TIMES {
                fields.remove(time);
            }
            fields.values_mut().for_each(simplify);
        }
        Value::Array(list) => {
            list.iter_mut().for_each(simplify);
            list.sort_by_cached_key(Value::to_string);
        }
        _ => {}
    }
}

/// Whether they are equal for a client. Messages of 404 begin with the same words; Leadsman's may
/// add the reason.
pub(crate) fn agreement(theirs: &Value, ours: &Value) -> Agreement {
    let text = |value: &Value| value["message"].as_str().unwrap_or_default().to_owned();
    let failed = ["code", "reason"].iter().all(|key| theirs[key] == ours[key]);
    let told = theirs["code"] == 404 && text(ours).starts_with(text(theirs).trim_end());
    if theirs == ours || failed && (told || theirs["code"] == 400) {
        Agreement::Same
    } else if near("", theirs, ours) {
        Agreement::Precision
    } else {
        Agreement::Different
    }
}

/// Whether both are the same but for the last digit of values.
fn near(key: &str, theirs: &Value, ours: &Value) -> bool {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            theirs.len() == ours.len()
                && theirs
                    .iter()
                    .all(|(key, value)| ours.get(key).is_some_and(|other| near(key, value, other)))
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            theirs.len() == ours.len() && theirs.iter().zip(ours).all(|(a, b)| near(key, a, b))
        }
        (Value::String(theirs), Value::String(ours)) if VALUES.contains(&key) => {
            match (thousandths(theirs), thousandths(ours)) {
                (Some(theirs), Some(ours)) => (theirs - ours).abs() <= 1.0,
                _ => theirs == ours,
            }
        }
        _ => theirs == ours,
    }
}

/// A quantity in thousandths.
fn thousandths(quantity: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 11] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
    ];
    let unit =
        UNITS.iter().find_map(|(unit, factor)| Some((quantity.strip_suffix(*unit)?, factor)));
    let (digits, factor) = unit.unwrap_or((quantity, &1.0));
    Some((digits.parse::<f64>().ok()? * factor * 1000.0).round())
}

#[test]
fn answers_agree_up_to_a_thousandth() {
    let item = |value: &str| json!({"code": 200, "items": [{"name": "a", "value": value}]});
    assert_eq!(agreement(&item("1"), &item("1")), Agreement::Same);
    assert_eq!(agreement(&item("1"), &item("1001m")), Agreement::Precision);
    assert_eq!(agreement(&item("0"), &item("-1m")), Agreement::Precision);
    assert_eq!(agreement(&item("1"), &item("1002m")), Agreement::Different);
    assert_eq!(agreement(&item("1"), &json!({"code": 200, "items": []})), Agreement::Different);
    let failed = |code: u16, message: &str| json!({"code": code, "message": message});
    assert_eq!(agreement(&failed(404, "no a "), &failed(404, "no a, since")), Agreement::Same);
    assert_eq!(agreement(&failed(404, "no a"), &failed(404, "no b")), Agreement::Different);
    assert_eq!(agreement(&failed(500, "a"), &failed(503, "a")), Agreement::Different);
}
