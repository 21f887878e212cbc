//! The page as a person sees and uses it, in a real Chromium.

use leadsman_tests::Browser;
use serde_json::json;

use super::{BROKEN, GOOD, Site};

const DESKTOP: (u32, u32) = (1400, 1000);
const PHONE: (u32, u32) = (390, 844);

/// The titles of the mappings that are seen, from the top.
const SEEN: &str =
    "[...document.querySelectorAll('[data-list=mappings] > li .open')].map((of) => of.textContent)";

async fn opened(site: &Site, path: &str, size: (u32, u32)) -> Browser {
    let mut browser = Browser::open(&site.leadsman.page(path), size).await;
    browser.until("document.querySelector('#live').textContent === 'live'").await;
    browser.until("document.querySelectorAll('[data-list=mappings] > li').length > 0").await;
    browser
}

async fn seen(browser: &mut Browser) -> Vec<String> {
    let titles = browser.value(SEEN).await;
    serde_json::from_value(titles).expect("titles")
}

#[tokio::test]
async fn what_fails_is_on_top_and_is_not_green() {
    let site = Site::new().await;
    let mut browser = opened(&site, "/", DESKTOP).await;
    let header = browser.text("#ready").await.unwrap_or_default();
    assert!(header.contains("3 of 8 mappings failing"), "{header}");
    let tones = browser
        .value("[...document.querySelectorAll('#ready .state')].map((of) => of.dataset.tone)")
        .await;
    assert_eq!(tones, json!(["bad"]));
    let titles = seen(&mut browser).await;
    assert_eq!(titles.len(), 8);
    assert!(titles[..3].iter().all(|title| title.contains("broken")), "{titles:?}");
    let first = browser.text("[data-list=mappings] > li").await.unwrap_or_default();
    for part in ["failing", "since", super::WHY, "rate of prometheus:", "per-object", "sha256:"] {
        assert!(first.contains(part), "{part} in {first}");
    }
    // The link shows what it says.
    browser.click("#ready a").await;
    browser.until(&format!("({SEEN}).length === 3")).await;
    assert!(browser.value("location.search").await.as_str().is_some_and(|q| q.contains("failing")));
    assert_eq!(browser.faults(), [""; 0]);
    browser.picture("three-of-eight").await;
}

#[tokio::test]
async fn two_of_a_hundred_and_fifty_that_fail_are_seen_at_once() {
    let mut names: Vec<_> = (0..148).map(|number| format!("requests_{number:03}")).collect();
    names.extend(["zz_broken_a", "zz_broken_b"].map(str::to_owned));
    let site = Site::with(&names).await;
    let mut browser = opened(&site, "/", DESKTOP).await;
    browser.until(&format!("({SEEN}).length === 150")).await;
    let titles = seen(&mut browser).await;
    assert_eq!(titles[..2], ["pods/zz_broken_a", "pods/zz_broken_b"]);
    let place = "document.querySelector('[data-list=mappings] > li:nth-child(2)').getBoundingClientRect().bottom < innerHeight";
    assert_eq!(browser.value(place).await, true, "they are below the fold");
    browser.picture("two-of-150").await;
}

