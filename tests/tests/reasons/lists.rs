//! Metrics of rules that are not there, and why.

use std::time::Duration;

use leadsman_tests::{Leadsman, Reply, Upstream, eventually, paths};
use serde_json::json;

use crate::{SUM, config, is_list, rule, upstream};

const UNSERVED: &str = "leadsman_reads_unserved_total";

async fn unserved(leadsman: &Leadsman, reason: &str) -> Option<f64> {
    leadsman.metric(UNSERVED, &[("reason", reason)]).await
}

/// A read while Prometheus is away says so, and the metric is there soon after it is back.
#[tokio::test]
async fn lists_are_tried_again_soon_after_the_source_is_back() {
    let series = json!([{"__name__": "depth", "namespace": "shop", "pod": "web-0"}]);
    let mut upstream = upstream(series, json!([])).await;
    upstream.stop().await;
    let leadsman = Leadsman::start(config(&upstream, &[rule("depth", SUM)])).await;
    for path in [paths::pods("shop", "depth"), paths::object("shop", "pods/web-0", "depth")] {
        let failure = leadsman.get(&path).await.failure();
        assert_eq!(failure.code, 503, "{failure:#?}");
        failure
            .assert_contains(&["could not find the metric depth for pods", "series are not known"]);
        failure.assert_contains(&["rules[0]", "the source \"prometheus\" cannot be reached"]);
    }
    assert!(unserved(&leadsman, "series_not_listed").await.is_some_and(|count| count >= 2.0));
    let status = leadsman.status().await;
    let told = &status["unserved"][0];
    assert_eq!(told["reason"], "series_not_listed", "{status:#}");
    assert!(told["message"].as_str().is_some_and(|told| told.contains("cannot be reached")));
    assert!(status["rejected"].to_string().contains("SeriesUnavailable"), "{status:#}");
    upstream.restart().await;
    // With the wait at its longest, which is 5 s.
    eventually("the metric", Duration::from_secs(12), async || {
        let answer = leadsman.get(&paths::pods("shop", "depth")).await;
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
}

/// Only what failed is asked for again.
#[tokio::test]
async fn a_list_that_was_answered_is_not_repeated_with_one_that_fails() {
    let upstream = Upstream::start(Reply::NoReply).await;
    upstream.reply_with(|request| match request.parameter("match[]") {
        Some("bad") => Reply::new(503, "text/plain", "down"),
        _ => Reply::json(200, &json!({"status": "success", "data": []})),
    });
    let rules = [rule("bad", SUM), rule("good", SUM)];
    let _leadsman = Leadsman::start(config(&upstream, &rules)).await;
    upstream.wait_for_requests(4).await;
    let lists = upstream.requests().into_iter().filter(is_list);
    let good = lists.filter(|list| list.parameter("match[]") == Some("good")).count();
    assert_eq!(good, 1);
}

#[tokio::test]
async fn what_answers_is_no_prometheus() {
    let text = "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 15.66\n";
    let exporter = Upstream::start(Reply::new(200, "text/plain", text)).await;
    let leadsman = Leadsman::start(config(&exporter, &[rule("depth", SUM)])).await;
    let failure = leadsman.get(&paths::pods("shop", "depth")).await.failure();
    assert_eq!(failure.code, 503);
    failure.assert_contains(&["text/plain, not JSON", "no Prometheus API at this `url`"]);
    exporter.set_reply(Reply::new(404, "text/plain", "404 page not found"));
    eventually("the other reason", Duration::from_secs(12), async || {
        let failure = leadsman.get(&paths::pods("shop", "depth")).await.failure();
        let told = failure.message.contains("is there a Prometheus API at this `url`?");
        if told { Ok(()) } else { Err(failure.message) }
    })
    .await;
}

#[tokio::test]
async fn a_rule_that_leaves_a_metric_out_is_named() {
    let series = json!([
        {"__name__": "filtered", "namespace": "shop", "pod": "web-0"},
        {"__name__": "nameless", "namespace": "shop", "job": "x"},
    ]);
    let upstream = upstream(series, json!([])).await;
    let filter = rule("x", SUM).replacen('{', "{seriesFilters: [{isNot: ^filtered$}], ", 1);
    let pods_alone = rule("x", SUM).replace("namespace: {resource: namespace}, ", "");
    let none = rule("y", SUM);
    let leadsman = Leadsman::start(config(&upstream, &[filter])).await;
    let read = async |leadsman: &Leadsman, metric: &str| {
        leadsman.get(&paths::pods("shop", metric)).await.failure()
    };
    let failure = read(&leadsman, "filtered").await;
    assert_eq!(failure.code, 404);
    failure.assert_contains(&[
        "could not find the metric filtered for pods",
        "rules[0]",
        "isNot: ^filtered$",
    ]);
    assert!(unserved(&leadsman, "rule_leaves_out").await.is_some());
    let unknown = read(&leadsman, "typo").await;
    assert_eq!(unknown.code, 404);
    assert!(!unknown.message.contains("rules["), "{}", unknown.message);
    assert!(unserved(&leadsman, "unknown_metric").await.is_some());
    let other = read(&leadsman, "nameless").await;
    other.assert_contains(&["it is served for namespaces"]);

    let leadsman = Leadsman::start(config(&upstream, &[pods_alone])).await;
    read(&leadsman, "nameless")
        .await
        .assert_contains(&["none of its labels names an object: job, namespace"]);
    read(&leadsman, "filtered")
        .await
        .assert_contains(&["does not say which label names the namespace"]);

    let list = json!({"status": "success", "data": []});
    upstream.set_reply(Reply::json(200, &list));
    let leadsman = Leadsman::start(config(&upstream, &[none])).await;
    read(&leadsman, "depth")
        .await
        .assert_contains(&["rules[0]: y had no series in the last 3600s"]);
    assert!(unserved(&leadsman, "rule_without_series").await.is_some());
}

/// An external rule that fails says nothing of custom metrics.
#[tokio::test]
async fn lists_of_the_other_api_do_not_matter() {
    let upstream = Upstream::start(Reply::new(503, "text/plain", "down")).await;
    let external = "[{seriesQuery: q, metricsQuery: '<<.Series>>{<<.LabelMatchers>>}', \
                     resources: {namespaced: false}}]";
    let config = leadsman_tests::Config::shop(&upstream.url()).set("externalRules", external);
    let leadsman = Leadsman::start(config).await;
    let custom = leadsman.get(&paths::pods("shop", "q")).await.failure();
    assert_eq!(custom.code, 404, "{custom:#?}");
    let external = leadsman.get(&paths::external("shop", "q")).await.failure();
    assert_eq!(external.code, 503);
    external.assert_contains(&["externalRules[0]", "503"]);
}

/// A name that no rule could give, whatever series there are, is a 404 with the reason; one that a
/// failed list may bring is not.
#[tokio::test]
async fn a_failed_list_is_no_reason_for_names_that_its_rule_cannot_give() {
    let upstream = Upstream::start(Reply::new(503, "text/plain", "down")).await;
    let all = rule(r#"{__name__=~"^http_.*"}"#, SUM);
    let renamed = rule("depth_total", SUM).replacen('{', "{name: {as: depth}, ", 1);
    let leadsman = Leadsman::start(config(&upstream, &[all, renamed])).await;
    for (metric, rule) in [("http_requests", "rules[0]"), ("depth", "rules[1]")] {
        let failure = leadsman.get(&paths::pods("shop", metric)).await.failure();
        assert_eq!(failure.code, 503, "{failure:#?}");
        failure.assert_contains(&[metric, "series are not known", rule]);
    }
    for path in [
        paths::pods("shop", "depth_total"),
        paths::pods("shop", "grpc_requests"),
        // Of a kind that neither rule names.
        paths::object("shop", "deployments.apps/%2A", "http_requests"),
    ] {
        let failure = leadsman.get(&path).await.failure();
        assert_eq!(failure.code, 404, "{failure:#?}");
        failure.assert_contains(&["could not find the metric", "could not give it", "rules["]);
    }
    assert!(unserved(&leadsman, "unknown_metric").await.is_some_and(|count| count >= 3.0));
}
