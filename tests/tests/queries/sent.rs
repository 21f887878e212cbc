//! How queries are sent to a Prometheus: by GET, or by POST if a URL would be too long.

use leadsman_tests::{Config, Leadsman, Mapping, Reply, Stack, Upstream, paths};
use serde_json::json;

const METRIC: &str = "load";

/// A query that is too long for a URL: 200 alternatives of which one exists.
fn long() -> String {
    let alternatives: Vec<_> = (0..200).map(|number| format!("shop-{number}")).collect();
    format!(
        r#"sum by (pod) (load{{namespace="${{namespace}}",shop=~"shop|{}"}})"#,
        alternatives.join("|")
    )
}

async fn method_of(query: &str, settings: &str) -> String {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1")])).await;
    let config = Config::new()
        .source("prometheus", &format!("url: '{}'{settings}", upstream.url()))
        .mapping(Mapping::pods(METRIC).query("q", query))
        .pods("shop", &["web-0"]);
    let leadsman = Leadsman::start(&config).await;
    assert_eq!(leadsman.get(&paths::pods("shop", METRIC)).await.value(), "1");
    let request = upstream.last_request();
    let sent = request.form.iter().find(|(name, _)| name == "query").map(|(_, text)| text.as_str());
    assert_eq!(sent, Some(query.replace("${namespace}", "shop").as_str()));
    request.method
}

#[tokio::test]
async fn short_queries_go_by_get_and_long_ones_by_post() {
    let short = r#"load{namespace="${namespace}"}"#;
    assert_eq!(method_of(short, "").await, "GET");
    assert_eq!(method_of(&long(), "").await, "POST");
    assert_eq!(method_of(short, ", method: post").await, "POST");
    assert_eq!(method_of(&long(), ", method: get").await, "GET");
}

#[tokio::test]
async fn a_real_prometheus_accepts_long_queries() {
    let config =
        Config::new().mapping(Mapping::pods(METRIC).query("q", &long())).pods("shop", &["web-0"]);
    let exposition = r#"load{namespace="shop",pod="web-0",shop="shop-199"} 4"#;
    let stack = Stack::start(exposition, "load", config).await;
    assert_eq!(stack.leadsman.get(&paths::pods("shop", METRIC)).await.value(), "4");
}

/// A proxy in front of Thanos or of OpenShift's monitoring looks for them there, whatever the method.
#[tokio::test]
async fn parameters_of_a_source_are_in_the_url_of_every_request() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1")])).await;
    let settings = format!(
        "url: '{}/tenancy', queryParameters: {{namespace: shop, tenant: 'a b&c'}}",
        upstream.url()
    );
    for query in [r#"load{namespace="${namespace}"}"#, &long()] {
        let config = Config::new()
            .source("prometheus", &settings)
            .mapping(Mapping::pods(METRIC).query("q", query))
            .pods("shop", &["web-0"]);
        let leadsman = Leadsman::start(&config).await;
        assert_eq!(leadsman.get(&paths::pods("shop", METRIC)).await.value(), "1");
    }
    let methods: Vec<_> = upstream.requests().into_iter().map(|request| request.method).collect();
    assert!(methods.contains(&"GET".to_owned()) && methods.contains(&"POST".to_owned()));
    for request in upstream.requests() {
        assert_eq!(request.path, "/tenancy/api/v1/query");
        for (name, value) in [("namespace", "shop"), ("tenant", "a b&c")] {
            let sent = request.query.iter().filter(|(sent, _)| sent == name);
            let sent: Vec<_> = sent.map(|(_, value)| value.as_str()).collect();
            assert_eq!(sent, [value], "{request:?}");
        }
    }
}

/// A list of series is asked of the same tenant.
#[tokio::test]
async fn parameters_of_a_source_are_sent_with_lists_of_series() {
    let upstream =
        Upstream::start(Reply::json(200, &json!({"status": "success", "data": []}))).await;
    let config = Config::new()
        .source(
            "prometheus",
            &format!("url: {}, queryParameters: {{tenant: shop}}", upstream.url()),
        )
        .set(
            "rules",
            "[{seriesQuery: up, resources: {template: <<.Resource>>}, metricsQuery: \
             'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'}]",
        );
    let _leadsman = Leadsman::start(config).await;
    upstream.wait_for_requests(1).await;
    let request = upstream.last_request();
    assert!(request.path.ends_with("/api/v1/series"), "{request:?}");
    assert_eq!(request.parameter("tenant"), Some("shop"), "{request:?}");
}
