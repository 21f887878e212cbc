//! Calls that get no value, and what KEDA shows of the reason.

use std::time::{Duration, Instant};

use leadsman_tests::{Config, Leadsman, Mapping, Reply, ScalerClient, Upstream, eventually};

use super::{
    DEADLINE_EXCEEDED, INVALID_ARGUMENT, NOT_FOUND, TIMEOUT, UNAVAILABLE, UNIMPLEMENTED, client,
    depth, of_queue, queue, samples, serve, trigger,
};

#[tokio::test]
async fn unknown_and_missing_metadata_are_told_at_once() {
    let upstream = Upstream::start(depth(1.0)).await;
    let leadsman = serve(Config::shop(&upstream.url()).mapping(queue())).await;
    let client = client(&leadsman);
    let wrong = trigger(&[("metrc", "queue_depth"), ("activationTarget", "some")]);
    for refused in [
        client.spec(&wrong).await.unwrap_err(),
        client.value(&wrong).await.unwrap_err(),
        client.is_active(&wrong).await.unwrap_err(),
        client.activity(&wrong).await.err().expect("a refusal"),
        client.specs(&wrong).await.err().expect("a refusal"),
    ] {
        assert_eq!(refused.code, INVALID_ARGUMENT, "{refused:?}");
        for expected in [
            "unknown key \"metrc\": did you mean `metric`?",
            "`metric` is missing",
            "the target is missing",
            "`activationTarget` is \"some\"",
        ] {
            assert!(refused.message.contains(expected), "{refused:?}");
        }
    }
    let elsewhere =
        trigger(&[("metric", "queue_depth"), ("targetValue", "1"), ("namespace", "bank")]);
    let refused = client.value(&elsewhere).await.unwrap_err();
    assert!(refused.message.contains("--scaler-across-namespaces"), "{refused:?}");
    // KEDA shows what is wrong of a value, and not of a target: so the target is told while it is known.
    assert!(client.spec(&elsewhere).await.is_ok());
    let other = client.value_of(&of_queue(), "another").await.unwrap_err();
    assert!(other.code == INVALID_ARGUMENT && other.message.contains("another"), "{other:?}");
}

#[tokio::test]
async fn other_namespaces_and_objects_without_one_are_read_where_that_is_permitted() {
    let upstream = Upstream::start(samples(&[("node", "n1", 21.0)])).await;
    let heat = Mapping::custom("node_heat", "nodes")
        .query("q", "node_heat")
        .plugin("per-object", "object: node");
    let config = || {
        let config = Config::shop(&upstream.url()).object("nodes", None, "n1", "disk: ssd");
        config.mapping(heat.clone()).mapping(queue())
    };
    let of_node = trigger(&[
        ("metric", "node_heat"),
        ("scope", "custom"),
        ("kind", "nodes"),
        ("object", "n1"),
        ("targetValue", "1"),
    ]);
    let strict = serve(config()).await;
    let refused = client(&strict).value(&of_node).await.unwrap_err();
    assert!(refused.message.contains("nodes live in no namespace"), "{refused:?}");
    let arguments = ["--scaler-address", "127.0.0.1:0", "--scaler-across-namespaces"];
    let open = Leadsman::start_with(config(), &arguments).await;
    assert_eq!(client(&open).value(&of_node).await, Ok(21.0));
    let elsewhere =
        trigger(&[("metric", "queue_depth"), ("targetValue", "1"), ("namespace", "bank")]);
    assert_eq!(client(&open).value(&elsewhere).await, Ok(21.0));
}

#[tokio::test]
async fn a_mapping_that_fails_has_its_reason_and_its_target_all_the_same() {
    let upstream = Upstream::start(Reply::new(500, "text/plain", "no memory")).await;
    let leadsman = serve(Config::shop(&upstream.url()).mapping(queue())).await;
    let client = client(&leadsman);
    assert!(client.spec(&of_queue()).await.is_ok(), "the autoscaler exists, and shows why");
    for refused in [
        client.value(&of_queue()).await.unwrap_err(),
        client.is_active(&of_queue()).await.unwrap_err(),
    ] {
        assert_eq!(refused.code, UNAVAILABLE, "{refused:?}");
        assert!(refused.message.contains("queue_depth"), "{refused:?}");
    }
    upstream.set_reply(samples(&[]));
    eventually("no series", TIMEOUT, async || match client.value(&of_queue()).await {
        Err(refused) if refused.code == NOT_FOUND => Ok(()),
        other => Err(format!("missing is not zero: {other:?}")),
    })
    .await;
    let unknown = trigger(&[("metric", "no_such"), ("targetValue", "1")]);
    let refused = client.value(&unknown).await.unwrap_err();
    assert_eq!(refused.code, NOT_FOUND, "{refused:?}");
    let told = "could not find the external metric no_such";
    assert!(refused.message.contains(told), "{refused:?}");
    let outcome = [("call", "GetMetrics"), ("outcome", "not_found")];
    let counted = leadsman.metric("leadsman_scaler_calls_total", &outcome).await;
    assert!(counted.is_some_and(|count| count >= 2.0), "{counted:?}");
}

