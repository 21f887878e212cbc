//! Values that prometheus-adapter serves: they are not left out.

use leadsman_tests::{Config, History, paths};
use serde_json::{Value, json};

use crate::scene::{Scene, assert_empty, assert_values, overrides, rule, rules, template};

/// The label of the namespace is that of who measured, and not of the node.
#[tokio::test]
async fn series_of_a_node_that_differ_in_their_namespace_alone_agree() {
    let history = History::new()
        .gauge(r#"gpu_busy{namespace="a",node="node-a"}"#, 5.0)
        .gauge(r#"gpu_busy{namespace="b",node="node-a"}"#, 5.0)
        .gauge(r#"gpu_busy{namespace="b",node="node-b"}"#, 7.0);
    let plain = rule(r#"gpu_busy{node!=""}"#, template(), "<<.Series>>{<<.LabelMatchers>>}");
    let config = Config::new()
        .set("rules", &rules(&[plain]))
        .object("nodes", None, "node-a", "")
        .object("nodes", None, "node-b", "");
    let scene = Scene::start(&history, config).await;
    let all = scene.custom("nodes/*/gpu_busy").await;
    assert_values(&all, &[("node-a", 5.0), ("node-b", 7.0)]);
    assert_values(&scene.custom("nodes/node-b/gpu_busy").await, &[("node-b", 7.0)]);
    assert_values(&scene.custom("nodes/node-a/gpu_busy").await, &[("node-a", 5.0)]);
}

/// Series of other namespaces have the label, those of this one have not.
#[tokio::test]
async fn a_namespace_whose_series_name_no_such_object_is_an_empty_list() {
    let history = History::new()
        .gauge(r#"work_done{namespace="shop",pod="web-0"}"#, 5.0)
        .gauge(r#"work_done{namespace="other",job="cleaning"}"#, 5.0);
    let series = r#"{__name__=~"^work_.*",namespace!=""}"#;
    let of_all = rule(series, template(), crate::scene::SUM);
    let config = Config::new().set("rules", &rules(&[of_all])).object(
        "jobs.batch",
        Some("shop"),
        "nightly",
        "app: nightly",
    );
    for arguments in [&[][..], &["--exact-queries"]] {
        let scene = Scene::start_with(&history, config.clone(), arguments).await;
        let jobs = scene.custom("namespaces/shop/jobs.batch/*/work_done").await;
        assert_empty(&jobs, &["job"]);
        let one = scene.custom("namespaces/shop/jobs.batch/nightly/work_done").await.failure();
        assert_eq!(one.code, 404, "{arguments:?} {one:#?}");
        one.assert_contains(&["work_done", "nightly"]);
    }
}

/// The query has no matcher for the namespace; its result names it.
#[tokio::test]
async fn a_result_that_names_its_namespace_belongs_to_that_one() {
    let history = History::new()
        .gauge(r#"busy{namespace="shop",pod="web-0"}"#, 3.0)
        .gauge(r#"busy{namespace="bank",pod="web-0"}"#, 9.0)
        .gauge(r#"busy{namespace="bank",pod="web-1"}"#, 10.0);
    let everywhere = rule(
        r#"busy{namespace!="",pod!=""}"#,
        overrides(&["namespace", "pod"]),
        "sum(busy) by (namespace, pod)",
    );
    let config = Config::new()
        .set("rules", &rules(&[everywhere]))
        .pods("shop", &["web-0", "web-1"])
        .pods("bank", &["web-0", "web-1"]);
    for arguments in [&[][..], &["--exact-queries"]] {
        let scene = Scene::start_with(&history, config.clone(), arguments).await;
        let shop = scene.leadsman.get(&paths::pods("shop", "busy")).await;
        assert_values(&shop, &[("web-0", 3.0)]);
        let bank = scene.leadsman.get(&paths::pods("bank", "busy")).await;
        assert_values(&bank, &[("web-0", 9.0), ("web-1", 10.0)]);
        let one = scene.custom("namespaces/bank/pods/web-0/busy").await;
        assert_values(&one, &[("web-0", 9.0)]);
    }
}

/// What becomes of series that disagree can be chosen for rules.
#[tokio::test]
async fn disagreeing_series_can_be_brought_together() {
    let history = History::new()
        .gauge(r#"waiting_jobs{namespace="shop",pod="queue-0",lane="mail"}"#, 3.0)
        .gauge(r#"waiting_jobs{namespace="shop",pod="queue-0",lane="push"}"#, 40.0)
        .gauge(r#"waiting_jobs{namespace="shop",pod="queue-1",lane="mail"}"#, 5.0);
    let series = r#"waiting_jobs{lane!=""}"#;
    let resources = overrides(&["namespace", "pod"]);
    let plain: Value = rule(series, resources, "<<.Series>>{<<.LabelMatchers>>}");
    let list = rules(&[plain]);
    for (choice, of_both) in [("sum", 43.0), ("max", 40.0)] {
        let config = Config::new()
            .set("rules", &list)
            .set("discovery", &json!({"onSeveral": choice}).to_string())
            .pods("shop", &["queue-0", "queue-1"]);
        let scene = Scene::start(&history, config).await;
        let all = scene.custom("namespaces/shop/pods/*/waiting_jobs").await;
        assert_values(&all, &[("queue-0", of_both), ("queue-1", 5.0)]);
    }
    // One of them, as prometheus-adapter has it.
    let config = Config::new()
        .set("rules", &list)
        .set("discovery", "{onSeveral: first}")
        .pods("shop", &["queue-0"]);
    let scene = Scene::start(&history, config).await;
    let one = scene.custom("namespaces/shop/pods/queue-0/waiting_jobs").await.value();
    assert!(["3", "40"].contains(&one.as_str()), "{one}");
}
