//! Where a workload stands, on the status page.

use leadsman_tests::cluster::Workload;
use leadsman_tests::{Browser, Upstream};

use super::{activating, adapter, admin, config, one, wait_replicas};

#[tokio::test]
async fn the_page_follows_a_workload_to_zero_and_from_zero() {
    let admin = admin().await;
    let web = Workload::deployment(&admin, "act-page", "web", 1).await;
    let upstream = Upstream::start(one("5")).await;
    let mapping = activating("orders", "act-page", "web", "cooldown: 2s");
    let adapter = adapter("act-page").await;
    let leadsman = adapter.start(config(&upstream, [mapping])).await;
    let mut browser = Browser::open(&leadsman.page("/"), (1400, 900)).await;
    let shows = |state: &str| {
        let workload = "Deployment web of namespace act-page";
        format!(
            "document.querySelector('[data-activation]').innerText === \
             'takes {workload} to zero and from zero: {state}'"
        )
    };
    browser.until(&shows("active")).await;
    upstream.set_reply(one("0"));
    wait_replicas(&web, 0).await;
    browser.until(&shows("at zero")).await;
    upstream.set_reply(one("5"));
    wait_replicas(&web, 1).await;
    browser.until(&shows("active")).await;
    assert_eq!(browser.faults(), [""; 0]);
}
