//! Several replicas of the adapter: one acts.

use leadsman_tests::cluster::{ACTIVATOR_LEASE, ApiClient, Workload, path_of};
use leadsman_tests::{Leadsman, Mapping, Upstream, eventually};
use serde_json::json;

use super::{TIMEOUT, activating, adapter, admin, config, one, wait_replicas};

/// Who holds the Lease, as it stands there.
async fn holder(admin: &ApiClient, namespace: &str) -> String {
    let path = path_of(&json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"namespace": namespace, "name": ACTIVATOR_LEASE},
    }));
    let lease = admin.find(&path).await.unwrap_or_default();
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}

async fn leads(leadsman: &Leadsman) -> bool {
    leadsman.metric("leadsman_activator_leads", &[]).await == Some(1.0)
}

/// Waits until exactly one of two leads. Gives which.
async fn wait_leader(both: [&Leadsman; 2]) -> usize {
    eventually("a leader", TIMEOUT, async || match [leads(both[0]).await, leads(both[1]).await] {
        [true, false] => Ok(0),
        [false, true] => Ok(1),
        neither => Err(format!("{neither:?}")),
    })
    .await
}

async fn acted(leadsman: &Leadsman, outcome: &str) -> f64 {
    let labels = [("outcome", outcome)];
    leadsman.metric("leadsman_activations_total", &labels).await.unwrap_or(0.0)
}

#[tokio::test]
async fn one_of_two_replicas_acts_and_the_other_takes_over_when_it_is_killed() {
    let admin = admin().await;
    let web = Workload::deployment(&admin, "act-two", "web", 1).await;
    let upstream = Upstream::start(one("0")).await;
    let adapter = adapter("act-two").await;
    let config = || config(&upstream, [activating("orders", "act-two", "web", "cooldown: 2s")]);
    let (first, second) = tokio::join!(adapter.start(config()), adapter.start(config()));
    let leader = wait_leader([&first, &second]).await;
    wait_replicas(&web, 0).await;
    let (leader, other) = if leader == 0 { (first, second) } else { (second, first) };
    assert_eq!((acted(&leader, "to_zero").await, acted(&other, "to_zero").await), (1.0, 0.0));
    let before = holder(&admin, "act-two").await;
    // Without a chance to give up the Lease.
    drop(leader);
    upstream.set_reply(one("5"));
    wait_replicas(&web, 1).await;
    assert_eq!(acted(&other, "from_zero").await, 1.0);
    let after = holder(&admin, "act-two").await;
    assert!(!after.is_empty() && after != before, "{before} and {after}");
}

#[tokio::test]
async fn a_replica_that_ends_gives_up_the_lease() {
    let admin = admin().await;
    let web = Workload::deployment(&admin, "act-ends", "web", 1).await;
    let upstream = Upstream::start(one("5")).await;
    let adapter = adapter("act-ends").await;
    let config = || config(&upstream, [activating("orders", "act-ends", "web", "cooldown: 2s")]);
    let leader = adapter.start(config()).await;
    eventually(
        "a leader",
        TIMEOUT,
        async || {
            if leads(&leader).await { Ok(()) } else { Err(leader.log()) }
        },
    )
    .await;
    leader.terminate();
    eventually("the end of the leader", TIMEOUT, async || {
        let log = leader.log();
        if log.contains("the Lease is given up") { Ok(()) } else { Err(log) }
    })
    .await;
    assert!(leader.exit().await.success());
    assert_eq!(holder(&admin, "act-ends").await, "");
    let next = adapter.start(config()).await;
    upstream.set_reply(one("0"));
    wait_replicas(&web, 0).await;
    assert_eq!(acted(&next, "to_zero").await, 1.0);
}

/// Without mappings that activate something, nothing is asked of the cluster.
#[tokio::test]
async fn without_something_to_activate_no_lease_is_held() {
    let admin = admin().await;
    let upstream = Upstream::start(one("5")).await;
    let adapter = adapter("act-none").await;
    let plain = Mapping::external("orders").query("q", "orders");
    let leadsman = adapter.start(config(&upstream, [plain])).await;
    assert!(!leads(&leadsman).await);
    leadsman.terminate();
    assert!(leadsman.exit().await.success());
    assert_eq!(holder(&admin, "act-none").await, "");
}
