//! A fault hides no other one, and one cause is one fault.

use std::path::Path;

use super::super::*;
use leadsman_source::SourceSettings;

/// The faults of a file with these flags, one a line.
fn reported(text: &str, flags: &Flags) -> Vec<String> {
    let Parsed { document, faults, .. } =
        parse("config.yaml", &DocumentOrigin::Folder(Path::new(".")), flags, text);
    let reported = document.locate(faults).to_string();
    reported.lines().map(str::to_owned).collect()
}

fn with_prometheus() -> Flags {
    let prometheus = Some(serde_json::json!({"url": "http://prometheus:9090"}));
    Flags { prometheus, ..Flags::default() }
}

#[test]
fn a_fault_of_the_shape_does_not_hide_the_others_of_its_item() {
    let mut reported = reported(
        r#"apiVersion: leadsman.dev/v1alpha1
kind: Config
sources:
  prom:
    prometheus:
      ulr: "http://x"
      timeout: soon
plugins:
  mine: {file: 5}
mappings:
  - metric: 5
    serve: {custom: {resource: podz}}
    queries:
      q: {source: promm, promql: "sum("}
      r: {source: prom, promql: 7, range: {duration: 10s, step: 1m}}
    plugin: externl
    deadline: 40s
    onError: lastGood
  - metric: a
    serve: {custom: {resource: deploymnts.apps}}
    limits: {time: 20s, memoryBytes: 1}
objects:
  - {resource: widgets.example.com, namespace: shop}
"#,
        &Flags::default(),
    );
    // The message of the PromQL parser is not compared.
    for line in &mut reported {
        let words = "this is not PromQL";
        line.truncate(line.find(words).map_or(line.len(), |at| at + words.len()));
    }
    reported.retain(|line| line.starts_with("config.yaml:"));
    assert_eq!(
        reported,
        [
            "config.yaml:6: sources.prom.prometheus.ulr: unknown key \"ulr\"; did you mean \"url\"?",
            "config.yaml:7: sources.prom.prometheus.timeout: \"soon\" is not a duration such as \
             500ms, 5s, 1m30s or 2h",
            "config.yaml:9: plugins.mine.file: expected a text, found the number 5",
            "config.yaml:11: mappings[0].metric: expected a text, found the number 5",
            "config.yaml:12: mappings[0].serve.custom.resource: \"podz\" is not a resource of every \
             cluster, and a custom resource is written plural.group; did you mean \"pods\"?",
            "config.yaml:14: mappings[0].queries.q.source: there is no source \"promm\"; did you mean \
             \"prom\"?",
            "config.yaml:14: mappings[0].queries.q.promql: this is not PromQL",
            "config.yaml:15: mappings[0].queries.r.promql: expected a text, found the number 7",
            "config.yaml:15: mappings[0].queries.r.range: is shorter than its step, and so holds a \
             single sample; lengthen the duration, or remove the range",
            "config.yaml:16: mappings[0].plugin: there is no plugin \"externl\"; did you mean \
             \"external\"?",
            "config.yaml:17: mappings[0].deadline: must be at most 30s",
            "config.yaml:18: mappings[0].onError: \"lastGood\" has a value here; there are fail, \
             {lastGood: …}",
            "config.yaml:19: mappings[1]: the key \"plugin\" is missing",
            "config.yaml:20: mappings[1].serve.custom.resource: \"deploymnts.apps\" is not a resource \
             of every cluster; did you mean \"deployments.apps\"? If it is a custom resource, write \
             its `kind`, too",
            "config.yaml:21: mappings[1].limits.memoryBytes: expected at least 1048576, found 1",
            "config.yaml:21: mappings[1].limits.time: must be at most 10s",
            "config.yaml:23: objects[0]: the key \"name\" is missing",
            "config.yaml:23: objects[0].resource: \"widgets.example.com\" is neither a resource of \
             every cluster nor served by a mapping",
        ]
    );
}

