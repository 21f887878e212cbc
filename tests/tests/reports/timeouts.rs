//! A source that is slow: what took too long, and which key gives it more time.

use std::time::Duration;

use leadsman_tests::{Config, Leadsman, Mapping, Reply, Request, Upstream, eventually, paths};
use serde_json::json;

use crate::scene::{SUM, overrides, rule, rules};

/// More than a read waits for, and less than the source may take.
const SLOW: Duration = Duration::from_millis(2500);

fn depth() -> Mapping {
    Mapping::external("depth").query("q", "sum(depth)")
}

#[tokio::test]
async fn a_read_that_waited_in_vain_names_its_deadline_and_the_next_one_has_the_value() {
    let item = json!([{"metric": {}, "value": [1_695_018_199.504, "7"]}]);
    let upstream = Upstream::start(Reply::vector(&item).after(SLOW)).await;
    let leadsman = Leadsman::start(Config::shop(&upstream.url()).mapping(depth())).await;
    let path = paths::external("shop", "depth");
    let failure = leadsman.get(&path).await.failure();
    assert_eq!(failure.code, 504, "{failure:#?}");
    failure.says(&["depth", "deadline", "1s"]);
    eventually("the value", Duration::from_secs(10), async || {
        let answer = leadsman.get(&path).await;
        if answer.status == 200 { Ok(answer.value()) } else { Err(answer.body) }
    })
    .await;
    assert_eq!(upstream.queries(), 1, "the first query was not for nothing");
}

#[tokio::test]
async fn a_source_that_takes_longer_than_its_timeout_names_it() {
    let upstream = Upstream::start(Reply::Silence).await;
    let config = Config::new()
        .source("prometheus", &format!("url: {}, timeout: 300ms", upstream.url()))
        .mapping(depth());
    let leadsman = Leadsman::start(config).await;
    let failure = leadsman.get(&paths::external("shop", "depth")).await.failure();
    assert!(failure.code >= 500, "{failure:#?}");
    failure.says(&["depth", "prometheus", "timeout", "300ms"]);
}

/// A rule has no deadline of its own: it is set for all of them.
#[tokio::test]
async fn a_slow_rule_names_a_key_that_there_is() {
    let upstream = Upstream::start(Reply::Silence).await;
    let series = json!([{"__name__": "depth", "namespace": "shop", "pod": "web-0"}]);
    let listed = Reply::json(200, &json!({"status": "success", "data": series}));
    upstream.answer_with(move |request: &Request| match request.path.ends_with("/series") {
        true => listed.clone(),
        false => Reply::Silence,
    });
    let of_depth = rule("depth", overrides(&["namespace", "pod"]), SUM);
    let config =
        Config::shop(&upstream.url()).set("rules", &rules(std::slice::from_ref(&of_depth)));
    let leadsman = Leadsman::start(&config).await;
    let failure = leadsman.get(&paths::pods("shop", "depth")).await.failure();
    assert_eq!(failure.code, 504, "{failure:#?}");
    failure.says(&["depth", "deadline", "discovery"]);
    let patient = config.set("discovery", "{deadline: 300ms}");
    let checked = Leadsman::check(&patient).await;
    assert_eq!(checked.code, Some(0), "{}", checked.output);
    let leadsman = Leadsman::start(&patient).await;
    let failure = leadsman.get(&paths::pods("shop", "depth")).await.failure();
    assert_eq!(failure.code, 504, "{failure:#?}");
    failure.says(&["300ms"]);
}
