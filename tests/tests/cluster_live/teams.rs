//! Configurations of teams, each for its own namespace.

use tokio::time::Instant;

use super::*;

#[tokio::test]
async fn a_team_serves_only_its_own_namespace() {
    let site = Site::new("opened").await;
    let opened = "namespaces: [opened-a, opened-b], sources: [prometheus]";
    site.operator.write(site.config().team(opened).mapping(external("all", 1))).await;
    let leadsman = site.start().await;
    let (a, b) = (site.team("opened-a").await, site.team("opened-b").await);

    a.write(Config::new().mapping(pods("load", 2)).mapping(external("depth", 3))).await;
    site.serves(&leadsman, &paths::pods("opened-a", "load"), "2").await;
    site.serves(&leadsman, &paths::external("opened-a", "depth"), "3").await;
    for path in [paths::pods("opened-b", "load"), paths::external("opened-b", "depth")] {
        let unknown = site.read(&leadsman, &path).await.failure();
        assert_eq!(unknown.code, 404, "{unknown:?}");
        // Metrics of other namespaces are not visible.
        assert!(!unknown.message.contains("opened-a"), "{unknown:?}");
    }

    // The same names in two namespaces.
    b.write(Config::new().mapping(pods("load", 4)).mapping(external("depth", 5))).await;
    site.serves(&leadsman, &paths::pods("opened-b", "load"), "4").await;
    site.serves(&leadsman, &paths::external("opened-b", "depth"), "5").await;
    site.serves(&leadsman, &paths::pods("opened-a", "load"), "2").await;
    site.serves(&leadsman, &paths::external("opened-a", "depth"), "3").await;
    for namespace in ["opened-a", "opened-b", "elsewhere"] {
        site.serves(&leadsman, &paths::external(namespace, "all"), "1").await;
    }
    assert_eq!(warnings(&a).await, []);
    assert_eq!(warnings(&b).await, []);
    for owner in ["operator", &a.owner(), &b.owner()] {
        wait_accepted(&leadsman, owner).await;
    }
}

#[tokio::test]
async fn a_fault_is_reported_on_its_config_map_and_affects_no_other() {
    let site = Site::new("faults").await;
    let opened = "namespaces: ['faults-*'], sources: [prometheus]";
    site.operator.write(site.config().team(opened).mapping(external("all", 1))).await;
    let (a, b) = (site.team("faults-a").await, site.team("faults-b").await);
    let leadsman = site.start().await;
    let depths = ["faults-a", "faults-b"].map(|namespace| paths::external(namespace, "depth"));
    a.write(Config::new().mapping(external("depth", 2))).await;
    site.serves(&leadsman, &depths[0], "2").await;

    b.write("kind: [Config").await;
    b.wait_event("ConfigInvalid", &["ConfigMap faults-b/metrics config.yaml"]).await;
    wait_rejected(&leadsman, &b.owner(), "ConfigInvalid", &["faults-b/metrics"]).await;
    a.write(Config::new().mapping(external("depth", 3))).await;
    site.serves(&leadsman, &depths[0], "3").await;
    site.operator.write(site.config().team(opened).mapping(external("all", 4))).await;
    site.serves(&leadsman, &paths::external("faults-b", "all"), "4").await;
    wait_accepted(&leadsman, "operator").await;

    // A fault keeps the last good version served, and a missing key is a fault.
    b.write(Config::new().mapping(external("depth", 5))).await;
    site.serves(&leadsman, &depths[1], "5").await;
    b.wait_event("Loaded", &[]).await;
    b.write("").await;
    let told = wait_rejected(&leadsman, &b.owner(), "ConfigInvalid", &[]).await;
    assert_eq!(told["serving"], true, "{told:#}");
    site.serves(&leadsman, &depths[1], "5").await;

    // A new replica has no last good version of it, and is ready nevertheless.
    let second = site.start().await;
    site.serves(&second, &depths[0], "3").await;
    site.serves_not(&second, &depths[1]).await;
}

#[tokio::test]
async fn a_faulty_team_does_not_affect_readiness() {
    let site = Site::new("alone").await;
    let opened = "namespaces: [alone-a], sources: [prometheus]";
    site.operator.write(site.config().team(opened)).await;
    let a = site.team("alone-a").await;
    a.write(Config::new().mapping(faulty("depth"))).await;
    let leadsman = site.start().await;
    wait_rejected(&leadsman, &a.owner(), "ConfigInvalid", &["externl"]).await;
}