#[tokio::test]
async fn a_call_ends_at_its_deadline() {
    let upstream = Upstream::start(Reply::NoReply).await;
    let mapping = queue().set("deadline", "10s");
    let leadsman = serve(Config::shop(&upstream.url()).mapping(mapping)).await;
    let client = client(&leadsman).within(Duration::from_millis(300));
    let begun = Instant::now();
    let refused = client.value(&of_queue()).await.unwrap_err();
    assert_eq!(refused.code, DEADLINE_EXCEEDED, "{refused:?}");
    assert!(refused.message.contains("within 300ms"), "{refused:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_is_no_call_of_the_contract_is_refused() {
    let upstream = Upstream::start(depth(1.0)).await;
    let leadsman = serve(Config::shop(&upstream.url()).mapping(queue())).await;
    let client = client(&leadsman);
    let refused = client.call("Explode", Vec::new()).await.unwrap_err();
    assert_eq!(refused.code, UNIMPLEMENTED, "{refused:?}");
    let refused = client.call("IsActive", b"\xff\xff\xff".to_vec()).await.unwrap_err();
    assert!(refused.code != 0 && refused.code != u32::MAX, "{refused:?}");
    // More metadata than a trigger has.
    let long = "x".repeat(100_000);
    let refused = client.value(&trigger(&[("metric", long.as_str())])).await.unwrap_err();
    assert!(refused.code != 0 && refused.code != u32::MAX, "{refused:?}");
    assert!(client.value(&of_queue()).await.is_ok(), "and nothing is the worse for it");
}

#[tokio::test]
async fn without_a_cluster_it_listens_to_this_machine_alone() {
    let arguments = ["--scaler-address", "0.0.0.0:0"];
    let refused = Leadsman::launch(Config::shop("http://127.0.0.1:9"), &arguments).await;
    let refused = refused.err().expect("it is refused");
    refused.assert_contains(&["values would be served on 0.0.0.0:0", "without a cluster"]);
    let leadsman = Leadsman::start(Config::shop("http://127.0.0.1:9")).await;
    assert!(!leadsman.log().contains("\"scaler\""), "off unless it is asked for");
}

/// A client that makes no room for what is pushed to it loses its connection, and others notice nothing.
#[tokio::test]
async fn a_client_that_never_reads_is_dropped() {
    let upstream = Upstream::start(depth(10.0)).await;
    let leadsman = serve(Config::shop(&upstream.url()).mapping(queue())).await;
    let stuck = ScalerClient::receiving_nothing(leadsman.scaler());
    let mut pushes = stuck.activity(&of_queue()).await.expect("an open call");
    let mut reading = client(&leadsman).activity(&of_queue()).await.expect("an open call");
    assert_eq!(reading.next().await, Ok(Some(true)));
    assert_eq!(leadsman.metric("leadsman_scaler_open_calls", &[]).await, Some(2.0));
    // The connection takes one message without room for it; the next one waits.
    upstream.set_reply(depth(0.0));
    assert_eq!(reading.next().await, Ok(Some(false)));
    let lost = tokio::time::timeout(Duration::from_secs(60), pushes.next()).await;
    let lost = lost.unwrap_or_else(|_| panic!("the connection is not lost: {}", leadsman.log()));
    let lost = lost.unwrap_err();
    assert_eq!(lost.code, u32::MAX, "{lost:?}");
    let stalled = [("listener", "scaler"), ("reason", "stalled")];
    eventually("one connection that is closed, and one call that is open", TIMEOUT, async || {
        let metrics = leadsman.metrics().await;
        let closed = metrics.sum("leadsman_connections_closed_total", &stalled);
        let open = metrics.sum("leadsman_scaler_open_calls", &[]);
        let both = (closed, open);
        if both == (Some(1.0), Some(1.0)) { Ok(()) } else { Err(format!("{both:?}")) }
    })
    .await;
    upstream.set_reply(depth(10.0));
    assert_eq!(reading.next().await, Ok(Some(true)), "the other goes on");
}
