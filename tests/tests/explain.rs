//! Explanations of reads: what was asked, what came back, what became of it, and who reads. At the path
//! of the read, and on the command line.

use std::time::Duration;

use leadsman_tests::paths::{self, EXTERNAL};
use leadsman_tests::{CheckReport, Config, Leadsman, Mapping, Reply, Stack, Upstream, eventually};
use serde_json::{Value, json};
use tempfile::TempDir;

const TIMEOUT: Duration = Duration::from_secs(30);

/// Pods of two namespaces under one query for the cluster.
async fn stack() -> Stack {
    let exposition = r#"
published{namespace="shop",pod="web-0",version="4"} 7.25
published{namespace="shop",pod="web-1",version="4"} 1.5
published{namespace="shop",pod="cart-0",version="4"} 1013.4
published{namespace="bank",pod="vault-0",version="4"} 100
depth{queue="orders",tier="gold"} 12
depth{queue="mails",tier="gold"} 3
"#;
    let config = Config::new()
        .mapping(
            Mapping::pods("published")
                .query("sum", "sum by (namespace, pod) (published)")
                .set("activation", "5"),
        )
        .mapping(Mapping::external("depth").query("q", "depth"))
        .pods("shop", &["web-0", "web-1", "cart-0"])
        .pods("bank", &["vault-0"]);
    Stack::start(exposition, "published", config).await
}

/// The explanation of a read.
async fn explained(leadsman: &Leadsman, path: &str) -> Value {
    let separator = if path.contains('?') { '&' } else { '?' };
    let answer = leadsman.get(&format!("{path}{separator}explain=true")).await;
    let explanation = answer.ok();
    assert_eq!(explanation["kind"], "MetricExplanation");
    assert_eq!(explanation["apiVersion"], "leadsman.dev/v1alpha1");
    explanation
}

fn texts(list: &Value) -> String {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn an_explanation_has_all_that_led_to_the_values() {
    let Stack { leadsman, prometheus, .. } = &stack().await;
    let path = format!("{}?labelSelector=app%3Dweb", paths::pods("shop", "published"));
    let read = leadsman.get_with(&path, &[("user-agent", "an-autoscaler/1.0")]).await;
    assert_eq!(read.values()["web-0"], "7250m");
    let explanation = explained(leadsman, &path).await;

    assert_eq!(explanation["request"]["path"], path.as_str(), "without what asks for it");
    let metric = &explanation["metrics"][0];
    let mapping = &metric["mapping"];
    assert_eq!(
        (&mapping["title"], &mapping["owner"]),
        (&json!("pods/published"), &json!("operator"))
    );
    let written = &mapping["written"];
    assert_eq!(written["place"], "/mappings/0");
    assert!(written["document"].as_str().is_some_and(|name| name.ends_with("leadsman.yaml")));
    assert!(written["line"].as_u64().is_some_and(|line| line > 3), "{written}");
    assert!(written["revision"].as_str().is_some_and(|of| of.len() == "sha256:".len() + 64));
    let plugin = &mapping["plugin"];
    assert_eq!(plugin["name"], "per-object");
    assert!(plugin["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")));
    assert_eq!(plugin["config"], Value::Null, "it is for the whole cluster");

    let values = metric["values"].as_array().expect("values");
    let value = |name: &str| values.iter().find(|of| of["object"] == name).expect("a value");
    assert_eq!(
        value("web-0")["value"],
        json!({"decimal": "7.25", "quantity": "7250m", "milli": 7250})
    );
    assert_eq!(value("web-1")["value"]["decimal"], "0");
    assert_eq!(texts(&value("web-1")["policies"]), "below the activation 5, so 0");
    assert_eq!(values.len(), 2, "those that the selector picks");

    let evaluation = &metric["evaluations"][0];
    assert_eq!((&evaluation["state"], &evaluation["namespace"]), (&json!("ok"), &Value::Null));
    let run = &evaluation["runs"][0];
    assert_eq!((&run["outcome"], &run["id"]), (&json!("ok"), &value("web-0")["run"]));
    let query = &run["queries"][0];
    assert_eq!(query["sent"], "sum by (namespace, pod) (published)");
    assert_eq!((&query["source"], &query["series"]), (&json!("prometheus"), &json!(4)));
    let link = query["link"].as_str().unwrap_or_default();
    assert!(link.starts_with(&format!("{}/graph?g0.expr=sum+by", prometheus.url())), "{link}");
    let rows = query["rows"].as_array().expect("rows");
    let of = |row: &Value| {
        (row["object"].clone(), row["labels"]["namespace"].clone(), row["value"].clone())
    };
    let mut told: Vec<_> = rows.iter().map(of).collect();
    told.sort_by_key(|(object, ..)| object.to_string());
    assert_eq!(
        told,
        [
            (json!("web-0"), json!("shop"), json!("7.25")),
            (json!("web-1"), json!("shop"), json!("1.5")),
        ]
    );
    assert_eq!(query["whole"], false);
    let left_out = texts(&query["leftOut"]);
    assert!(left_out.contains("1 row of other namespaces"), "{left_out}");
    assert!(left_out.contains("1 row of objects that were not asked for"), "{left_out}");
    let measures = run["measures"].as_array().expect("measures");
    assert_eq!((measures.len(), &run["measuresTotal"]), (2, &json!(4)));
    assert!(run["plugin"]["memory"].as_u64().is_some_and(|bytes| bytes > 0));
    let readers = evaluation["readers"].as_array().expect("readers");
    assert!(readers.iter().any(|reader| reader["agent"] == "an-autoscaler/1.0"), "{readers:#?}");
    // Nothing of another namespace anywhere.
    let whole = explanation.to_string();
    assert!(!whole.contains("vault") && !whole.contains("bank"), "{explanation:#}");
}

