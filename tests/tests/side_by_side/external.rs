//! Features of rules of external metrics.

use leadsman_tests::paths::EXTERNAL;

use crate::differences;
use crate::sides::{Sides, below};

const RULES: &str = "external";

const REQUESTS: &[&str] = &[
    "namespaces/shop/queue_depth",
    "namespaces/annex/queue_depth",
    "namespaces/default/queue_depth",
    "namespaces/nowhere/queue_depth",
    "namespaces/shop/queue_depth/",
    "namespaces/shop/queue_depth?labelSelector=queue%3Dhigh",
    "namespaces/shop/queue_depth?labelSelector=queue!%3Dhigh",
    "namespaces/shop/queue_depth?labelSelector=queue%20in%20(high,low)",
    "namespaces/shop/queue_depth?labelSelector=queue%20in%20(high)",
    "namespaces/shop/queue_depth?labelSelector=queue%20notin%20(high,middle)",
    "namespaces/shop/queue_depth?labelSelector=queue%20notin%20(high)",
    "namespaces/shop/queue_depth?labelSelector=tier",
    "namespaces/annex/queue_depth?labelSelector=tier",
    "namespaces/annex/queue_depth?labelSelector=!tier",
    "namespaces/annex/queue_depth?labelSelector=tier%3Dgold,queue%3Dhigh",
    "namespaces/shop/queue_depth?labelSelector=%3D%3D",
    "namespaces/shop/raw_depth",
    "namespaces/annex/raw_depth?labelSelector=queue%3Dhigh",
    "namespaces/shop/depth_everywhere",
    "namespaces/nowhere/depth_everywhere",
    "namespaces/*/depth_everywhere",
    "namespaces/*/depth_everywhere?labelSelector=queue%3Dhigh",
    "namespaces/shop/depth_everywhere?labelSelector=queue%3Dhigh",
    "namespaces/shop/batch_lag",
    "namespaces/annex/batch_lag",
    "namespaces/shop/in_rate",
    "namespaces/shop/by_values",
    "namespaces/shop/by_values?labelSelector=queue%3Dhi",
    "namespaces/shop/by_nothing",
    "namespaces/shop/nothing",
    "namespaces/shop/of_two",
    "namespaces/shop/value_cut",
    "namespaces/shop/value_negative",
    "namespaces/shop/value_large",
];

#[tokio::test]
async fn rules_of_external_metrics() {
    let sides = Sides::start(RULES).await;
    sides
        .list_the_same(&[
            "raw_depth",
            "depth_everywhere",
            "batch_lag",
            "in_rate",
            "one_number",
            "of_two",
        ])
        .await;
    sides.compare(&below(EXTERNAL, REQUESTS), differences::EXTERNAL).await;
}
