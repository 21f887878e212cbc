//! Autoscalers on the page: those of the demo, whose statuses are as a controller writes them.

use leadsman_tests::{Browser, Leadsman, eventually};
use serde_json::Value;

const FRAMES: std::time::Duration = std::time::Duration::from_secs(60);

/// The autoscaler of a name in `/status.json`.
async fn of(demo: &Leadsman, name: &str) -> Value {
    let status = demo.status().await;
    let items = status["autoscalers"]["items"].as_array().cloned().unwrap_or_default();
    items.into_iter().find(|item| item["name"] == name).unwrap_or_default()
}

#[tokio::test]
async fn autoscalers_have_a_verdict_and_numbers_as_people_write_them() {
    let demo = Leadsman::demo().await;
    let at_max = eventually("one at its maximum", FRAMES, async || {
        let item = of(&demo, "kuard-deployment").await;
        match item["state"] == "atMax" && item["metrics"][0]["value"]["text"] == "1013.4" {
            true => Ok(item),
            false => Err(format!("{item:#}")),
        }
    })
    .await;
    assert!(at_max["wants"].as_i64() > Some(5), "{at_max:#}");
    assert!(
        at_max["verdict"].as_str().is_some_and(|said| said.starts_with("wants ")),
        "{at_max:#}"
    );
    assert_eq!(at_max["metrics"][0]["value"]["quantity"], "1013400m");
    assert_eq!(at_max["metrics"][0]["mapping"], "services/avi_l4_server_avg_open_conns");
    let two = of(&demo, "my-deployment-apache").await;
    assert_eq!(two["metrics"].as_array().map(Vec::len), Some(2), "one autoscaler, two metrics");
}

#[tokio::test]
async fn autoscalers_are_first_and_the_worst_is_on_top() {
    // The recording plays once, and a browser may take long to start.
    let mut browser = Browser::open("about:blank", (1400, 1000)).await;
    let demo = Leadsman::demo().await;
    browser.go(&demo.page("/")).await;
    browser.until("document.querySelectorAll('[data-list=autoscalers] > li').length === 5").await;
    assert_eq!(browser.value("document.querySelector('main section').id").await, "autoscalers");
    browser
        .until(
            "document.querySelector('#autoscalers').innerText.includes('at the maximum, wants ')",
        )
        .await;
    // Trends have a scale and a span of time.
    let chart = "[...document.querySelector('[data-list=autoscalers] .chart').querySelectorAll('text')].map((of) => of.textContent)";
    let texts: Vec<String> = serde_json::from_value(browser.value(chart).await).expect("texts");
    assert!(
        texts.iter().any(|text| text == "now") && texts.iter().any(|text| text == "0"),
        "{texts:?}"
    );
    assert!(texts.iter().any(|text| text.ends_with(" ago")), "{texts:?}");
    let order = "(() => { const order = ['failing', 'held', 'at the maximum', 'pinned', 'not looked', 'fine']; \
        const all = [...document.querySelectorAll('[data-list=autoscalers] > li')].map((of) => order.findIndex((word) => of.querySelector('.state').textContent.startsWith(word))); \
        return all.every((place, at) => place >= 0 && (at === 0 || all[at - 1] <= place)); })()";
    assert_eq!(browser.value(order).await, true);
    // At the maximum is a warning.
    let at_max = "[...document.querySelectorAll('[data-list=autoscalers] .state')].filter((of) => of.textContent.startsWith('at the maximum')).map((of) => of.dataset.tone)";
    let tones: Vec<String> = serde_json::from_value(browser.value(at_max).await).expect("tones");
    assert!(tones.iter().all(|tone| tone == "warn"), "{tones:?}");
    browser.value("document.querySelector('[data-list=autoscalers] .open').click()").await;
    browser.until("document.querySelector('.inside:not([hidden]) .chart.large') !== null").await;
    let told = browser.text(".inside:not([hidden])").await.unwrap_or_default();
    for part in ["proposes", "value / target", "What its controller says", "AbleToScale"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    browser
        .until("document.querySelector('.inside:not([hidden])').innerText.includes('Behind it')")
        .await;
    assert_eq!(browser.faults(), [""; 0]);
    browser.picture("autoscalers").await;
    browser.size((390, 844)).await;
    let width = browser.value("document.documentElement.scrollWidth").await;
    assert!(width.as_u64() <= Some(390), "{width}");
    browser.picture("autoscalers-phone").await;
}
