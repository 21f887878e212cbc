//! How queries are sent to a Prometheus: by GET, or by POST if a URL would be too long.

use leadsman_tests::{Config, Leadsman, Mapping, Reply, Stack, Upstream, paths};

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
