//! The operator's configuration in a ConfigMap.

use super::*;

#[tokio::test]
async fn edits_are_served_and_faulty_ones_reported_while_the_last_good_one_is_served() {
    let site = Site::new("edited").await;
    site.operator.write(site.config().mapping(external("depth", 1))).await;
    let leadsman = site.start().await;
    let depth = paths::external("edited", "depth");
    site.serves(&leadsman, &depth, "1").await;

    site.operator.write(site.config().mapping(external("depth", 2))).await;
    site.serves(&leadsman, &depth, "2").await;
    assert_eq!(warnings(&site.operator).await, [], "nothing was wrong");

    site.operator.write(site.config().mapping(faulty("depth"))).await;
    let fault = ["config.yaml:", "mappings[0].plugin", "did you mean \"external\"?"];
    let told = site.operator.wait_event("ConfigInvalid", &fault).await;
    assert!(told.warning, "{told:?}");
    told.assert_contains(&["what was served before goes on"]);
    let rejected = wait_rejected(&leadsman, "operator", "ConfigInvalid", &fault).await;
    assert_eq!(rejected["serving"], true, "{rejected:#}");
    site.serves(&leadsman, &depth, "2").await;
    assert_eq!(leadsman.get("/readyz").await.status, 200);
    let described =
        site.plane.kubectl(&["describe", "configmap", "-n", "edited", "settings"]).await;
    assert!(described.ok().contains("did you mean"), "{described:#?}");

    // Another fault is another Event, however soon after the first one.
    let elsewhere = external("depth", 1).set("maxAeg", "1s");
    site.operator.write(site.config().mapping(elsewhere)).await;
    site.operator.wait_event("ConfigInvalid", &["maxAeg", "did you mean \"maxAge\"?"]).await;

    site.operator.write(site.config().mapping(external("depth", 3))).await;
    site.serves(&leadsman, &depth, "3").await;
    wait_accepted(&leadsman, "operator").await;
    let told = site.operator.wait_event("Loaded", &["configuration"]).await;
    assert!(!told.warning, "{told:?}");

    // The same fault again is the same Event with a count of two.
    site.operator.write(site.config().mapping(faulty("depth"))).await;
    eventually("an Event that is told twice", TIMEOUT, async || {
        let mut events = site.operator.events().await;
        events.retain(|told| told.message.contains("did you mean \"external\"?"));
        match events.as_slice() {
            [told] if told.times == 2 => Ok(()),
            others => Err(format!("{others:#?}")),
        }
    })
    .await;
}

#[tokio::test]
async fn a_missing_config_map_is_awaited() {
    let site = Site::new("awaited").await;
    let leadsman = site.launch(&[]).await.expect("a process that waits");
    let missing = ["there is no ConfigMap awaited/settings"];
    wait_rejected(&leadsman, "operator", "Unreadable", &missing).await;
    assert_eq!(leadsman.get("/livez").await.status, 200);
    // It waits for the cluster's authorities before.
    eventually("a process that waits for its configuration", TIMEOUT, async || {
        let unready = leadsman.get("/readyz").await;
        assert_ne!(unready.status, 200, "{unready:#?}");
        let waits = unready.body.contains("configuration");
        waits.then_some(()).ok_or_else(|| format!("{unready:#?}"))
    })
    .await;
    is_not_known_yet(&site, &leadsman, "awaited", "Unreadable").await;

    site.operator.write(site.config().mapping(external("depth", 4))).await;
    let leadsman = Leadsman::expect_ready(Ok(leadsman)).await;
    site.serves(&leadsman, &paths::external("awaited", "depth"), "4").await;
    site.serves_not(&leadsman, &paths::external("awaited", "other")).await;
    wait_accepted(&leadsman, "operator").await;
}

#[tokio::test]
async fn a_faulty_config_map_is_reported_and_its_correction_awaited() {
    let site = Site::new("mended").await;
    site.operator.write(site.config().mapping(faulty("depth"))).await;
    let leadsman = site.launch(&[]).await.expect("a process that waits");
    site.operator.wait_event("ConfigInvalid", &["did you mean \"external\"?"]).await;
    let unready = leadsman.get("/readyz").await;
    assert_ne!(unready.status, 200, "{unready:#?}");
    is_not_known_yet(&site, &leadsman, "mended", "ConfigInvalid").await;

    site.operator.write(site.config().mapping(external("depth", 5))).await;
    let leadsman = Leadsman::expect_ready(Ok(leadsman)).await;
    site.serves(&leadsman, &paths::external("mended", "depth"), "5").await;
    site.operator.wait_event("Loaded", &[]).await;
}

