//! What the page shows of a candidate that is compared with what serves.

use std::time::Duration;

use leadsman_tests::{Browser, Config, Leadsman, Mapping, Reply, Upstream, eventually, paths};
use serde_json::json;

const SOON: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_candidate_that_differs_is_a_state_with_what_it_differs_in() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1013.4"), ("web-1", "12")])).await;
    let candidate = "{plugin: formula, config: {formula: 'q * 2', object: pod}}";
    let load = Mapping::pods("load").query("q", &super::query("load"));
    let load = load.set("maxAge", "400ms").set("candidate", candidate);
    let leadsman = Leadsman::start(Config::shop(&upstream.url()).mapping(load)).await;
    eventually("a comparison", SOON, async || {
        leadsman.get(&paths::pods("shop", "load")).await.ok();
        let candidate = leadsman.mapping("load").await["candidate"].clone();
        let differs = candidate["different"].as_u64() >= Some(1);
        if differs { Ok(()) } else { Err(format!("{candidate:#}")) }
    })
    .await;
    let mut browser = Browser::open(&leadsman.page("/"), (1400, 1000)).await;
    // The plugin on trial is above those that are not, and says what it gives.
    let first = "(document.querySelector('[data-list=plugins] > li')?.innerText ?? '')";
    for part in
        ["formula", "candidate differs", "on trial for pods/load", "2026.8 where 1013.4 is served"]
    {
        browser.until(&format!("{first}.includes('{part}')")).await;
    }
    // So does the mapping, whose values are served all the same.
    let mapping = "(document.querySelector('[data-list=mappings] > li')?.innerText ?? '')";
    for part in ["candidate differs in", "shop/web-0: 2026.8 where 1013.4 is served"] {
        browser.until(&format!("{mapping}.includes('{part}')")).await;
    }
    let tones = "[...document.querySelectorAll('[data-list=mappings] .state')].map((of) => of.dataset.tone)";
    assert_eq!(browser.value(tones).await, json!(["warn"]));
    // It is a problem to look at, and found by that word.
    browser.go(&leadsman.page("/?problems=true")).await;
    browser.until(&format!("{mapping}.includes('candidate differs in')")).await;
    browser.until("document.querySelectorAll('[data-list=plugins] > li').length === 1").await;
    assert_eq!(browser.faults(), [""; 0]);
    browser.picture("candidate").await;
}
