//! Prints values that a policy put in place of unknown ones, with the reason.

use leadsman_provider::explanation::{ExplainedMetric, ExplainedValue, ValueFrom};

use super::record::{Line, MAX_SHOWN, called, number};

/// What stands in the place of values that the newest run has not, and what is missing: for a text that
/// has the values themselves.
pub(super) fn lines(metric: &ExplainedMetric) -> Vec<Line> {
    let stands = |value: &&ExplainedValue| value.from != ValueFrom::Run;
    let values = metric.values.iter().filter(stands).take(MAX_SHOWN).map(|value| {
        let policies = value.policies.join("; ");
        ("policy", format!("{} {}: {policies}", called(value), number(&value.value)))
    });
    values.chain(metric.missing.iter().map(|what| ("missing", what.message.clone()))).collect()
}

/// The first of them in words; `None` if the newest run has all.
pub(super) fn first(metric: &ExplainedMetric) -> Option<&str> {
    let value = metric.values.iter().find(|value| value.from != ValueFrom::Run)?;
    value.policies.last().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn metric(from: &str, policies: &[&str]) -> ExplainedMetric {
        let value: Value = json!({
            "namespace": "shop", "object": "a", "time": "2026-01-01T00:00:05.000Z", "from": from,
            "value": {"decimal": "1013.4", "quantity": "1013400m", "milli": 1_013_400},
            "policies": policies,
        });
        serde_json::from_value(json!({
            "mapping": {
                "title": "pods/m", "metric": "m", "served": "for pods", "owner": "operator",
                "ofRule": false,
                "plugin": {"name": "per-object", "version": "0.1.0", "digest": "sha256:00"},
                "queries": [],
                "policy": {"deadline": 1.0, "maxAge": 30.0, "refreshAtMostEvery": 5.0, "onNan": "refuse"},
            },
            "values": [value], "valuesTotal": 1, "evaluations": [],
        }))
        .unwrap()
    }

    #[test]
    fn what_stands_for_a_value_is_said_with_the_reason() {
        let old = metric("lastGood", &["below the activation 5, so 0", "the last good value"]);
        let told = "shop/a 1013.4 (1013400m): below the activation 5, so 0; the last good value";
        assert_eq!(lines(&old), [("policy", told.to_owned())]);
        assert_eq!(first(&old), Some("the last good value"));
    }

    #[test]
    fn a_new_value_is_not_worth_a_word() {
        let new = metric("run", &["below the activation 5, so 0"]);
        assert_eq!((lines(&new), first(&new)), (Vec::new(), None));
    }
}
