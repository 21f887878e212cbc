//! Mappings of teams, which activate workloads of their own namespace alone.

use leadsman_tests::cluster::{ConfigMap, Workload};
use leadsman_tests::{Config, Leadsman, Mapping, Upstream};

use super::{activated, activating, adapter, admin, one, wait_replicas, wait_told};

#[tokio::test]
async fn a_team_activates_workloads_of_its_own_namespace_alone() {
    let admin = admin().await;
    let adapter = adapter("act-teams").await;
    adapter.account().allow_config_map(&admin, "act-teams", "settings").await;
    adapter.account().allow_team_config_maps(&admin).await;
    let own = Workload::deployment(&admin, "act-team-a", "web", 1).await;
    let foreign = Workload::deployment(&admin, "act-team-b", "web", 1).await;
    let upstream = Upstream::start(one("0")).await;
    let operator = ConfigMap::of_operator(&admin, "act-teams", "settings");
    let opened = "namespaces: ['act-team-*'], sources: [prometheus]";
    let of_operator = Config::new().prometheus("prometheus", &upstream.url()).team(opened);
    operator.write(of_operator).await;
    let launched = adapter.launch_config_map(&operator.owner(), &[]).await;
    let leadsman = Leadsman::expect_ready(launched).await;

    // Its own namespace is what is meant where none is written.
    let team = ConfigMap::of_team(&admin, "act-team-a", "metrics");
    let mapping = |metric: &str| Mapping::external(metric).query("q", metric);
    let keys = "{target: {kind: Deployment, name: web}, every: 1s, cooldown: 2s}";
    let mine = mapping("orders")
        .set("maxAge", "1s")
        .set("refreshAtMostEvery", "1s")
        .set("activation", keys);
    team.write(Config::new().mapping(mine)).await;
    wait_replicas(&own, 0).await;

    // Another team's workload stays, and the one before goes on as it was.
    let other = activated(mapping("orders"), "act-team-b", "web", "cooldown: 1s");
    team.write(Config::new().mapping(other)).await;
    let says = ["activation.target.namespace", "scales workloads of act-team-a alone"];
    team.wait_event("ConfigInvalid", &says).await;
    upstream.set_reply(one("5"));
    wait_replicas(&own, 1).await;
    assert_eq!(foreign.replicas().await, 1);

    // Without a mapping, nobody looks at it.
    team.delete().await;
    upstream.set_reply(one("0"));
    operator
        .write(Config::new().prometheus("prometheus", &upstream.url()).mapping(activating(
            "foreign",
            "act-team-b",
            "web",
            "cooldown: 2s",
        )))
        .await;
    wait_replicas(&foreign, 0).await;
    wait_told(&leadsman, "foreign", "zero").await;
    assert_eq!(own.replicas().await, 1);
}
