//! `leadsman check`: all faults at once, each with its place and a suggestion.

use leadsman_tests::{Config, Leadsman, Mapping};

/// A configuration with a fault in each line that has a comment. The comment says what the fault's
/// message must contain: parts separated by commas, each with alternatives separated by `|`.
const FAULTY: &str = r#"apiVersion: leadsman.dev/v1alpha1
kind: Config
sources:
  prometheus: {prometheus: {url: "http://127.0.0.1:9"}}
  remote: {prometheus: {url: "prometheus:9090"}} # ! url
  slow: {prometheus: {url: "http://127.0.0.1:9", timeoutt: 5s}} # ! timeoutt, "timeout"
  late: {prometheus: {url: "http://127.0.0.1:9", timeout: 5 parsecs}} # ! timeout, 5 parsecs
mappings:
  - metric: requests
    serve: {custom: {resource: pods}}
    queries:
      rate: {source: promtheus, promql: 'requests{namespace="${namespace}"}'} # ! promtheus, "prometheus"
      sum:
        source: prometheus
        promql: 'sum by (pod) (rate(requests{namespace="${namespace}"}[2m])' # ! sum, promql
    plugin: per-object
    config: {object: pod} # ! one query, has 2
  - metric: errors
    serve: {custom: {resource: pods}}
    queries: {q: {source: prometheus, promql: errors}}
    plugin: per-objekt # ! per-objekt, "per-object"
    config: {object: pod}
  - metric: latency
    serve: {custom: {resource: pods}}
    queries: {q: {source: prometheus, promql: latency}}
    plugin: per-object
    config: {object: pod}
    onEror: {lastGood: 2m} # ! onEror, "onError"
  - metric: backlog
    serve: {custom: {resource: gadgets}} # ! gadgets
    queries: {q: {source: prometheus, promql: backlog}}
    plugin: per-object
    config: {object: pod}
    maxAge: 0s # ! maxAge
    activation: many # ! activation
  - metric: latency # ! latency, two|twice|second|already|duplicate
    serve: {custom: {resource: pods}}
    queries: {q: {source: prometheus, promql: 'latency{namespace="${namespce}"}'}} # ! namespce, "namespace"
    plugin: per-object
    config: {object: pod}
objects:
  - {resource: pods, name: web-0, labels: {app: web}} # ! namespace
"#;

/// A configuration whose faults only its plugins can find.
const FAULTY_FOR_PLUGINS: &str = r#"apiVersion: leadsman.dev/v1alpha1
kind: Config
sources:
  prometheus: {prometheus: {url: "http://127.0.0.1:9"}}
mappings:
  - metric: requests
    serve: {custom: {resource: pods}}
    queries: {q: {source: prometheus, promql: requests}}
    plugin: per-object
    config: {objekt: pod} # ! objekt
  - metric: busy
    serve: {custom: {resource: pods}}
    queries:
      numerator: {source: prometheus, promql: busy}
      denominator: {source: prometheus, promql: total}
    plugin: ratio
    config:
      object: pod
      floor: -1 # ! floor, above 0
  - metric: active
    serve: {external: {}}
    queries: {q: {source: prometheus, promql: active}}
    plugin: threshold
    config: {activation: lots} # ! activation
"#;

/// A mapping with faults of every kind: of types, of names, and of those that only its plugin can find.
const FAULTY_AT_ONCE: &str = r#"apiVersion: leadsman.dev/v1alpha1
kind: Config
sources:
  prometheus: {prometheus: {url: "http://127.0.0.1:9"}}
mappings:
  - metric: a/b # ! a/b
    serve: {custom: {resource: podz}} # ! podz, "pods"
    queries:
      q: {source: promtheus, promql: 7} # ! promtheus|a text
    plugin: per-object
    config: {objekt: pod} # ! objekt, "object"
    deadline: 40s # ! at most 30s
    onError: lastGood # ! fail, {lastGood: …}
  - metric: replicas
    serve: {custom: {resource: deploymnts.apps}} # ! "deployments.apps", `kind`
    queries:
      q:
        source: prometheus
        promql: replicas
        range: {duration: 10s, step: 1m} # ! shorter than its step
    plugin: per-objekt # ! "per-object"
    config: {object: [deployment]} # ! config.object
"#;

/// The lines with a fault, and what the message of each must contain.
fn marks(config: &str) -> Vec<(usize, Vec<&str>)> {
    let marked = config.lines().enumerate().filter_map(|(at, line)| {
        let (_, parts) = line.split_once("# ! ")?;
        Some((at + 1, parts.split(", ").collect()))
    });
    marked.collect()
}

async fn every_fault_is_told(config: &str) {
    let checked = Leadsman::check(config).await;
    assert_eq!(checked.code, Some(1), "{}", checked.output);
    for (line, parts) in marks(config) {
        let told = checked.faults_at(line);
        let all_parts = |fault: &&str| {
            parts.iter().all(|part| part.split('|').any(|spelling| fault.contains(spelling)))
        };
        let found = told.iter().any(all_parts);
        assert!(found, "nothing with {parts:?} for line {line} in:\n{}", checked.output);
    }
    // Lines without a fault are not reported.
    let marked: Vec<_> = marks(config).into_iter().map(|(line, _)| line).collect();
    for line in (1..=config.lines().count()).filter(|line| !marked.contains(line)) {
        assert_eq!(checked.faults_at(line), [""; 0], "{}", checked.output);
    }
}

#[tokio::test]
async fn all_faults_are_reported_at_once() {
    assert!(marks(FAULTY).len() >= 10);
    every_fault_is_told(FAULTY).await;
}