#[tokio::test]
async fn a_deleted_config_map_keeps_being_served_and_is_reported() {
    let site = Site::new("deleted").await;
    site.operator.write(site.config().mapping(external("depth", 6))).await;
    let leadsman = site.start().await;
    let depth = paths::external("deleted", "depth");
    site.serves(&leadsman, &depth, "6").await;

    site.operator.delete().await;
    let missing = ["there is no ConfigMap deleted/settings"];
    let told = wait_rejected(&leadsman, "operator", "Unreadable", &missing).await;
    assert_eq!(told["serving"], true, "{told:#}");
    site.serves(&leadsman, &depth, "6").await;
    assert_eq!(leadsman.get("/readyz").await.status, 200);

    site.operator.write(site.config().mapping(external("depth", 7))).await;
    site.serves(&leadsman, &depth, "7").await;
    wait_accepted(&leadsman, "operator").await;
}

#[tokio::test]
async fn a_plugin_in_binary_data_is_replaced_live() {
    let site = Site::new("beside").await;
    site.team("beside").await;
    let hostile = std::fs::read(HOSTILE).expect("a component");
    let load = |deed: &str| {
        let mapping = pods("load", 8).plugin("mine", &format!("do: {deed}"));
        site.config().plugin("mine", "mine.wasm").mapping(mapping)
    };
    let first = site.operator.clone().with_binary("mine.wasm", &hostile);
    first.write(load("well-behaved")).await;
    let leadsman = site.start().await;
    let path = paths::pods("beside", "load");
    site.serves(&leadsman, &path, "8").await;

    // Bytes that are not a plugin: the last good ones keep being served.
    site.operator.clone().with_binary("mine.wasm", b"no plugin").write(load("well-behaved")).await;
    let told = site.operator.wait_event("NotAPlugin", &["binaryData[\"mine.wasm\"]"]).await;
    told.assert_contains(&["what was served before goes on"]);
    site.serves(&leadsman, &path, "8").await;

    // Another plugin of that name, with another configuration.
    let threshold = Mapping::pods("load").plugin("mine", "workers: 2");
    let threshold = threshold.query("q", r#"n8{namespace="${namespace}"}"#);
    first.write(site.config().plugin("mine", "mine.wasm").mapping(threshold)).await;
    site.operator.wait_event("ConfigInvalid", &["workers"]).await;
    site.serves(&leadsman, &path, "8").await;
    first.write(load("remember")).await;
    site.serves(&leadsman, &path, "1").await;
    wait_accepted(&leadsman, "operator").await;

    let key = site.operator.clone().with_binary("mine.wsm", &hostile);
    key.write(load("remember")).await;
    let hint = ["no key \"mine.wasm\" under binaryData", "did you mean \"mine.wsm\"?"];
    site.operator.wait_event("ConfigInvalid", &hint).await;
    site.serves(&leadsman, &path, "1").await;
}

/// Before a configuration is in force, reads are told that, and not that there is no such metric.
async fn is_not_known_yet(site: &Site<'_>, leadsman: &Leadsman, namespace: &str, reason: &str) {
    let pods = paths::pods(namespace, "depth");
    let resource = format!("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods");
    for path in [paths::external(namespace, "depth"), pods, resource] {
        // The trusted authorities may not be known yet.
        let failure = eventually("an answer to a known user", TIMEOUT, async || {
            let answer = site.read(leadsman, &path).await;
            let failure = answer.failure();
            if failure.message.contains("not known yet") { Ok(failure) } else { Err(answer.body) }
        })
        .await;
        assert_eq!(failure.code, 503, "{path}: {failure:?}");
        assert_eq!(failure.reason, "ServiceUnavailable", "{path}: {failure:?}");
        failure.assert_contains(&["no configuration is in force", reason]);
    }
}
