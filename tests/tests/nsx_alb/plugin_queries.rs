//! Queries to a controller that a plugin brings itself: checked and asked as those of a mapping are.

use leadsman_tests::{Alb, Config, HOSTILE, Leadsman, Mapping, paths};

use super::scene::{ID, POOL, pool};

/// A mapping without queries, whose plugin brings one with these keys.
fn brings(keys: &str, more: &str) -> Mapping {
    Mapping::custom("brought", "services")
        .plugin("guest", &format!("do: ask, ask: {{{keys}}}{more}"))
        .set("deadline", "10s")
}

fn config(alb: &Alb, mapping: Mapping) -> Config {
    Config::new()
        .source_of("alb", &alb.source())
        .prometheus("prometheus", "http://127.0.0.1:9")
        .plugin("guest", HOSTILE)
        .mapping(mapping)
        .object("services", Some("shop"), "web", "")
}

async fn told(alb: &Alb, mapping: Mapping) -> String {
    let checked = Leadsman::check(config(alb, mapping)).await;
    assert_eq!(checked.code, Some(1), "{}", checked.output);
    checked.output
}

#[tokio::test]
async fn a_plugin_brings_a_query_to_a_controller() {
    let alb = Alb::start(&[pool()]).await;
    let asked = format!("nsxAlb: {{entity: pool, name: '{POOL}', metric: {ID}}}");
    let mapping = brings(&asked, "").set("source", "alb");
    let leadsman = Leadsman::start(config(&alb, mapping)).await;
    let path = paths::object("shop", "services/web", "brought");
    assert_eq!(leadsman.get(&path).await.value(), "1013400m");
    assert_eq!(alb.count("/api/analytics"), 1);
}

#[tokio::test]
async fn faults_of_a_query_that_a_plugin_brings_name_both() {
    let alb = Alb::start(&[pool()]).await;
    let good = format!("nsxAlb: {{entity: pool, name: web, metric: {ID}}}");
    let score = "nsxAlb: {entity: pool, name: web, metric: healthscore.health_score_value}";
    for (keys, more, source, text) in [
        ("nsxAlb: {entity: pool, name: web}", "", "alb", "\"metric\" is missing"),
        ("nsxAlb: {entity: pol, name: web, metric: a.b}", "", "alb", "nsxAlb.entity"),
        (
            "nsxAlb: {entity: pool, name: web, metric: conns}",
            "",
            "alb",
            "is not the id of a metric",
        ),
        ("nsxALB: {}", "", "alb", "did you mean \"nsxAlb\""),
        ("promql: 'up{'", "", "prometheus", "promql: "),
        ("promql: 'up{a=\"${nam}\"}'", "", "prometheus", "${nam}"),
        ("promql: up", "", "alb", "\"alb\" is an NSX ALB controller"),
        (&good, "", "prometheus", "\"prometheus\" is a Prometheus"),
        (&format!("source: prometheus, {good}"), "", "alb", "asks only sources that its mapping"),
        (score, ", combine: sum", "alb", "must not be summed"),
        (&good, ", n: 21", "alb", "it plans 21 queries of its own; the limit is 20"),
        (&good, ", n: 2", "alb", "brings two of the name"),
    ] {
        let told = told(&alb, brings(keys, more).set("source", source)).await;
        assert!(told.contains(text), "{text:?} in {told}");
        // What is summed is a fault of the configuration, and too many are the plugin's own.
        if more.is_empty() {
            assert!(told.contains("the query \"ask\" that the plugin \"guest\" brings"), "{told}");
            assert!(told.contains("mappings[0].plugin"), "{told}");
        }
    }
    let nowhere = told(&alb, brings("promql: up", "")).await;
    assert!(nowhere.contains("say with `source` where it goes"), "{nowhere}");
    assert_eq!(alb.server.requests().len(), 0, "checking asks nobody");
}