#[tokio::test]
async fn a_namespace_without_an_entry_is_reported() {
    let site = Site::new("unopened").await;
    let opened = "namespaces: [unopened-a], sources: [prometheus]";
    site.operator.write(site.config().team(opened).mapping(external("all", 1))).await;
    let leadsman = site.start().await;
    let b = site.team("unopened-b").await;
    b.write(Config::new().mapping(external("depth", 2))).await;
    let what = ["opens nothing to the namespace unopened-b", "`teams`"];
    assert!(b.wait_event("NotAllowed", &what).await.warning);
    wait_rejected(&leadsman, &b.owner(), "NotAllowed", &what).await;
    let depth = paths::external("unopened-b", "depth");
    site.serves_not(&leadsman, &depth).await;

    let more = "namespaces: [unopened-b], sources: [prometheus]";
    let config = site.config().team(opened).team(more).mapping(external("all", 1));
    site.operator.write(config).await;
    site.serves(&leadsman, &depth, "2").await;
    b.wait_event("Loaded", &[]).await;
    wait_accepted(&leadsman, &b.owner()).await;
}

#[tokio::test]
async fn without_label_or_config_map_nothing_is_served() {
    let site = Site::new("label").await;
    let opened = "namespaces: [label-a], sources: [prometheus]";
    site.operator.write(site.config().team(opened)).await;
    let leadsman = site.start().await;
    let a = site.team("label-a").await;
    let config = Config::new().mapping(external("depth", 2));
    let depth = paths::external("label-a", "depth");
    for gone in ["unlabelled", "labelled otherwise", "deleted"] {
        a.write(&config).await;
        site.serves(&leadsman, &depth, "2").await;
        match gone {
            "unlabelled" => a.clone().labelled(json!({})).write(&config).await,
            "labelled otherwise" => {
                a.clone().labelled(json!({"leadsman.dev/config": "no"})).write(&config).await;
            }
            _ => a.delete().await,
        }
        site.serves_not(&leadsman, &depth).await;
    }
    wait_accepted(&leadsman, &a.owner()).await;
    // A recreated ConfigMap has a new age and precedence.
    a.write(&config).await;
    site.serves(&leadsman, &depth, "2").await;
}

#[tokio::test]
async fn withdrawn_rights_end_at_once_whatever_the_document_says() {
    let site = Site::new("revoked").await;
    let opened = "namespaces: [revoked-a], sources: [prometheus, other]";
    let base = || site.config().prometheus("other", &site.upstream.url());
    site.operator.write(base().team(opened).mapping(external("all", 1))).await;
    let leadsman = site.start().await;
    let a = site.team("revoked-a").await;
    let both = Config::new()
        .mapping(external("depth", 2))
        .mapping(Mapping::external("width").query_from("other", "q", "n3"));
    let [depth, width] = ["depth", "width"].map(|metric| paths::external("revoked-a", metric));
    a.write(&both).await;
    site.serves(&leadsman, &width, "3").await;

    // The document is valid except for the source, which is no longer open to it.
    let less = "namespaces: [revoked-a], sources: [prometheus]";
    site.operator.write(base().team(less).mapping(external("all", 1))).await;
    let what = ["no source \"other\" that is open to revoked-a"];
    let told = wait_rejected(&leadsman, &a.owner(), "ConfigInvalid", &what).await;
    assert_eq!(told["serving"], false, "{told:#}");
    site.serves_not(&leadsman, &width).await;
    a.write(Config::new().mapping(external("depth", 2))).await;
    site.serves(&leadsman, &depth, "2").await;

    // The last good version of a faulty document is revoked, too.
    a.write(Config::new().mapping(faulty("depth"))).await;
    a.wait_event("ConfigInvalid", &["externl"]).await;
    site.serves(&leadsman, &depth, "2").await;
    site.operator.write(base().mapping(external("all", 1))).await;
    site.serves_not(&leadsman, &depth).await;
    site.serves(&leadsman, &paths::external("revoked-a", "all"), "1").await;
}

