//! Mappings with several plugins: each gets the values of the one before as the answer `previous`.

use leadsman_tests::paths::{self, EXTERNAL};
use leadsman_tests::{CheckReport, HOSTILE, Leadsman, Reply, Upstream};
use serde_json::json;

/// A configuration with one mapping, of two pods with the values 1 and 2.
fn config(url: &str, serve: &str, queries: &str, plugins: &str) -> String {
    format!(
        "apiVersion: leadsman.dev/v1alpha1\n\
         kind: Config\n\
         sources: {{prometheus: {{prometheus: {{url: \"{url}\"}}}}}}\n\
         plugins: {{guest: {{file: \"{HOSTILE}\"}}}}\n\
         objects:\n\
         - {{resource: pods, namespace: shop, name: web-0}}\n\
         - {{resource: pods, namespace: shop, name: web-1}}\n\
         mappings:\n\
         - metric: load\n  \
           serve: {serve}\n  \
           queries: {{{queries}}}\n  \
           {plugins}\n"
    )
}

const PODS: &str = "{custom: {resource: pods}}";
const QUERY: &str = r#"q: {source: prometheus, promql: 'load{namespace="${namespace}"}'}"#;
const CHAIN: &str = "plugins:\n  \
    - {plugin: per-object, config: {object: pod}}\n  \
    - {plugin: threshold, config: {activation: 1.5, object: object}}";

async fn upstream() -> Upstream {
    Upstream::start(Reply::pods(&[("web-0", "1"), ("web-1", "2")])).await
}

#[tokio::test]
async fn values_of_objects_go_from_plugin_to_plugin() {
    let upstream = upstream().await;
    let leadsman = Leadsman::start(config(&upstream.url(), PODS, QUERY, CHAIN)).await;
    let path = paths::pods("shop", "load");
    let values = leadsman.get(&path).await;
    let values = values.values();
    assert_eq!((values["web-0"].as_str(), values["web-1"].as_str()), ("0", "2"));
}

#[tokio::test]
async fn items_keep_their_labels_and_a_plugin_names_the_queries_that_it_gets_too() {
    let upstream = upstream().await;
    // a / b is 1 for both; divided by b again it is 1 and 0.5.
    let queries = "a: {source: prometheus, promql: 'a'}, b: {source: prometheus, promql: 'b'}";
    let plugins = "plugins:\n  \
        - {plugin: ratio, config: {numerator: a, denominator: b}}\n  \
        - {plugin: ratio, config: {numerator: previous, denominator: b}, queries: [b]}";
    let text = config(&upstream.url(), "{external: {}}", queries, plugins);
    let leadsman = Leadsman::start(text).await;
    let list = leadsman.get(&format!("{EXTERNAL}/namespaces/shop/load")).await.ok();
    let items = list["items"].as_array().expect("items");
    let value = |pod: &str| {
        let item = items.iter().find(|item| item["metricLabels"]["pod"] == pod);
        item.expect("an item")["value"].as_str().expect("a quantity").to_owned()
    };
    assert_eq!((value("web-0").as_str(), value("web-1").as_str()), ("1", "500m"));
}

#[tokio::test]
async fn an_explanation_names_all_plugins_and_has_what_the_last_one_gave() {
    let upstream = upstream().await;
    let plugins = "plugins:\n  \
        - {plugin: guest, config: {do: log-flood, n: 1, bytes: 3}}\n  \
        - {plugin: threshold, config: {activation: 1.5, object: object}}";
    let leadsman = Leadsman::start(config(&upstream.url(), PODS, QUERY, plugins)).await;
    let path = format!("{}?explain=true&fixture=true", paths::pods("shop", "load"));
    let explanation = leadsman.get(&path).await.ok();
    let metric = &explanation["metrics"][0];
    let mapping = &metric["mapping"];
    assert_eq!(
        (&mapping["plugin"]["name"], &mapping["then"][0]["name"]),
        (&json!("guest"), &json!("threshold"))
    );
    assert!(
        mapping["then"][0]["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")),
        "{mapping:#}"
    );
    assert_eq!(mapping["then"][0]["config"]["activation"], 1.5, "{mapping:#}");
    let evaluation = &metric["evaluations"][0];
    let run = &evaluation["runs"][0];
    // The queries are those of the first plugin, whose value of web-0 was 1.
    assert_eq!(run["queries"][0]["rows"].as_array().map(Vec::len), Some(2), "{run:#}");
    let measures = run["measures"].as_array().expect("measures");
    let of = |pod: &str| {
        let measure = measures.iter().find(|measure| measure["object"] == pod).expect("a measure");
        (measure["raw"].clone(), measure["served"]["quantity"].clone())
    };
    assert_eq!(of("web-0"), (json!("0"), json!("0")));
    assert_eq!(of("web-1"), (json!("2"), json!("2")));
    let line = run["plugin"]["log"][0].as_str().expect("a line");
    assert!(line.starts_with("ERROR guest: "), "{line}");
    let why = evaluation["noFixture"].as_str().unwrap_or_default();
    assert!(why.contains("several plugins"), "{evaluation:#}");

    let status = leadsman.status().await;
    let then = &status["mappings"][0]["then"][0];
    assert_eq!(then["plugin"], "threshold", "{status:#}");
    let listed = status["plugins"].as_array().expect("plugins");
    for name in ["guest", "threshold"] {
        let plugin = listed.iter().find(|plugin| plugin["name"] == name).expect("a plugin");
        assert_eq!(plugin["mappings"], json!(["pods/load"]), "{plugin:#}");
        assert!(plugin["runs"].as_u64() > Some(0) && plugin["failed"] == 0, "{plugin:#}");
    }
}