#[tokio::test]
async fn items_are_explained_to_who_may_read_them() {
    let Stack { leadsman, .. } = &stack().await;
    let explanation = explained(
        leadsman,
        &format!("{EXTERNAL}/namespaces/shop/depth?labelSelector=queue%3Dorders"),
    )
    .await;
    let metric = &explanation["metrics"][0];
    assert_eq!(metric["values"][0]["labels"]["queue"], "orders");
    assert_eq!(metric["values"][0]["value"]["decimal"], "12");
    assert_eq!(metric["valuesTotal"], 1);
    let rows = metric["evaluations"][0]["runs"][0]["queries"][0]["rows"].as_array();
    let rows = rows.expect("rows");
    assert!(rows.iter().any(|row| row["labels"]["queue"] == "orders"), "{explanation:#}");
}

#[tokio::test]
async fn what_is_read_again_and_again_is_recorded_within_bounds() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1")])).await;
    let mapping = Mapping::pods("load")
        .query("q", r#"load{namespace="${namespace}"}"#)
        .set("maxAge", "1ms")
        .set("refreshAtMostEvery", "1s");
    let leadsman = Leadsman::start(Config::shop(&upstream.url()).mapping(mapping)).await;
    let path = paths::pods("shop", "load");
    eventually("more evaluations than are recorded", TIMEOUT, async || {
        assert!(leadsman.get(&path).await.is_success());
        if upstream.queries() > 10 { Ok(()) } else { Err(format!("{}", upstream.queries())) }
    })
    .await;
    let explanation = explained(&leadsman, &path).await;
    let runs = explanation["metrics"][0]["evaluations"][0]["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 8, "{explanation:#}");
    let times: Vec<_> = runs.iter().map(|run| run["id"].as_u64()).collect();
    assert!(times.is_sorted_by(|newer, older| newer > older), "{times:?}");
}

#[tokio::test]
async fn a_failure_is_explained_beside_the_last_good_run() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1"), ("web-1", "2")])).await;
    let mapping = Mapping::pods("load")
        .query("q", r#"load{namespace="${namespace}"}"#)
        .set("maxAge", "1ms")
        .set("refreshAtMostEvery", "1s")
        .set("onError", "{lastGood: 5m}");
    let leadsman = Leadsman::start(Config::shop(&upstream.url()).mapping(mapping)).await;
    let path = paths::pods("shop", "load");
    assert!(leadsman.get(&path).await.is_success());
    upstream.set_reply(Reply::json(
        422,
        &json!({"status": "error", "errorType": "execution", "error": "too many samples"}),
    ));
    let explanation = eventually("old values, explained", TIMEOUT, async || {
        let explanation = explained(&leadsman, &path).await;
        let from = explanation["metrics"][0]["values"][0]["from"].clone();
        if from == "lastGood" { Ok(explanation) } else { Err(format!("{explanation:#}")) }
    })
    .await;
    let evaluation = &explanation["metrics"][0]["evaluations"][0];
    assert_eq!(evaluation["state"], "lastGood");
    let left = evaluation["lastGoodEndsIn"].as_f64().unwrap_or_default();
    assert!(left > 200.0 && left <= 300.0, "{left}");
    assert!(evaluation["failingSince"].is_string());
    let runs = evaluation["runs"].as_array().expect("runs");
    assert_ne!(runs[0]["outcome"], "ok");
    assert!(texts(&runs[0]["failure"]).contains("too many samples"), "{:#}", runs[0]);
    assert!(runs[0]["queries"][0]["error"].as_str().is_some_and(|error| error.contains("422")));
    let good = runs.iter().find(|run| run["outcome"] == "ok").expect("the last good run");
    let value = &explanation["metrics"][0]["values"][0];
    assert_eq!(value["run"], good["id"]);
    assert!(texts(&value["policies"]).contains("onError.lastGood"), "{value:#}");
    assert!(texts(&explanation["warnings"]).contains("old"), "{explanation:#}");
}

#[tokio::test]
async fn the_reason_of_no_answer_is_that_of_the_read() {
    let Stack { leadsman, .. } = &stack().await;
    for (path, code) in [
        (paths::pods("shop", "nobody_serves_it"), 404),
        (paths::object("shop", "pods/web-9", "published"), 404),
        (format!("{}?labelSelector=%28", paths::pods("shop", "published")), 400),
    ] {
        let failure = leadsman.get(&path).await.failure();
        let explanation = explained(leadsman, &path).await;
        assert_eq!((failure.code, &explanation["failure"]["code"]), (code, &json!(code)), "{path}");
        assert_eq!(explanation["failure"]["message"], failure.message.as_str());
        assert_eq!(explanation["verdict"], failure.message.as_str());
    }
}

#[tokio::test]
async fn an_explanation_is_bounded() {
    // Each row has about 200 bytes, and there are 20,000 of them.
    let names: Vec<_> = (0..20_000).map(|at| format!("web-{at}-{}", "x".repeat(100))).collect();
    let values: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let upstream = Upstream::start(Reply::pods(&values)).await;
    let mapping = Mapping::pods("load").query("q", r#"load{namespace="${namespace}"}"#);
    let config = Config::shop(&upstream.url()).mapping(mapping).pods("shop", &[names[0].as_str()]);
    let leadsman = Leadsman::start(config).await;
    let path = paths::pods("shop", "load");
    let answer = leadsman.get(&format!("{path}?explain=true&fixture=true")).await;
    assert!(answer.body.len() < 3 << 20, "{} bytes", answer.body.len());
    let explanation = answer.ok();
    let evaluation = &explanation["metrics"][0]["evaluations"][0];
    let query = &evaluation["runs"][0]["queries"][0];
    assert_eq!((&query["series"], &query["whole"]), (&json!(20_000), &json!(false)));
    assert!(texts(&query["leftOut"]).contains("were kept"), "{}", query["leftOut"]);
    // What is not whole is no fixture.
    assert_eq!(evaluation["noFixture"], "its rows were not kept whole");
}

/// A configuration in a file, and its folder.
fn written(config: &Config) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("config.yaml"), config.to_string()).expect("a file");
    folder
}

async fn command(folder: &TempDir, arguments: &[&str]) -> CheckReport {
    Leadsman::command(arguments, folder.path()).await
}

fn load() -> Mapping {
    Mapping::pods("load").query("q", r#"load{namespace="${namespace}"}"#)
}

#[tokio::test]
async fn a_metric_is_explained_in_the_own_process() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1013.4"), ("web-1", "2")])).await;
    let folder = written(&Config::shop(&upstream.url()).mapping(load()));
    let path = paths::pods("shop", "load");
    let config = ["--config", "config.yaml"];
    let report = command(&folder, &[&["explain", "metric", &path], &config[..]].concat()).await;
    assert_eq!(report.code, Some(0), "{report:#?}");
    assert!(
        report.output.starts_with("pods/load has 2 values, 1015.4 (1015400m) in all"),
        "{report:#?}"
    );
    report.assert_contains(&[
        "shop/web-0 1013.4 (1013400m)",
        "mapping   pods/load of operator, config.yaml:",
        "query     q to prometheus: load{namespace=\"shop\"}",
        "row       {pod=\"web-0\"} 1013.4",
        "plugin    per-object",
        &format!("request   kubectl get --raw '{path}'"),
    ]);
    // By its parts, and as a mapping.
    let parts = ["--metric", "load", "--namespace", "shop", "--kind", "pods", "--output", "json"];
    let parts = command(&folder, &[&["explain", "metric"], &parts[..], &config].concat()).await;
    let parts: Value =
        serde_json::from_str(&parts.output).unwrap_or_else(|error| panic!("{error}: {parts:#?}"));
    assert_eq!(parts["metrics"][0]["valuesTotal"], 2);
    // This process is the operator's, so it tells everything.
    assert_eq!(parts["metrics"][0]["mapping"]["plugin"]["config"], json!({"object": "pod"}));
    let mapping = ["explain", "mapping", "shop/load", "--config", "config.yaml"];
    command(&folder, &mapping).await.assert_contains(&["shop/web-0 1013.4", "pods/load"]);
    let unknown = ["explain", "mapping", "shop/nothing", "--config", "config.yaml"];
    let unknown = command(&folder, &unknown).await;
    assert_eq!(unknown.code, Some(3), "{unknown:#?}");
    unknown.assert_contains(&["nothing", "is not served"]);
}

#[tokio::test]
async fn watching_goes_on_for_as_long_as_somebody_reads() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1")])).await;
    let folder = written(&Config::shop(&upstream.url()).mapping(load()));
    let path = paths::pods("shop", "load");
    let arguments = ["explain", "metric", &path, "--config", "config.yaml", "--watch=1s"];
    let unread = Leadsman::unread(&arguments, folder.path()).await;
    assert_eq!(unread.code, Some(0), "{unread:#?}");
}