#[tokio::test]
async fn a_search_and_what_is_open_are_in_a_link() {
    let site = Site::new().await;
    let mut browser = opened(&site, "/", DESKTOP).await;
    browser.press("/").await;
    browser.write("queue").await;
    browser.until(&format!("({SEEN}).length === 1")).await;
    browser.press("ArrowDown").await;
    browser.press("Enter").await;
    browser.until("document.querySelector('.inside:not([hidden]) table') !== null").await;
    let address = browser.value("location.href").await;
    let address = address.as_str().expect("an address").to_owned();
    assert!(address.contains("q=queue") && address.contains("open=mapping"), "{address}");
    // Another person sees the same.
    let mut other = Browser::open(&address, DESKTOP).await;
    other.until("document.querySelector('.inside:not([hidden]) table') !== null").await;
    assert_eq!(seen(&mut other).await, ["pods/queue_length"]);
    assert_eq!(other.value("document.querySelector('#search').value").await, "queue");
    let told = other.text(".inside:not([hidden])").await.unwrap_or_default();
    for part in ["1013.4", "1013400m", "web-0", "namespace shop"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert_eq!(other.faults(), [""; 0]);
    other.picture("drill-down").await;
    // Back closes what was opened, and keeps the search.
    browser.value("history.back()").await;
    browser.until("document.querySelector('.inside:not([hidden])') === null").await;
    assert_eq!(seen(&mut browser).await, ["pods/queue_length"]);
}

#[tokio::test]
async fn keys_lead_through_the_page() {
    let site = Site::new().await;
    let mut browser = opened(&site, "/", DESKTOP).await;
    let focused = "document.activeElement.textContent";
    let titles = seen(&mut browser).await;
    browser.press("ArrowDown").await;
    assert_eq!(browser.value(focused).await, json!(titles[0]));
    browser.press("ArrowDown").await;
    assert_eq!(browser.value(focused).await, json!(titles[1]));
    browser.press("Enter").await;
    browser.until("document.activeElement.getAttribute('aria-expanded') === 'true'").await;
    browser.press("Escape").await;
    browser.until("document.activeElement.getAttribute('aria-expanded') === 'false'").await;
    browser.press("/").await;
    assert_eq!(browser.value("document.activeElement.id").await, "search");
    browser.write("nothing is called so").await;
    browser.until(&format!("({SEEN}).length === 0")).await;
    let told = browser.text("#mappings").await.unwrap_or_default();
    assert!(told.contains("All 8 are hidden by the search"), "{told}");
    browser.press("Escape").await;
    browser.until(&format!("({SEEN}).length === 8")).await;
    // Each thing that can be used can be reached, and in the order in which it is seen.
    let order = "(() => { const all = [...document.querySelectorAll('a[href], button, input')].filter((of) => of.offsetParent); \
                 return all.every((of) => of.tabIndex === 0); })()";
    assert_eq!(browser.value(order).await, true);
}

#[tokio::test]
async fn the_page_follows_what_changes_without_being_loaded_again() {
    let site = Site::new().await;
    let mut browser = opened(&site, "/", DESKTOP).await;
    browser.value("window.mark = 'the same page'").await;
    // The focus stays where it is, although its item moves.
    let of_broken = format!(
        "[...document.querySelectorAll('.open')].find((of) => of.textContent === 'pods/{}')",
        BROKEN[1]
    );
    browser.value(&format!("{of_broken}.focus()")).await;
    site.repair().await;
    browser
        .until("document.querySelector('#ready').textContent === 'ready, and nothing is wrong'")
        .await;
    assert_eq!(browser.value("window.mark").await, "the same page");
    let focused = browser.value("document.activeElement.textContent").await;
    assert_eq!(focused, format!("pods/{}", BROKEN[1]));
    let tone = browser.value("document.querySelector('#ready .state').dataset.tone").await;
    assert_eq!(tone, "ok");
    // An adapter that is gone is told of, and what stands there is said to be old.
    site.leadsman.terminate();
    browser.until("!document.querySelector('#notice').hidden").await;
    let told = browser.text("#notice").await.unwrap_or_default();
    assert!(told.contains("What stands below is from"), "{told}");
    assert_eq!(browser.faults(), [""; 0]);
}

#[tokio::test]
async fn colours_are_those_of_the_system_or_of_the_reader() {
    let site = Site::new().await;
    let mut browser = opened(&site, "/", DESKTOP).await;
    let lightness = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0)";
    assert!(browser.value(lightness).await.as_i64() > Some(600));
    browser.prefer("dark").await;
    browser.until(&format!("{lightness} < 150")).await;
    browser.picture("dark").await;
    // Auto, dark, light.
    browser.click("#theme").await;
    browser.click("#theme").await;
    browser.until(&format!("{lightness} > 600")).await;
    browser.go(&site.leadsman.page("/")).await;
    browser
        .until(&format!(
            "{lightness} > 600 && document.querySelector('#theme').textContent === 'Colours: light'"
        ))
        .await;
}

#[tokio::test]
async fn a_phone_shows_all_of_it_without_scrolling_aside() {
    let site = Site::new().await;
    let mut browser = opened(&site, "/", PHONE).await;
    browser.until(&format!("({SEEN}).length === 8")).await;
    let width = browser.value("document.documentElement.scrollWidth").await;
    assert!(width.as_u64() <= Some(u64::from(PHONE.0)), "{width}");
    // Long names wrap between their parts: no line ends within a word.
    let torn = "(() => { const range = document.createRange(); \
        for (const of of document.querySelectorAll('.open, .of, .plainname')) for (const text of of.childNodes) { \
          if (text.nodeType !== 3) continue; range.selectNodeContents(text); \
          if (range.getClientRects().length > 1 && text.data.length < 24) return text.data; } return null; })()";
    assert_eq!(browser.value(torn).await, json!(null));
    browser.picture("phone").await;
    browser.prefer("dark").await;
    browser.picture("phone-dark").await;
    assert_eq!(browser.faults(), [""; 0]);
}

#[tokio::test]
async fn a_mapping_that_works_is_found_by_its_source_and_query() {
    let site = Site::new().await;
    let mut browser = opened(&site, "/?q=nginx_vts", DESKTOP).await;
    browser.until(&format!("({SEEN}).length === 1")).await;
    assert_eq!(seen(&mut browser).await, [format!("pods/{}", GOOD[3])]);
    browser.value("document.querySelector('#problems').click()").await;
    browser.until(&format!("({SEEN}).length === 0")).await;
    assert!(
        browser
            .value("location.search")
            .await
            .as_str()
            .is_some_and(|q| q.contains("problems=true"))
    );
}

#[tokio::test]
async fn numbers_are_as_people_write_them() {
    let site = Site::small().await;
    let mut browser = opened(&site, "/", DESKTOP).await;
    let of = "(async () => { const of = await import('/page/format.js'); return [ \
        ...['1013400m', '22m', '5k', '-500m', '140349m', '0', '12'].map(of.quantity), \
        of.age(41), of.age(200), of.took(0.0124), of.scale(12345), of.bytes(2 ** 25)]; })()";
    let written = browser.value(of).await;
    let expected = json!([
        "1013.4", "0.022", "5000", "-0.5", "140.349", "0", "12", "41 s", "3 min", "12.4 ms",
        "12.3k", "32 MiB"
    ]);
    assert_eq!(written, expected);
}
