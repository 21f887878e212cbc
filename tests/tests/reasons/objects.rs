//! Values of objects that are missing.

use leadsman_tests::{Config, Leadsman, Mapping, Reply, Stack, Upstream, paths};
use serde_json::json;

use crate::{SUM, config, counted, rule, sample, upstream, warns};

/// A query without aggregation meets several series for one pod.
#[tokio::test]
async fn series_that_disagree_are_told_with_the_labels_in_which_they_differ() {
    let exposition = r#"
wqueue_size{namespace="shop",pod="web-0",tube="mail"} 3
wqueue_size{namespace="shop",pod="web-0",tube="push"} 40
wqueue_size{namespace="shop",pod="web-1",tube="mail"} 5
"#;
    let plain = rule("wqueue_size", "<<.Series>>{<<.LabelMatchers>>}");
    let config = Config::new()
        .pods("shop", &["web-0", "web-1"])
        .set("discovery", "{interval: 1h}")
        .set("rules", &format!("[{plain}]"));
    let stack = Stack::start(exposition, "wqueue_size", config).await;
    let leadsman = &stack.leadsman;
    let list = leadsman.get(&paths::pods("shop", "wqueue_size")).await;
    assert_eq!(list.values().keys().collect::<Vec<_>>(), ["web-1"]);
    let told = ["1 of 2 pods (web-0)", "several series", "do not agree", "tube (mail, push)"];
    warns(&list, &told);
    warns(&list, &["aggregate them in `metricsQuery`"]);

    let one = leadsman.get(&paths::object("shop", "pods/web-0", "wqueue_size")).await.failure();
    assert_eq!(one.code, 404);
    one.assert_contains(&["could not find the metric wqueue_size for pods web-0"])
        .assert_contains(&told[1..]);

    let picked = format!("{}?metricLabelSelector=tube%3Dpush", paths::pods("shop", "wqueue_size"));
    let picked = leadsman.get(&picked).await;
    assert_eq!(picked.values().values().collect::<Vec<_>>(), ["40"]);
    counted(leadsman, "pods/wqueue_size", "disagreement", "tube (mail, push)").await;
}

/// The Prometheus is outside of the cluster: its series have no label `namespace`.
#[tokio::test]
async fn a_label_that_the_adapter_asks_for_and_no_series_has() {
    let series = json!([{"__name__": "requests", "pod": "web-0"}]);
    let upstream = upstream(series, json!([])).await;
    let leadsman = Leadsman::start(config(&upstream, &[rule("requests", SUM)])).await;
    let told = ["no series of requests has the label", "namespace", "resources.overrides"];
    let one = leadsman.get(&paths::object("shop", "pods/web-0", "requests")).await.failure();
    assert_eq!(one.code, 404);
    one.assert_contains(&told);
    let list = leadsman.get(&paths::pods("shop", "requests")).await;
    assert_eq!(list.items().len(), 0);
    warns(&list, &told);
    counted(&leadsman, "pods/requests", "unknown_label", "resources.overrides").await;
}

#[tokio::test]
async fn a_metric_selector_with_a_label_that_no_series_has() {
    let series = json!([{"__name__": "requests", "namespace": "shop", "pod": "web-0"}]);
    let upstream = upstream(series, json!([])).await;
    let leadsman = Leadsman::start(config(&upstream, &[rule("requests", SUM)])).await;
    let path = format!("{}?metricLabelSelector=verb%3DGET", paths::pods("shop", "requests"));
    warns(&leadsman.get(&path).await, &["no series of requests has the label 'verb'"]);
}

/// The series are those of an ingress controller, and the autoscaler selects the pods behind it.
#[tokio::test]
async fn a_selector_without_objects_and_objects_without_series() {
    let labels = json!({"namespace": "shop", "pod": "haproxy-1", "service": "faq"});
    let mut series = labels.clone();
    series["__name__"] = "haproxy".into();
    let upstream = upstream(json!([series]), json!([sample(&labels, "15")])).await;
    let config = config(&upstream, &[rule("haproxy", SUM)])
        .pods("shop", &["faq-1", "haproxy-1"])
        .object("services", Some("shop"), "faq", "");
    let leadsman = Leadsman::start(config).await;
    let pods = paths::pods("shop", "haproxy");
    // Twice: an answer that is kept tells its reason, too.
    for _ in 0..2 {
        let none = leadsman.get(&format!("{pods}?labelSelector=app%3Dfaq%2Crelease%3Dx")).await;
        assert_eq!(none.items().len(), 0);
        warns(&none, &["of 4 pods in namespace shop, none has the labels app=faq,release=x"]);
        let without = leadsman.get(&format!("{pods}?labelSelector=app%3Dfaq")).await;
        assert_eq!(without.items().len(), 0);
        warns(&without, &["no value for 1 of 1 pod (faq-1)"]);
        warns(&without, &["values for 1 pod of namespace shop (haproxy-1) and none for this one"]);
    }
    let nowhere = leadsman.get(&paths::pods("nowhere", "haproxy")).await;
    warns(&nowhere, &["there are no pods in namespace nowhere"]);
    let service = paths::object("shop", "services/faq", "haproxy");
    let served = leadsman.get(&service).await;
    assert_eq!((served.value().as_str(), served.header("warning")), ("15", ""));
    counted(&leadsman, "pods/haproxy", "no_object_selected", "nowhere").await;
    counted(&leadsman, "pods/haproxy", "other_objects", "haproxy-1").await;
}

