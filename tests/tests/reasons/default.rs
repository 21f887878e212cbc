//! Defaults that stand for what is absent.

use leadsman_tests::{Config, Leadsman, Mapping, Reply, Upstream, paths};
use serde_json::json;

use crate::{counted, warns};

#[tokio::test]
async fn a_default_is_served_with_the_reason_why() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "5")])).await;
    let config = Config::shop(&upstream.url())
        .mapping(
            Mapping::pods("load")
                .query("q", r#"load{namespace="${namespace}"}"#)
                .set("onAbsent", "{default: 0}"),
        )
        .mapping(Mapping::external("depth").query("q", "depth").set("onAbsent", "{default: 7}"));
    let leadsman = Leadsman::start(config).await;
    let list = leadsman.get(&paths::pods("shop", "load")).await;
    assert_eq!(list.values().len(), 2);
    warns(&list, &["the default 0 is served for 1 of 2 pods (web-1)", "values for 1 pod"]);
    let one = leadsman.get(&paths::object("shop", "pods/web-1", "load")).await;
    assert_eq!(one.value(), "0");
    warns(&one, &["the default 0 is served for 1 of 1 pod (web-1)"]);
    let whole = leadsman.get(&paths::object("shop", "pods/web-0", "load")).await;
    assert_eq!((whole.value().as_str(), whole.header("warning")), ("5", ""));
    counted(&leadsman, "pods/load", "default", "the default 0").await;

    upstream.set_reply(Reply::vector(&json!([])));
    let depth = leadsman.get(&paths::external("shop", "depth")).await;
    assert_eq!(depth.value(), "7");
    warns(&depth, &["the default 7 is served for external metric depth", "without series"]);
    counted(&leadsman, "external/depth", "default", "the default 7").await;
}
