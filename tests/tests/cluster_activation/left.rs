//! Workloads that are left to persons, that vanish, and that there are no rights on.

use leadsman_tests::Upstream;
use leadsman_tests::cluster::{Adapter, ControlPlane, Workload, path_of};
use serde_json::json;

use super::{
    activating, adapter, admin, config, one, wait_event, wait_reads, wait_replicas, wait_told,
};

#[tokio::test]
async fn a_zero_that_a_person_has_set_is_left_alone_unless_it_is_to_be_taken_over() {
    let admin = admin().await;
    let by_hand = Workload::deployment(&admin, "act-hand", "by-hand", 0).await;
    let taken = Workload::deployment(&admin, "act-hand", "taken", 0).await;
    let upstream = Upstream::start(one("5")).await;
    let mappings = [
        activating("left", "act-hand", "by-hand", "cooldown: 2s"),
        activating("taken", "act-hand", "taken", "cooldown: 2s, takeOver: true"),
    ];
    let adapter = adapter("act-hand").await;
    let leadsman = adapter.start(config(&upstream, mappings)).await;
    wait_replicas(&taken, 1).await;
    wait_told(&leadsman, "left", "left alone: somebody else has set its replicas to 0").await;
    wait_event(&by_hand, "ActivationLeft", "takeOver: true").await;
    wait_reads(&leadsman, "left", 5.0).await;
    assert_eq!(by_hand.replicas().await, 0);
    // Once a person starts it, the activator stops and starts it as any other.
    by_hand.scale(1).await;
    wait_told(&leadsman, "left", "active").await;
    upstream.set_reply(one("0"));
    wait_replicas(&by_hand, 0).await;
    upstream.set_reply(one("5"));
    wait_replicas(&by_hand, 1).await;
}

/// The zero is a person's although the activator had set one before.
#[tokio::test]
async fn a_zero_is_that_of_who_set_it_last() {
    let admin = admin().await;
    let plane = ControlPlane::shared().await;
    let web = Workload::deployment(&admin, "act-last", "web", 1).await;
    let upstream = Upstream::start(one("0")).await;
    let mapping = activating("orders", "act-last", "web", "cooldown: 2s");
    let adapter = adapter("act-last").await;
    let leadsman = adapter.start(config(&upstream, [mapping])).await;
    wait_replicas(&web, 0).await;
    // As persons do it.
    for replicas in ["2", "0"] {
        let count = format!("--replicas={replicas}");
        plane.kubectl(&["scale", "deployment", "web", "-n", "act-last", &count]).await.ok();
    }
    upstream.set_reply(one("5"));
    wait_told(&leadsman, "orders", "left alone").await;
    wait_reads(&leadsman, "orders", 5.0).await;
    assert_eq!(web.replicas().await, 0);
}

/// A new version that is rolled out at zero does not make the zero a person's.
#[tokio::test]
async fn a_workload_that_is_updated_at_zero_is_started_all_the_same() {
    let admin = admin().await;
    let web = Workload::deployment(&admin, "act-update", "web", 1).await;
    let upstream = Upstream::start(one("0")).await;
    let mapping = activating("orders", "act-update", "web", "cooldown: 2s");
    let adapter = adapter("act-update").await;
    let leadsman = adapter.start(config(&upstream, [mapping])).await;
    wait_replicas(&web, 0).await;
    let path = path_of(&json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": "act-update", "name": "web"},
    }));
    let metadata = json!({"annotations": {"example.com/version": "2"}});
    admin.merge(&path, &json!({"spec": {"template": {"metadata": metadata}}})).await;
    upstream.set_reply(one("5"));
    wait_replicas(&web, 1).await;
    wait_told(&leadsman, "orders", "active").await;
}

/// More replicas than zero is left for are an autoscaler's or a person's.
#[tokio::test]
async fn what_has_more_replicas_than_the_least_is_not_taken_to_zero() {
    let admin = admin().await;
    let web = Workload::deployment(&admin, "act-more", "web", 3).await;
    let upstream = Upstream::start(one("0")).await;
    let mapping = activating("orders", "act-more", "web", "cooldown: 2s");
    let adapter = adapter("act-more").await;
    let leadsman = adapter.start(config(&upstream, [mapping])).await;
    wait_told(&leadsman, "orders", "waiting for its autoscaler, which keeps 3 replicas").await;
    wait_reads(&leadsman, "orders", 5.0).await;
    assert_eq!(web.replicas().await, 3);
    web.scale(1).await;
    wait_replicas(&web, 0).await;
}

#[tokio::test]
async fn a_workload_that_is_deleted_is_told_and_costs_the_others_nothing() {
    let admin = admin().await;
    let gone = Workload::deployment(&admin, "act-gone", "gone", 1).await;
    let other = Workload::deployment(&admin, "act-gone", "other", 1).await;
    let upstream = Upstream::start(one("0")).await;
    let mappings = [
        activating("gone", "act-gone", "gone", "cooldown: 2s"),
        activating("other", "act-gone", "other", "cooldown: 2s"),
    ];
    let adapter = adapter("act-gone").await;
    let leadsman = adapter.start(config(&upstream, mappings)).await;
    wait_replicas(&gone, 0).await;
    gone.delete().await;
    upstream.set_reply(one("5"));
    wait_told(&leadsman, "gone", "it cannot be scaled: there is no such workload").await;
    wait_replicas(&other, 1).await;
    let failed = [("mapping", "external/gone"), ("outcome", "failed")];
    assert!(leadsman.metric("leadsman_activations_total", &failed).await >= Some(1.0));
    // Another of the name is another: its zero is not ours.
    let again = Workload::deployment(&admin, "act-gone", "gone", 0).await;
    wait_told(&leadsman, "gone", "left alone").await;
    assert_eq!(again.replicas().await, 0);
}

#[tokio::test]
async fn a_right_that_is_missing_is_named() {
    let admin = admin().await;
    let plane = ControlPlane::shared().await;
    let web = Workload::deployment(&admin, "act-rights", "web", 1).await;
    let upstream = Upstream::start(one("0")).await;
    let mapping = activating("orders", "act-rights", "web", "cooldown: 2s");
    let adapter = Adapter::new(plane, "act-rights", &[]).await;
    let leadsman = adapter.start(config(&upstream, [mapping])).await;
    let told = wait_told(&leadsman, "orders", "not looked at").await;
    for part in ["the Lease leadsman-activator", "forbidden", "leases", &adapter.user()] {
        assert!(told.contains(part), "{part}: {told}");
    }
    adapter.account().allow_lease(&admin).await;
    let told = wait_told(&leadsman, "orders", "it cannot be scaled").await;
    for part in ["forbidden", "deployments/scale", &adapter.user()] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(web.replicas().await, 1);
    adapter.account().allow_scaling(&admin).await;
    wait_replicas(&web, 0).await;
}
