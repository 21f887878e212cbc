//! One bad rule stops itself and no other.

use leadsman_tests::{Config, History, Prometheus, paths};
use serde_json::{Value, json};

use crate::scene::{SUM, assert_verdict, overrides, rule, rules};

/// The good rule beside the bad one is served, and wherever one asks, the bad one is named.
async fn stops_itself(bad: Value, texts: &[&str]) {
    let history = History::new()
        .gauge(r#"jobs_active{namespace="shop",pod="web-0"}"#, 4.0)
        .gauge(r#"jobs_failed{namespace="shop",pod="web-0"}"#, 1.0);
    let prometheus = Prometheus::holding(&history).await;
    let good = rule(r#"jobs_active{namespace!="",pod!=""}"#, overrides(&["namespace", "pod"]), SUM);
    let list = rules(&[good, bad]);
    let config = Config::shop(&prometheus.url()).set("rules", &list);
    assert_verdict(&config, texts).await;
    let leadsman = leadsman_tests::Leadsman::start(&config).await;
    let path = paths::pods("shop", "jobs_active");
    leadsman.wait_value(&path, 4.0).await;
    let bad = leadsman.get(&paths::pods("shop", "jobs_failed")).await.failure();
    bad.assert_contains(&["jobs_failed"]);
}

/// As an operator's shipped file has it.
#[tokio::test]
async fn a_rule_without_a_label_for_any_object() {
    let bad = rule(r#"jobs_failed{namespace!=""}"#, json!({}), SUM);
    stops_itself(bad, &["rules[1]", "resources|template|overrides|label"]).await;
}

#[tokio::test]
async fn a_rule_with_an_empty_query() {
    let bad = rule(r#"jobs_failed{namespace!=""}"#, overrides(&["namespace", "pod"]), "");
    stops_itself(bad, &["rules[1]", "metricsQuery", "nothing|empty|missing|required"]).await;
}

#[tokio::test]
async fn a_rule_with_a_broken_template() {
    let resources = overrides(&["namespace", "pod"]);
    let bad =
        rule(r#"jobs_failed{namespace!=""}"#, resources, "sum(<<.Series>>{<<.LabelMatcher>>})");
    stops_itself(bad, &["rules[1]", "LabelMatcher"]).await;
}