#[tokio::test]
async fn watching_shows_what_changes() {
    let upstream = Upstream::start(Reply::pods(&[])).await;
    let quick = load().set("maxAge", "1s").set("refreshAtMostEvery", "1s");
    let folder = written(&Config::shop(&upstream.url()).mapping(quick));
    let path = paths::pods("shop", "load");
    for of in [["metric", path.as_str()], ["mapping", "shop/load"]] {
        upstream.set_reply(Reply::pods(&[("web-0", "1013.4")]));
        let arguments = [&["explain"], &of[..], &["--config", "config.yaml", "--watch=1s"]];
        let mut followed = Leadsman::follow(&arguments.concat(), folder.path());
        followed.line("shop/web-0 is 1013.4 (1013400m)").await;
        upstream.set_reply(Reply::pods(&[("web-0", "12.5")]));
        followed.line("shop/web-0 is 12.5 (12500m)").await;
    }
}

#[tokio::test]
async fn what_happened_becomes_a_fixture_of_the_plugin() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1013.4"), ("web-1", "2")])).await;
    let folder = written(&Config::shop(&upstream.url()).mapping(load()));
    let path = paths::pods("shop", "load");
    let record = ["--config", "config.yaml", "--record", "fixture.json"];
    let report = command(&folder, &[&["explain", "metric", &path], &record[..]].concat()).await;
    assert_eq!(report.code, Some(0), "{report:#?}");
    let file = folder.path().join("fixture.json");
    let fixture = std::fs::read_to_string(&file).expect("a fixture");
    let mut fixture: Value = serde_json::from_str(&fixture).expect("JSON");
    assert_eq!(fixture["expect"]["measures"].as_array().map(Vec::len), Some(2), "{fixture:#}");
    let run = ["plugin", "run", "per-object", "--fixture", "fixture.json"];
    let passed = command(&folder, &run).await;
    assert_eq!(passed.code, Some(0), "{passed:#?}");
    passed.assert_contains(&["fixture.json passed"]);
    // It is a test: what gives something else does not pass.
    fixture["expect"]["measures"][0]["value"] = json!(5);
    std::fs::write(&file, fixture.to_string()).expect("a file");
    let differs = command(&folder, &run).await;
    assert_eq!(differs.code, Some(1), "{differs:#?}");
    differs.assert_contains(&["instead of 5"]);
    let unknown = ["plugin", "run", "nothing", "--fixture", "fixture.json"];
    command(&folder, &unknown).await.assert_contains(&["no plugin that ships with Leadsman"]);
}

