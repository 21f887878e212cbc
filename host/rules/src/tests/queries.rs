//! The queries of rules: exact ones, and widened ones where that changes no value.

use super::*;
use leadsman_model::query_params::QueryParams;
use leadsman_model::selector::Selector;

/// The query of the only custom metric for pods.
fn query(metrics_query: &str) -> RuleQuery {
    let rule = rule(
        RuleApi::Custom,
        json!({
            "seriesQuery": "x", "metricsQuery": metrics_query,
            "resources": {"overrides": {"namespace": {"resource": "namespace"}, "pod": {"resource": "pod"}}},
        }),
    );
    let (catalog, _) = catalog(&[rule], &seen(&[("container_some_count_total", "namespace pod")]));
    let pods = catalog.entries.into_iter().find(|o| o.label.as_deref() == Some("pod"));
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
            RuleApi::External,
            json!({
                "seriesQuery": "x", "metricsQuery": "<<.Series>>{<<.LabelMatchers>>}<<.GroupBy>>",
                "resources": {"overrides": overrides, "namespaced": namespaced},
            }),
        );
        let (catalog, unserved) = catalog(&[rule], &seen(&[("queue", "ns")]));
        let Some(CatalogEntry { query, .. }) = catalog.entries.first() else {
            return Err(unserved);
        };
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
        let reported = query(changed).wider().unwrap_err();
        assert!(reported.contains(why), "{changed}: {reported}");
    }
}

#[test]
fn labels_of_any_name_stand_between_quotes() {
    let rule = rule(
        RuleApi::Custom,
        json!({
            "seriesQuery": "x",
            "resources": {"overrides": {
                "k8s.namespace.name": {"resource": "namespace"}, "k8s.pod.name": {"resource": "pod"},
            }},
            "metricsQuery": "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)",
        }),
    );
    let (catalog, _) = catalog(&[rule], &seen(&[("m", "k8s.namespace.name k8s.pod.name")]));
    let pods = catalog.entries.into_iter().find(|o| o.label.as_deref() == Some("k8s.pod.name"));
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
fn a_namespace_is_asked_for_as_the_namespace_that_it_is() {
    let rule = rule(
        RuleApi::Custom,
        json!({
            "seriesQuery": "x", "resources": {"template": "<<.Resource>>"},
            "metricsQuery": "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)",
        }),
    );
    let (catalog, _) = catalog(&[rule], &seen(&[("m", "namespace node")]));
    let of = |label: &str| {
        let entry = catalog.entries.iter().find(|o| o.label.as_deref() == Some(label)).unwrap();
        entry.query.clone()
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
