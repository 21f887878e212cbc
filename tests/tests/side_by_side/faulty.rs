//! Rules that one of both does not take.

use leadsman_tests::cluster::{ControlPlane, PrometheusAdapter};
use leadsman_tests::paths::CUSTOM_V2;
use leadsman_tests::{HttpClient, Leadsman, Reply, Upstream};
use serde_json::json;

use crate::differences;
use crate::sides::{Sides, custom};

const RULES: &str = "faulty";

/// What theirs fails with at each read, ours has said when it was loaded.
const REQUESTS: &[&str] = &[
    "namespaces/shop/pods/*/good",
    "namespaces/shop/pods/web-0/good",
    "namespaces/shop/pods/web-0/unknown_field",
];

#[tokio::test]
async fn templates_that_only_theirs_takes() {
    let sides = Sides::start(RULES).await;
    sides.list_the_same(&["pods/good"]).await;
    sides.compare(&custom(REQUESTS), differences::FAULTY).await;
    let (theirs, _) = sides.raw(CUSTOM_V2).await;
    assert!(theirs.body.contains("pods/unknown_field"), "it is listed: {theirs:#?}");
    let log = sides.ours.log();
    for part in ["rules[1].metricsQuery", "rules[2].metricsQuery", "LabelMatcher"] {
        assert!(log.contains(part), "{part} is not in\n{log}");
    }
}

/// A rule for all pods that is as it should be.
const GOOD: &str = r#"
- seriesQuery: 'depth{namespace!="",pod!=""}'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  name: {as: good}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
"#;

/// Each ends theirs, and one rule of ours alone.
#[tokio::test]
async fn faults_that_end_theirs_and_cost_ours_one_rule() {
    let plane = ControlPlane::shared().await;
    let upstream = Upstream::start(Reply::NoReply).await;
    upstream.reply_with(|request| {
        if request.path.ends_with("/api/v1/series") {
            let series = json!([{"__name__": "depth", "namespace": "shop", "pod": "web-0"}]);
            Reply::json(200, &json!({"status": "success", "data": series}))
        } else {
            Reply::pods(&[("web-0", "4")])
        }
    });
    let url = upstream.url();
    let caller = HttpClient::with_certificate(plane.authorities().admin());
    let kubeconfig = plane.admin_kubeconfig().display().to_string();
    let arguments =
        ["--prometheus-url", &url, "--kubeconfig", &kubeconfig, "--bind-address", "127.0.0.1"];
    let path = format!("{CUSTOM_V2}/namespaces/shop/pods/web-0/good");
    let odd = |from: &str, to: &str| GOOD.replace(from, to).replace("good", "odd");
    let unknown_kind = odd("pod: {", "thing: {resource: lostthing}, pod: {");
    for (bad, told) in [
        // A kind that the cluster does not have; the other labels of the rule are good.
        (&unknown_kind, "lostthing"),
        (&odd("metricsQuery", "metricQuery"), "metricQuery"),
        (&odd("pod: {resource", "pod: {resuorce"), "resuorce"),
    ] {
        let rules = format!("rules:{GOOD}{bad}");
        let theirs = PrometheusAdapter::refused(plane, &rules, &url).await;
        let leadsman = Leadsman::start_with(&rules, &arguments).await;
        assert_eq!(leadsman.get_as(&caller, &path).await.value(), "4", "{bad}");
        let ours = leadsman.log();
        for (log, part) in [(&theirs, told), (&ours, told), (&ours, "rules[1]")] {
            assert!(log.contains(part), "{part} is not in\n{log}");
        }
    }
    // The rest of the rule with an unknown kind is served.
    let leadsman = Leadsman::start_with(format!("rules:{unknown_kind}"), &arguments).await;
    let path = format!("{CUSTOM_V2}/namespaces/shop/pods/web-0/odd");
    assert_eq!(leadsman.get_as(&caller, &path).await.value(), "4");
    // Beyond the rules.
    let beyond = format!("rulez: []\nrules:{GOOD}");
    let log = PrometheusAdapter::refused(plane, &beyond, &url).await;
    assert!(log.contains("rulez"), "{log}");
}
