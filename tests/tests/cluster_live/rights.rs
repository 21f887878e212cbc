//! Missing rights of the adapter, and how they are reported.

use super::*;

#[tokio::test]
async fn without_the_right_to_watch_teams_the_operators_configuration_is_served() {
    let plane = ControlPlane::shared().await;
    let site = Site::without_teams(plane, "forbidden").await;
    let opened = "namespaces: [forbidden-a], sources: [prometheus]";
    site.operator.write(site.config().team(opened).mapping(external("all", 1))).await;
    let a = site.team("forbidden-a").await;
    a.write(Config::new().mapping(external("depth", 2))).await;
    let leadsman = site.start().await;
    let all = paths::external("forbidden-a", "all");
    site.serves(&leadsman, &all, "1").await;
    let what = ["the teams' ConfigMaps cannot be followed", "configmaps"];
    let told = wait_rejected(&leadsman, "operator", "Forbidden", &what).await;
    assert_eq!(told["title"], "teams", "{told:#}");
    site.operator.wait_event("Forbidden", &what).await;
    site.operator.write(site.config().team(opened).mapping(external("all", 3))).await;
    site.serves(&leadsman, &all, "3").await;

    // As soon as it has the right, it works.
    site.adapter.account().allow_team_config_maps(&plane.admin()).await;
    site.serves(&leadsman, &paths::external("forbidden-a", "depth"), "2").await;
    wait_accepted(&leadsman, "operator").await;
}

#[tokio::test]
async fn a_missing_right_to_the_operators_config_map_is_reported() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let adapter = Adapter::new(plane, "unread", &["pods"]).await;
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1")])).await;
    let operator = ConfigMap::of_operator(&admin, "unread", "settings");
    let config = Config::new().prometheus("prometheus", &upstream.url());
    operator.write(config.mapping(external("all", 1))).await;
    let leadsman =
        adapter.launch_config_map(&operator.owner(), &[]).await.expect("a process that waits");
    let what = ["configmaps \"settings\" is forbidden"];
    wait_rejected(&leadsman, "operator", "Unreadable", &what).await;
    assert_ne!(leadsman.get("/readyz").await.status, 200);

    adapter.account().allow_config_map(&admin, "unread", "settings").await;
    let leadsman = Leadsman::expect_ready(Ok(leadsman)).await;
    wait_accepted(&leadsman, "operator").await;
}
