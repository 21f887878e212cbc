//! From one to zero, and from zero to one.

use leadsman_tests::cluster::{Hpa, Metric, Target, Trust, Workload};
use leadsman_tests::{Config, Mapping, Reply, Upstream};
use serde_json::json;

use super::{
    activated, activating, adapter, adapter_of, admin, config, one, told, wait_event,
    wait_replicas, wait_told,
};

#[tokio::test]
async fn a_workload_goes_to_zero_after_the_cooldown_and_from_zero_at_once() {
    let admin = admin().await;
    let web = Workload::deployment(&admin, "act-zero", "web", 1).await;
    let upstream = Upstream::start(one("0")).await;
    let mapping = activating("orders", "act-zero", "web", "cooldown: 8s, minReplicas: 2");
    let adapter = adapter("act-zero").await;
    let leadsman = adapter.start(config(&upstream, [mapping])).await;
    let cooling = wait_told(&leadsman, "orders", "to be taken to zero in").await;
    assert_eq!(web.replicas().await, 1, "{cooling}");
    wait_replicas(&web, 0).await;
    wait_event(&web, "ScaledToZero", "the mapping external/orders: the value has been at or").await;
    wait_told(&leadsman, "orders", "zero").await;
    // Exactly the threshold is not above it.
    upstream.set_reply(one("0.1"));
    wait_replicas(&web, 2).await;
    wait_event(&web, "ScaledFromZero", "scaled to 2 replicas by the mapping external/orders").await;
    wait_told(&leadsman, "orders", "active").await;
    for outcome in ["to_zero", "from_zero"] {
        let labels = [("mapping", "external/orders"), ("outcome", outcome)];
        assert_eq!(leadsman.metric("leadsman_activations_total", &labels).await, Some(1.0));
    }
    // Low again: two replicas are what the mapping leaves zero for, and are taken to zero.
    upstream.set_reply(one("0"));
    wait_replicas(&web, 0).await;
}

#[tokio::test]
async fn a_threshold_is_passed_by_what_is_above_it() {
    let admin = admin().await;
    let web = Workload::deployment(&admin, "act-threshold", "web", 1).await;
    let upstream = Upstream::start(one("5")).await;
    let mapping = activating("orders", "act-threshold", "web", "cooldown: 2s, threshold: 5");
    let adapter = adapter("act-threshold").await;
    let leadsman = adapter.start(config(&upstream, [mapping])).await;
    wait_replicas(&web, 0).await;
    upstream.set_reply(one("5.001"));
    wait_replicas(&web, 1).await;
    wait_told(&leadsman, "orders", "active").await;
}

/// The items that the selector picks are added up, and others do not count.
#[tokio::test]
async fn items_count_that_the_selector_picks() {
    let admin = admin().await;
    let web = Workload::deployment(&admin, "act-items", "web", 1).await;
    let items = |orders: [&str; 2], mail: &str| {
        let item = |queue: &str, shard: &str, value: &str| json!({"metric": {"queue": queue, "shard": shard}, "value": [1, value]});
        let [one, two] = orders;
        let orders = [item("orders", "a", one), item("orders", "b", two)];
        Reply::vector(&json!([orders[0], orders[1], item("mail", "a", mail)]))
    };
    let upstream = Upstream::start(items(["1", "1"], "100")).await;
    let keys = "cooldown: 2s, threshold: 2, selector: queue=orders";
    let mapping = activating("waiting", "act-items", "web", keys);
    let adapter = adapter("act-items").await;
    let _leadsman = adapter.start(config(&upstream, [mapping])).await;
    wait_replicas(&web, 0).await;
    upstream.set_reply(items(["1", "2"], "0"));
    wait_replicas(&web, 1).await;
}

/// The value of one object of a custom metric.
#[tokio::test]
async fn an_object_counts_that_is_named() {
    let admin = admin().await;
    let web = Workload::deployment(&admin, "act-object", "web", 1).await;
    let spec = json!({"clusterIP": "None", "ports": [{"port": 80}]});
    for name in ["front", "other"] {
        let metadata = json!({"namespace": "act-object", "name": name});
        let service =
            json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec});
        admin.apply(&service).await;
    }
    let services = |front: &str| {
        let of = |name: &str, value: &str| {
            let labels = json!({"namespace": "act-object", "service": name});
            json!({"metric": labels, "value": [1, value]})
        };
        Reply::vector(&json!([of("front", front), of("other", "100")]))
    };
    let upstream = Upstream::start(services("0")).await;
    let mapping = Mapping::custom("busy", "services")
        .query("q", r#"busy{namespace="${namespace}"}"#)
        .plugin("per-object", "object: service");
    let mapping = activated(mapping, "act-object", "web", "cooldown: 2s, object: front");
    let adapter = adapter_of("act-object", &["services"]).await;
    let _leadsman = adapter.start(config(&upstream, [mapping])).await;
    wait_replicas(&web, 0).await;
    upstream.set_reply(services("3"));
    wait_replicas(&web, 1).await;
}

/// Two mappings of one workload: either is enough to run it.
#[tokio::test]
async fn a_workload_of_several_mappings_runs_while_one_of_them_is_above() {
    let admin = admin().await;
    let web = Workload::deployment(&admin, "act-several", "web", 1).await;
    let [orders, mail] = [Upstream::start(one("0")).await, Upstream::start(one("7")).await];
    let of = |metric: &str| {
        let mapping = Mapping::external(metric).query_from(metric, "q", metric);
        activated(mapping, "act-several", "web", "cooldown: 2s")
    };
    let config = Config::new()
        .prometheus("orders", &orders.url())
        .prometheus("mail", &mail.url())
        .mapping(of("orders"))
        .mapping(of("mail"));
    let adapter = adapter("act-several").await;
    let leadsman = adapter.start(config).await;
    wait_told(&leadsman, "orders", "active").await;
    assert_eq!(told(&leadsman, "mail").await, "active");
    assert_eq!(web.replicas().await, 1);
    mail.set_reply(one("0"));
    wait_replicas(&web, 0).await;
    orders.set_reply(one("1"));
    wait_replicas(&web, 1).await;
}

/// The first few replicas are the activator's, and 1 to N the autoscaler's.
#[tokio::test]
async fn the_autoscaler_scales_from_one_on_and_the_activator_to_zero() {
    let admin = admin().await;
    let workers = Workload::deployment(&admin, "act-hpa", "workers", 1).await;
    let upstream = Upstream::start(one("25")).await;
    let mapping = activating("backlog", "act-hpa", "workers", "cooldown: 3s");
    let adapter = adapter("act-hpa").await;
    let leadsman = adapter.start(config(&upstream, [mapping])).await;
    let trusted = adapter.authority().pem();
    let trust = Trust::Authority(&trusted);
    let registration = adapter.register(leadsman.api().port(), trust).await;
    let metric = Metric::external("backlog", Target::Average("10"));
    let hpa = Hpa::create(&admin, &workers, 1..=9, &[metric]).await;
    hpa.wait_desired(3).await;
    upstream.set_reply(one("0"));
    wait_replicas(&workers, 0).await;
    let condition = hpa.wait_condition("ScalingActive", "scaling is disabled").await;
    assert_eq!(condition.reason, "ScalingDisabled", "{condition:?}");
    upstream.set_reply(one("25"));
    hpa.wait_desired(3).await;
    for outcome in ["to_zero", "from_zero"] {
        let labels = [("outcome", outcome)];
        assert_eq!(leadsman.metric("leadsman_activations_total", &labels).await, Some(1.0));
    }
    registration.remove().await;
}
