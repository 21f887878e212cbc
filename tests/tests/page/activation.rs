//! What the page shows of a mapping that takes a workload to zero and from zero.

use leadsman_tests::{Browser, Config, Leadsman, Mapping, Reply, Upstream};
use serde_json::json;

/// An item of each of two queues.
fn queues() -> Reply {
    let item = |queue: &str| json!({"metric": {"queue": queue}, "value": [1, "7"]});
    Reply::vector(&json!([item("orders"), item("mail")]))
}

#[tokio::test]
async fn a_mapping_shows_which_workload_it_takes_to_zero_and_from_zero_and_when() {
    let upstream = Upstream::start(queues()).await;
    let activation = "{target: {kind: Deployment, namespace: shop, name: worker}, threshold: 1.5, \
                      cooldown: 5m, minReplicas: 2, selector: queue=orders, takeOver: true}";
    let activating =
        Mapping::external("waiting").query("q", "waiting").set("activation", activation);
    let config = Config::shop(&upstream.url())
        .mapping(activating)
        .mapping(Mapping::external("other").query("q", "other"));
    let leadsman = Leadsman::start(config).await;
    let mut browser = Browser::open(&leadsman.page("/"), (1400, 1000)).await;
    browser.until("document.querySelectorAll('[data-list=mappings] > li').length === 2").await;
    let told = "[...document.querySelectorAll('[data-entry] [data-activation]')]\
                .map((of) => [of.closest('li').dataset.entry, of.innerText])";
    // There is no cluster, so that nobody looks at the workload.
    let expected = "takes Deployment worker of namespace shop to zero and from zero: this replica has not \
                    looked at it";
    assert_eq!(browser.value(told).await, json!([["mapping/external/waiting", expected]]));
    // It is found by its workload.
    browser.go(&leadsman.page("/?q=worker")).await;
    browser.until("document.querySelectorAll('[data-list=mappings] > li').length === 1").await;
    browser.click("[data-list=mappings] .open").await;
    browser.until("document.querySelector('.inside:not([hidden]) dl') !== null").await;
    let inside = browser.text(".inside:not([hidden]) dl").await.unwrap_or_default();
    for part in [
        "to zero and from zero",
        "Deployment worker of namespace shop",
        "the sum of queue=orders above 1.5: from zero to 2 replicas",
        "not above it for 5 min: to zero",
        "looked at every 15 s",
        "a zero that somebody else has set is left, too",
    ] {
        assert!(inside.contains(part), "{part} in {inside}");
    }
    assert_eq!(browser.faults(), [""; 0]);
}
