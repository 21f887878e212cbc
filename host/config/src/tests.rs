//! Configurations that are accepted, and all faults of those that are refused.

mod at_once;
mod bounds;
mod delegates;

use std::path::Path;

use super::*;
use leadsman_evaluation::StandIn;
use leadsman_model::quantity::Quantity;
use leadsman_model::values::OnNan;
use leadsman_source::SourceSettings;

const GOOD: &str = r#"
apiVersion: leadsman.dev/v1alpha1
kind: Config
sources:
  prometheus: {prometheus: {url: "http://prometheus.monitoring:9090/", timeout: 5s}}
mappings:
  - metric: http_requests_per_second
    serve: {custom: {resource: pods}}
    queries:
      rate: {source: prometheus, promql: 'sum by (namespace, pod) (rate(http_requests_total{namespace="${namespace}"}[2m]))'}
    plugin: per-object
    config: {object: pod}
    onError: {lastGood: 2m}
  - metric: queue_length
    serve: {external: {}}
    queries:
      length: {source: prometheus, promql: 'queue_length{${selector}}', range: {duration: 5m, step: 30s}}
    plugin: external
    onAbsent: {default: 0}
    activation: 5
  - metric: widgets_busy
    serve: {custom: {resource: widgets.example.com, kind: Widget}}
    plugin: per-object
    config: {object: widget}
    limits: {time: 50ms, memoryBytes: 1048576}
objects:
  - {resource: pods, namespace: ns0, name: app0-0, labels: {app: app0}}
  - {resource: widgets.example.com, namespace: ns0, name: w}
  - {resource: nodes, name: n1}
rules: []
externalRules: []
resourceRules: {}
"#;

/// Rules for [`GOOD`].
const RULES: &str = "rules: [{seriesQuery: x, resources: {template: <<.Resource>>}, \
    metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'}]";

fn faults(text: &str) -> String {
    let Parsed { document, faults, .. } =
        parse("config.yaml", &DocumentOrigin::Folder(Path::new(".")), &Flags::default(), text);
    assert!(!faults.is_empty(), "no faults");
    document.locate(faults).to_string()
}

