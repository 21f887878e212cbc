//! What is printed of rules, and what they are converted to.

use std::path::Path;

use serde_json::json;

use super::inspect::SeriesLists;
use super::*;
use leadsman_config::{self as config, DocumentOrigin, Flags, Parsed};
use leadsman_model::resource::{Details, Resource};
use leadsman_model::serve::Serve;
use leadsman_rules::{ListedSeries, resolver};

const RULES: &str = r#"
rules:
- seriesQuery: 'requests_total{namespace!=""}'
  resources: {template: "<<.Resource>>"}
  name: {matches: "^(.*)_total$", as: "${1}_per_second"}
  metricsQuery: sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)
- seriesQuery: '{__name__=~"^x_.*"}'
  seriesFilters: [{isNot: "seconds$"}]
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}, lost: {resource: lostthing}}}
  metricsQuery: |
    sum(<<.Series>>{<<.LabelMatchers>>}) /
      label_replace(y, "a b", "  ", "", "")
- seriesQuery: 'away'
  resources: {template: "<<.Resource>>"}
  metricsQuery: <<.Series>>{<<.LabelMatchers>>}
externalRules:
- seriesQuery: 'queue_depth'
  resources: {namespaced: false}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>,queue="a \"b\""}) by (queue)
resourceRules:
  cpu:
    containerQuery: sum by (<<.GroupBy>>) (cpu{<<.LabelMatchers>>})
    nodeQuery: sum by (<<.GroupBy>>) (node_cpu{<<.LabelMatchers>>})
    resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
    containerLabel: container
  memory:
    containerQuery: sum by (<<.GroupBy>>) (memory{<<.LabelMatchers>>})
    resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
    containerLabel: container
"#;

fn parsed(text: &str, flags: &Flags) -> Parsed {
    config::parse("config.yaml", &DocumentOrigin::Folder(Path::new(".")), flags, text)
}

fn flags() -> Flags {
    let prometheus = json!({"url": "http://127.0.0.1:9", "headers": {"X-Scope": "a: #b"}});
    Flags { prometheus: Some(prometheus), ..Flags::default() }
}

fn seen(series: &[(&str, &str)]) -> Result<ListedSeries, String> {
    let labels = |labels: &str| labels.split_whitespace().map(Into::into).collect();
    Ok(series.iter().map(|(name, of)| ((*name).into(), labels(of))).collect())
}

fn inspected(text: &str, lists: SeriesLists) -> Inspection {
    let parsed = parsed(text, &flags());
    let widgets = Details {
        version: "v2".into(),
        singular: "widget".into(),
        kind: "Widget".into(),
        namespaced: true,
    };
    let cluster = [Resource::custom("widgets.example.com", Some(widgets)).unwrap()];
    let mut inspection = Inspection::of(&parsed);
    let rules = parsed.config.rules.unwrap();
    inspection.add(&parsed.document, &rules, &lists, &parsed.config.mappings, &resolver(&cluster));
    inspection
}

