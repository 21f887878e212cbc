//! The events that the page follows.

use serde_json::Value;

use super::{BROKEN, GOOD, Site};

fn mapping(data: &Value, name: &str) -> Value {
    data["set"][format!("mapping/pods/{name}")].clone()
}

#[tokio::test]
async fn events_begin_with_everything_and_go_on_with_what_changes() {
    let site = Site::new().await;
    let mut events = site.leadsman.events().await.expect("events");
    let (name, whole) = events.next().await.expect("an event");
    assert_eq!(name, "whole");
    let failing = mapping(&whole, BROKEN[0]);
    assert_eq!(failing["state"], "failing", "{failing:#}");
    assert!(failing["failingSince"].as_i64() > Some(0), "{failing:#}");
    let told = failing["errors"][0]["message"].as_str().unwrap_or_default();
    assert!(told.contains(super::WHY), "{told}");
    assert!(failing["queries"][0]["text"].as_str().is_some_and(|text| text.contains("rate(")));
    assert_eq!(mapping(&whole, GOOD[0])["state"], "ok");
    assert_eq!(whole["set"]["head"]["autoscalers"]["state"], "noCluster");
    site.repair().await;
    let repaired = |data: &Value| mapping(data, BROKEN[0])["state"] == "ok";
    let change = events.find("change", repaired).await;
    assert!(mapping(&change, BROKEN[0])["failingSince"].is_null(), "{change:#}");
    // What has not changed is not told again, and there is a sign of life meanwhile.
    assert!(change["set"].get("kind/pods").is_none(), "{change:#}");
    events.find("alive", |_| true).await;
}

#[tokio::test]
async fn thirty_two_clients_may_follow() {
    let site = Site::small().await;
    let mut all = Vec::new();
    for _ in 0..32 {
        let mut events = site.leadsman.events().await.expect("events");
        assert_eq!(events.next().await.expect("an event").0, "whole");
        all.push(events);
    }
    assert_eq!(site.leadsman.events().await.err(), Some(429));
    // Others are served.
    assert_eq!(site.leadsman.admin("/status.json").await.status, 200);
    all.pop();
    leadsman_tests::eventually("room", std::time::Duration::from_secs(20), async || {
        site.leadsman.events().await.map(drop).map_err(|status| status.to_string())
    })
    .await;
}

#[tokio::test]
async fn looking_is_no_read() {
    let site = Site::small().await;
    let reads =
        || async { site.leadsman.metric("leadsman_reads_total", &[("outcome", "ok")]).await };
    let (before, queries) = (reads().await, site.upstream.queries());
    assert_eq!((before, queries), (Some(1.0), 1));
    let mut events = site.leadsman.events().await.expect("events");
    let path = format!("/status/explain/pods/{}", GOOD[0]);
    for _ in 0..2 {
        let told = site.leadsman.admin(&path).await.ok();
        assert_eq!(told["mapping"]["evaluations"][0]["values"][0]["value"], "1013400m", "{told:#}");
        assert_eq!(told["explanation"]["title"], format!("pods/{}", GOOD[0]));
        events.find("alive", |_| true).await;
    }
    let ended = (reads().await, site.upstream.queries());
    assert!(ended.0 == before, "{ended:?}");
    // One refresh ahead of the next read may be due; nobody reads it, so there is no other.
    assert!(ended.1 <= 2, "{ended:?}");
    assert_eq!(site.leadsman.admin("/status/explain/pods/none").await.status, 404);
}

#[tokio::test]
async fn an_open_page_does_not_delay_the_end() {
    let site = Site::small().await;
    let mut events = site.leadsman.events().await.expect("events");
    events.next().await;
    let Site { leadsman, .. } = site;
    let begun = std::time::Instant::now();
    leadsman.terminate();
    while events.next().await.is_some() {}
    assert!(leadsman.exit().await.success());
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
}
