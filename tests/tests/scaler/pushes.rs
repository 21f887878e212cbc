//! Calls that stay open.

use std::time::Duration;

use leadsman_tests::{Config, Spec, Upstream, eventually};
use tokio::time::timeout;

use super::{TIMEOUT, client, depth, of_queue, queue, serve};

#[tokio::test]
async fn activity_is_pushed_at_once_and_at_each_change() {
    let upstream = Upstream::start(depth(0.0)).await;
    let leadsman = serve(Config::shop(&upstream.url()).mapping(queue())).await;
    let mut pushes = client(&leadsman).activity(&of_queue()).await.expect("an open call");
    let mut next = async || timeout(TIMEOUT, pushes.next()).await.expect("a push");
    assert_eq!(next().await, Ok(Some(false)), "the state when the call was opened");
    for (number, active) in [(6.0, true), (5.0, false), (7.0, true)] {
        upstream.set_reply(depth(number));
        assert_eq!(next().await, Ok(Some(active)), "{number}");
    }
}

/// While the value is not known nothing is told, and the call stays open.
#[tokio::test]
async fn nothing_is_pushed_while_nothing_is_known() {
    let mut upstream = Upstream::start(depth(6.0)).await;
    upstream.stop().await;
    let leadsman = serve(Config::shop(&upstream.url()).mapping(queue())).await;
    let mut pushes = client(&leadsman).activity(&of_queue()).await.expect("an open call");
    eventually("looks that fail", TIMEOUT, async || {
        let reads = leadsman.metric("leadsman_reads_total", &[("outcome", "failed")]).await;
        if reads.is_some_and(|reads| reads >= 2.0) { Ok(()) } else { Err(format!("{reads:?}")) }
    })
    .await;
    let early = timeout(Duration::from_millis(10), pushes.next()).await;
    assert!(early.is_err(), "{early:?}");
    upstream.restart().await;
    let told = timeout(TIMEOUT, pushes.next()).await.expect("a push");
    assert_eq!(told, Ok(Some(true)));
}

#[tokio::test]
async fn the_target_is_pushed_at_once_and_calls_end_in_order_with_the_process() {
    let upstream = Upstream::start(depth(6.0)).await;
    let leadsman = serve(Config::shop(&upstream.url()).mapping(queue())).await;
    let client = client(&leadsman);
    let mut specs = client.specs(&of_queue()).await.expect("an open call");
    let told = timeout(TIMEOUT, specs.next()).await.expect("a push");
    let spec = Spec { name: "queue_depth".to_owned(), whole: 1, target: 0.06 };
    assert_eq!(told, Ok(Some(spec.clone())));
    assert_eq!(client.spec(&of_queue()).await, Ok(spec), "both say the same");
    let mut pushes = client.activity(&of_queue()).await.expect("an open call");
    assert_eq!(pushes.next().await, Ok(Some(true)));
    leadsman.terminate();
    for ended in [
        timeout(TIMEOUT, pushes.next()).await.expect("an end").map(|told| told.is_none()),
        timeout(TIMEOUT, specs.next()).await.expect("an end").map(|told| told.is_none()),
    ] {
        assert_eq!(ended, Ok(true), "KEDA opens it elsewhere after an end without an error");
    }
    assert!(leadsman.exit().await.success());
}
