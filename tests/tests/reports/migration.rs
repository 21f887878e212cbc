//! What the pages for those who come from prometheus-adapter and KEDA promise.

use leadsman_tests::{Config, History, Leadsman, Mapping, Reply, Request, Upstream, paths};
use serde_json::json;

use crate::scene::{SUM, Scene, assert_values, overrides, rule, rules, template};

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

/// KEDA's `namespace`, and the tenant of Thanos, are parameters of the URL.
#[tokio::test]
async fn parameters_of_the_url_go_with_each_request() {
    let upstream = Upstream::start(Reply::Silence).await;
    let series = json!([{"__name__": "depth", "namespace": "shop", "pod": "web-0"}]);
    let listed = Reply::json(200, &json!({"status": "success", "data": series}));
    upstream.answer_with(move |request: &Request| match request.path.ends_with("/series") {
        true => listed.clone(),
        false => Reply::pods(&[("web-0", "7")]),
    });
    let config = Config::new()
        .source(
            "prometheus",
            &format!("url: {}, queryParameters: {{tenant: \"123\"}}", upstream.url()),
        )
        .pods("shop", &["web-0"])
        .set("rules", &rules(&[rule("depth", overrides(&["namespace", "pod"]), SUM)]))
        .mapping(Mapping::external("mapped").query("q", "sum(depth)"));
    let leadsman = Leadsman::start(config).await;
    assert_values(&leadsman.get(&paths::pods("shop", "depth")).await, &[("web-0", 7.0)]);
    leadsman.get(&paths::external("shop", "mapped")).await.ok();
    let requests = upstream.requests();
    assert!(requests.len() >= 3, "{requests:#?}");
    for request in requests {
        assert_eq!(request.parameter("tenant"), Some("123"), "{request:#?}");
    }
}

/// Where they are written in the URL, the fault says where they belong.
#[tokio::test]
async fn parameters_in_the_url_itself_are_a_fault_that_names_their_key() {
    let config = Config::new()
        .source("prometheus", r#"url: "http://127.0.0.1:9/?tenant=123""#)
        .source("signed", r#"url: "http://127.0.0.1:9", sigv4: {region: eu-west-1}"#)
        .mapping(Mapping::external("depth").query("q", "sum(depth)"));
    let checked = Leadsman::check(config).await;
    assert_eq!(checked.code, Some(1), "{}", checked.output);
    checked.says(&["queryParameters", "sigv4"]);
}
