//! A source for a project that has none: the answers of one of its fixtures.

use anyhow::bail;
use serde_json::{Value, json};

/// What a fixture gives to a local adapter.
pub(super) struct Recorded {
    /// The file of the recording.
    pub(super) recording: Value,
    /// The objects of the configuration.
    pub(super) objects: Vec<Value>,
}

/// Whether a fixture can be played: it expects values, of answers that are instant vectors.
pub(super) fn is_playable(fixture: &Value) -> bool {
    let answers = fixture["queries"].as_object().filter(|answers| !answers.is_empty());
    let is_vector = |answer: &Value| data(answer)["resultType"] == "vector";
    fixture["expect"].get("measures").is_some()
        && answers.is_some_and(|answers| answers.values().all(is_vector))
}

/// Makes a recording of a fixture's answers to the queries of a mapping.
pub(super) fn of(fixture: &Value, mapping: &Value, namespace: &str) -> anyhow::Result<Recorded> {
    let mut queries = Vec::new();
    for (name, query) in mapping["queries"].as_object().into_iter().flatten() {
        let Some(text) = query["promql"].as_str() else {
            bail!("the query \"{name}\" is not one in PromQL; name a configuration with --against")
        };
        let answer = &fixture["queries"][name];
        if answer.is_null() {
            bail!("the fixture has no answer to the query \"{name}\" of the mapping");
        }
        let rows = data(answer)["result"].as_array().map(Vec::as_slice).unwrap_or_default();
        let series: Vec<Value> = rows.iter().map(series).collect();
        queries.push(json!({"query": filled(text, namespace), "series": series}));
    }
    let objects = match mapping["serve"]["custom"]["resource"].as_str() {
        Some(resource) => objects(fixture, resource, namespace),
        None => Vec::new(),
    };
    Ok(Recorded { recording: json!({"step": "1h", "queries": queries}), objects })
}

fn data(answer: &Value) -> &Value {
    answer.get("data").unwrap_or(answer)
}

/// The text of a query for a namespace and no selector, as the adapter sends it.
fn filled(text: &str, namespace: &str) -> String {
    let mut text = text.replace("${namespace}", namespace);
    for place in [", ${selector}", ",${selector}", "${selector}, ", "${selector},", "${selector}"] {
        text = text.replace(place, "");
    }
    text
}

/// A series with its one sample. A value that is no number is none: JSON has no word for it.
fn series(row: &Value) -> Value {
    let sample = &row["value"][1];
    let value = match sample.as_str() {
        Some(text) => text.parse().ok(),
        None => sample.as_f64(),
    };
    let labels = if row["metric"].is_null() { json!({}) } else { row["metric"].clone() };
    json!({"labels": labels, "values": [value.filter(|value: &f64| value.is_finite())]})
}

/// The objects of a fixture, or else those that it expects values for.
fn objects(fixture: &Value, resource: &str, namespace: &str) -> Vec<Value> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut known = list(&fixture["objects"]);
    if known.is_empty() {
        known = list(&fixture["expect"]["measures"])
            .into_iter()
            .map(|measure| json!({"name": measure["object"], "namespace": measure["namespace"]}))
            .collect();
    }
    let mut objects: Vec<Value> = Vec::new();
    for mut object in known {
        if object["namespace"].is_null() {
            object["namespace"] = namespace.into();
        }
        object["resource"] = resource.into();
        // A plugin may give several values for one object; it exists once.
        let same = |other: &Value| {
            other["name"] == object["name"] && other["namespace"] == object["namespace"]
        };
        if !objects.iter().any(same) {
            objects.push(object);
        }
    }
    objects
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture() -> Value {
        json!({
            "namespace": "shop",
            "queries": {"busy": {"resultType": "vector", "result": [
                {"metric": {"pod": "cart-0"}, "value": [1, "6"]},
                {"metric": {"pod": "cart-1"}, "value": [1, "NaN"]},
            ]}},
            "expect": {"measures": [{"object": "cart-0", "value": 0.75}]},
        })
    }

    #[test]
    fn a_fixture_becomes_a_source() {
        let mapping = json!({
            "serve": {"custom": {"resource": "pods"}},
            "queries": {"busy": {"source": "p", "promql": "busy{namespace=\"${namespace}\",${selector}}"}},
        });
        assert!(is_playable(&fixture()));
        let recorded = of(&fixture(), &mapping, "shop").unwrap();
        assert_eq!(
            recorded.recording["queries"][0],
            json!({"query": "busy{namespace=\"shop\"}", "series": [
                {"labels": {"pod": "cart-0"}, "values": [6.0]},
                {"labels": {"pod": "cart-1"}, "values": [null]},
            ]})
        );
        let pod = json!({"resource": "pods", "namespace": "shop", "name": "cart-0"});
        assert_eq!(recorded.objects, [pod]);
    }

    #[test]
    fn what_cannot_be_played_is_said() {
        let mapping = |query: Value| json!({"queries": {"q": query}});
        let error = of(&fixture(), &mapping(json!({"nsxAlb": {}})), "shop").err().unwrap();
        assert!(error.to_string().contains("--against"), "{error}");
        let error = of(&fixture(), &mapping(json!({"promql": "up"})), "shop").err().unwrap();
        assert!(error.to_string().contains("no answer to the query \"q\""), "{error}");
        let mut scalar = fixture();
        scalar["queries"]["busy"]["resultType"] = "matrix".into();
        assert!(!is_playable(&scalar));
        assert!(!is_playable(&json!({"queries": {}, "expect": {"measures": []}})));
    }
}
