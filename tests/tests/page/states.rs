//! What is wrong with a mapping although its newest evaluation succeeded: states that are seen, not grey
//! text.

use leadsman_tests::{Browser, Config, Leadsman, Mapping, Reply, Upstream, paths};
use serde_json::json;

use super::Site;

const DESKTOP: (u32, u32) = (1400, 1000);

#[tokio::test]
async fn a_value_that_is_refused_is_a_state() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "NaN"), ("web-1", "1")])).await;
    let config = Config::shop(&upstream.url());
    let mapping = Mapping::pods("odd").query("q", r#"odd{namespace="${namespace}"}"#);
    let leadsman = Leadsman::start(config.mapping(mapping)).await;
    leadsman.get(&paths::pods("shop", "odd")).await;
    let mut browser = Browser::open(&leadsman.page("/?problems=true"), DESKTOP).await;
    let state = "document.querySelector('[data-list=mappings] .state')";
    browser.until(&format!("{state}?.textContent === '1 value refused'")).await;
    assert_eq!(browser.value(&format!("{state}.dataset.tone")).await, "warn");
    assert_eq!(browser.faults(), [""; 0]);
}

#[tokio::test]
async fn each_thing_that_is_not_served_is_a_state() {
    let site = Site::small().await;
    let mut browser = Browser::open(&site.leadsman.page("/"), DESKTOP).await;
    browser.until("document.querySelectorAll('[data-list=mappings] > li').length === 1").await;
    // As an event of the server tells it, and what is seen at once.
    let told = "(async () => { const store = await import('/page/store.js'); \
        const [name, of] = store.all('mapping')[0]; \
        const now = { ...of, refused: 2, leftOut: 3, disagreeing: 1 }; \
        store.tell('some', { now: Date.now(), set: { [name]: now } }); \
        return [...document.querySelectorAll('[data-list=mappings] .state')]\
          .map((of) => [of.textContent, of.dataset.tone]); })()";
    let expected = json!([
        ["2 values refused", "warn"],
        ["3 objects left out", "warn"],
        ["1 object's series disagree", "warn"],
    ]);
    assert_eq!(browser.value(told).await, expected);
    assert_eq!(browser.faults(), [""; 0]);
}

#[tokio::test]
async fn a_query_leads_to_the_page_of_its_source() {
    let site = Site::small().await;
    let mut browser = Browser::open(&site.leadsman.page("/"), DESKTOP).await;
    browser.until("document.querySelector('[data-list=mappings] .open') !== null").await;
    browser.click("[data-list=mappings] .open").await;
    let link = "document.querySelector('.inside:not([hidden]) a[target=_blank]')";
    browser.until(&format!("{link} !== null")).await;
    let begin = format!("{}/graph?", site.upstream.url());
    let address = browser.value(&format!("{link}.href")).await;
    assert!(address.as_str().is_some_and(|address| address.starts_with(&begin)), "{address}");
    assert_eq!(browser.faults(), [""; 0]);
}