#[tokio::test]
async fn what_a_plugin_gave_before_one_that_failed_is_not_told_as_the_result() {
    let upstream = upstream().await;
    let plugins = "plugins:\n  - {plugin: per-object, config: {object: pod}}\n  \
                   - {plugin: guest, config: {do: fail, message: nothing to say}}";
    let leadsman = Leadsman::start(config(&upstream.url(), PODS, QUERY, plugins)).await;
    let path = format!("{}?explain=true", paths::pods("shop", "load"));
    let explanation = leadsman.get(&path).await.ok();
    let run = &explanation["metrics"][0]["evaluations"][0]["runs"][0];
    assert_eq!(run["measures"], json!([]), "{run:#}");
    assert_eq!(run["queries"][0]["rows"].as_array().map(Vec::len), Some(2), "{run:#}");
    let status = leadsman.status().await;
    let listed = status["plugins"].as_array().expect("plugins");
    let counted = |name: &str| {
        let plugin = listed.iter().find(|plugin| plugin["name"] == name).expect("a plugin");
        (plugin["runs"].as_u64().unwrap_or_default(), plugin["failed"].as_u64())
    };
    assert_eq!(counted("per-object").1, Some(0), "{status:#}");
    let (runs, failed) = counted("guest");
    assert!(runs > 0 && failed == Some(runs), "{status:#}");
}

/// Series of nodes have the namespace of who exposes them, and say nothing of the nodes by it.
#[tokio::test]
async fn values_of_objects_that_live_in_no_namespace_go_on_whatever_their_series_name() {
    let item = json!({"metric": {"node": "node-a", "namespace": "monitoring"}, "value": [1, "2"]});
    let upstream = Upstream::start(Reply::vector(&json!([item]))).await;
    let plugins = "plugins:\n  - {plugin: per-object, config: {object: node}}\n  \
                   - {plugin: threshold, config: {activation: 1.5, object: object}}";
    let query = "q: {source: prometheus, promql: load}";
    let text = config(&upstream.url(), "{custom: {resource: nodes}}", query, plugins);
    let text = text.replace("objects:\n", "objects:\n- {resource: nodes, name: node-a}\n");
    let leadsman = Leadsman::start(text).await;
    let values = leadsman.get(&format!("{}/nodes/%2A/load", paths::CUSTOM_V2)).await.values();
    assert_eq!(values["node-a"], "2");
}

#[tokio::test]
async fn a_plugin_that_fails_is_named_wherever_it_stands() {
    let upstream = upstream().await;
    for plugins in [
        "plugins:\n  - {plugin: guest, config: {do: fail, message: nothing to say}}\n  \
         - {plugin: threshold, config: {activation: 1.5, object: object}}",
        "plugins:\n  - {plugin: per-object, config: {object: pod}}\n  \
         - {plugin: guest, config: {do: fail, message: nothing to say}}",
    ] {
        let leadsman = Leadsman::start(config(&upstream.url(), PODS, QUERY, plugins)).await;
        let failure = leadsman.get(&paths::pods("shop", "load")).await.failure();
        failure.assert_contains(&["plugin \"guest\"", "nothing to say"]);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_chain_is_said_at_its_place() {
    let of = async |queries: &str, plugins: &str| -> CheckReport {
        Leadsman::check(config("http://127.0.0.1:9", PODS, queries, plugins)).await
    };
    let good = of(QUERY, CHAIN).await;
    assert_eq!(good.code, Some(0), "{}", good.output);
    for (queries, plugins, wanted) in [
        (QUERY, "plugins: [per-object]", "a chain has 2 to 5 plugins, not 1"),
        (QUERY, "plugins: [a-ratio, threshold]", "there is no plugin \"a-ratio\""),
        (
            QUERY,
            "plugins:\n  - {plugin: per-object, config: {object: pod}}\n  \
             - {plugin: threshold, config: {activation: 1, object: object}, queries: [nope]}",
            "the mapping has no query of this name",
        ),
        (
            QUERY,
            "plugins:\n  - {plugin: per-object, config: {object: pod}}\n  \
             - {plugin: threshold, config: {activation: much, object: object}}",
            "plugins[1].config",
        ),
        (QUERY, "plugin: per-object\n  plugins: [per-object, threshold]", "cannot stand beside"),
        (QUERY, "deadline: 1s", "the key \"plugin\" is missing"),
        (
            "previous: {source: prometheus, promql: up}",
            CHAIN,
            "is what a plugin gets of the one before it",
        ),
    ] {
        let report = of(queries, plugins).await;
        assert_eq!(report.code, Some(1), "{plugins}: {}", report.output);
        report.assert_contains(&[wanted]);
    }
}
