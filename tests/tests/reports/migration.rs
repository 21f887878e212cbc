//! What the pages for those who come from prometheus-adapter and KEDA promise.

use leadsman_tests::{Config, History, Leadsman, Mapping};
use serde_json::json;

use crate::scene::{SUM, Scene, assert_values, rule, rules, template};

/// As the questions and answers of prometheus-adapter tell to read it.
#[tokio::test]
async fn all_namespaces_are_read_at_once() {
    let history = History::new()
        .gauge(r#"table_pages{namespace="north"}"#, 1.0)
        .gauge(r#"table_pages{namespace="south"}"#, 2.0);
    let series = r#"table_pages{namespace!=""}"#;
    let query = "sum(<<.Series>>{<<.LabelMatchers>>}) by (namespace)";
    let mut everywhere = rule(series, json!({"namespaced": false}), query);
    everywhere["name"] = json!({"as": "pages_everywhere"});
    let config = Config::new()
        .set("rules", &rules(&[rule(series, template(), SUM)]))
        .set("externalRules", &rules(&[everywhere]))
        .object("namespaces", None, "north", "")
        .object("namespaces", None, "south", "");
    for arguments in [&[][..], &["--exact-queries"]] {
        let scene = Scene::start_with(&history, config.clone(), arguments).await;
        let all = scene.custom("namespaces/*/metrics/table_pages").await;
        assert_values(&all, &[("north", 1.0), ("south", 2.0)]);
        let one = scene.custom("namespaces/north/metrics/table_pages").await;
        assert_values(&one, &[("north", 1.0)]);
        // The rule has no namespace, so none has to be named.
        let external = scene.external("namespaces/*/pages_everywhere").await.items();
        let mut values: Vec<_> = external
            .iter()
            .map(|item| (item["metricLabels"]["namespace"].to_string(), item["value"].to_string()))
            .collect();
        values.sort();
        let expected = [("\"north\"", "\"1\""), ("\"south\"", "\"2\"")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(values, expected, "{external:#?}");
    }
}

/// KEDA's `namespace`, and the tenant of Thanos, are parameters of the URL: where they are written
/// in it, the fault says where they belong.
#[tokio::test]
async fn parameters_in_the_url_itself_are_a_fault_that_names_their_key() {
    let config = Config::new()
        .source("prometheus", r#"url: "http://127.0.0.1:9/?tenant=123""#)
        .source("signed", r#"url: "http://127.0.0.1:9", sigv4: {region: eu-west-1}"#)
        .mapping(Mapping::external("depth").query("q", "sum(depth)"));
    let checked = Leadsman::check(config).await;
    assert_eq!(checked.code, Some(1), "{}", checked.output);
    checked.assert_contains(&["queryParameters", "sigv4"]);
}
