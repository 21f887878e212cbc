//! What the page and `/status.json` say of sources, plugins and teams.

use leadsman_tests::Browser;
use serde_json::Value;

use super::{BROKEN, GOOD, Site};

fn named<'a>(section: &'a Value, name: &str) -> &'a Value {
    let all = section.as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().find(|one| one["name"] == name).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn sources_and_plugins_are_told_with_what_they_did() {
    let site = Site::new().await;
    let status = site.leadsman.status().await;
    let source = named(&status["sources"], "prometheus");
    // It answers, and not all queries.
    assert_eq!(source["state"], "someFail", "{source:#}");
    assert!(source["lastError"].as_str().is_some_and(|why| why.contains(super::WHY)), "{source:#}");
    assert!(source["lastSuccess"].as_i64() > Some(0) && source["lastFailure"].as_i64() > Some(0));
    assert!(source["perMinute"].as_f64() >= Some(8.0), "{source:#}");
    assert!(source["p99Seconds"].as_f64() > Some(0.0), "{source:#}");
    assert_eq!((&source["inFlight"], &source["mappingsTotal"]), (&0.into(), &8.into()));
    let plugin = named(&status["plugins"], "per-object");
    assert_eq!((&plugin["runs"], &plugin["failed"]), (&GOOD.len().into(), &0.into()), "{plugin:#}");
    assert!(plugin["seconds"].as_f64() > Some(0.0) && plugin["digest"].is_string(), "{plugin:#}");
    let mappings = status["mappings"].as_array().expect("mappings");
    let failing = mappings.iter().find(|mapping| mapping["metric"] == BROKEN[0]);
    let evaluation = &failing.expect("a mapping")["evaluations"][0];
    assert!(evaluation["failingSeconds"].as_f64() >= Some(0.0), "{evaluation:#}");
    site.repair().await;
    let source = named(&site.leadsman.status().await["sources"], "prometheus").clone();
    assert!(source["lastSuccess"].as_i64() > source["lastFailure"].as_i64(), "{source:#}");
}

#[tokio::test]
async fn a_source_shows_when_and_how_fast_and_how_often_it_answers() {
    // Queries are those of the last minute, and a browser may take long to start.
    let mut browser = Browser::open("about:blank", (1400, 1000)).await;
    let site = Site::new().await;
    browser.go(&site.leadsman.page("/")).await;
    browser
        .until("(document.querySelector('[data-list=sources] .state')?.textContent ?? '') === 'some queries fail'")
        .await;
    // Each cell has the label that it shows where columns have none.
    let cells = "[...document.querySelectorAll('[data-list=sources] > li .label')]\
                 .map((of) => [of.textContent, of.parentNode.textContent.slice(of.textContent.length)])";
    let cells: Vec<(String, String)> =
        serde_json::from_value(browser.value(cells).await).expect("cells");
    let cell = |label: &str| {
        let found = cells.iter().find(|(name, _)| name == label);
        found.map_or_else(|| panic!("no {label} in {cells:?}"), |(_, text)| text.as_str())
    };
    for label in ["Last success", "Last failure"] {
        assert!(cell(label).ends_with(" ago"), "{cells:?}");
    }
    assert_eq!(cell("In flight"), "0");
    // A time of this machine, with its unit.
    let (number, unit) = cell("p99").split_once(' ').expect("a unit");
    assert!(number.parse::<f64>().is_ok_and(|number| number > 0.0), "{cells:?}");
    assert!(["µs", "ms", "s"].contains(&unit), "{cells:?}");
    let queries = cell("Queries").strip_suffix(" a minute").expect("a rate");
    assert!(queries.parse::<f64>().is_ok_and(|queries| queries >= 8.0), "{cells:?}");
    assert_eq!(browser.faults(), [""; 0]);
}