#[test]
fn a_name_of_a_kind_with_a_typing_error_is_a_custom_resource_only_with_its_kind() {
    let of = |custom: &str| {
        let text = format!(
            "apiVersion: leadsman.dev/v1alpha1\nkind: Config\nmappings:\n  - metric: a\n    \
             serve: {{custom: {{{custom}}}}}\n    plugin: per-object\n"
        );
        reported(&text, &Flags::default()).len()
    };
    assert_eq!(of("resource: deployments.app"), 1);
    assert_eq!(of("resource: deployments.app, kind: Deployment"), 0);
    assert_eq!(of("resource: controllerrevisions.apps"), 0);
    assert_eq!(of("resource: widgets.example.com"), 0);
}

const RULE: &str = "- {seriesQuery: up, resources: {template: <<.Resource>>}, metricsQuery: \
                    'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'}";

#[test]
fn one_cause_is_one_fault() {
    let flags = with_prometheus();
    let rule = RULE;
    for (text, flags, expected) in [
        (
            format!("Rules:\n{rule}\n"),
            &flags,
            "config.yaml:1: Rules: unknown key \"Rules\"; did you mean \"rules\"?",
        ),
        (
            format!("rules:\n{rule}\n"),
            &Flags::default(),
            "config.yaml:1: a configuration of prometheus-adapter does not say where Prometheus is; \
             say it with --prometheus-url",
        ),
        (
            "apiVerson: leadsman.dev/v1alpha1\nkind: Config\n".to_owned(),
            &flags,
            "config.yaml:1: apiVerson: unknown key \"apiVerson\"; did you mean \"apiVersion\"?",
        ),
        (
            format!("prometheus: {{url: http://a}}\nrules:\n  custom:\n  {rule}\n"),
            &flags,
            "config.yaml:2: rules: these are values of a Helm chart; the configuration is in the \
             ConfigMap that `helm template` renders from them, under `config.yaml`, or what stands \
             here under `config`",
        ),
    ] {
        assert_eq!(reported(&text, flags), [expected]);
    }
    // What is written without anything is not written.
    let text =
        format!("apiVersion: leadsman.dev/v1alpha1\nkind: Config\nsources:\nrules:\n{rule}\n");
    assert_eq!(reported(&text, &flags), [""; 0]);
}

#[test]
fn flags_for_lists_of_series_say_which_of_them_is_wrong() {
    let minutes = |minutes: u64| Some(std::time::Duration::from_secs(60 * minutes));
    let with = |relist_interval, max_age| Flags { relist_interval, max_age, ..with_prometheus() };
    let config = |discovery: &str| {
        format!("apiVersion: leadsman.dev/v1alpha1\nkind: Config\nrules:\n{RULE}\n{discovery}")
    };
    assert_eq!(reported(&config(""), &with(None, minutes(5))), [""; 0]);
    assert_eq!(
        reported(&config(""), &with(minutes(10), minutes(5))),
        [
            "config.yaml:1: --metrics-max-age must not be less than --metrics-relist-interval: series \
          would come and go"
        ]
    );
    assert_eq!(
        reported(&config("discovery: {interval: 10m}"), &with(None, minutes(5))),
        [
            "config.yaml:5: discovery.interval: must not be more than --metrics-max-age: series would \
          come and go"
        ]
    );
    assert_eq!(
        reported(&config("discovery: {interval: 10m, maxAge: 5m}"), &with(None, None)),
        ["config.yaml:5: discovery.maxAge: must not be less than the interval: series would come \
          and go"]
    );
}

