//! An answer without items, or without some of the objects asked for, has its reason.

use leadsman_tests::{Config, History, Mapping};
use serde_json::json;

use crate::scene::{Scene, assert_empty, assert_says, assert_values, overrides, rule, rules};

/// The series are of the proxy in front of an application, and the autoscaler selects the
/// application's pods.
#[tokio::test]
async fn selected_objects_without_series_are_told_and_so_is_a_selection_of_none() {
    let series = r#"edge_requests_total{namespace="shop",pod="edge-0",service="front"}"#;
    let mut of_edges = rule(
        r#"edge_requests_total{namespace!="",pod!=""}"#,
        overrides(&["namespace", "pod", "service"]),
        "sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)",
    );
    of_edges["name"] = json!({"matches": "^(.*)_total$", "as": "${1}_per_second"});
    let config = Config::new()
        .set("rules", &rules(&[of_edges]))
        .pods("shop", &["edge-0", "front-0"])
        .object("services", Some("shop"), "front", "");
    let scene = Scene::start(&History::new().counter(series, 15.5), config).await;
    let pods = "namespaces/shop/pods/*/edge_requests_per_second";

    let none = scene.custom(&format!("{pods}?labelSelector=app%3Dfront,release%3Dnext")).await;
    assert_empty(&none, &["pod", "label|select|app=front"]);
    // Which names the series have instead.
    let without = scene.custom(&format!("{pods}?labelSelector=app%3Dfront")).await;
    assert_empty(&without, &["pod", "edge-0"]);
    let one = scene.custom("namespaces/shop/pods/front-0/edge_requests_per_second").await.failure();
    assert_eq!(one.code, 404, "{one:#?}");
    one.assert_contains(&["edge_requests_per_second", "front-0", "edge-0"]);
    // One of two has a value, and the other one its reason.
    let all = scene.custom(pods).await;
    assert_values(&all, &[("edge-0", 15.5)]);
    assert_says(&all.warnings(), &["front-0"]);

    let service = scene.custom("namespaces/shop/services/front/edge_requests_per_second").await;
    assert_values(&service, &[("front", 15.5)]);
    assert_eq!(service.warnings(), "");
}

