//! Beside an autoscaler that scales to zero itself.

use leadsman_tests::Upstream;
use leadsman_tests::cluster::{Hpa, Metric, Target, Workload};

use super::{
    activating, adapter, admin, config, one, wait_event, wait_reads, wait_replicas, wait_told,
};

#[tokio::test]
async fn an_autoscaler_that_scales_to_zero_itself_is_left_in_charge() {
    let admin = admin().await;
    let web = Workload::deployment(&admin, "act-gate", "web", 1).await;
    // Of a metric that nobody serves, so that it changes nothing.
    let metric = || Metric::external("nobody_serves_this", Target::Average("10"));
    Hpa::create(&admin, &web, 0..=5, &[metric()]).await;
    let upstream = Upstream::start(one("0")).await;
    let mapping = activating("orders", "act-gate", "web", "cooldown: 2s");
    let adapter = adapter("act-gate").await;
    let leadsman = adapter.start(config(&upstream, [mapping])).await;
    wait_told(&leadsman, "orders", "left to the HorizontalPodAutoscaler web").await;
    wait_event(&web, "ActivationLeft", "minReplicas: 0").await;
    wait_reads(&leadsman, "orders", 5.0).await;
    assert_eq!(web.replicas().await, 1);
    // With one that does not, it is the activator's.
    Hpa::create(&admin, &web, 1..=5, &[metric()]).await;
    wait_replicas(&web, 0).await;
}
