//! Rules as they are written, and the metrics and queries that they give.

mod metrics;
mod queries;

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use leadsman_model::resource::{Details, Resource};

fn written(rule: Value) -> written::Rule {
    serde_json::from_value(rule).unwrap()
}

fn rule(api: RuleApi, rule: Value) -> Rule {
    let mut faults = Vec::new();
    let rule = Rule::new(&written(rule), api, "/rules/0", &mut |at, what| {
        faults.push(format!("{at}: {what}"));
    });
    assert!(faults.is_empty(), "{faults:?}");
    rule.unwrap()
}

fn faults(rule: Value) -> Vec<String> {
    let mut faults = Vec::new();
    Rule::new(&written(rule), RuleApi::Custom, "/rules/0", &mut |at, what| {
        faults.push(format!("{at}: {what}"));
    });
    faults
}

fn seen(series: &[(&str, &str)]) -> ListedSeries {
    series
        .iter()
        .map(|(name, labels)| ((*name).into(), labels.split_whitespace().map(Arc::from).collect()))
        .collect()
}

fn catalog(rules: &[Rule], seen: &ListedSeries) -> (Catalog, Vec<String>) {
    let widgets = Details {
        version: "v1".into(),
        singular: "widget".into(),
        kind: "Widget".into(),
        namespaced: true,
    };
    let cluster = [Resource::custom("widgets.example.com", Some(widgets)).unwrap()];
    let mut unserved = Vec::new();
    let catalog = Catalog::new(rules, |_| Some(seen), &resolver(&cluster), &mut |series| {
        unserved.push(format!("{}: {}", series.series, series.why));
    });
    (catalog, unserved)
}

/// The metrics as discovery names them.
fn names(catalog: &Catalog) -> Vec<String> {
    let name = |entry: &CatalogEntry| match &entry.resource {
        Some(resource) => format!("{resource}/{}", entry.metric),
        None => entry.metric.to_string(),
    };
    catalog.entries.iter().map(name).collect()
}

const ANY: &str = "<<.Series>>{<<.LabelMatchers>>}";

#[test]
fn what_is_wrong_with_a_rule_is_told_all_at_once() {
    let reported = faults(json!({
        "seriesFilters": [{"is": "a", "isNot": "b"}, {}, {"is": "("}],
        "name": {"matches": "(a)(b)"},
        "resources": {"template": "static"},
        "metricsQuery": "<<.Serie>>",
    }));
    for part in [
        "/seriesQuery: says nothing",
        "/seriesFilters/0: a filter has `is` or `isNot`, not both",
        "/seriesFilters/1: a filter has `is` or `isNot`",
        "/seriesFilters/2/is: ",
        "/name: there are several groups",
        "/resources/template: does not name the resource",
        "/metricsQuery: ",
    ] {
        assert!(reported.iter().any(|fault| fault.starts_with(part)), "{part} in {reported:#?}");
    }
    let reported = faults(json!({"seriesQuery": "x", "metricsQuery": "<<index .Series 0>>"}));
    assert!(reported.iter().any(|fault| fault.contains("can't index an item of type string")));
    let query = json!({"seriesQuery": "x", "metricsQuery": "<<template \"x\">>"});
    let reported = faults(query);
    assert!(reported.iter().any(|fault| fault.contains("template")), "{reported:?}");
    assert!(
        reported.iter().any(|fault| fault.starts_with("/resources: names no objects")),
        "{reported:?}"
    );
}

