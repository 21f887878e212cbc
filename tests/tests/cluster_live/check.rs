//! `leadsman check` of the documents in a cluster.

use super::*;

#[tokio::test]
async fn the_faults_of_all_documents_are_printed() {
    let plane = ControlPlane::start().await;
    let site = Site::within(&plane, "checked").await;
    let opened = "namespaces: [checked-a, checked-b], sources: [prometheus]";
    let good = || site.config().team(opened).mapping(external("all", 1));
    let check = async || {
        let kubeconfig = site.adapter.kubeconfig();
        Leadsman::check_config_map(kubeconfig, &site.operator.owner()).await
    };
    let missing = check().await;
    assert_eq!(missing.code, Some(1), "{missing:#?}");
    missing.assert_contains(&["there is no ConfigMap checked/settings"]);

    let [a, b] = [site.team("checked-a").await, site.team("checked-b").await];
    a.write(Config::new().mapping(external("depth", 2))).await;
    site.operator.write(good()).await;
    let checked = check().await;
    assert_eq!(checked.code, Some(0), "{checked:#?}");
    checked.assert_contains(&["checked/settings", "2 mappings, no faults"]);

    a.write(Config::new().mapping(faulty("depth"))).await;
    b.write(Config::new().mapping(external("depth", 2).set("maxAeg", "1s"))).await;
    site.operator.write(good().mapping(faulty("all"))).await;
    let checked = check().await;
    assert_eq!(checked.code, Some(1), "{checked:#?}");
    checked.assert_contains(&[
        "ConfigMap checked/settings config.yaml:",
        "mappings[1].plugin: there is no plugin \"externl\"",
        "ConfigMap checked-a/metrics config.yaml:",
        "mappings[0].plugin: there is no plugin \"externl\"",
        "ConfigMap checked-b/metrics config.yaml:",
        "unknown key \"maxAeg\"",
        "faults",
    ]);
    // It only prints them, and writes no Events.
    for config_map in [&site.operator, &a, &b] {
        assert_eq!(config_map.events().await, []);
    }
}
