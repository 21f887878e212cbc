//! What the page and `/status.json` say of sources, plugins and teams.

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