#[tokio::test]
async fn no_fixture_is_written_of_what_is_not_known() {
    let upstream = Upstream::start(Reply::new(500, "text/plain", "broken")).await;
    let folder = written(&Config::shop(&upstream.url()).mapping(load()));
    let path = paths::pods("shop", "load");
    let record = ["--config", "config.yaml", "--record", "fixture.json"];
    let report = command(&folder, &[&["explain", "metric", &path], &record[..]].concat()).await;
    assert_eq!(report.code, Some(1), "{report:#?}");
    report.assert_contains(&["fixture.json is not written"]);
    assert!(!folder.path().join("fixture.json").exists());
}

#[tokio::test]
async fn a_mapping_is_tried_on_its_real_source_without_being_served() {
    let Stack { prometheus, .. } = &stack().await;
    // Without objects, and with a mapping that is not part of the configuration.
    let folder = written(&Config::new().prometheus("prometheus", &prometheus.url()));
    let mapping = r#"
metric: tried
serve: {custom: {resource: pods}}
queries:
  q: {source: prometheus, promql: 'sum by (pod) (published{namespace="${namespace}"})'}
plugin: per-object
config: {object: pod}
"#;
    let file = folder.path().join("mapping.yaml");
    std::fs::write(&file, mapping).expect("a file");
    let arguments =
        ["--mapping", "mapping.yaml", "--against", "config.yaml", "--namespace", "shop"];
    let report = command(&folder, &[&["try"], &arguments[..]].concat()).await;
    assert_eq!(report.code, Some(0), "{report:#?}");
    report.assert_contains(&[
        "pods/tried",
        "mapping   pods/tried of operator, mapping.yaml:2, generation",
        "query     q to prometheus: sum by (pod) (published{namespace=\"shop\"})",
        "row       {pod=\"cart-0\"} 1013.4",
        "KiB: 3 measures\n",
        "measure   cart-0 1013.4",
    ]);
    assert!(!report.output.contains(".leadsman-try-"), "{report:#?}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").collect();
    assert_eq!(left.len(), 2, "nothing is left beside the two files");
    // Its faults are told.
    let wrong = mapping.replace("config: {object: pod}", "config: {objekt: pod}");
    std::fs::write(&file, wrong).expect("a file");
    let faulty = command(&folder, &[&["try"], &arguments[..]].concat()).await;
    assert_ne!(faulty.code, Some(0), "{faulty:#?}");
    faulty.assert_contains(&["mapping.yaml:7: config", "objekt"]);
    assert!(!faulty.output.contains(".leadsman-try-"), "{faulty:#?}");
    // Also where the mapping is in a list, and where it is refused before it is bound.
    let unknown = mapping.replace("per-object", "not-there").replace('\n', "\n  ");
    std::fs::write(&file, format!("# One of one.\n-{}\n", &unknown[2..])).expect("a file");
    let faulty = command(&folder, &[&["try"], &arguments[..]].concat()).await;
    assert_ne!(faulty.code, Some(0), "{faulty:#?}");
    faulty.assert_contains(&["mapping.yaml:6: [0].plugin: "]);
}