#[test]
fn a_series_of_any_name_stands_in_a_query_as_a_name() {
    let of = |query: &str, series: &str| {
        let rule = rule(
            RuleApi::Custom,
            json!({
                "seriesQuery": "x", "metricsQuery": query, "name": {"as": "m"},
                "resources": {"template": "<<.Resource>>"},
            }),
        );
        let (catalog, unserved) = catalog(&[rule], &seen(&[(series, "namespace node")]));
        (names(&catalog).join(" "), unserved.join(" "))
    };
    let quoted = "{\"<<.Series>>\",<<.LabelMatchers>>}";
    let served = ("namespaces/m nodes/m".to_owned(), String::new());
    assert_eq!(of(ANY, "job:x:rate5m"), served);
    assert_eq!(of(quoted, "http.requests total"), served);
    for (query, series) in [
        (ANY, "http.requests"),
        (ANY, "x{}or{__name__=\"secret\"}or"),
        (ANY, "a-b"),
        (ANY, "1"),
        (quoted, "a\"} or secret{b=\""),
        (quoted, "a\\"),
    ] {
        let (names, unserved) = of(query, series);
        assert_eq!(names, "", "{query} {series}");
        assert!(
            unserved.contains("the name of the series cannot stand in the query"),
            "{unserved}"
        );
    }
}

#[test]
fn the_plugin_is_configured_by_labels_and_by_what_the_query_picks() {
    let written = json!({
        "seriesQuery": "x",
        "metricsQuery": "<<.Series>>{<<.LabelMatchers>>}",
        "resources": {"overrides": {
            "ns": {"resource": "namespace"}, "pod": {"resource": "pod"}, "node": {"resource": "node"},
        }},
    });
    let rules = [rule(RuleApi::Custom, written.clone()), rule(RuleApi::External, written)];
    let (catalog, _) = catalog(&rules, &seen(&[("x", "ns pod node")]));
    let of = |kind: Option<&str>, names_objects| {
        let kind = kind.and_then(Resource::known);
        let entry = catalog.entries.iter().find(|entry| entry.resource == kind).unwrap();
        entry.plugin_config(OnSeveral::Refuse, names_objects)
    };
    let of_objects = |object: &str, namespace: &str, unnamed: &str| json!({"object": object, "combine": "omit", "namespace": namespace, "unnamed": unnamed});
    assert_eq!(of(Some("pods"), false), of_objects("pod", "ns", "omit"));
    assert_eq!(of(Some("pods"), true), of_objects("pod", "ns", "fail"));
    assert_eq!(of(Some("nodes"), false), of_objects("node", "", "omit"));
    assert_eq!(of(Some("namespaces"), false), of_objects("ns", "", "fail"));
    assert_eq!(of(None, false), json!({"seriesName": true}));
}

#[test]
fn a_label_that_is_asked_for_and_that_no_series_has_is_found() {
    let of = |query: &str, series: &[(&str, &str)]| {
        let rule = rule(
            RuleApi::Custom,
            json!({
                "seriesQuery": "x", "metricsQuery": query,
                "resources": {
                    "template": "<<.Resource>>",
                    "overrides": {"app": {"group": "apps", "resource": "deployment"}},
                },
            }),
        );
        let missing = catalog(&[rule], &seen(series)).0.missing_labels;
        missing.into_iter().map(|of| of.finding().message).collect::<Vec<_>>()
    };
    let messages = of(ANY, &[("x", "app job_id"), ("y", "app")]);
    assert_eq!(messages.len(), 1, "{messages:?}");
    for part in ["no series of the rule has the label \"namespace\"", "there are app, job_id"] {
        assert!(messages[0].contains(part), "{part}: {messages:?}");
    }
    // The override says what the label of a deployment is; the template found another one.
    let messages = of(ANY, &[("x", "namespace deployment")]);
    assert!(messages[0].contains("the label \"app\""), "{messages:?}");
    // One of several names is enough: a rule for all series meets many others.
    assert_eq!(of(ANY, &[("x", "app"), ("y", "app namespace")]), [""; 0]);
    assert_eq!(of("sum(x) by (app)", &[("x", "app")]), [""; 0], "nothing is asked for");
    assert_eq!(of(ANY, &[("x", "node")]), [""; 0], "nodes live in none");
    assert_eq!(of(ANY, &[]), [""; 0]);
}
