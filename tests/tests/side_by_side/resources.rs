//! Rules of resource metrics.

use crate::differences;
use crate::sides::{RESOURCES, Sides, below};

const RULES: &str = "resource-metrics";

const REQUESTS: &[&str] = &[
    "nodes",
    "nodes/node-a",
    "nodes/node-b",
    "nodes/node-c",
    "nodes?labelSelector=zone%3Dsouth",
    "nodes?labelSelector=zone%3Dwest",
    "nodes?labelSelector=%3D%3D",
    "namespaces/annex/pods",
    "namespaces/annex/pods?labelSelector=app%3Dweb",
    "pods?labelSelector=app%3Dnobody",
    "namespaces/nowhere/pods",
    "namespaces/shop/pods?labelSelector=app%3Dnobody",
    "namespaces/shop/pods/silent-0",
    "namespaces/shop/pods/myvernemq-0",
    "namespaces/shop/pods/nobody-0",
    "namespaces/annex/pods/web-0",
    "pods?fieldSelector=metadata.namespace%3Dannex",
    "nodes?fieldSelector=metadata.name%3Dnode-a",
    "services",
];

#[tokio::test]
async fn rules_of_resource_metrics() {
    let sides = Sides::start(RULES).await;
    sides.list_the_same(&["nodes", "pods"]).await;
    sides.compare(&below(RESOURCES, REQUESTS), differences::RESOURCES).await;
}

/// The cgroup of a whole pod has no name of a container, and counts everything twice.
#[tokio::test]
async fn rules_of_resource_metrics_that_leave_no_cgroup_out() {
    let sides = Sides::start("resource-metrics-whole").await;
    sides.list_the_same(&["nodes", "pods"]).await;
    sides.compare(&below(RESOURCES, &["nodes/node-a"]), differences::WHOLE).await;
}

#[tokio::test]
async fn rules_of_resource_metrics_whose_queries_fail() {
    let sides = Sides::start("resource-metrics-failing").await;
    sides.list_the_same(&["nodes", "pods"]).await;
    sides.compare(&[], differences::FAILING).await;
}