/// A rule of prometheus-adapter.
const RULE: &str = "[{seriesQuery: published, resources: {overrides: {namespace: {resource: namespace}, \
                    pod: {resource: pod}}}, metricsQuery: \
                    'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'}]";

#[tokio::test]
async fn a_metric_of_a_rule_names_the_rule() {
    let exposition = r#"published{namespace="shop",pod="web-0"} 7"#;
    let config = Config::new().set("rules", RULE).pods("shop", &["web-0"]);
    let Stack { leadsman, .. } = &Stack::start(exposition, "published", config).await;
    let path = paths::pods("shop", "published");
    assert_eq!(leadsman.get(&path).await.values()["web-0"], "7");
    let explanation = explained(leadsman, &path).await;
    let mapping = &explanation["metrics"][0]["mapping"];
    assert_eq!(mapping["ofRule"], true, "{explanation:#}");
    assert_eq!(mapping["written"]["place"], "/rules/0");
    let query = &explanation["metrics"][0]["evaluations"][0]["runs"][0]["queries"][0];
    let sent = query["sent"].as_str().unwrap_or_default();
    assert!(sent.starts_with("sum(published{namespace=\"shop\""), "{sent}");
    assert_eq!(query["rows"][0]["object"], "web-0");
}

#[tokio::test]
async fn a_mapping_that_moves_is_found_at_its_new_line() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1")])).await;
    let config = Config::shop(&upstream.url()).mapping(load()).to_string();
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("leadsman.yaml");
    std::fs::write(&file, &config).expect("a file");
    let leadsman = Leadsman::start_file(&file, &[]).await;
    let path = paths::pods("shop", "load");
    let place = async || {
        let explanation = explained(&leadsman, &path).await;
        let line = explanation["metrics"][0]["mapping"]["written"]["line"].as_u64();
        (line.expect("a line"), explanation["generation"].clone())
    };
    let (line, generation) = place().await;
    std::fs::write(&file, format!("# One more line.\n{config}")).expect("a file");
    eventually("the new line", TIMEOUT, async || match place().await {
        (now, same) if now == line + 1 && same == generation => Ok(()),
        other => Err(format!("{other:?}, and it was {line} of {generation}")),
    })
    .await;
}
