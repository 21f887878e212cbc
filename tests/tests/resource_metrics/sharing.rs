//! Sharing of evaluations, and invalidation of cached answers.

use std::time::Duration;

use leadsman_tests::eventually;

use crate::{ALL, World, answer};

const TIMEOUT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn all_reads_of_a_namespace_are_two_queries() {
    let world = World::start(&ALL).await;
    for rest in [
        "namespaces/shop/pods",
        "namespaces/shop/pods?labelSelector=app%3Dweb",
        "namespaces/shop/pods?labelSelector=app%3Ddb",
        "namespaces/shop/pods/web-0",
        "namespaces/shop/pods/db-0",
    ] {
        world.used(rest).await;
    }
    assert_eq!(world.upstream.queries(), 2);
    world.used("pods").await;
    assert_eq!(world.upstream.queries(), 4, "for the other namespace");
    world.used("nodes").await;
    world.used("nodes/node-a").await;
    assert_eq!(world.upstream.queries(), 6);
}

/// An answer is cached with one of the two evaluations, and depends on both.
#[tokio::test]
async fn a_new_value_of_either_is_seen() {
    let world = World::start(&ALL).await;
    let rest = "namespaces/bank/pods";
    assert_eq!(world.used(rest).await["bank/web-0/app"], "500m 1Gi");
    let mut samples = ALL.to_vec();
    for (series, value, expected) in
        [("bytes", "2147483648", "500m 2Gi"), ("cores", "0.75", "750m 2Gi")]
    {
        for sample in samples.iter_mut().filter(|s| (s.0, s.1) == (series, "bank/web-0/app")) {
            sample.2 = value;
        }
        let changed = samples.clone();
        world.upstream.reply_with(move |request| answer(&changed, request));
        eventually(expected, TIMEOUT, async || {
            let used = world.used(rest).await;
            if used["bank/web-0/app"] == expected { Ok(()) } else { Err(format!("{used:?}")) }
        })
        .await;
    }
}
