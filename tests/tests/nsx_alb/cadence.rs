//! How often a controller is asked: by its own step, whatever the number of mappings and reads.

use std::time::Duration;

use tokio::time::Instant;

use leadsman_tests::{Alb, Config, Leadsman, Mapping, Pool, eventually, paths};

use super::scene::{ID, POOL, SOON, Scene};

#[tokio::test]
async fn a_value_follows_the_controller_in_its_own_step() {
    let scene = Scene::new().await;
    scene.becomes("1013400m").await;
    let begun = Instant::now();
    for value in [2.0, 3.0] {
        scene.alb.set(POOL, ID, value);
        scene.becomes(&format!("{value}")).await;
    }
    // One call at the beginning, and one in each 5 s.
    let most = begun.elapsed().as_secs() / 5 + 2;
    let calls = scene.alb.count("/api/analytics") as u64;
    assert!(calls <= most, "{calls} calls in {:?}", begun.elapsed());
    let labels = [("source", "lb"), ("call", "metrics"), ("outcome", "ok")];
    let counted = scene.leadsman.metric("leadsman_source_calls_total", &labels).await;
    assert!(counted >= Some(3.0), "{counted:?}");
}

#[tokio::test]
async fn a_hundred_mappings_are_few_calls() {
    let mut pool = Pool::new("pool-4d74", POOL);
    let ids: Vec<_> = (0..100).map(|number| format!("l4_server.avg_{number}")).collect();
    for (number, id) in ids.iter().enumerate() {
        pool.set(id, number as f64);
    }
    let alb = Alb::start(&[pool]).await;
    let config = Config::new().source_of("lb", &alb.source());
    let config = ids.iter().enumerate().fold(config, |config, (number, id)| {
        config.mapping(
            Mapping::custom(&format!("metric_{number}"), "services")
                .alb_query("lb", "q", &format!("entity: pool, uuid: pool-4d74, metric: {id}"))
                .plugin("per-object", "object: {namespace: shop, name: web}")
                .set("deadline", "10s"),
        )
    });
    let leadsman = Leadsman::start(config.object("services", Some("shop"), "web", "")).await;
    let read_all = async || {
        for number in 0..100 {
            let path = paths::object("shop", "services/web", &format!("metric_{number}"));
            assert_eq!(leadsman.get(&path).await.value(), number.to_string());
        }
    };
    // As each comes to be wanted; from then on all are asked for together.
    read_all().await;
    let (before, begun) = (alb.count("/api/analytics"), Instant::now());
    eventually("some steps", SOON, async || {
        read_all().await;
        let since = begun.elapsed();
        if since > Duration::from_secs(16) { Ok(()) } else { Err(format!("{since:?}")) }
    })
    .await;
    let calls = (alb.count("/api/analytics") - before) as u64;
    let steps = begun.elapsed().as_secs() / 5;
    // One in each step, and another where a metric was found a moment too early.
    assert!((1..=2 * (steps + 2)).contains(&calls), "{calls} calls in {steps} steps");
    assert_eq!(alb.count("/login"), 1);
}

#[tokio::test]
async fn many_names_are_found_in_one_list() {
    let name = |number: usize| format!("web-{number}");
    let pools: Vec<_> = (0..30)
        .map(|number| Pool::new(&format!("pool-{number}"), &name(number)).with(ID, number as f64))
        .collect();
    let alb = Alb::start(&pools).await;
    let address = format!("url: '{}'", alb.server.url());
    let config = (0..30).fold(
        Config::new().source_of("lb", &alb.source_at(&address, "")),
        |config, number| {
            let asked = format!("entity: pool, name: {}, metric: {ID}", name(number));
            config.mapping(
                Mapping::custom(&name(number).replace('-', "_"), "services")
                    .alb_query("lb", "q", &asked)
                    .plugin("per-object", "object: {namespace: shop, name: web}")
                    .set("deadline", "10s"),
            )
        },
    );
    let leadsman = Leadsman::start(config.object("services", Some("shop"), "web", "")).await;
    for number in 0..30 {
        let path = paths::object("shop", "services/web", &name(number).replace('-', "_"));
        assert_eq!(leadsman.get(&path).await.value(), number.to_string());
    }
    assert_eq!(alb.count("/api/pool"), 11, "ten by name, and one of all");
}
