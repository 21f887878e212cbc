//! Scales fixtures up: the same series for more objects.

use std::collections::BTreeSet;

use serde_json::Value;

/// How many series the largest answer of a fixture has; `None` if it has no answer with series.
pub(super) fn series(fixture: &Value) -> Option<usize> {
    let answers = fixture["queries"].as_object()?;
    let lists = answers.values().filter_map(list);
    lists.map(Vec::len).filter(|&count| count > 0).max()
}

/// The fixture with so many series in each of its answers. The series are repeated with other objects:
/// the labels that name objects get a number behind their values, in all answers alike, so that what
/// belongs together still does.
pub(super) fn scaled(fixture: &Value, series: usize) -> Value {
    let of_objects = object_labels(fixture);
    let mut scaled = fixture.clone();
    if let Some(answers) = scaled.get_mut("queries").and_then(Value::as_object_mut) {
        for answer in answers.values_mut() {
            let Some(rows) = list(answer).filter(|rows| !rows.is_empty()) else { continue };
            let labels = if of_objects.is_empty() { varying(rows) } else { of_objects.clone() };
            let repeated: Vec<Value> = (0..series)
                .map(|number| {
                    let mut row = rows[number % rows.len()].clone();
                    if let Some(metric) = row.get_mut("metric") {
                        rename(metric, number / rows.len(), &labels);
                    }
                    row
                })
                .collect();
            // Where it was found.
            if let Some(list) = list_mut(answer) {
                *list = repeated;
            }
        }
    }
    if let Some(objects) = scaled.get_mut("objects").and_then(Value::as_array_mut)
        && !objects.is_empty()
    {
        let known = objects.clone();
        let repeated = (0..series.max(known.len())).map(|number| {
            let mut object = known[number % known.len()].clone();
            let copy = number / known.len();
            if let Some(name) = object["name"].as_str().filter(|_| copy > 0) {
                object["name"] = format!("{name}-{copy}").into();
            }
            object
        });
        *objects = repeated.collect();
    }
    scaled
}

/// The series of an answer.
fn list(answer: &Value) -> Option<&Vec<Value>> {
    let data = answer.get("data").unwrap_or(answer);
    let has_series = matches!(data["resultType"].as_str(), Some("vector" | "matrix"));
    data["result"].as_array().filter(|_| has_series)
}

fn list_mut(answer: &mut Value) -> Option<&mut Vec<Value>> {
    let path = if answer.get("data").is_some() { "/data/result" } else { "/result" };
    answer.pointer_mut(path)?.as_array_mut()
}

/// The names of the objects that the fixture is about.
fn objects(fixture: &Value) -> BTreeSet<String> {
    let named = |list: &Value, key: &str| -> Vec<String> {
        let entries = list.as_array().map(Vec::as_slice).unwrap_or_default();
        entries.iter().filter_map(|entry| Some(entry[key].as_str()?.to_owned())).collect()
    };
    let mut names = BTreeSet::from_iter(named(&fixture["expect"]["measures"], "object"));
    names.extend(named(&fixture["objects"], "name"));
    names.remove("");
    names
}

/// The labels that name objects, in any of the answers.
fn object_labels(fixture: &Value) -> BTreeSet<String> {
    let names = objects(fixture);
    let answers = fixture["queries"].as_object().into_iter().flat_map(|all| all.values());
    let rows = answers.filter_map(list).flatten();
    let labels = rows.filter_map(|row| row["metric"].as_object()).flatten();
    let named = labels.filter(|(_, value)| value.as_str().is_some_and(|text| names.contains(text)));
    named.map(|(label, _)| label.clone()).collect()
}

/// The labels that tell series apart, where no object is named: those with several values, or all.
fn varying(rows: &[Value]) -> BTreeSet<String> {
    let labels = || rows.iter().filter_map(|row| row["metric"].as_object()).flatten();
    let all: BTreeSet<String> =
        labels().map(|(name, _)| name.clone()).filter(|name| name != "__name__").collect();
    let varies = |name: &&String| {
        let values =
            labels().filter(|(label, _)| label == name).map(|(_, value)| value.to_string());
        values.collect::<BTreeSet<_>>().len() > 1
    };
    let several: BTreeSet<String> = all.iter().filter(varies).cloned().collect();
    if several.is_empty() { all } else { several }
}

/// Puts the number of a copy behind the values of these labels. The first copy is as it was.
fn rename(metric: &mut Value, copy: usize, labels: &BTreeSet<String>) {
    if copy == 0 {
        return;
    }
    for (name, value) in metric.as_object_mut().into_iter().flatten() {
        if let Some(text) = value.as_str().filter(|_| labels.contains(name)) {
            *value = format!("{text}-{copy}").into();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_multiplied_in_all_answers_alike() {
        let row = |pod: &str, code: &str| json!({"metric": {"pod": pod, "code": code}, "value": [1, "2"]});
        let fixture = json!({
            "queries": {
                "errors": {"resultType": "vector", "result": [row("a", "500"), row("b", "500")]},
                "all": {"status": "success", "data": {"resultType": "vector", "result": [row("a", "")]}},
                "limit": {"resultType": "scalar", "result": [1, "2"]},
            },
            "objects": [{"name": "a", "namespace": "shop"}],
            // A series that gives no value is one of an object, too.
            "expect": {"measures": [{"object": "a", "value": 1}]},
        });
        assert_eq!(series(&fixture), Some(2));
        let large = scaled(&fixture, 5);
        let pods = |path: &str| -> Vec<String> {
            let rows = large.pointer(path).unwrap().as_array().unwrap();
            rows.iter().map(|row| row["metric"]["pod"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(pods("/queries/errors/result"), ["a", "b", "a-1", "b-1", "a-2"]);
        assert_eq!(pods("/queries/all/data/result"), ["a", "a-1", "a-2", "a-3", "a-4"]);
        assert_eq!(large["queries"]["errors"]["result"][4]["metric"]["code"], "500");
        assert_eq!(large["queries"]["limit"], fixture["queries"]["limit"]);
        assert_eq!(large["objects"][4], json!({"name": "a-4", "namespace": "shop"}));
    }

    #[test]
    fn without_objects_the_labels_that_vary_are_multiplied() {
        let row = |queue: &str| json!({"metric": {"__name__": "depth", "queue": queue, "dc": "x"}});
        let of = |rows: &[Value]| {
            json!({
                "queries": {"q": {"resultType": "vector", "result": rows}},
                "expect": {"measures": [{"value": 1, "labels": {"queue": "a"}}]},
            })
        };
        let large = scaled(&of(&[row("a"), row("b")]), 3);
        let third = &large["queries"]["q"]["result"][2]["metric"];
        assert_eq!(third, &json!({"__name__": "depth", "queue": "a-1", "dc": "x"}));
        let large = scaled(&of(&[row("a")]), 2);
        let second = &large["queries"]["q"]["result"][1]["metric"];
        assert_eq!(second, &json!({"__name__": "depth", "queue": "a-1", "dc": "x-1"}));
        assert_eq!(series(&json!({"queries": {"q": {"resultType": "scalar"}}})), None);
    }
}
