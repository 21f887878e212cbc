//! Features of rules of custom metrics.

use std::time::Duration;

use leadsman_tests::cluster::ControlPlane;
use leadsman_tests::paths::{CUSTOM_V2, EXTERNAL};
use leadsman_tests::{Answer, eventually};

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

const TIMEOUT: Duration = Duration::from_secs(40);

/// What no single answer shows.
#[tokio::test]
async fn what_several_requests_show() {
    let sides = Sides::start(RULES).await;
    sides.list_the_same(&["pods/of_all_namespaces", "replicationcontrollers/controlled"]).await;
    a_pod_of_another_namespace(&sides).await;
    lists_of_objects(&sides).await;
    times(&sides).await;
    let (theirs, ours) = sides.raw(EXTERNAL).await;
    assert_eq!(theirs.status, 404, "an API without rules: {theirs:#?}");
    assert_eq!(ours.ok()["resources"].as_array().map(Vec::len), Some(0), "{ours:#?}");
}

/// The result has a series for the pod of each namespace. Theirs takes one of them for both.
async fn a_pod_of_another_namespace(sides: &Sides) {
    let values = [("shop", "21750m"), ("annex", "100")];
    eventually("a value of another namespace", TIMEOUT, async || {
        let mut theirs = Vec::new();
        for (namespace, value) in values {
            let path = format!("{CUSTOM_V2}/namespaces/{namespace}/pods/web-0/of_all_namespaces");
            let (there, here) = sides.raw(&path).await;
            assert_eq!(here.value(), value, "{here:#?}");
            theirs.push(there.value());
        }
        match theirs.iter().zip(values).any(|(there, (_, value))| *there != value) {
            true => Ok(()),
            false => Err(format!("{theirs:?}")),
        }
    })
    .await;
}

/// Whether objects are listed for a read: kube-apiserver counts it, and no other test reads metrics of
/// this kind.
async fn lists_of_objects(sides: &Sides) {
    let plane = ControlPlane::shared().await;
    let lists = async || {
        let metrics = plane.admin().read("/metrics").await.body;
        let is_list = |line: &&str| {
            line.starts_with("apiserver_request_total{")
                && line.contains("resource=\"replicationcontrollers\"")
                && line.contains("verb=\"LIST\"")
        };
        let count =
            |line: &str| line.rsplit(' ').next().and_then(|count| count.parse::<f64>().ok());
        metrics.lines().filter(is_list).filter_map(count).sum::<f64>()
    };
    let path = format!("{CUSTOM_V2}/namespaces/shop/replicationcontrollers/*/controlled");
    let (theirs, ours) = sides.raw(&path).await;
    assert_eq!((theirs.value(), ours.value()), ("7".to_owned(), "7".to_owned()));
    let before = lists().await;
    for _ in 0..3 {
        sides.raw(&path).await;
    }
    // Ours has listed them with its first read, and watches them since.
    let more = lists().await - before;
    assert!((more - 3.0).abs() < 0.5, "{more}, and not one for each read of theirs");
}

/// Theirs is the time of the read, ours that of the evaluation.
async fn times(sides: &Sides) {
    let path = format!("{CUSTOM_V2}/namespaces/shop/pods/web-0/value_zero");
    let time = |answer: &Answer| {
        let time = answer.ok()["items"][0]["timestamp"].clone();
        time.as_str().expect("a time").to_owned()
    };
    let (theirs, ours) = sides.raw(&path).await;
    let (theirs, ours) = (time(&theirs), time(&ours));
    eventually("a later time of theirs", TIMEOUT, async || {
        let (there, here) = sides.raw(&path).await;
        // Values are refreshed every 5 s at most, and times have seconds.
        assert_eq!(time(&here), ours, "{here:#?}");
        if time(&there) > theirs { Ok(()) } else { Err(theirs.clone()) }
    })
    .await;
}
