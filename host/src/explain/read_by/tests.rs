use serde_json::json;

use super::*;

/// The explanation of a read of the metric `m` in the namespace `shop`.
fn explanation(request: &Value) -> MetricExplanation {
    let mut request = request.clone();
    for (key, value) in [("metric", json!("m")), ("namespace", json!("shop"))] {
        request[key] = value;
    }
    request["path"] = json!("/apis/x");
    serde_json::from_value(json!({
        "apiVersion": "leadsman.dev/v1alpha1", "kind": "MetricExplanation", "verdict": "it is 1",
        "time": "2026-01-01T00:00:00.000Z", "generation": 1, "request": request,
        "metrics": [{
            "mapping": {
                "title": "m", "metric": "m", "served": "for pods", "owner": "operator",
                "ofRule": false,
                "plugin": {"name": "per-object", "version": "0.1.0", "digest": "sha256:00"},
                "queries": [],
                "policy": {"deadline": 10.0, "maxAge": 15.0, "refreshAtMostEvery": 5.0, "onNan": "refuse"},
            },
            "values": [], "valuesTotal": 0, "evaluations": [],
        }],
    }))
    .unwrap()
}

fn autoscaler(name: &str, metrics: &Value) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": name}, "maxReplicas": 5,
            "metrics": metrics,
        },
    })
}

fn list() -> Value {
    let target = json!({"type": "AverageValue", "averageValue": "10"});
    let pods =
        |name: &str| json!({"type": "Pods", "pods": {"metric": {"name": name}, "target": target}});
    let service = |name: &str| {
        let described = json!({"apiVersion": "v1", "kind": "Service", "name": name});
        let object =
            json!({"metric": {"name": "m"}, "describedObject": described, "target": target});
        json!({"type": "Object", "object": object})
    };
    let queue = |of: &str| {
        let metric = json!({"name": "m", "selector": {"matchLabels": {"queue": of}}});
        json!({"type": "External", "external": {"metric": metric, "target": target}})
    };
    json!({"items": [
        autoscaler("web", &json!([pods("other"), pods("m")])),
        autoscaler("api", &json!([service("front"), service("back"), queue("mail")])),
        {"metadata": {"name": "odd"}, "spec": "nobody knows"},
        autoscaler("worker", &json!([queue("orders")])),
    ]})
}

fn found(request: &Value) -> Vec<(String, usize)> {
    let found = readers(&list(), &explanation(request));
    found.into_iter().map(|(name, place, _)| (name, place)).collect()
}

fn named(of: &[(&str, usize)]) -> Vec<(String, usize)> {
    of.iter().map(|&(name, place)| (name.to_owned(), place)).collect()
}

#[test]
fn an_autoscaler_reads_what_its_own_request_is_a_part_of() {
    let custom = found(&json!({"api": "custom", "resource": "services"}));
    // Which of them is served by the same mapping, the adapter says.
    assert_eq!(custom, named(&[("api", 0), ("api", 1), ("web", 1)]));
    let back = found(&json!({"api": "custom", "resource": "services", "object": "back"}));
    assert_eq!(back, named(&[("api", 1)]));
    assert_eq!(found(&json!({"api": "external"})), named(&[("api", 2), ("worker", 0)]));
    let orders = found(&json!({"api": "external", "metricSelector": "queue=orders"}));
    assert_eq!(orders, named(&[("worker", 0)]));
    assert!(found(&json!({"api": "resource"})).is_empty());
}

#[test]
fn another_mapping_of_the_name_is_another_metric() {
    let one = explanation(&json!({"api": "external"}));
    let mut other = one.clone();
    assert!(is_same(&one, &other));
    other.metrics.clear();
    assert!(!is_same(&one, &other));
}

#[test]
fn what_is_not_known_of_autoscalers_is_said() {
    let namespace = "shop".to_owned();
    let none = ReadBy { namespace: namespace.clone(), ..ReadBy::default() };
    assert_eq!(none.to_string(), "\nno autoscaler of shop reads it\n");
    // What was not looked at may read it.
    let partial = ReadBy { partial: true, ..none.clone() };
    assert_eq!(partial.to_string(), "\nno more than 500 autoscalers of shop were looked at\n");
    let unasked = ReadBy { more: 1, ..none.clone() };
    assert_eq!(unasked.to_string(), "\n1 more metrics of autoscalers have its name\n");
    let unknown = ReadBy { unknown: Some("403: forbidden".to_owned()), ..none };
    let told = "\nwhich autoscalers read it is not known: 403: forbidden\n";
    assert_eq!(unknown.to_string(), told);
    let reader = Reader {
        autoscaler: "web".to_owned(),
        place: 0,
        title: "pods metric m".to_owned(),
        target: "10 for each pod".to_owned(),
        hour: Hour::unknown("it has just changed"),
    };
    let told = ReadBy { namespace, autoscalers: vec![reader], more: 2, ..ReadBy::default() };
    assert_eq!(
        told.to_string(),
        "\nread by shop/web: pods metric m, target 10 for each pod\n  hour      not known: it has just \
         changed\n\n2 more metrics of autoscalers have its name\n"
    );
}

#[test]
fn a_list_is_partial_where_it_goes_on() {
    assert!(
        !is_partial(&json!({"metadata": {}}))
            && !is_partial(&json!({"metadata": {"continue": ""}}))
    );
    assert!(is_partial(&json!({"metadata": {"continue": "eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ"}})));
}
