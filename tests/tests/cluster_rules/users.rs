//! Users who have one rule each, in one file.

use std::sync::Arc;

use leadsman_tests::cluster::{Stage, users};
use leadsman_tests::rules::joined;

fn stage() -> Arc<Stage> {
    // The brokers' rule applies to every label that names a kind.
    let watched = ["pods", "services", "namespaces", "nodes", "jobs.batch"];
    Stage::of_rules(&joined(&["vernemq", "counter"]), &watched)
}

#[tokio::test]
async fn brokers_are_as_many_as_their_messages_need() {
    users::brokers_are_as_many_as_their_messages_need(&stage().traffic).await;
}

#[tokio::test]
async fn a_counter_application_scales_by_its_counter() {
    users::a_counter_application_scales_by_its_counter(&stage().traffic).await;
}
