//! Lists of series that fail or change.

use std::time::Duration;

use leadsman_tests::cluster::{ControlPlane, PrometheusAdapter};
use leadsman_tests::paths::{CUSTOM_V1, CUSTOM_V2};
use leadsman_tests::{HttpClient, Leadsman, Reply, Upstream, eventually};
use serde_json::json;

pub(crate) const TIMEOUT: Duration = Duration::from_secs(40);

const RULES: &str = r#"
rules:
- seriesQuery: '{__name__=~"depth_.+"}'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
"#;

fn with(names: &'static [&'static str]) -> Reply {
    let series = |name: &&str| json!({"__name__": name, "namespace": "shop", "pod": "web-0"});
    let series: Vec<_> = names.iter().map(series).collect();
    Reply::json(200, &json!({"status": "success", "data": series}))
}

/// Both, each with a source of its own that answers this.
async fn both(reply: &Reply) -> ((PrometheusAdapter, Upstream), (Leadsman, Upstream), HttpClient) {
    let plane = ControlPlane::shared().await;
    let (theirs, ours) =
        tokio::join!(Upstream::start(reply.clone()), Upstream::start(reply.clone()));
    let (url, kubeconfig) = (ours.url(), plane.admin_kubeconfig().display().to_string());
    let arguments = [
        ["--prometheus-url", &url],
        ["--kubeconfig", &kubeconfig],
        ["--bind-address", "127.0.0.1"],
        ["--metrics-relist-interval", "1s"],
        ["--metrics-max-age", "1h"],
    ];
    let their_url = theirs.url();
    let (adapter, leadsman) = tokio::join!(
        PrometheusAdapter::start(plane, RULES, &their_url),
        Leadsman::start_with(RULES, arguments.as_flattened()),
    );
    let caller = HttpClient::with_certificate(plane.authorities().admin());
    ((adapter, theirs), (leadsman, ours), caller)
}

#[tokio::test]
async fn a_series_that_is_missing_from_one_list_is_gone_in_theirs_alone() {
    let (theirs, ours, caller) = both(&with(&["depth_a", "depth_b"])).await;
    let lost = "pods/depth_b";
    let (there, here) = (
        async || theirs.0.get(CUSTOM_V1).await.body.contains(lost),
        async || ours.0.get_as(&caller, CUSTOM_V1).await.body.contains(lost),
    );
    eventually("both series", TIMEOUT, async || {
        if there().await && here().await { Ok(()) } else { Err("not in both".to_owned()) }
    })
    .await;
    // The next list of each lacks it: a list of either that was under way may have it yet.
    let less = with(&["depth_a"]);
    theirs.1.set_reply(less.clone());
    let lists = theirs.1.requests().len();
    let after = eventually("theirs without it", TIMEOUT, async || {
        let after = theirs.1.requests().len() - lists;
        if there().await { Err(format!("after {after} lists")) } else { Ok(after) }
    })
    .await;
    assert!(after <= 2, "after {after} lists");
    ours.1.set_reply(less);
    let lists = ours.1.requests().len();
    eventually("ours without it", TIMEOUT, async || {
        let served = here().await;
        let after = ours.1.requests().len() - lists;
        assert!(served || after >= 3, "gone after {after} lists");
        if served { Err(format!("there after {after} lists")) } else { Ok(()) }
    })
    .await;
}

#[tokio::test]
async fn a_metric_whose_series_cannot_be_listed() {
    let (theirs, ours, caller) = both(&Reply::new(503, "text/plain", "down")).await;
    let path = format!("{CUSTOM_V2}/namespaces/shop/pods/web-0/depth_a");
    let there = theirs.0.get(&path).await.failure();
    assert_eq!(there.code, 404, "{there:#?}");
    let here = ours.0.get_as(&caller, &path).await.failure();
    assert_eq!(here.code, 503, "{here:#?}");
    here.assert_contains(&["depth_a", "rules[0]", "503"]);
    // Of a name that the rule cannot give both say the same.
    let other = format!("{CUSTOM_V2}/namespaces/shop/pods/web-0/other");
    let (there, here) = (theirs.0.get(&other).await, ours.0.get_as(&caller, &other).await);
    assert_eq!((there.status, here.status), (404, 404), "{there:#?}\n{here:#?}");
}
