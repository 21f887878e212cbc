//! Outages of kube-apiserver.

use super::*;
use tempfile::TempDir;

#[tokio::test]
async fn watches_resume_after_an_outage() {
    let plane = ControlPlane::start().await;
    let site = Site::within(&plane, "back").await;
    let opened = "namespaces: [back-a], sources: [prometheus]";
    site.operator.write(site.config().team(opened).mapping(external("all", 1))).await;
    let a = site.team("back-a").await;
    a.write(Config::new().mapping(external("depth", 2))).await;
    let leadsman = site.start().await;
    let [all, depth] = ["all", "depth"].map(|metric| paths::external("back-a", metric));
    site.serves(&leadsman, &all, "1").await;
    site.serves(&leadsman, &depth, "2").await;

    plane.stop_api_server().await;
    // A user with all rights needs no review, so reads continue.
    for (path, value) in [(&all, "1"), (&depth, "2")] {
        site.serves(&leadsman, path, value).await;
    }
    for what in ["the configuration", "the teams' ConfigMaps"] {
        let line = format!("{what} cannot be followed");
        eventually(&line, TIMEOUT, async || {
            let log = leadsman.log();
            if log.contains(&line) { Ok(()) } else { Err(log) }
        })
        .await;
    }
    plane.start_api_server().await;

    // Nothing has changed, so nothing is rejected.
    for owner in ["operator", &a.owner()] {
        wait_accepted(&leadsman, owner).await;
    }
    a.write(Config::new().mapping(external("depth", 3))).await;
    site.serves(&leadsman, &depth, "3").await;
    site.operator.write(site.config().team(opened).mapping(external("all", 4))).await;
    site.serves(&leadsman, &all, "4").await;
}

#[tokio::test]
async fn a_start_without_kube_apiserver_uses_the_last_good_state() {
    let plane = ControlPlane::start().await;
    let site = Site::within(&plane, "restart").await;
    let opened = "namespaces: [restart-a], sources: [prometheus]";
    let hostile = std::fs::read(HOSTILE).expect("a component");
    let a = site.team("restart-a").await.with_binary("mine.wasm", &hostile);
    let config = |value: u32| {
        Config::new()
            .plugin("mine", "mine.wasm")
            .mapping(external("depth", value))
            .mapping(pods("load", 3).plugin("mine", "do: well-behaved"))
    };
    site.operator.write(site.config().team(opened).mapping(external("all", 1))).await;
    a.write(config(2)).await;
    let folder = TempDir::new().expect("a temporary folder");
    let cache = folder.path().join("state").display().to_string();
    let arguments = ["--cache-dir", cache.as_str()];
    let leadsman = Leadsman::expect_ready(site.launch(&arguments).await).await;
    let [all, depth] = ["all", "depth"].map(|metric| paths::external("restart-a", metric));
    let load = paths::pods("restart-a", "load");
    site.serves(&leadsman, &all, "1").await;
    site.serves(&leadsman, &depth, "2").await;
    site.serves(&leadsman, &load, "3").await;
    leadsman.terminate();
    assert_eq!(leadsman.exit().await.code(), Some(0));

    plane.stop_api_server().await;
    // One that was never good has no last good version, and reports what it waits for.
    let fresh = site.launch(&[]).await.expect("a process that waits");
    assert_eq!(fresh.get("/livez").await.status, 200);
    let unready = fresh.get("/readyz").await;
    assert_ne!(unready.status, 200, "{unready:#?}");
    assert!(unready.body.contains("waiting for"), "{unready:#?}");

    let leadsman = site.launch(&arguments).await.expect("a process that goes on");
    assert_eq!(leadsman.get("/livez").await.status, 200);
    site.serves(&leadsman, &all, "1").await;
    site.serves(&leadsman, &depth, "2").await;
    wait_rejected(&leadsman, "operator", "Unreadable", &[]).await;
    // Which pods exist is not known, and not guessed.
    eventually("that pods are not known", TIMEOUT, async || {
        let answer = site.read(&leadsman, &load).await;
        let told = answer.status == 503 && answer.body.contains("pods there are is not known");
        if told { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;

    plane.start_api_server().await;
    site.serves(&leadsman, &load, "3").await;
    let leadsman = Leadsman::expect_ready(Ok(leadsman)).await;
    for owner in ["operator", &a.owner()] {
        wait_accepted(&leadsman, owner).await;
    }
    a.write(config(4)).await;
    site.serves(&leadsman, &depth, "4").await;
    let fresh = Leadsman::expect_ready(Ok(fresh)).await;
    site.serves(&fresh, &depth, "4").await;
}

#[tokio::test]
async fn documents_deleted_during_an_outage_are_not_served() {
    let plane = ControlPlane::start().await;
    let site = Site::within(&plane, "gone").await;
    let opened = "namespaces: [gone-a, gone-b], sources: [prometheus]";
    site.operator.write(site.config().team(opened)).await;
    let [a, b] = [site.team("gone-a").await, site.team("gone-b").await];
    a.write(Config::new().mapping(external("depth", 1))).await;
    b.write(Config::new().mapping(external("depth", 2))).await;
    let folder = TempDir::new().expect("a temporary folder");
    let cache = folder.path().join("state").display().to_string();
    let arguments = ["--cache-dir", cache.as_str()];
    let leadsman = Leadsman::expect_ready(site.launch(&arguments).await).await;
    let depths = ["gone-a", "gone-b"].map(|namespace| paths::external(namespace, "depth"));
    site.serves(&leadsman, &depths[0], "1").await;
    site.serves(&leadsman, &depths[1], "2").await;
    leadsman.terminate();
    assert_eq!(leadsman.exit().await.code(), Some(0));

    a.delete().await;
    let less = "namespaces: [gone-a], sources: [prometheus]";
    site.operator.write(site.config().team(less).mapping(external("all", 3))).await;
    let leadsman = Leadsman::expect_ready(site.launch(&arguments).await).await;
    site.serves(&leadsman, &paths::external("gone-a", "all"), "3").await;
    for depth in &depths {
        site.serves_not(&leadsman, depth).await;
    }
}
