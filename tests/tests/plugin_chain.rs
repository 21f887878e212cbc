//! Mappings with several plugins: each gets the values of the one before as the answer `previous`.

use leadsman_tests::paths::{self, EXTERNAL};
use leadsman_tests::{CheckReport, HOSTILE, Leadsman, Reply, Upstream};

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
