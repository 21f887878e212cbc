//! Rules as they are written, and what becomes of them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use leadsman_model::query_params::QueryParams;
use leadsman_model::resource::{Details, Resource};
use leadsman_model::selector::Selector;

fn written(rule: Value) -> written::Rule {
    serde_json::from_value(rule).unwrap()
}

fn rule(api: Api, rule: Value) -> Rule {
    let mut faults = Vec::new();
    let rule = Rule::new(&written(rule), api, "/rules/0", &mut |at, what| {
        faults.push(format!("{at}: {what}"));
    });
    assert!(faults.is_empty(), "{faults:?}");
    rule.unwrap()
}

fn faults(rule: Value) -> Vec<String> {
    let mut faults = Vec::new();
    Rule::new(&written(rule), Api::Custom, "/rules/0", &mut |at, what| {
        faults.push(format!("{at}: {what}"));
    });
    faults
}

fn seen(series: &[(&str, &str)]) -> Seen {
    series
        .iter()
        .map(|(name, labels)| ((*name).into(), labels.split_whitespace().map(Arc::from).collect()))
        .collect()
}

fn catalog(rules: &[Rule], seen: &Seen) -> (Catalog, Vec<String>) {
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

/// Each metric as it is found in discovery.
fn names(catalog: &Catalog) -> Vec<String> {
    let name = |offered: &Offered| match &offered.resource {
        Some(resource) => format!("{resource}/{}", offered.metric),
        None => offered.metric.to_string(),
    };
    catalog.offered.iter().map(name).collect()
}

const ANY: &str = "<<.Series>>{<<.LabelMatchers>>}";

#[test]
fn metrics_are_called_as_go_would_call_them() {
    for (name, series, expected) in [
        (json!({}), "mqtt_publish_received", Some("mqtt_publish_received")),
        (json!({"matches": ""}), "a_total", Some("a_total")),
        (json!({"matches": "^container_(.*)_total$"}), "container_x_total", Some("x")),
        (json!({"matches": "^container_(.*)_total$"}), "container_x", None),
        (
            json!({"matches": "^(.*)_total$", "as": "${1}_per_second"}),
            "a_total",
            Some("a_per_second"),
        ),
        // A name goes on for as long as it can.
        (json!({"matches": "^(.*)_total$", "as": "$1_per_second"}), "a_total", None),
        (json!({"matches": "^(?P<what>.*)_total$", "as": "${what}s"}), "a_total", Some("as")),
        // An expansion, not a replacement within the name.
        (json!({"matches": "_total"}), "a_total", Some("_total")),
        (json!({"matches": "a", "as": "const"}), "banana", Some("const")),
        (
            json!({"matches": "^(.*)myapp_processed_ops_total", "as": "myapp_processed_ops_total"}),
            "myapp_processed_ops_total",
            Some("myapp_processed_ops_total"),
        ),
        (json!({"as": "all_of_$0"}), "x", Some("all_of_x")),
        (json!({"matches": "(a)(b)", "as": "$2$1"}), "ab", Some("ba")),
    ] {
        let text = name.to_string();
        let rule = rule(
            Api::External,
            json!({
                "seriesQuery": "x", "name": name, "metricsQuery": ANY,
                "resources": {"namespaced": false},
            }),
        );
        let (catalog, _) = catalog(&[rule], &seen(&[(series, "")]));
        assert_eq!(names(&catalog).first().map(String::as_str), expected, "{text} {series}");
    }
}

#[test]
fn series_are_left_out_by_filters_all_of_which_must_hold() {
    let rule = rule(
        Api::External,
        json!({
            "seriesQuery": "x", "metricsQuery": ANY, "resources": {"namespaced": false},
            "seriesFilters": [{"isNot": "^container_.*_seconds_total$"}, {"is": "total"}],
            "name": {"matches": "^container_(.*)_total$"},
        }),
    );
    let series = [
        ("container_cpu_seconds_total", ""),
        ("container_memory", ""),
        ("container_some_count_total", ""),
        ("other_total", ""),
    ];
    let (catalog, unserved) = catalog(&[rule], &seen(&series));
    assert_eq!(names(&catalog), ["some_count"]);
    assert_eq!(
        unserved,
        [
            "container_cpu_seconds_total: the rule leaves it out by \
             `isNot: ^container_.*_seconds_total$`",
            "container_memory: the rule leaves it out by `is: total`",
            "other_total: the rule leaves it out by `name.matches: ^container_(.*)_total$`",
        ]
    );
}

#[test]
fn labels_name_objects_by_template_and_by_overrides() {
    let overrides = json!({
        "namespace": {"resource": "namespace"}, "pod": {"resource": "pods"},
        "instance": {"resource": "node"}, "exported_widget": {"group": "example.com", "resource": "widget"},
    });
    for (resources, labels, expected) in [
        (json!({"template": "<<.Resource>>"}), "namespace pod job", "jobs.batch namespaces pods"),
        (json!({"template": "<<.Resource>>"}), "namespace container endpoint", "namespaces"),
        (json!({"template": "<<.Resource>>"}), "node pods", "nodes pods"),
        (
            json!({"template": "<<.Resource>>"}),
            "namespace widget",
            "namespaces widgets.example.com",
        ),
        // The shortest group that fits is the one; there is none for the core group.
        (
            json!({"template": "kube_<<.Group>>_<<.Resource>>"}),
            "kube_apps_deployment kube__pod kube_networking_k8s_io_ingress kube__namespace",
            "deployments.apps",
        ),
        (json!({"overrides": overrides}), "namespace pod instance", "namespaces nodes pods"),
        (
            json!({"overrides": overrides}),
            "namespace exported_widget",
            "namespaces widgets.example.com",
        ),
        (json!({"overrides": overrides}), "service", ""),
        // An override goes before the template.
        (
            json!({"template": "<<.Resource>>", "overrides": {"pod": {"resource": "services"}, "namespace": {"resource": "namespace"}}}),
            "pod namespace",
            "namespaces services",
        ),
        // Objects in namespaces whose namespace nobody knows are asked for by nobody.
        (json!({"overrides": {"pod": {"resource": "pod"}}}), "pod namespace", ""),
    ] {
        let text = resources.to_string();
        let rule = rule(
            Api::Custom,
            json!({"seriesQuery": "x", "resources": resources, "metricsQuery": ANY}),
        );
        let (catalog, unserved) = catalog(&[rule], &seen(&[("m", labels)]));
        let mut found: Vec<_> =
            catalog.offered.iter().filter_map(|o| Some(o.resource.clone()?.to_string())).collect();
        found.sort();
        assert_eq!(found.join(" "), expected, "{text} {labels}");
        assert_eq!(unserved.is_empty(), !expected.is_empty(), "{unserved:?}");
    }
}

#[test]
fn the_later_rule_holds() {
    let of = |query: &str| {
        json!({
            "seriesQuery": "x", "metricsQuery": query, "name": {"as": "same"},
            "resources": {"template": "<<.Resource>>"},
        })
    };
    let rules = [rule(Api::Custom, of("first")), rule(Api::Custom, of("second"))];
    let (catalog, unserved) = catalog(&rules, &seen(&[("a", "namespace pod")]));
    assert_eq!(names(&catalog), ["namespaces/same", "pods/same"]);
    assert!(catalog.offered.iter().all(|offered| offered.rule == 1));
    assert_eq!(unserved.len(), 2);
    assert!(unserved[0].contains("the later one holds"), "{unserved:?}");
}

#[test]
fn what_is_wrong_with_a_rule_is_told_all_at_once() {
    let told = faults(json!({
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
        assert!(told.iter().any(|fault| fault.starts_with(part)), "{part} in {told:#?}");
    }
    let told = faults(json!({"seriesQuery": "x", "metricsQuery": "<<index .Series 0>>"}));
    assert!(told.iter().any(|fault| fault.contains("can't index an item of type string")));
    let query = json!({"seriesQuery": "x", "metricsQuery": "<<template \"x\">>"});
    let told = faults(query);
    assert!(told.iter().any(|fault| fault.contains("template")), "{told:?}");
    assert!(told.iter().any(|fault| fault.starts_with("/resources: names no objects")), "{told:?}");
}

/// The query of the only custom metric for pods.
fn query(metrics_query: &str) -> RuleQuery {
    let rule = rule(
        Api::Custom,
        json!({
            "seriesQuery": "x", "metricsQuery": metrics_query,
            "resources": {"overrides": {"namespace": {"resource": "namespace"}, "pod": {"resource": "pod"}}},
        }),
    );
    let (catalog, _) = catalog(&[rule], &seen(&[("container_some_count_total", "namespace pod")]));
    let pods = catalog.offered.into_iter().find(|o| o.label.as_deref() == Some("pod"));
    pods.unwrap().query
}

fn asked(selector: &str, names: &str) -> QueryParams {
    let selector: Selector = selector.parse().unwrap();
    QueryParams { selector, names: names.split_whitespace().map(Arc::from).collect() }
}

#[test]
fn exact_queries_are_those_of_prometheus_adapter() {
    for (template, selector, names, expected) in [
        (
            "sum(rate(<<.Series>>{<<.LabelMatchers>>,container!=\"POD\"}[1m])) by (<<.GroupBy>>)",
            "",
            "somepod1 somepod2",
            "sum(rate(container_some_count_total{namespace=\"somens\",pod=~\"somepod1|somepod2\",\
             container!=\"POD\"}[1m])) by (pod)",
        ),
        ("<<.LabelMatchers>>", "", "one", "namespace=\"somens\",pod=\"one\""),
        (
            "<<.LabelMatchers>>",
            "b=x,a in (y,z),c,!d,e!=f,g notin (h,i)",
            "one",
            "a=~\"y|z\",b=\"x\",c!=\"\",d=\"\",e!=\"f\",g!~\"h|i\",namespace=\"somens\",pod=\"one\"",
        ),
        ("<<.GroupBySlice>>", "", "one", "[pod]"),
        (
            "x{pod=~'<<index .LabelValuesByName \"pod\">>',q='<<index .LabelValuesByName \"none\">>'}",
            "",
            "a b",
            "x{pod=~'a|b',q=''}",
        ),
        (
            "<<range $label, $value := .LabelValuesByName>><<$label>>='<<$value>>',<<end>>",
            "z=1",
            "a",
            "namespace='somens',pod='a',z='1',",
        ),
        ("<<.Series | printf \"%s_x\">>", "", "a", "container_some_count_total_x"),
        ("<<if .GroupBy>>by<<else>>none<<end>> <<- /* no space */ ->> !", "", "a", "by!"),
    ] {
        let query = query(template);
        let text = query.exact(Some("somens"), &asked(selector, names)).unwrap();
        assert_eq!(text, expected, "{template}");
    }
    let error = query("<<if .LabelValuesByName.none>>x<<end>>")
        .exact(Some("n"), &asked("", "a"))
        .unwrap_err();
    assert!(error.contains("empty query"), "{error}");
    let error =
        query("<<range $label, $value := .LabelValuesByName>><<$label>>=<<$value>>;<<end>>")
            .exact(Some("somens"), &asked("z=1", "a"))
            .unwrap_err();
    assert!(error.contains("outside of quotes"), "{error}");
    let error = query(ANY).exact(Some("n"), &asked("a>1", "a")).unwrap_err();
    assert!(error.contains("compare"), "{error}");
}

#[test]
fn queries_of_external_metrics_name_the_namespace_unless_told_not_to() {
    let of = |namespaced: Option<bool>, label: bool| {
        let overrides = if label { json!({"ns": {"resource": "namespace"}}) } else { json!({}) };
        let rule = rule(
            Api::External,
            json!({
                "seriesQuery": "x", "metricsQuery": "<<.Series>>{<<.LabelMatchers>>}<<.GroupBy>>",
                "resources": {"overrides": overrides, "namespaced": namespaced},
            }),
        );
        let (catalog, unserved) = catalog(&[rule], &seen(&[("queue", "ns")]));
        let Some(Offered { query, .. }) = catalog.offered.first() else { return Err(unserved) };
        let exact = query.exact(Some("shop"), &asked("q=a", "")).unwrap();
        Ok((exact, query.wider().unwrap()))
    };
    let text = |text: &str, wider: &str| Ok((text.to_owned(), wider.to_owned()));
    let named = text("queue{q=\"a\",ns=\"shop\"}", "queue{${selector},ns=\"${namespace}\"}");
    assert_eq!(of(None, true), named);
    assert_eq!(of(Some(true), true), named);
    let unnamed = text("queue{q=\"a\"}", "queue{${selector}}");
    assert_eq!(of(Some(false), true), unnamed);
    assert_eq!(of(Some(false), false), unnamed);
    let unserved = of(None, false).unwrap_err();
    assert!(unserved[0].contains("`resources.namespaced: false`"), "{unserved:?}");
}

#[test]
fn a_query_is_widened_where_that_changes_no_value() {
    let sum = "sum(rate(<<.Series>>{<<.LabelMatchers>>}[1m])) by (<<.GroupBy>>)";
    assert_eq!(
        query(sum).wider().unwrap(),
        "sum(rate(container_some_count_total{${selector},namespace=\"${namespace}\"}[1m])) by (pod)"
    );
    for kept in [
        ANY,
        sum,
        "sum by (<<.GroupBy>>, container) (irate(<<.Series>>{<<.LabelMatchers>>,x=\"y\"}[4m]))",
        "avg without (container) (<<.Series>>{<<.LabelMatchers>>})",
        "topk(1, <<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)",
        "1000 * (sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)) / 3",
        "time() - max(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)",
        "sum(a{<<.LabelMatchers>>}) by (<<.GroupBy>>) / sum(b{<<.LabelMatchers>>}) by (<<.GroupBy>>)",
        "a{<<.LabelMatchers>>} / on (pod, container) b{<<.LabelMatchers>>}",
        "a{<<.LabelMatchers>>} * ignoring (x) group_left (y) b{<<.LabelMatchers>>}",
        "histogram_quantile(0.9, sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (le, <<.GroupBy>>))",
        "max_over_time(deriv(<<.Series>>{<<.LabelMatchers>>}[5m])[10m:1m])",
        "-clamp_min(<<.Series>>{<<.LabelMatchers>>} offset 5m, 0)",
        "count_values(\"v\", <<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)",
    ] {
        assert_eq!(query(kept).wider().err(), None, "{kept}");
    }
    // Series that name no object would meet each other.
    assert_eq!(
        query("a{<<.LabelMatchers>>} / on (pod) b{<<.LabelMatchers>>}").wider().unwrap(),
        "a{${selector},namespace=\"${namespace}\",pod!=\"\"} / on (pod) \
         b{${selector},namespace=\"${namespace}\",pod!=\"\"}"
    );
    for (changed, why) in [
        ("sum(<<.Series>>{<<.LabelMatchers>>})", "brings objects together"),
        ("topk(3, <<.Series>>{<<.LabelMatchers>>})", "brings objects together"),
        ("sum(<<.Series>>{<<.LabelMatchers>>}) without (pod)", "brings objects together"),
        ("sum(<<.Series>>{<<.LabelMatchers>>}) by (namespace)", "brings objects together"),
        ("absent(<<.Series>>{<<.LabelMatchers>>})", "does not keep objects apart"),
        ("vector(scalar(<<.Series>>{<<.LabelMatchers>>}))", "scalar"),
        (
            "label_replace(<<.Series>>{<<.LabelMatchers>>}, \"pod\", \"$1\", \"x\", \"(.*)\")",
            "label_replace",
        ),
        (
            "sum(a{<<.LabelMatchers>>}) by (<<.GroupBy>>) / scalar(sum(a{<<.LabelMatchers>>}))",
            "brings objects together",
        ),
        ("a{<<.LabelMatchers>>} or b", "same for all objects"),
        (
            "a{<<.LabelMatchers>>} * on (namespace) group_left b{<<.LabelMatchers>>}",
            "matches objects",
        ),
        ("a{<<.LabelMatchers>>} * ignoring (pod) b{<<.LabelMatchers>>}", "matches objects"),
        ("topk(scalar(a{<<.LabelMatchers>>}), b{<<.LabelMatchers>>}) by (<<.GroupBy>>)", "scalar"),
        ("<<.Series>>{namespace=\"fixed\"}", "does not use .LabelMatchers"),
        ("<<.Series>>{pod=\"<<index .LabelValuesByName \"pod\">>\"}", "uses more than"),
        ("<<.Series>>{<<.LabelMatchers>>} keep_metric_names", "not PromQL"),
        ("<<.Series>>{<<.LabelMatchers>>,x=\"${y}\"}", "has \"${\""),
    ] {
        let told = query(changed).wider().unwrap_err();
        assert!(told.contains(why), "{changed}: {told}");
    }
}

#[test]
fn labels_of_any_name_stand_between_quotes() {
    let rule = rule(
        Api::Custom,
        json!({
            "seriesQuery": "x",
            "resources": {"overrides": {
                "k8s.namespace.name": {"resource": "namespace"}, "k8s.pod.name": {"resource": "pod"},
            }},
            "metricsQuery": "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)",
        }),
    );
    let (catalog, _) = catalog(&[rule], &seen(&[("m", "k8s.namespace.name k8s.pod.name")]));
    let pods = catalog.offered.into_iter().find(|o| o.label.as_deref() == Some("k8s.pod.name"));
    let query = pods.unwrap().query;
    assert_eq!(
        query.exact(Some("shop"), &asked("app.x/y=z", "a b")).unwrap(),
        "sum(m{\"app.x/y\"=\"z\",\"k8s.namespace.name\"=\"shop\",\"k8s.pod.name\"=~\"a|b\"}) \
         by (\"k8s.pod.name\")"
    );
    assert_eq!(
        query.wider().unwrap(),
        "sum(m{${selector},\"k8s.namespace.name\"=\"${namespace}\"}) by (\"k8s.pod.name\")"
    );
}

#[test]
fn why_a_rule_gives_nothing() {
    assert!(gives_nothing(0, None).contains("there are no such series now"));
    let why = Why::NoObject("instance".to_owned());
    let unserved = Unserved { rule: 0, series: "x".into(), metric: None, why };
    let told = gives_nothing(3, Some(&unserved));
    assert!(
        told.contains("none of its 3 names") && told.contains("x: none of its labels"),
        "{told}"
    );
}

#[test]
fn a_namespace_is_asked_for_as_the_namespace_that_it_is() {
    let rule = rule(
        Api::Custom,
        json!({
            "seriesQuery": "x", "resources": {"template": "<<.Resource>>"},
            "metricsQuery": "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)",
        }),
    );
    let (catalog, _) = catalog(&[rule], &seen(&[("m", "namespace node")]));
    let of = |label: &str| {
        let offered = catalog.offered.iter().find(|o| o.label.as_deref() == Some(label)).unwrap();
        offered.query.clone()
    };
    let namespaces = of("namespace");
    assert_eq!(
        namespaces.exact(Some("shop"), &asked("", "")).unwrap(),
        "sum(m{namespace=\"shop\"}) by (namespace)"
    );
    assert_eq!(
        namespaces.wider().unwrap(),
        "sum(m{${selector},namespace=\"${namespace}\"}) by (namespace)"
    );
    let nodes = of("node");
    assert_eq!(nodes.exact(None, &asked("", "a b")).unwrap(), "sum(m{node=~\"a|b\"}) by (node)");
    assert_eq!(nodes.wider().unwrap(), "sum(m{${selector}}) by (node)");
}

#[test]
fn uses_are_asked_for_by_container() {
    let resources = json!({"overrides": {
        "namespace": {"resource": "namespace"}, "node": {"resource": "node"}, "pod": {"resource": "pod"},
    }});
    let of = |series: &str| {
        json!({
            "containerQuery": format!("sum by (<<.GroupBy>>) ({series}{{<<.LabelMatchers>>,container!=\"\"}})"),
            "nodeQuery": format!("sum by (<<.GroupBy>>) (node_{series}{{<<.LabelMatchers>>}})"),
            "resources": resources, "containerLabel": "container",
        })
    };
    let written = json!({"cpu": of("cpu"), "memory": of("memory"), "window": "5m"});
    let written: written::ResourceRules = serde_json::from_value(written).unwrap();
    let rules = ResourceRules::new(&written, "/resourceRules", &mut |_, what| panic!("{what}"));
    let cpu = rules.unwrap().cpu;
    let resolve = resolver(&[]);
    let pods = cpu.pods(&resolve).unwrap().unwrap();
    assert_eq!(
        pods.exact(Some("shop"), &asked("", "a b")).unwrap(),
        "sum by (pod,container) (cpu{namespace=\"shop\",pod=~\"a|b\",container!=\"\"})"
    );
    assert!(pods.wider().unwrap().contains("{${selector},namespace=\"${namespace}\",container"));
    let nodes = cpu.nodes(&resolve).unwrap().unwrap();
    assert_eq!(
        nodes.exact(None, &asked("", "n1")).unwrap(),
        "sum by (node) (node_cpu{node=\"n1\"})"
    );
}

#[test]
fn a_series_of_any_name_stands_in_a_query_as_a_name() {
    let of = |query: &str, series: &str| {
        let rule = rule(
            Api::Custom,
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
    let rules = [rule(Api::Custom, written.clone()), rule(Api::External, written)];
    let (catalog, _) = catalog(&rules, &seen(&[("x", "ns pod node")]));
    let of = |kind: Option<&str>, names_objects| {
        let kind = kind.and_then(Resource::known);
        let offered = catalog.offered.iter().find(|offered| offered.resource == kind).unwrap();
        offered.plugin_config(OnSeveral::Refuse, names_objects)
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
            Api::Custom,
            json!({
                "seriesQuery": "x", "metricsQuery": query,
                "resources": {
                    "template": "<<.Resource>>",
                    "overrides": {"app": {"group": "apps", "resource": "deployment"}},
                },
            }),
        );
        let lacking = catalog(&[rule], &seen(series)).0.lacking;
        lacking.into_iter().map(|of| of.finding().message).collect::<Vec<_>>()
    };
    let lacks = of(ANY, &[("x", "app job_id"), ("y", "app")]);
    assert_eq!(lacks.len(), 1, "{lacks:?}");
    for part in ["no series of the rule has the label \"namespace\"", "there are app, job_id"] {
        assert!(lacks[0].contains(part), "{part}: {lacks:?}");
    }
    // The override says what the label of a deployment is; the template found another one.
    let lacks = of(ANY, &[("x", "namespace deployment")]);
    assert!(lacks[0].contains("the label \"app\""), "{lacks:?}");
    // One of several names is enough: a rule for all series meets many others.
    assert_eq!(of(ANY, &[("x", "app"), ("y", "app namespace")]), [""; 0]);
    assert_eq!(of("sum(x) by (app)", &[("x", "app")]), [""; 0], "nothing is asked for");
    assert_eq!(of(ANY, &[("x", "node")]), [""; 0], "nodes live in none");
    assert_eq!(of(ANY, &[]), [""; 0]);
}