#[test]
fn a_good_configuration_is_read() {
    let Parsed { config, faults, .. } =
        parse("config.yaml", &DocumentOrigin::Folder(Path::new(".")), &Flags::default(), GOOD);
    assert_eq!(faults, []);
    assert_eq!(config.mappings.len(), 3);
    assert_eq!(config.objects.len(), 3);
    let first = &config.mappings[0];
    assert_eq!(first.policy.last_good, Some(std::time::Duration::from_secs(120)));
    assert!(first.queries[0].kind.uses_namespace());
    assert_eq!(first.source.as_deref(), Some("prometheus"));
    match &config.sources["prometheus"] {
        SourceSettings::Prometheus(source) => {
            assert_eq!(source.urls, ["http://prometheus.monitoring:9090"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn policies_of_reads_are_read() {
    let text = GOOD
        .replace("onError: {lastGood: 2m}", "onError: {lastGood: 2m, then: {value: 1.5}}")
        .replace("onAbsent: {default: 0}", "onAbsent: {lastGood: 90s, then: {value: 2}}")
        .replace(
            "    activation: 5\n",
            "    activation: 5\n    onNaN: {value: 0}\n    handover: 30s\n",
        )
        .replace("rules: []", RULES)
        + "discovery: {onNaN: absent}\n";
    let Parsed { config, faults, .. } =
        parse("config.yaml", &DocumentOrigin::Folder(Path::new(".")), &Flags::default(), &text);
    assert_eq!(faults, []);
    let rules = config.rules.as_ref().expect("rules");
    assert_eq!(rules.discovery.on_nan, OnNan::Absent);
    let [first, second, third] = [0, 1, 2].map(|number| &config.mappings[number].policy);
    let stated = |milli| Some(StandIn::Value(Quantity::from_milli(milli)));
    assert_eq!(first.otherwise, stated(1500));
    assert_eq!(second.last_known, Some(std::time::Duration::from_secs(90)));
    assert_eq!(second.default, stated(2000));
    assert_eq!((third.last_known, &third.default), (None, &None));
    assert_eq!(second.on_nan, OnNan::Value(Quantity::ZERO));
    assert_eq!(second.handover, std::time::Duration::from_secs(30));
    assert_eq!(third.on_nan, OnNan::Refuse);
    assert_eq!(third.handover, std::time::Duration::from_secs(300));
    assert_eq!(third.otherwise, None);
}

#[test]
fn activations_are_read_and_a_team_activates_in_its_own_namespace_alone() {
    use std::time::Duration;

    use leadsman_evaluation::TeamLimits;
    use leadsman_model::activation::Measured;

    let text = |activation: &str| {
        format!(
            "apiVersion: leadsman.dev/v1alpha1\nkind: Config\nmappings:\n  - metric: m\n    serve: \
             {{external: {{}}}}\n    plugin: external\n    activation: {activation}\n"
        )
    };
    let team = valid::Team {
        namespaces: vec!["shop".to_owned()],
        sources: Vec::new(),
        registries: Vec::new(),
        verify: None,
        limits: TeamLimits::default(),
    };
    let (keys, namespace) = (std::collections::BTreeSet::new(), "shop".parse().unwrap());
    let of_team = DocumentOrigin::Team { keys: &keys, namespace: &namespace, team: &team };
    let parsed = |origin: &DocumentOrigin<'_>, activation: &str| {
        parse("config.yaml", origin, &Flags::default(), &text(activation))
    };
    let own = parsed(&of_team, "{target: {kind: Deployment, name: web}, selector: a=b}");
    assert_eq!(own.faults, []);
    let activation = own.config.mappings[0].activation.as_ref().expect("an activation");
    assert_eq!(activation.workload.to_string(), "Deployment web of namespace shop");
    assert_eq!(activation.measured, Measured::Items("a=b".to_owned()));
    assert_eq!(activation.cooldown, Duration::from_secs(300));
    assert_eq!(activation.every, Duration::from_secs(15));
    assert_eq!((activation.min_replicas, activation.take_over), (1, false));
    assert_eq!(own.config.mappings[0].policy.activation, None, "values are served as they are");

    let named = "{target: {kind: Deployment, name: web, namespace: bank}}";
    let foreign = parsed(&of_team, named);
    assert_eq!(foreign.faults.len(), 1, "{:?}", foreign.faults);
    assert_eq!(foreign.faults[0].path, "/mappings/0/activation/target/namespace");
    assert!(foreign.faults[0].message.contains("scales workloads of shop alone"));
    let of_operator = parsed(&DocumentOrigin::Folder(Path::new(".")), named);
    assert_eq!(of_operator.faults, []);
    let number = parsed(&of_team, "5");
    assert_eq!(number.faults, []);
    let mapping = &number.config.mappings[0];
    assert_eq!((mapping.policy.activation, &mapping.activation), (Some(5.0), &None));
}

#[test]
fn every_fault_of_the_shape_is_told_at_once() {
    let text = r#"apiVersion: leadsman.dev/v1alpha1
kind: Konfig
source: {}
sources:
  prometheus: {prometheus: {ulr: "http://x", timeout: 5}}
  other: {promethus: {url: "http://x"}}
mappings:
  - metric: a
    serve: {custom: {}}
    plugin: per-object
    config: [1]
    onError: never
  - serve: {external: {}, custom: {resource: pods}}
    plugin: external
    limits: {memoryBytes: 1}
    metric: b
    metric: c
"#;
    let reported = faults(text);
    // A duplicate key is a fault of the syntax; the structure is checked after it is corrected.
    assert_eq!(
        reported,
        "config.yaml:17: the key \"metric\" stands here a second time; the first is on line 16"
    );
    let reported = faults(&text.replace("    metric: c\n", ""));
    let expected = [
        "config.yaml:2: kind: \"Konfig\" is not known here; did you mean \"Config\"?",
        "config.yaml:3: source: unknown key \"source\"; did you mean \"sources\"?",
        "config.yaml:5: sources.prometheus.prometheus.timeout: expected a text, found the number 5",
        "config.yaml:5: sources.prometheus.prometheus.ulr: unknown key \"ulr\"; did you mean \"url\"?",
        "config.yaml:6: sources.other.promethus: unknown key \"promethus\"; did you mean \"prometheus\"?",
        "config.yaml:9: mappings[0].serve.custom: the key \"resource\" is missing",
        "config.yaml:11: mappings[0].config: expected a map, found a list",
        "config.yaml:12: mappings[0].onError: \"never\" is not known here; there are fail, {lastGood: …}",
        "config.yaml:13: mappings[1].serve: only one of the keys custom, external may stand here",
        "config.yaml:15: mappings[1].limits.memoryBytes: expected at least 1048576, found 1",
    ];
    let mut lines: Vec<_> = reported.lines().collect();
    let number = |line: &str| line.split(':').nth(1).and_then(|n| n.parse::<usize>().ok());
    assert!(lines.is_sorted_by_key(|line| number(line)), "{reported}");
    lines.sort_by_key(|line| (number(line), line.to_string()));
    assert_eq!(lines, expected, "{reported}");
}

#[test]
fn faults_of_the_shape_do_not_hide_those_of_the_meaning() {
    let reported = faults(
        r#"apiVersion: leadsman.dev/v1alpha1
kind: Config
sources:
  prom: {prometheus: {ulr: "http://x"}}
mappings:
  - {metric: a, serve: {external: {}}, plugin: externl, colour: red}
  - {metric: b, serve: {external: {}}, plugin: external, queries: {q: {source: prom, promql: "sum("}}}
"#,
    );
    for part in [
        "config.yaml:4: sources.prom.prometheus.ulr: unknown key",
        "config.yaml:6: mappings[0].colour: unknown key",
        "config.yaml:6: mappings[0].plugin: there is no plugin",
        "config.yaml:7: mappings[1].queries.q.promql: this is not PromQL",
    ] {
        assert!(reported.lines().any(|line| line.starts_with(part)), "{part}\nin\n{reported}");
    }
    assert!(!reported.contains("there is no source"), "{reported}");
}

#[test]
fn every_fault_of_the_meaning_is_told_at_once() {
    let reported = faults(
        r#"apiVersion: leadsman.dev/v1alpha1
kind: Config
sources:
  prom: {prometheus: {url: "prometheus:9090", timeout: soon, bearerTokenFile: /nowhere/token}}
  two: {prometheus: {url: "http://x", tls: {certFile: /nowhere/cert}}}
mappings:
  - metric: a/b
    serve: {custom: {resource: gadgets}}
    queries:
      rate: {source: promm, promql: 'sum(rate(x[2m])'}
      name: {source: prom, promql: 'x{namespace="${namespce}"}'}
    plugin: per-objet
    deadline: 5min
  - {metric: twice, serve: {external: {}}, plugin: external}
  - {metric: twice, serve: {external: {}}, plugin: external}
objects:
  - {resource: pods, name: a}
  - {resource: nodes, namespace: x, name: a}
rules: [{seriesQuery: x}]
"#,
    );
    for part in [
        "config.yaml:4: sources.prom.prometheus.url: ",
        "config.yaml:4: sources.prom.prometheus.timeout: \"soon\" is not a duration",
        "config.yaml:4: sources.prom.prometheus.bearerTokenFile: cannot read /nowhere/token",
        "config.yaml:5: sources.two.prometheus.tls: certFile and keyFile go together",
        "config.yaml:7: mappings[0].metric: \"a/b\" cannot name a metric",
        "config.yaml:8: mappings[0].serve.custom.resource: \"gadgets\" is not a resource",
        "config.yaml:10: mappings[0].queries.rate.source: there is no source \"promm\"; did you mean \"prom\"?",
        "config.yaml:10: mappings[0].queries.rate.promql: this is not PromQL",
        "config.yaml:11: mappings[0].queries.name.promql: \"${namespce}\" is not known in a query; did you mean \"namespace\"?",
        "config.yaml:12: mappings[0].plugin: there is no plugin \"per-objet\"; did you mean \"per-object\"?",
        "config.yaml:13: mappings[0].deadline: \"5min\" is not a duration",
        "config.yaml:17: objects[0]: the key \"namespace\" is missing",
        "config.yaml:18: objects[1].namespace: nodes live in no namespace",
        "config.yaml:19: rules[0].resources: names no objects",
        "config.yaml:19: rules[0].metricsQuery: says nothing",
    ] {
        assert!(reported.lines().any(|line| line.starts_with(part)), "{part}\nin\n{reported}");
    }
}

#[test]
fn faults_of_a_rule_are_its_own() {
    let text = r#"apiVersion: leadsman.dev/v1alpha1
kind: Config
sources:
  prom: {prometheus: {url: "http://prometheus"}}
rules:
  - {seriesQuery: a, resources: {template: "<<.Resource>>"}, metricsQuery: "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)"}
  - {seriesQuery: b, resources: {}, metricsQuery: "x"}
  - {seriesQuery: c, resource: {template: "<<.Resource>>"}, metricsQuery: "x"}
  - {seriesQuery: d, resources: {template: "<<.Resource>>"}, metricsQuery: "rate(x[1m]) by (pod)"}
  - {seriesQuery: 'e{f="g"}', resources: {template: "<<.Resource>>"}, metricsQuery: "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)"}
discovery: {onSeveral: max}
"#;
    let Parsed { document, config, faults, .. } =
        parse("config.yaml", &DocumentOrigin::Folder(Path::new(".")), &Flags::default(), text);
    let reported = document.locate(faults);
    assert_eq!(reported.severity(), Some(Severity::Part), "{reported}");
    let rules = config.rules.expect("rules");
    let places: Vec<_> = rules.rules.iter().map(|rule| rule.place.as_str()).collect();
    assert_eq!(places, ["/rules/0", "/rules/3", "/rules/4"]);
    assert_eq!(rules.discovery.on_several, written::OnSeveral::Max);
    let warnings = reported.only(true).expect("a warning").to_string();
    assert!(
        warnings.starts_with("config.yaml:10: warning: rules[4].metricsQuery: f=\"g\""),
        "{warnings}"
    );
    let faults = reported.only(false).expect("faults").to_string();
    for part in [
        "config.yaml:7: rules[1].resources: names no objects",
        "config.yaml:8: rules[2].resource: unknown key",
        "config.yaml:9: rules[3].metricsQuery: this is not PromQL",
    ] {
        assert!(faults.lines().any(|line| line.starts_with(part)), "{part}\nin\n{faults}");
    }
    let whole = faults_of_whole("discovery: {onSeveral: max}", "discovery: {interval: soon}", text);
    assert_eq!(whole, Some(Severity::Document));
}

/// The severity of a text in which something is replaced.
fn faults_of_whole(what: &str, with: &str, text: &str) -> Option<Severity> {
    let text = text.replace(what, with);
    let Parsed { document, faults, .. } =
        parse("config.yaml", &DocumentOrigin::Folder(Path::new(".")), &Flags::default(), &text);
    document.locate(faults).severity()
}

#[test]
fn what_may_be_a_dialect_is_a_warning() {
    let queries = ["newest_function(x[5m])".to_owned(), "sum(x) keep_metric_names".to_owned()];
    let text = with_queries(&queries, true);
    let Parsed { document, faults, .. } =
        parse("config.yaml", &DocumentOrigin::Folder(Path::new(".")), &Flags::default(), &text);
    let reported = document.locate(faults);
    assert_eq!(
        (reported.severity(), reported.numbers()),
        (Some(Severity::Warning), (0, 2)),
        "{reported}"
    );
    assert_eq!(count_of_faults(&with_queries(&queries, false)), 0);
}

#[test]
fn a_text_that_is_not_yaml_says_where() {
    let reported = faults("apiVersion: leadsman.dev/v1alpha1\nkind: [Config\nsources: {}\n");
    assert!(
        reported.starts_with("config.yaml:2: ") && reported.contains("this is not YAML"),
        "{reported}"
    );
}

#[test]
fn a_second_document_is_not_passed_over() {
    let reported = faults(&format!("{}---\nmappings: 3\n", GOOD.trim_start()));
    assert!(reported.contains("a second document begins here"), "{reported}");
}

/// A configuration of external metrics with these queries.
fn with_queries(queries: &[String], check: bool) -> String {
    let mut text = String::from(
        "apiVersion: leadsman.dev/v1alpha1\nkind: Config\n\
         sources: {prom: {prometheus: {url: 'http://prometheus:9090'}}}\nmappings:\n",
    );
    for (at, query) in queries.iter().enumerate() {
        text.push_str(&format!(
            "  - {{metric: m{at}, serve: {{external: {{}}}}, plugin: external, \
             queries: {{q: {{source: prom, check: {check}, promql: '{query}'}}}}}}\n"
        ));
    }
    text
}

fn count_of_faults(text: &str) -> usize {
    let origin = DocumentOrigin::Folder(Path::new("."));
    parse("config.yaml", &origin, &Flags::default(), text).faults.len()
}

#[test]
fn what_is_no_key_of_prometheus_adapter_is_told_of_once() {
    let prometheus = Some(serde_json::json!({"url": "http://prometheus:9090"}));
    let flags = Flags { prometheus, ..Flags::default() };
    let text = "rules: []\nfoo/bar: 1\nmappings: []\n";
    let Parsed { document, faults, .. } =
        parse("config.yaml", &DocumentOrigin::Folder(Path::new(".")), &flags, text);
    let reported = document.locate(faults).to_string();
    let reported: Vec<_> = reported.lines().collect();
    assert_eq!(
        reported,
        [
            "config.yaml:2: foo/bar: unknown key \"foo/bar\"; there are discovery, externalRules, \
             resourceRules, rules",
            "config.yaml:3: mappings: unknown key \"mappings\"; there are discovery, externalRules, \
             resourceRules, rules",
        ]
    );
}

/// What teams may cost is less: their documents come from anybody who may write a ConfigMap.
#[test]
fn a_teams_document_is_bounded_more_tightly() {
    let team = valid::Team {
        namespaces: vec!["shop".to_owned()],
        sources: vec!["prometheus".to_owned()],
        registries: Vec::new(),
        verify: None,
        limits: leadsman_evaluation::TeamLimits::default(),
    };
    let namespace = "shop".parse().expect("a namespace");
    let keys = std::collections::BTreeSet::new();
    let origin = DocumentOrigin::Team { keys: &keys, namespace: &namespace, team: &team };
    let reported = |text: &str| {
        let Parsed { document, faults, .. } = parse("metrics", &origin, &Flags::default(), text);
        document.locate(faults).to_string()
    };
    let query = format!("sum({{__name__=\"x\",a=\"{}\"}})", "y".repeat(4000));
    let mapping = |number: usize| {
        format!(
            "  - {{metric: m{number}, serve: {{external: {{}}}}, plugin: external, \
             queries: {{q: {{source: prometheus, promql: '{query}'}}}}}}\n"
        )
    };
    let start = "apiVersion: leadsman.dev/v1alpha1\nkind: Config\nmappings:\n";
    let of = |count: usize| (0..count).fold(start.to_owned(), |text, at| text + &mapping(at));
    assert_eq!(reported(&of(8)), "");
    assert!(reported(&of(9)).contains("too long in all"), "{}", reported(&of(9)));

    let list = |inner: &str| format!("[{}]", vec![inner; 100].join(", "));
    let bomb = format!("a: &a {}\nb: &b {}\nc: {}\n", list("1"), list("*a"), list("*b"));
    assert!(reported(&bomb).contains("expands to too many values"), "{}", reported(&bomb));
    let large = format!("# {}\n", "x".repeat(1 << 20));
    assert!(reported(&large).contains("at most 1048576"), "{}", reported(&large));

    let queries = |count: usize| {
        let query = |at: usize| format!("q{at}: {{source: prometheus, promql: x}}");
        let queries: Vec<_> = (0..count).map(query).collect();
        format!(
            "{start}  - {{metric: m, serve: {{external: {{}}}}, plugin: external, queries: {{{}}}}}\n",
            queries.join(", ")
        )
    };
    let (most, more) = (reported(&queries(50)), reported(&queries(51)));
    assert!(!most.contains("has at most 50"), "{most}");
    assert!(more.contains("mappings[0].queries: a mapping has at most 50, not 51"), "{more}");
}
