//! Documents that are expensive to check.

use tokio::time::Instant;

use super::*;

/// How long others may take who have nothing to do with it.
const SOON: Duration = Duration::from_secs(20);

/// 63 queries that a parser takes long for, and a fault.
fn expensive() -> Config {
    let query = format!(r#"sum({{__name__="x",a="{}"}})"#, "y".repeat(4000));
    let config = Config::new().mapping(faulty("fault"));
    (0..63).fold(config, |config, number| {
        config.mapping(Mapping::external(&format!("costly-{number}")).query("q", &query))
    })
}

#[tokio::test]
async fn an_expensive_document_delays_no_other_edit() {
    let site = Site::new("costly").await;
    let opened = "namespaces: ['costly-*'], sources: [prometheus], limits: {mappings: 100}";
    let operators = |value: u32| site.config().team(opened).mapping(external("all", value));
    site.operator.write(operators(1)).await;
    let good = site.team("costly-good").await;
    let leadsman = site.start().await;
    let mut costly = Vec::new();
    for namespace in ["costly-a", "costly-b", "costly-c"] {
        let config_map = site.team(namespace).await;
        config_map.write(expensive()).await;
        costly.push(config_map);
    }
    let begun = Instant::now();
    let [all, depth] = ["all", "depth"].map(|metric| paths::external("costly-good", metric));
    for edit in 2..8 {
        good.write(Config::new().mapping(external("depth", edit))).await;
        site.operator.write(operators(edit)).await;
        site.serves(&leadsman, &depth, &edit.to_string()).await;
        site.serves(&leadsman, &all, &edit.to_string()).await;
    }
    let took = begun.elapsed();
    assert!(took < SOON, "{took:?}");
    // It is told whose it is.
    for config_map in &costly {
        let what = ["externl", "too long in all"];
        wait_rejected(&leadsman, &config_map.owner(), "ConfigInvalid", &what).await;
    }
    wait_accepted(&leadsman, &good.owner()).await;
}