#[test]
fn addresses_of_a_source_are_checked() {
    let of = |settings: &str| {
        let text = format!(
            "apiVersion: leadsman.dev/v1alpha1\nkind: Config\nsources: {{a: {{prometheus: \
             {{{settings}}}}}}}\n"
        );
        reported(&text, &Flags::default())
    };
    assert_eq!(of("urls: ['http://a', 'https://b/prometheus/']"), [""; 0]);
    let many: Vec<_> = (0..11).map(|number| format!("'http://{number}'")).collect();
    let many = format!("urls: [{}]", many.join(", "));
    for (settings, fault) in [
        ("timeout: 5s", "prometheus: the key \"url\" is missing, or \"urls\" with several"),
        ("url: 'http://a', urls: ['http://b']", "urls: only one of url and urls may stand here"),
        ("urls: ['http://a', 'a:9090']", "urls[1]: "),
        ("urls: ['http://a', 'http://a/']", "urls[1]: this address stands here twice"),
        (many.as_str(), "urls: must be at most 10 addresses"),
    ] {
        let reported = of(settings);
        assert!(reported.len() == 1 && reported[0].contains(fault), "{fault} in {reported:?}");
    }
}

#[test]
fn headers_and_parameters_of_a_source_are_checked() {
    // A file that is there.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let of = |settings: &str| {
        let text = format!(
            "apiVersion: leadsman.dev/v1alpha1\nkind: Config\nsources: {{a: {{prometheus: {{url: \
             'http://a', {settings}}}}}}}\n"
        );
        let origin = DocumentOrigin::Folder(folder);
        let Parsed { document, config, faults, .. } =
            parse("config.yaml", &origin, &Flags::default(), &text);
        (document.locate(faults).to_string(), config)
    };
    let (reported, config) =
        of("headerFiles: {X-Scope-OrgID: Cargo.toml}, queryParameters: {tenant: '1'}");
    assert_eq!(reported, "");
    let Some(SourceSettings::Prometheus(source)) = config.sources.get("a") else {
        panic!("{:?}", config.sources)
    };
    assert_eq!(source.header_files[0].0, "x-scope-orgid");
    assert_eq!(source.query_parameters, [("tenant".to_owned(), "1".to_owned())]);
    for (settings, place) in [
        ("headerFiles: {X-A: nowhere}", "headerFiles.X-A: cannot read"),
        ("headerFiles: {'a b': Cargo.toml}", "headerFiles.a b: "),
        (
            "headers: {x-a: b}, headerFiles: {X-A: Cargo.toml}",
            "headerFiles.X-A: this header is written",
        ),
        (
            "bearerTokenFile: Cargo.toml, headerFiles: {Authorization: Cargo.toml}",
            "leave one of them out",
        ),
        (
            "queryParameters: {query: up}",
            "queryParameters.query: is a parameter of the query itself",
        ),
        ("queryParameters: {'match[]': up}", "is a parameter of the query itself"),
    ] {
        let (reported, _) = of(settings);
        assert!(reported.contains(place) && reported.lines().count() == 1, "{place} in {reported}");
    }
}

#[test]
fn nothing_is_opened_to_a_team_whose_entry_has_a_fault_of_its_shape() {
    let text = "apiVersion: leadsman.dev/v1alpha1\nkind: Config\nsources: {a: {prometheus: {url: \
                'http://a'}}, b: {recording: {speed: 2}}}\nteams:\n  - {namespaces: [1], sources: [nowhere]}\n  \
                - {namespaces: [shop], sources: [a]}\n";
    let origin = DocumentOrigin::Folder(Path::new("."));
    let Parsed { config, .. } = parse("config.yaml", &origin, &Flags::default(), text);
    assert_eq!(config.teams.iter().map(|team| &*team.namespaces).collect::<Vec<_>>(), [["shop"]]);
    assert_eq!(config.sources.keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(
        reported(text, &Flags::default()),
        [
            "config.yaml:3: sources.b.recording: the key \"file\" is missing",
            "config.yaml:5: teams[0].namespaces[0]: expected a text, found the number 1",
            "config.yaml:5: teams[0].sources[0]: there is no source \"nowhere\"; there are a, b",
        ]
    );
}
