//! Users who have one rule each, in one file.

use std::sync::Arc;

use leadsman_tests::cluster::{ClusterStack, users};
use leadsman_tests::rules::joined;

fn stage() -> Arc<ClusterStack> {
    // The brokers' rule applies to every label that names a kind.
    let watched = ["pods", "services", "namespaces", "nodes", "jobs.batch"];
    ClusterStack::of_rules(&joined(&["vernemq", "counter"]), &watched)
}

#[tokio::test]
async fn vernemq_scales_by_message_rate() {
    users::vernemq_scales_by_message_rate(&stage().traffic).await;
}

#[tokio::test]
async fn go_counter_scales_by_counter_value() {
    users::go_counter_scales_by_counter_value(&stage().traffic).await;
}
