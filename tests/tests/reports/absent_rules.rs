//! A metric of a rule that is not there: the reason, as soon as the adapter knows it.

use std::time::Duration;

use leadsman_tests::{Config, Exporter, History, Leadsman, Mapping, Prometheus, paths};
use serde_json::json;

use crate::scene::{SUM, Scene, overrides, rule, rules};

/// How soon a metric is served after its source is back: well before the next list is due.
const SOON: Duration = Duration::from_secs(20);

fn depth() -> String {
    let series = r#"depth{namespace!="",pod!=""}"#;
    rules(&[rule(series, overrides(&["namespace", "pod"]), SUM)])
}

/// The URL is that of an exporter.
#[tokio::test]
async fn an_address_that_is_no_prometheus_is_told_by_reads_and_rules() {
    let exporter = Exporter::start("process_cpu_seconds_total 15.66").await;
    let config = Config::shop(&exporter.url())
        .set("rules", &depth())
        .mapping(Mapping::external("mapped").query("q", "sum(depth)"));
    let why = ["prometheus", "not a Prometheus|no Prometheus|JSON|text/plain"];
    let told = Leadsman::rules(&config, &[]).await;
    assert_eq!(told.code, Some(1), "{}", told.output);
    told.assert_contains(&why);
    let leadsman = Leadsman::start(&config).await;
    let of_rule = leadsman.get(&paths::pods("shop", "depth")).await.failure();
    assert_eq!(of_rule.code, 503, "{of_rule:#?}");
    of_rule.assert_contains(&["depth"]).assert_contains(&why);
    let mapped = leadsman.get(&paths::external("shop", "mapped")).await.failure();
    assert!(mapped.code >= 500, "{mapped:#?}");
    mapped.assert_contains(&["mapped"]).assert_contains(&why);
}

#[tokio::test]
async fn rules_are_served_soon_after_prometheus_is_there() {
    let history = History::new().gauge(r#"depth{namespace="shop",pod="web-0"}"#, 7.0);
    let mut prometheus = Prometheus::holding(&history).await;
    prometheus.stop().await;
    let config = Config::shop(&prometheus.url()).set("rules", &depth());
    let leadsman = Leadsman::start(&config).await;
    for path in [paths::pods("shop", "depth"), paths::object("shop", "pods/web-0", "depth")] {
        let failure = leadsman.get(&path).await.failure();
        assert_eq!(failure.code, 503, "{failure:#?}");
        failure.assert_contains(&["depth", "prometheus", "connect|refused|reach"]);
    }
    prometheus.restart().await;
    prometheus.wait_for("depth").await;
    leadsman.wait_value_within(&paths::pods("shop", "depth"), 7.0, SOON).await;
}

#[tokio::test]
async fn a_series_that_gives_no_metric_is_known_by_its_reason() {
    let history = History::new()
        .gauge(r#"jobs_done{namespace="shop",pod="web-0"}"#, 4.0)
        .gauge(r#"jobs_errors{namespace="shop",pod="web-0"}"#, 1.0)
        .gauge(r#"jobs_probes{instance="a"}"#, 1.0);
    let mut of_jobs = rule(r#"{__name__=~"^jobs_.*"}"#, overrides(&["namespace", "pod"]), SUM);
    of_jobs["seriesFilters"] = json!([{"isNot": "errors"}]);
    let config = Config::new().set("rules", &rules(&[of_jobs])).pods("shop", &["web-0"]);
    let scene = Scene::start(&history, config).await;
    assert_eq!(scene.custom("namespaces/shop/pods/*/jobs_done").await.value(), "4");
    let filtered = scene.custom("namespaces/shop/pods/*/jobs_errors").await.failure();
    assert_eq!(filtered.code, 404, "{filtered:#?}");
    filtered.assert_contains(&["jobs_errors", "isNot|filter|leaves it out"]);
    let of_nobody = scene.custom("namespaces/shop/pods/*/jobs_probes").await.failure();
    assert_eq!(of_nobody.code, 404, "{of_nobody:#?}");
    of_nobody.assert_contains(&["jobs_probes", "label"]);
}
