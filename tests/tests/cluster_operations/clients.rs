//! Responses to kubectl and the HPA controller.

use super::*;

#[tokio::test]
async fn kubectl_shows_metrics_and_why_one_is_missing() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let workload = Workload::deployment(&admin, "shown", "web", 1).await;
    let upstream = thirty(&["web-0"]).await;
    let broken = Mapping::pods("broken").query_from("gone", "rate", "broken");
    let only_custom = Config::new()
        .prometheus("prometheus", &upstream.url())
        .prometheus("gone", "http://127.0.0.1:9")
        .mapping(load("pods"))
        .mapping(broken);
    let both = only_custom.clone().mapping(Mapping::external("depth").query("q", "depth"));
    let adapter = Adapter::new(plane, "shown", &["pods"]).await;
    let (first, second) = (adapter.start(only_custom).await, adapter.start(both).await);
    let trusted = adapter.authority().pem();
    let trust = Trust::Authority(&trusted);
    let registration = adapter.register(first.api().port(), trust).await;

    let raw = plane.kubectl(&["get", "--raw", &paths::pods("shown", "load")]).await;
    let list: Value = serde_json::from_str(raw.ok()).expect("a list in JSON");
    assert_eq!(
        (&list["kind"], &list["items"][0]["value"]),
        (&json!("MetricValueList"), &json!("30"))
    );
    let hpa = Hpa::create(&admin, &workload, 1..=3, &[Metric::pods("broken", "1")]).await;
    let why = r#"query "rate": the source "gone" cannot be reached"#;
    let condition = hpa.wait_condition("ScalingActive", why).await;
    assert_eq!(condition.reason, "FailedGetPodsMetric", "{condition:#?}");
    let described = plane.kubectl(&["describe", "hpa", "-n", "shown", "web"]).await;
    assert!(described.ok().contains(why), "{described:#?}");

    let discovered = plane.kubectl(&["get", "--raw", paths::CUSTOM_V2]).await;
    assert!(discovered.ok().contains(r#""name":"pods/load""#), "{discovered:#?}");

    // kubectl lists no subresources, so nothing of this group; a group without a metric causes no
    // error.
    let list = async || {
        let ran = plane.kubectl(&["api-resources", "--cached=false"]).await;
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:#?}");
        ran.stdout
    };
    assert!(!list().await.contains("external.metrics.k8s.io"));
    registration.route_to(second.api().port(), trust).await;
    eventually("the external metric in api-resources", TIMEOUT, async || {
        let list = list().await;
        let depth = list.lines().find(|line| line.starts_with("depth ")).ok_or(list.clone())?;
        let words: Vec<_> = depth.split_whitespace().collect();
        let version = "external.metrics.k8s.io/v1beta1";
        assert_eq!(words, ["depth", version, "true", "ExternalMetricValueList"]);
        Ok(())
    })
    .await;
    registration.remove().await;
}

#[tokio::test]
async fn clients_that_prefer_protobuf_get_it_as_the_hpa_controller_does() {
    const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let workload = Workload::deployment(&admin, "encoded", "web", 1).await;
    let upstream = thirty(&["web-0"]).await;
    let adapter = Adapter::new(plane, "encoded", &["pods"]).await;
    let leadsman = adapter.start(config(&upstream.url())).await;
    let trusted = adapter.authority().pem();
    let trust = Trust::Authority(&trusted);
    let registration = adapter.register(leadsman.api().port(), trust).await;
    for path in [paths::pods("encoded", "load"), paths::external("encoded", "depth")] {
        let url = format!("{}{path}", plane.url());
        let read = async |accept: &str| {
            let caller = root(plane).header("accept", accept);
            reads(accept, async || caller.get(&url).await.expect("an answer"), Answer::is_success)
                .await
        };
        for accept in [&format!("{PROTOBUF}, */*"), &format!("{PROTOBUF},application/json")] {
            let answer = read(accept).await;
            assert_eq!(answer.header("content-type"), PROTOBUF, "{answer:#?}");
            assert!(answer.body.starts_with("k8s\0"), "{answer:#?}");
            let kind = if path.contains("external") {
                "ExternalMetricValueList"
            } else {
                "MetricValueList"
            };
            assert!(answer.body.contains(kind), "{answer:#?}");
        }
        for accept in [&format!("application/json, {PROTOBUF}"), "*/*"] {
            assert_eq!(read(accept).await.value(), "30");
        }
    }
    let metric = Metric::external("depth", Target::Average("10"));
    let hpa = Hpa::create(&admin, &workload, 1..=5, &[metric]).await;
    hpa.wait_desired(3).await;
    registration.remove().await;
}
