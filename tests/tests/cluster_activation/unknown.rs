//! What is not known scales nothing to zero, and starts nothing.

use leadsman_tests::cluster::{ConfigMap, Workload};
use leadsman_tests::{Leadsman, Reply, Upstream};
use serde_json::json;

use super::{activating, adapter, admin, config, one, wait_reads, wait_replicas, wait_told};

/// The policies under which a read succeeds although nothing is known.
const POLICIES: [(&str, &str, &str); 4] = [
    ("failed", "onError", "fail"),
    ("old", "onError", "{lastGood: 10m}"),
    ("stated", "onError", "{lastGood: 1ms, then: {value: 0}}"),
    ("asked", "onError", "{lastGood: 1ms, then: {replicas: 0, target: 10}}"),
];

#[tokio::test]
async fn a_source_that_fails_never_scales_to_zero() {
    let admin = admin().await;
    let mut upstream = Upstream::start(one("0")).await;
    let (mut mappings, mut workloads) = (Vec::new(), Vec::new());
    for (name, key, policy) in POLICIES {
        workloads.push(Workload::deployment(&admin, "act-failing", name, 1).await);
        let mapping = activating(name, "act-failing", name, "cooldown: 15s");
        mappings.push(mapping.set(key, policy));
    }
    let adapter = adapter("act-failing").await;
    let leadsman = adapter.start(config(&upstream, mappings)).await;
    for (name, ..) in POLICIES {
        wait_told(&leadsman, name, "to be taken to zero in").await;
    }
    upstream.stop().await;
    for (name, ..) in POLICIES {
        wait_told(&leadsman, name, "held: the value is not known now").await;
    }
    // For longer than the cooldown.
    for (name, ..) in POLICIES {
        wait_reads(&leadsman, name, 5.0).await;
    }
    for workload in &workloads {
        assert_eq!(workload.replicas().await, 1, "{}", workload.name());
    }
    // The cooldown begins anew with the first value that is known.
    upstream.restart().await;
    for (name, ..) in POLICIES {
        wait_told(&leadsman, name, "to be taken to zero in").await;
    }
    for workload in &workloads {
        wait_replicas(workload, 0).await;
    }
}

/// The answer is empty, and a default or a policy for what is no number says 0.
#[tokio::test]
async fn what_stands_for_a_value_never_scales_to_zero_and_starts_nothing() {
    let admin = admin().await;
    let nan = json!([{"metric": {"queue": "orders"}, "value": [1, "NaN"]}]);
    for (namespace, reply, key, policies) in [
        ("act-absent", Reply::vector(&json!([])), "onAbsent", ["{default: 0}", "{default: 9}"]),
        ("act-nan", Reply::vector(&nan), "onNaN", ["{value: 0}", "{value: 9}"]),
    ] {
        let upstream = Upstream::start(reply).await;
        let runs = Workload::deployment(&admin, namespace, "runs", 1).await;
        let idle = Workload::deployment(&admin, namespace, "idle", 0).await;
        let [zero, nine] = policies;
        let keys = "cooldown: 2s, takeOver: true";
        let mappings = [
            activating("low", namespace, "runs", keys).set(key, zero),
            activating("high", namespace, "idle", keys).set(key, nine),
        ];
        let adapter = adapter(namespace).await;
        let leadsman = adapter.start(config(&upstream, mappings)).await;
        for metric in ["low", "high"] {
            wait_told(&leadsman, metric, "held: the value is not known now").await;
            wait_reads(&leadsman, metric, 5.0).await;
        }
        assert_eq!((runs.replicas().await, idle.replicas().await), (1, 0), "{namespace}");
        // Known now.
        upstream.set_reply(one("0"));
        wait_replicas(&runs, 0).await;
        upstream.set_reply(one("1"));
        wait_replicas(&idle, 1).await;
    }
}

/// Thanos and others warn when an answer is partial: what is missing may be the load.
#[tokio::test]
async fn a_low_value_with_a_warning_never_scales_to_zero() {
    let admin = admin().await;
    let warned = |value: &str| {
        let item = json!({"metric": {"queue": "orders"}, "value": [1, value]});
        let data = json!({"resultType": "vector", "result": [item]});
        let body = json!({"status": "success", "warnings": ["store-1 is gone"], "data": data});
        Reply::json(200, &body)
    };
    let upstream = Upstream::start(warned("0")).await;
    let namespace = "act-warned";
    let runs = Workload::deployment(&admin, namespace, "runs", 1).await;
    let idle = Workload::deployment(&admin, namespace, "idle", 0).await;
    let keys = "cooldown: 2s, takeOver: true";
    let mappings = ["runs", "idle"].map(|name| activating(name, namespace, name, keys));
    let adapter = adapter(namespace).await;
    let leadsman = adapter.start(config(&upstream, mappings)).await;
    for metric in ["runs", "idle"] {
        let told = wait_told(&leadsman, metric, "held: the value is not known now").await;
        assert!(told.contains("store-1 is gone"), "{told}");
        wait_reads(&leadsman, metric, 5.0).await;
    }
    assert_eq!((runs.replicas().await, idle.replicas().await), (1, 0));
    // What is above the threshold is so with the rest as well.
    upstream.set_reply(warned("1"));
    wait_replicas(&idle, 1).await;
    upstream.set_reply(one("0"));
    wait_replicas(&runs, 0).await;
    wait_replicas(&idle, 0).await;
}

/// One of two mappings of a workload cannot be loaded: what its value would be is not known.
#[tokio::test]
async fn a_mapping_that_cannot_be_loaded_never_scales_to_zero() {
    let admin = admin().await;
    let namespace = "act-missing";
    let adapter = adapter(namespace).await;
    adapter.account().allow_config_map(&admin, namespace, "settings").await;
    let web = Workload::deployment(&admin, namespace, "web", 1).await;
    let upstream = Upstream::start(one("5")).await;
    let mapping = |metric: &str| activating(metric, namespace, "web", "cooldown: 2s");
    let settings = ConfigMap::of_operator(&admin, namespace, "settings");
    settings.write(config(&upstream, [mapping("low")])).await;
    let launched = adapter.launch_config_map(&settings.owner(), &[]).await;
    let leadsman = Leadsman::expect_ready(launched).await;

    let broken = mapping("other").plugin("external", "labels: 5");
    settings.write(config(&upstream, [mapping("low"), broken])).await;
    leadsman.wait_rejected("ConfigInvalid", &[]).await;
    upstream.set_reply(one("0"));
    let told = wait_told(&leadsman, "low", "held: the value is not known now").await;
    assert!(told.contains("external/other: it is not loaded"), "{told}");
    wait_reads(&leadsman, "low", 5.0).await;
    assert_eq!(web.replicas().await, 1);

    settings.write(config(&upstream, [mapping("low"), mapping("other")])).await;
    wait_replicas(&web, 0).await;
}