fn example() -> Inspection {
    let lists = [
        (r#"requests_total{namespace!=""}"#, seen(&[("requests_total", "namespace pod widget")])),
        (
            r#"{__name__=~"^x_.*"}"#,
            seen(&[("x_a", "namespace"), ("x_b", "pod job"), ("x_c", "job"), ("x_seconds", "pod")]),
        ),
        ("away", Err("the source \"prometheus\" is away".to_owned())),
        ("queue_depth", seen(&[("queue_depth", "queue")])),
    ];
    inspected(RULES, lists.map(|(query, list)| (query.to_owned(), list)).into())
}

#[test]
fn each_rule_is_told_with_its_metrics_queries_and_reasons() {
    let inspection = example();
    assert!(inspection.has_faults());
    let text = InspectionText { inspection: &inspection, all: false }.to_string();
    for part in [
        "config.yaml: 4 rules, for series with samples in the last 600s of the source \"prometheus\"",
        "rules[0]  requests_total{namespace!=\"\"}\n  1 name of series, 3 metrics\n",
        "  pods/requests_per_second\n      sum(rate(requests_total{${selector},namespace=\"${namespace}\"}[2m])) by (pod)\n",
        "  widgets.example.com/requests_per_second\n",
        "FAULT: the label \"lost\" names objects of an unknown kind, \"lostthing\"",
        "  pods/x_b\n      for each read: sum(<<.Series>>{<<.LabelMatchers>>}) / label_replace(",
        "      because sum brings objects together",
        "  not served: 2 series\n",
        "1: none of its labels names an object\n      x_c (job)\n",
        "1: the rule leaves it out by `isNot: seconds$`\n      x_seconds\n",
        "FAULT: the series cannot be listed: the source \"prometheus\" is away",
        "externalRules[0]  queue_depth\n  1 name of series, 1 metric\n  queue_depth\n",
        "resourceRules\n  cpu of pods\n      sum by (pod,container) (cpu{",
        "FAULT: cpu of nodes: resourceRules.cpu.resources does not say which label names nodes",
        "Metrics are for namespaces, pods, widgets.example.com.",
        "\n6 metrics, 2 series not served, 1 rule could not be listed, 2 faults\n",
    ] {
        assert!(text.contains(part), "{part}\n--- is not in\n{text}");
    }
    assert_eq!(json(&inspection)["rules"][0]["metrics"][1]["resource"], "pods");
}

#[test]
fn examples_stand_for_many_unless_all_are_wanted() {
    let names: Vec<_> = (0..40).map(|number| format!("requests_{number}_total")).collect();
    let series: Vec<_> = names.iter().map(|name| (name.as_str(), "namespace")).collect();
    let others: Vec<_> = (0..9).map(|number| format!("other_{number}")).collect();
    let others = others.iter().map(|name| (name.as_str(), "namespace"));
    let list = seen(&series.iter().copied().chain(others).collect::<Vec<_>>());
    let lists = [(r#"requests_total{namespace!=""}"#.to_owned(), list)];
    let inspection = inspected(RULES, lists.into());
    let text = |all| InspectionText { inspection: &inspection, all }.to_string();
    assert!(text(false).contains("  and 28 more; --all shows them\n"), "{}", text(false));
    assert!(text(false).contains("      and 6 more; --all shows them\n"), "{}", text(false));
    let all = text(true);
    assert!(all.contains("/requests_39_per_second") && all.contains("other_8"), "{all}");
    assert!(!all.contains("--all"), "{all}");
    assert!(all.contains("no series, so no metrics now"), "{all}");
}

#[test]
fn rules_become_mappings_that_have_no_faults() {
    let inspection = example();
    let text = mappings(&inspection);
    let converted = parsed(&text, &Flags::default());
    // The same is wrong with what stays as it was.
    let faults = converted.document.locate(converted.faults);
    assert_eq!(faults.list, [], "{faults}\n{text}");
    let titles: Vec<_> = converted
        .config
        .mappings
        .iter()
        .map(|mapping| {
            let query = &mapping.queries[0].kind;
            format!("{} {query}", mapping.serve.title(&mapping.metric))
        })
        .collect();
    let rate = r#"sum(rate(requests_total{${selector},namespace="${namespace}"}[2m])) by"#;
    assert_eq!(
        titles,
        [
            format!("namespaces/requests_per_second {rate} (namespace)"),
            format!("pods/requests_per_second {rate} (pod)"),
            format!("widgets.example.com/requests_per_second {rate} (widget)"),
            // A namespace has a query of its own, which may do what it likes.
            format!(
                "namespaces/x_a {}",
                "sum(x_a{${selector},namespace=\"${namespace}\"}) /\n  \
                 label_replace(y, \"a b\", \"  \", \"\", \"\")"
            ),
            "external/queue_depth sum(queue_depth{${selector},queue=\"a \\\"b\\\"\"}) by (queue)"
                .to_owned(),
        ],
        "{text}"
    );
    let widgets = &converted.config.mappings[2].serve;
    let Serve::Custom(widgets) = widgets else { panic!("{widgets:?}") };
    assert_eq!(widgets.details().unwrap().version, "v2");
    for part in [
        "# pods/x_b of rules[1]: sum brings objects together.",
        "# rules[2] away: no mapping, its series cannot be listed: the source \"prometheus\" is away.",
    ] {
        assert!(text.contains(part), "{part}\n--- is not in\n{text}");
    }
    let configs: Vec<_> = converted.config.mappings.iter().map(|of| of.config.clone()).collect();
    // As the metrics of the rules have it: see `CatalogEntry::plugin_config`.
    let separable = inspection.metrics().filter(|(_, metric)| metric.widened.is_ok());
    assert_eq!(configs, separable.map(|(_, metric)| metric.config.clone()).collect::<Vec<_>>());
    let of_pods = json!({
        "object": "pod", "combine": "omit", "namespace": "namespace", "unnamed": "omit",
    });
    assert_eq!((&configs[1], &configs[4]), (&of_pods, &json!({"seriesName": true})), "{text}");
    let resource_metrics = converted.config.rules.unwrap().resource_metrics.clone().unwrap();
    assert_eq!(
        resource_metrics,
        parsed(RULES, &flags()).config.rules.unwrap().resource_metrics.clone().unwrap()
    );
}

#[test]
fn nothing_is_a_configuration_too() {
    let text = mappings(&inspected(RULES, SeriesLists::default()));
    let converted = parsed(&text, &Flags::default());
    assert_eq!(converted.document.locate(converted.faults).list, [], "{text}");
    assert!(converted.config.mappings.is_empty());
    assert!(text.contains("no mapping, it sees no series now"), "{text}");
}

#[test]
fn a_mapping_of_the_same_metric_comes_first() {
    let own = "apiVersion: leadsman.dev/v1alpha1\nkind: Config\nmappings: \
        [{metric: queue_depth, serve: {external: {}}, plugin: external, \
        queries: {q: {source: prometheus, promql: x}}}]";
    let lists = [("queue_depth".to_owned(), seen(&[("queue_depth", "queue")]))];
    let inspection = inspected(&format!("{own}{RULES}"), lists.into());
    let text = InspectionText { inspection: &inspection, all: false }.to_string();
    assert!(text.contains("queue_depth  (a mapping serves it)"), "{text}");
    let text = mappings(&inspection);
    assert!(text.contains("queue_depth of externalRules[0]: a mapping of the"), "{text}");
}