#[tokio::test]
async fn opening_more_withdraws_nothing() {
    let site = Site::new("granted").await;
    let opened = "namespaces: [granted-a], sources: [prometheus]";
    let base = || site.config().prometheus("other", &site.upstream.url());
    site.operator.write(base().team(opened)).await;
    let leadsman = site.start().await;
    let a = site.team("granted-a").await;
    let depth = paths::external("granted-a", "depth");
    a.write(Config::new().mapping(external("depth", 2))).await;
    site.serves(&leadsman, &depth, "2").await;
    a.write(Config::new().mapping(faulty("depth"))).await;
    wait_rejected(&leadsman, &a.owner(), "ConfigInvalid", &["externl"]).await;

    // Opening more to the namespace does not end it.
    let more = "namespaces: [granted-a], sources: [prometheus, other]";
    site.operator.write(base().team(more).mapping(external("all", 1))).await;
    site.serves(&leadsman, &paths::external("granted-a", "all"), "1").await;
    site.serves(&leadsman, &depth, "2").await;
    let told = wait_rejected(&leadsman, &a.owner(), "ConfigInvalid", &["externl"]).await;
    assert_eq!(told["serving"], true, "{told:#}");
}

#[tokio::test]
async fn a_growing_older_config_map_takes_nothing_from_a_younger_one() {
    let site = Site::new("siblings").await;
    let opened = "namespaces: [siblings-a], sources: [prometheus], limits: {mappings: 3}";
    site.operator.write(site.config().team(opened)).await;
    let leadsman = site.start().await;
    let older = site.team("siblings-a").await;
    let younger = ConfigMap::of_team(&site.plane.admin(), "siblings-a", "more");
    let [depth, width] = ["depth", "width"].map(|metric| paths::external("siblings-a", metric));
    older.write(Config::new().mapping(external("depth", 1))).await;
    site.serves(&leadsman, &depth, "1").await;
    younger.write(Config::new().mapping(external("width", 2))).await;
    site.serves(&leadsman, &width, "2").await;
    younger.write(Config::new().mapping(faulty("width"))).await;
    wait_rejected(&leadsman, &younger.owner(), "ConfigInvalid", &["externl"]).await;

    let two = Config::new().mapping(external("depth", 3)).mapping(external("height", 4));
    older.write(two.clone()).await;
    site.serves(&leadsman, &depth, "3").await;
    site.serves(&leadsman, &width, "2").await;
    // Until nothing of the quota is left.
    older.write(two.mapping(external("weight", 5))).await;
    site.serves(&leadsman, &paths::external("siblings-a", "weight"), "5").await;
    site.serves_not(&leadsman, &width).await;
}

/// A configuration whose plugin is slow to check each mapping: 45 s in total.
fn slow_to_load() -> Config {
    (0..45).fold(Config::new().plugin("mine", "mine.wasm"), |config, number| {
        let mapping = pods(&format!("load-{number}"), 1);
        config.mapping(mapping.plugin("mine", "do: loop, in: configure"))
    })
}

/// How long others may take that are unrelated to it.
const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_slow_team_delays_no_other() {
    let site = Site::new("slow").await;
    let opened = "namespaces: [slow-a, slow-b], sources: [prometheus]";
    let config = |value: u32| site.config().team(opened).mapping(external("all", value));
    site.operator.write(config(1)).await;
    let hostile = std::fs::read(HOSTILE).expect("a component");
    let slow = site.team("slow-a").await.with_binary("mine.wasm", &hostile);
    let good = site.team("slow-b").await;
    let leadsman = site.start().await;
    slow.write(slow_to_load()).await;
    let begun = Instant::now();
    good.write(Config::new().mapping(external("depth", 2))).await;
    site.operator.write(config(3)).await;
    site.serves(&leadsman, &paths::external("slow-b", "depth"), "2").await;
    site.serves(&leadsman, &paths::external("slow-b", "all"), "3").await;
    let took = begun.elapsed();
    assert!(took < SOON, "{took:?}");
}

#[tokio::test]
async fn a_slow_team_does_not_affect_readiness() {
    let site = Site::new("slowed").await;
    let opened = "namespaces: [slowed-a], sources: [prometheus]";
    site.operator.write(site.config().team(opened).mapping(external("all", 1))).await;
    let hostile = std::fs::read(HOSTILE).expect("a component");
    let slow = site.team("slowed-a").await.with_binary("mine.wasm", &hostile);
    slow.write(slow_to_load()).await;
    let begun = Instant::now();
    let leadsman = site.start().await;
    let took = begun.elapsed();
    assert!(took < SOON, "{took:?}");
    site.serves(&leadsman, &paths::external("slowed-a", "all"), "1").await;
}