#[tokio::test]
async fn faults_found_by_plugins_have_their_place() {
    every_fault_is_told(FAULTY_FOR_PLUGINS).await;
}

#[tokio::test]
async fn no_fault_of_a_mapping_hides_another() {
    every_fault_is_told(FAULTY_AT_ONCE).await;
}

/// The output of `check` without the name of the file.
async fn told(config: &str, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("config.yaml"), config).expect("a file");
    let all = [&["check", "--config", "config.yaml"][..], arguments].concat();
    let checked = Leadsman::command(&all, folder.path()).await;
    assert_eq!(checked.code, Some(1), "{}", checked.output);
    checked.output
}

#[tokio::test]
async fn one_cause_is_told_once() {
    let rule = "- {seriesQuery: up, resources: {template: <<.Resource>>}, metricsQuery: \
                'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'}";
    let url: &[&str] = &["--prometheus-url", "http://127.0.0.1:9"];
    let nothing: &[&str] = &[];
    for (config, arguments, said) in [
        (format!("Rules:\n{rule}\n"), url, "did you mean \"rules\"?"),
        (format!("rules:\n{rule}\n"), nothing, "say it with --prometheus-url"),
        (format!("rules:\n  custom:\n  {rule}\n"), url, "these are values of a Helm chart"),
        (
            "apiVersion: v1\nkind: ConfigMap\ndata: {config.yaml: ''}\n".to_owned(),
            nothing,
            "this is a ConfigMap",
        ),
    ] {
        let told = told(&config, arguments).await;
        assert!(told.contains(said) && told.ends_with("\n1 fault\n"), "{told}");
    }
}

#[tokio::test]
async fn a_fault_of_yaml_has_the_line_that_is_to_be_mended() {
    let config = Config::shop("http://127.0.0.1:9").mapping(Mapping::external("depth")).to_string();
    let line = config.lines().position(|line| line.starts_with("objects")).expect("a line") + 1;
    let told = told(&config.replace("objects:\n", "objects\n"), &[]).await;
    assert!(told.starts_with(&format!("config.yaml:{line}: this is not YAML")), "{told}");
}

/// `leadsman … | head` ends when it has seen enough.
#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config::shop("http://127.0.0.1:9");
    std::fs::write(folder.path().join("good.yaml"), config.to_string()).expect("a file");
    std::fs::write(folder.path().join("faulty.yaml"), FAULTY).expect("a file");
    for (line, code) in [
        ("schema", 0),
        ("check --config good.yaml", 0),
        ("check --config faulty.yaml", 1),
        ("rules --config faulty.yaml", 1),
        ("doctor --help", 0),
    ] {
        let arguments: Vec<_> = line.split_whitespace().collect();
        let ended = Leadsman::unread(&arguments, folder.path()).await;
        assert_eq!((ended.code, ended.output.as_str()), (Some(code), ""), "{line}");
    }
}

#[tokio::test]
async fn serve_refuses_what_check_refuses() {
    let Err(exited) = Leadsman::launch(FAULTY, &[]).await else { panic!("it serves") };
    assert!(!exited.status.success());
    exited.assert_contains(&["timeoutt", "onEror", "promtheus", "not started"]);
    assert!(!exited.log.contains("the configuration is served"), "{}", exited.log);
}

#[tokio::test]
async fn a_good_configuration_has_no_faults() {
    let config = Config::shop("http://127.0.0.1:9")
        .source("tenant", "url: 'https://thanos.example/api', headers: {X-Scope-OrgID: shop}")
        .mapping(
            Mapping::pods("requests")
                .query("rate", r#"rate(requests{namespace="${namespace}", ${selector}}[2m])"#)
                .set("deadline", "800ms")
                .set("maxAge", "45s")
                .set("onError", "{lastGood: 2m}")
                .set("onAbsent", "{default: 0}")
                .set("activation", "5")
                .set("limits", "{time: 50ms, memoryBytes: 33554432, maxMeasures: 1000}"),
        )
        .mapping(
            Mapping::custom("busy", "deployments.apps")
                .query("numerator", "busy")
                .query_from("tenant", "denominator", "total")
                .plugin("ratio", "object: deployment"),
        )
        .mapping(Mapping::external("depth").query("q", "depth").set("onError", "fail"));
    let checked = Leadsman::check(config).await;
    assert_eq!(checked.code, Some(0), "{}", checked.output);
}

#[tokio::test]
async fn an_invalid_query_is_reported_with_its_place() {
    let config = Config::shop("http://127.0.0.1:9")
        .mapping(Mapping::pods("good").query("sound_query", "up"))
        .mapping(Mapping::pods("bad").query("broken_query", "sum(rate(requests[2m))"))
        .to_string();
    let line = config.lines().position(|line| line.contains("broken_query")).expect("a line") + 1;
    let checked = Leadsman::check(&config).await;
    assert_eq!(checked.code, Some(1), "{}", checked.output);
    let told = checked.faults_at(line);
    assert!(told.iter().any(|fault| fault.contains("broken_query")), "{}", checked.output);
    assert!(!checked.output.contains("sound_query"), "{}", checked.output);
}

#[tokio::test]
async fn invalid_yaml_and_missing_files_are_reported() {
    let checked = Leadsman::check("kind: Config\nsources: [unclosed\nmappings: {}\n").await;
    assert_eq!(checked.code, Some(1), "{}", checked.output);
    checked.assert_contains(&["leadsman.yaml:", "YAML"]);
    let checked = Leadsman::check("").await;
    assert_eq!(checked.code, Some(1), "{}", checked.output);
    checked.assert_contains(&["leadsman.yaml:1", "expected|empty|missing"]);
}