#[tokio::test]
async fn series_that_disagree_are_told_where_their_object_is_missing() {
    let history = History::new()
        .gauge(r#"waiting_jobs{namespace="shop",pod="queue-0",lane="mail"}"#, 3.0)
        .gauge(r#"waiting_jobs{namespace="shop",pod="queue-0",lane="push"}"#, 40.0)
        .gauge(r#"waiting_jobs{namespace="shop",pod="queue-1",lane="mail"}"#, 5.0);
    let plain = rule(
        r#"waiting_jobs{lane!=""}"#,
        overrides(&["namespace", "pod"]),
        r#"<<.Series>>{<<.LabelMatchers>>,lane!=""}"#,
    );
    let config = Config::new()
        .set("rules", &rules(&[plain]))
        .pods("shop", &["queue-0", "queue-1"])
        .object("namespaces", None, "shop", "");
    let scene = Scene::start(&history, config).await;
    let pods = "namespaces/shop/pods/*/waiting_jobs";
    // What to do about it, too.
    let why = ["queue-0", "series", "sum|aggregat|onSeveral"];

    let all = scene.custom(&format!("{pods}?labelSelector=app%3Dqueue")).await;
    assert_values(&all, &[("queue-1", 5.0)]);
    assert_says(&all.warnings(), &why);
    scene.custom("namespaces/shop/pods/queue-0/waiting_jobs").await.failure().assert_contains(&why);
    let chosen = scene.custom(&format!("{pods}?metricLabelSelector=lane%3Dpush")).await;
    assert_values(&chosen, &[("queue-0", 40.0)]);
    let whole = scene.custom("namespaces/shop/metrics/waiting_jobs").await.failure();
    whole.assert_contains(&["shop", "series", "sum|aggregat|onSeveral"]);

    let counted = scene.leadsman.metrics().await;
    let of_several = ["several", "disagree", "ambiguous", "conflict"];
    let is_reason = |(name, value): &(String, String)| {
        name == "reason" && of_several.iter().any(|word| value.contains(word))
    };
    let found = counted.0.iter().any(|s| s.value > 0.0 && s.labels.iter().any(is_reason));
    assert!(found, "no counter by this reason: {counted:#?}");
    let status = scene.leadsman.status().await.to_string();
    assert_says(&status, &["queue-0", "several|disagree|agree"]);
}

/// A Prometheus outside of the cluster, whose series have no label for the namespace: the adapter
/// itself asks for one.
#[tokio::test]
async fn a_label_that_the_adapter_adds_and_no_series_has_is_told() {
    let history = History::new()
        .counter(r#"gateway_calls_total{app="gateway"}"#, 11.25)
        .counter(r#"gateway_calls_total{app="users"}"#, 4.25);
    let mut of_apps = rule(
        "gateway_calls_total",
        json!({"template": "<<.Resource>>",
               "overrides": {"app": {"group": "apps", "resource": "statefulset"}}}),
        "sum(rate(<<.Series>>{<<.LabelMatchers>>}[1m])) by (<<.GroupBy>>)",
    );
    of_apps["name"] = json!({"matches": "^(.*)_total$", "as": "${1}_rate"});
    let sum = "sum(rate(gateway_calls_total[1m])) by (app)";
    let of = |metric: &str, query: &str| {
        Mapping::custom(metric, "statefulsets.apps")
            .query("q", query)
            .plugin("per-object", "object: app")
    };
    let named = format!(r#"label_replace({sum}, "namespace", "api", "", "")"#);
    let config = Config::new()
        .set("rules", &rules(&[of_apps]))
        .mapping(of("mapped", sum))
        .mapping(of("named", &named))
        .object("statefulsets.apps", Some("api"), "gateway", "");
    let scene = Scene::start(&history, config).await;
    let read = async |metric: &str| {
        scene.custom(&format!("namespaces/api/statefulsets.apps/gateway/{metric}")).await
    };
    let of_rule = read("gateway_calls_rate").await.failure();
    of_rule.assert_contains(&[
        "gateway_calls",
        "\"namespace\"|'namespace'|`namespace`|namespace=|label namespace",
        "label",
    ]);
    let mapped = read("mapped").await;
    match mapped.status {
        200 => assert_values(&mapped, &[("gateway", 11.25)]),
        _ => {
            mapped.failure().assert_contains(&["namespace", "label"]);
        }
    }
    assert_values(&read("named").await, &[("gateway", 11.25)]);
}

/// No failed request at the moment: the numerator has no series.
#[tokio::test]
async fn a_quotient_without_a_numerator_is_told_and_a_default_is_too() {
    let series = r#"hits_total{namespace="shop",code="200"}"#;
    let failed = r#"sum(rate(hits_total{code=~"5..",namespace="${namespace}"}[2m]))"#;
    let all = r#"sum(rate(hits_total{namespace="${namespace}"}[2m]))"#;
    let config = Config::new()
        .mapping(Mapping::external("failing").query("share", &format!("{failed} / {all}")))
        .mapping(
            Mapping::external("failing_of_two")
                .query("failed", failed)
                .query("all", all)
                .plugin("ratio", "numerator: failed, denominator: all, withoutNumerator: zero"),
        )
        .mapping(
            Mapping::external("failing_or_none")
                .query("failed", failed)
                .set("onAbsent", "{default: 0}"),
        );
    let scene = Scene::start(&History::new().counter(series, 20.5), config).await;
    let nothing = "no series|no item|no value|no result|nothing|empty|without";
    assert_empty(&scene.external("namespaces/shop/failing").await, &[nothing]);
    let zero = scene.external("namespaces/shop/failing_of_two").await;
    assert_eq!(zero.value(), "0");
    // Without any request it is unknown, and not 0.
    let unknown = scene.external("namespaces/quiet/failing_of_two").await;
    match unknown.status {
        200 => assert_empty(&unknown, &[nothing]),
        _ => {
            unknown.failure().assert_contains(&["failing_of_two", "all|denominator"]);
        }
    }
    let default = scene.external("namespaces/shop/failing_or_none").await;
    assert_eq!(default.value(), "0");
    assert_says(&default.warnings(), &["default"]);
}

#[tokio::test]
async fn an_external_selector_that_leaves_nothing_is_told() {
    let history = History::new()
        .gauge(r#"depth{namespace="shop",queue="high"}"#, 27.0)
        .gauge(r#"depth{namespace="shop",queue="low"}"#, 41.0);
    let query = r#"sum by (queue) (depth{namespace="${namespace}"})"#;
    let config = Config::new().mapping(Mapping::external("depth").query("q", query));
    let scene = Scene::start(&history, config).await;
    let of_one = scene.external("namespaces/shop/depth?labelSelector=queue%3Dhigh").await;
    assert_eq!((of_one.value().as_str(), of_one.warnings().as_str()), ("27", ""));
    let none = scene.external("namespaces/shop/depth?labelSelector=queue%3Dhihg").await;
    assert_empty(&none, &["queue=hihg|queue = hihg|selector", "2|high|item"]);
}
