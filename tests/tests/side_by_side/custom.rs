//! Features of rules of custom metrics.

use crate::differences;
use crate::sides::{Sides, custom};

const RULES: &str = "custom";

const REQUESTS: &[&str] = &[
    // A metric of several kinds.
    "namespaces/shop/pods/*/requests",
    "namespaces/shop/services/*/requests",
    "namespaces/shop/services/front/requests",
    "namespaces/shop/metrics/requests",
    "namespaces/shop/pods/*/of_two",
    "namespaces/shop/pods/web-0/of_two",
    "namespaces/shop/pods/*/pair",
    "namespaces/shop/pods/web-0/pair",
    // Kinds in API groups.
    "namespaces/shop/deployments.apps/web/replicas_wanted",
    "namespaces/shop/deployments.apps/*/replicas_wanted",
    "namespaces/shop/pods/*/jobs",
    "namespaces/shop/deployments.apps/web/jobs",
    "namespaces/shop/deployments.apps/web/grouped_depth",
    "namespaces/shop/services/front/grouped_depth",
    // Cluster-scoped kinds.
    "nodes/*/node_heat",
    "nodes/node-a/node_heat",
    "nodes/node-a/node_heat?metricLabelSelector=zone%3Dsouth",
    "nodes/*/node_heat?labelSelector=zone%3Dsouth",
    "nodes/node-c/node_heat",
    "persistentvolumes/disk/disk_used",
    "persistentvolumes/*/disk_used",
    // Templates.
    "namespaces/shop/pods/*/by_values",
    "namespaces/shop/pods/web-0/by_values",
    "namespaces/shop/pods/web-0/by_values?metricLabelSelector=version%3D4",
    "namespaces/shop/pods/*/by_range",
    "namespaces/shop/pods/web-0/by_range?metricLabelSelector=version%3D4",
    "namespaces/shop/pods/*/by_pipe",
    "namespaces/shop/pods/web-1/by_pipe",
    "namespaces/shop/metrics/by_pipe",
    // Names.
    "namespaces/shop/pods/*/apples_of_red",
    "namespaces/shop/pods/web-1/pears_of_green",
    "namespaces/shop/pods/web-1/plums_of_blue",
    "namespaces/shop/pods/web-1/named_plain",
    // Values.
    "namespaces/shop/pods/web-0/value_large",
    "namespaces/shop/pods/web-0/value_negative",
    "namespaces/shop/pods/web-0/value_zero",
    "namespaces/shop/pods/web-0/value_cut",
    "namespaces/shop/pods/web-0/value_kilo",
    // Results.
    "namespaces/shop/pods/*/ungrouped?metricLabelSelector=version%3D5",
    "namespaces/shop/pods/*/never",
    "namespaces/shop/pods/web-0/never",
];

#[tokio::test]
async fn rules_of_custom_metrics() {
    let sides = Sides::start(RULES).await;
    sides
        .list_the_same(&[
            "pods/requests",
            "services/requests",
            "namespaces/requests",
            "pods/of_two",
            "deployments.apps/replicas_wanted",
            "deployments.apps/jobs",
            "pods/jobs",
            "deployments.apps/grouped_depth",
            "nodes/node_heat",
            "persistentvolumes/disk_used",
            "pods/by_values",
            "pods/apples_of_red",
            "pods/pears_of_green",
            "pods/one_number",
        ])
        .await;
    sides.compare(&custom(REQUESTS), differences::CUSTOM).await;
}

/// What the page of differences says of `onNaN`: with it, NaN is answered as by theirs.
#[tokio::test]
async fn nan_is_answered_alike_where_zero_stands_for_it() {
    let sides = Sides::start_with_zero_for_nan(RULES).await;
    sides.list_the_same(&["pods/value_not_a_number"]).await;
    let paths = custom(&[
        "namespaces/shop/pods/web-0/value_not_a_number",
        "namespaces/shop/pods/*/value_not_a_number",
    ]);
    sides.compare(&paths, &[]).await;
}