/// Names of other namespaces are nobody's business here.
#[tokio::test]
async fn other_objects_are_named_of_the_same_namespace_alone_and_few() {
    let pod = |namespace: &str, number: usize| {
        sample(&json!({"namespace": namespace, "pod": format!("{namespace}-{number}")}), "1")
    };
    let samples: Vec<_> =
        (0..9).map(|number| pod("bank", number)).chain((0..5).map(|n| pod("shop", n))).collect();
    let upstream = Upstream::start(Reply::vector(&json!(samples))).await;
    let config = Config::shop(&upstream.url())
        .pods("empty", &["web-0"])
        .mapping(Mapping::pods("load").query("q", "load"));
    let leadsman = Leadsman::start(config).await;
    let one = leadsman.get(&paths::object("shop", "pods/web-0", "load")).await.failure();
    assert_eq!(one.code, 404);
    one.assert_contains(&["values for 5 pods of namespace shop (shop-0, shop-1, shop-2, …)"]);
    assert!(!one.message.contains("bank"), "{}", one.message);
    let other = leadsman.get(&paths::object("empty", "pods/web-0", "load")).await.failure();
    other.assert_contains(&["values for 14 pods of other namespaces and none of namespace empty"]);
    for name in ["bank", "shop"] {
        assert!(!other.message.contains(name), "{}", other.message);
    }
}

#[tokio::test]
async fn a_query_without_series_and_objects_that_do_not_exist() {
    let series = json!([{"__name__": "requests", "namespace": "shop", "pod": "web-0"}]);
    let upstream = upstream(series, json!([])).await;
    let config = config(&upstream, &[rule("requests", SUM)])
        .mapping(Mapping::pods("load").query("q", r#"load{namespace="${namespace}"}"#));
    let leadsman = Leadsman::start(config).await;
    let list = leadsman.get(&paths::pods("shop", "load")).await;
    warns(
        &list,
        &["no value for 2 of 2 pods (web-0, web-1)", "the query 'q' was answered without"],
    );
    let list = leadsman.get(&paths::pods("shop", "requests")).await;
    warns(&list, &["the rule's query was answered without series"]);
    let gone = leadsman.get(&paths::object("shop", "pods/gone", "requests")).await.failure();
    gone.assert_contains(&[
        "could not find the metric requests for pods gone",
        "no such object in namespace",
    ]);
    let gone = leadsman.get(&paths::object("shop", "pods/gone", "load")).await.failure();
    gone.assert_contains(&["there is no such object in namespace shop"]);
    counted(&leadsman, "pods/load", "no_object", "gone").await;
    counted(&leadsman, "pods/load", "no_series", "answered without series").await;
}

/// Who writes rules knows neither plugins nor the keys of mappings.
#[tokio::test]
async fn errors_of_rules_are_in_the_words_of_rules() {
    let series = json!([{"__name__": "requests", "namespace": "shop", "pod": "web-0"}]);
    let upstream = upstream(series, json!([sample(&json!({"job": "x"}), "1")])).await;
    let query = "sum(<<.Series>>{<<.LabelMatchers>>}) by (job)";
    let leadsman = Leadsman::start(config(&upstream, &[rule("requests", query)])).await;
    let answer = leadsman.get(&paths::object("shop", "pods/web-0", "requests")).await;
    let failure = answer.failure();
    failure.assert_contains(&["no series has the label \"pod\"|in the label \"pod\""]);
    for word in ["plugin", "per-object", "`object`", "combine"] {
        assert!(!failure.message.contains(word), "{word}: {}", failure.message);
    }
}
