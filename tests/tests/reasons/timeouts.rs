//! Time-outs name the key to raise.

use std::time::Duration;

use leadsman_tests::{Config, Leadsman, Mapping, Reply, Upstream, eventually, paths};
use serde_json::json;

use crate::{SUM, is_list, rule, sample};

const TIMEOUT: Duration = Duration::from_secs(20);

fn slow(value: &str, time: Duration) -> Reply {
    Reply::vector(&json!([sample(&json!({}), value)])).after(time)
}

#[tokio::test]
async fn a_deadline_names_itself_and_the_source_s_timeout_and_the_next_read_has_the_value() {
    let upstream = Upstream::start(slow("7", Duration::from_millis(1500))).await;
    let config = Config::new()
        .prometheus("prometheus", &upstream.url())
        .mapping(Mapping::external("depth").query("q", "depth"));
    let leadsman = Leadsman::start(config).await;
    let path = paths::external("shop", "depth");
    let failure = leadsman.get(&path).await.failure();
    assert_eq!(failure.code, 504);
    failure.assert_contains(&[
        "no value within 1s",
        "may take 5s, the source's `timeout`",
        "raise `deadline`",
    ]);
    eventually("the value", TIMEOUT, async || {
        let answer = leadsman.get(&path).await;
        if answer.status == 200 { Ok(answer.value()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
}

#[tokio::test]
async fn a_timeout_of_the_source_names_its_key_once_it_is_known() {
    let upstream = Upstream::start(Reply::NoReply).await;
    let config = Config::new()
        .source("prometheus", &format!("url: {}, timeout: 300ms", upstream.url()))
        .mapping(Mapping::external("depth").query("q", "depth"));
    let leadsman = Leadsman::start(config).await;
    let failure = leadsman.get(&paths::external("shop", "depth")).await.failure();
    assert_eq!(failure.code, 503);
    failure.assert_contains(&["did not answer within 300ms; raise its `timeout`"]);
}

/// Rules have a deadline for all of them, and are told of no key that they do not have.
#[tokio::test]
async fn the_deadline_of_rules_can_be_set() {
    let upstream = Upstream::start(Reply::NoReply).await;
    upstream.reply_with(|request| match is_list(request) {
        true => {
            let series = json!([{"__name__": "depth", "namespace": "shop", "pod": "web-0"}]);
            Reply::json(200, &json!({"status": "success", "data": series}))
        }
        false => Reply::pods(&[("web-0", "7")]).after(Duration::from_millis(1500)),
    });
    let of_rules = |discovery: &str| {
        let rules = format!("[{}]", rule("depth", SUM));
        Config::shop(&upstream.url()).set("discovery", discovery).set("rules", &rules)
    };
    let path = paths::object("shop", "pods/web-0", "depth");
    let leadsman = Leadsman::start(of_rules("{interval: 1h}")).await;
    let failure = leadsman.get(&path).await.failure();
    assert_eq!(failure.code, 504);
    failure.assert_contains(&["no value within 1s", "raise `discovery.deadline`"]);
    let patient = Leadsman::start(of_rules("{interval: 1h, deadline: 10s}")).await;
    assert_eq!(patient.get(&path).await.value(), "7");
}
