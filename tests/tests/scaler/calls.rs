//! Values, targets and activity.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use leadsman_tests::{Config, Mapping, Reply, Spec, Upstream};

use super::{NOT_FOUND, client, depth, of_queue, queue, samples, serve, trigger};

#[tokio::test]
async fn a_target_and_a_value_are_told_as_whole_numbers_and_as_they_are() {
    let upstream = Upstream::start(depth(34.858)).await;
    let leadsman = serve(Config::shop(&upstream.url()).mapping(queue())).await;
    let client = client(&leadsman);
    let spec = client.spec(&of_queue()).await;
    let name = "queue_depth".to_owned();
    assert_eq!(spec, Ok(Spec { name, whole: 1, target: 0.06 }));
    assert_eq!(client.value_of(&of_queue(), "queue_depth").await, Ok((35, 34.858)));
    assert_eq!(client.is_active(&of_queue()).await, Ok(true));
    let above = trigger(&[
        ("metric", "queue_depth"),
        ("targetValue", "100"),
        ("activationTarget", "34.858"),
    ]);
    assert_eq!(client.is_active(&above).await, Ok(false), "not above the activation target");
    let calls = [("call", "GetMetrics"), ("outcome", "ok")];
    assert_eq!(leadsman.metric("leadsman_scaler_calls_total", &calls).await, Some(1.0));
}

/// Each evaluation has another value, on the other side of the activation target.
#[tokio::test]
async fn value_and_activity_of_one_poll_agree() {
    let (upstream, asked) = (Upstream::start(depth(0.0)).await, AtomicU64::new(0));
    upstream.reply_with(move |_| {
        depth(if asked.fetch_add(1, Ordering::Relaxed) % 2 == 0 { 0.0 } else { 10.0 })
    });
    let leadsman = serve(Config::shop(&upstream.url()).mapping(queue())).await;
    let client = client(&leadsman);
    let (begun, mut seen) = (Instant::now(), Vec::new());
    while begun.elapsed() < Duration::from_secs(8) {
        let value = client.value(&of_queue()).await.expect("a value");
        // The time between the two calls of KEDA, and an evaluation may come in it.
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(client.is_active(&of_queue()).await, Ok(value > 5.0), "{value}");
        seen.push(value);
    }
    assert!(seen.contains(&0.0) && seen.contains(&10.0), "{seen:?}");
}

#[tokio::test]
async fn items_of_an_external_metric_are_added_up_and_a_selector_picks_among_them() {
    let lengths = samples(&[("queue", "orders", 3.0), ("queue", "mails", 4.5)]);
    let upstream = Upstream::start(lengths).await;
    let leadsman = serve(Config::shop(&upstream.url()).mapping(queue())).await;
    let client = client(&leadsman);
    assert_eq!(client.value(&of_queue()).await, Ok(7.5));
    let picked = [("metric", "queue_depth"), ("targetValue", "1"), ("selector", "queue=mails")];
    assert_eq!(client.value(&trigger(&picked)).await, Ok(4.5));
    let nothing = [("metric", "queue_depth"), ("targetValue", "1"), ("selector", "queue=none")];
    let refused = client.value(&trigger(&nothing)).await.unwrap_err();
    assert_eq!(refused.code, NOT_FOUND, "no item is no 0: {refused:?}");
    assert!(refused.message.contains("the selector queue=none picks none"), "{refused:?}");
}

#[tokio::test]
async fn custom_metrics_are_of_one_object_or_of_all_that_are_picked() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "2"), ("web-1", "3")])).await;
    let of_pods = |name: &str| Mapping::pods(name).query("q", r#"jobs{namespace="${namespace}"}"#);
    let config = Config::shop(&upstream.url())
        .pods("shop", &["api-0"])
        .mapping(of_pods("jobs"))
        .mapping(of_pods("filled").set("onAbsent", "{default: 1}"));
    let leadsman = serve(config).await;
    let client = client(&leadsman);
    let of = |metric, key, value| {
        let common = [("scope", "custom"), ("kind", "pods"), ("targetAverageValue", "1")];
        trigger(&[&common[..], &[("metric", metric), (key, value)]].concat())
    };
    assert_eq!(client.value(&of("jobs", "object", "web-1")).await, Ok(3.0));
    assert_eq!(client.value(&of("jobs", "selector", "app=web")).await, Ok(5.0));
    // A sum without one of its parts would be too small.
    let refused = client.value(&of("jobs", "selector", "app in (web,api)")).await.unwrap_err();
    assert_eq!(refused.code, NOT_FOUND, "{refused:?}");
    for expected in ["api-0", "`onAbsent`"] {
        assert!(refused.message.contains(expected), "{refused:?}");
    }
    assert_eq!(client.value(&of("filled", "selector", "app in (web,api)")).await, Ok(6.0));
    let refused = client.value(&of("jobs", "object", "web-7")).await.unwrap_err();
    assert!(refused.code == NOT_FOUND && refused.message.contains("web-7"), "{refused:?}");
}
