//! How often a controller is asked: by its own step, whatever the number of mappings and reads.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use leadsman_tests::{Alb, Config, Leadsman, Mapping, Pool, eventually, paths};

use super::scene::{ID, METRIC, POOL, SOON, Scene, of_ingress, of_ingresses, path, pool};

#[tokio::test]
async fn a_value_follows_the_controller_in_its_own_step() {
    let scene = Scene::new().await;
    scene.follows_in_its_step("metrics").await;
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

/// Whatever is asked for at once: a list for each of twenty clusters would be twenty calls, each time.
#[tokio::test]
async fn many_clusters_are_found_in_one_list() {
    let markers = [("Namespace", "shop"), ("IngressName", "web")];
    let of_cluster = |number: u32| {
        let (uuid, cluster) = (format!("pool-{number}"), format!("k8s-{number}"));
        let pool = Pool::of_ako(&uuid, &format!("{cluster}--web"), &cluster, &markers);
        pool.with(ID, f64::from(number))
    };
    let mut pools: Vec<_> = (0..20).map(of_cluster).collect();
    // What nobody made for a cluster is of none.
    pools.push(Pool::new("by-hand", "web").with(ID, 1000.0));
    let alb = Alb::start(&pools).await;
    let address = format!("url: '{}'", alb.server.url());
    let config = Config::new().source_of("lb", &alb.source_at(&address, ""));
    let config = (0..20).fold(config, |config, number| {
        let asked = format!("entity: pool, ako: k8s-{number}, metric: {ID}");
        let mapping = Mapping::custom(&format!("metric_{number}"), "ingresses.networking.k8s.io");
        let mapping = mapping.alb_query("lb", "q", &asked);
        config.mapping(mapping.plugin("per-object", "object: ingress").set("deadline", "10s"))
    });
    let config = config.object("ingresses.networking.k8s.io", Some("shop"), "web", "");
    let leadsman = Arc::new(Leadsman::start(config).await);
    let mut reads = JoinSet::new();
    for number in 0..20 {
        let leadsman = leadsman.clone();
        reads.spawn(async move {
            let metric = format!("metric_{number}");
            let path = paths::object("shop", "ingresses.networking.k8s.io/web", &metric);
            assert_eq!(leadsman.get(&path).await.value(), number.to_string());
        });
    }
    reads.join_all().await;
    let lists = alb.count("/api/pool");
    assert!(lists <= 11, "{lists} lists for 20 clusters");
}

/// Replies that are slow leave time in which others' calls could be sent as well.
#[tokio::test]
async fn calls_never_overlap() {
    let name = |number: usize| format!("web-{number}");
    let pools: Vec<_> = (0..5)
        .map(|number| Pool::new(&format!("pool-{number}"), &name(number)).with(ID, number as f64))
        .collect();
    let alb = Alb::start(&pools).await;
    alb.slow_down(Duration::from_millis(100));
    let config = (0..5).fold(Config::new().source_of("lb", &alb.source()), |config, number| {
        let asked = format!("entity: pool, name: {}, metric: {ID}", name(number));
        let mapping = Mapping::external(&format!("metric_{number}"));
        config.mapping(mapping.alb_query("lb", "q", &asked).set("deadline", "10s"))
    });
    let leadsman = Leadsman::start(config).await;
    let read = async |number: usize| {
        let path = paths::external("shop", &format!("metric_{number}"));
        assert_eq!(leadsman.get(&path).await.value(), number.to_string());
    };
    tokio::join!(read(0), read(1), read(2), read(3), read(4));
    assert!(alb.count("/api/pool") >= 5, "a list for each name");
    assert_eq!(alb.server.most_at_once(), 1);
}

/// A list of six pages is one turn, which takes longer than a query waits for its own.
#[tokio::test]
async fn a_query_whose_turn_does_not_come_says_so() {
    let mut pools: Vec<_> =
        (0..1150).map(|number| of_ingress(number, "shop", &format!("web-{number}"), 1.0)).collect();
    pools.push(pool());
    let alb = Alb::start(&pools).await;
    alb.slow_down(Duration::from_millis(400));
    let ingresses = "ingresses.networking.k8s.io";
    let by_uuid = Mapping::custom(METRIC, "services")
        .alb_query("lb", "conns", &format!("entity: pool, uuid: pool-4d74, metric: {ID}"))
        .plugin("per-object", "object: {namespace: routing-ns1, name: avilb}")
        .set("deadline", "10s");
    let config = Config::new()
        .source_of("lb", &alb.source_with(", timeout: 1s"))
        .mapping(of_ingresses("").set("limits", "{time: 5s}"))
        .mapping(by_uuid)
        .object(ingresses, Some("shop"), "web-1149", "")
        .object("services", Some("routing-ns1"), "avilb", "");
    let leadsman = Leadsman::start(config).await;
    let ingress = paths::object("shop", &format!("{ingresses}/web-1149"), "connections");
    let during_the_list = async {
        // The login, and the first page.
        alb.server.wait_for_requests(2).await;
        leadsman.get(&path()).await
    };
    let (listed, waited) = tokio::join!(leadsman.get(&ingress), during_the_list);
    assert_eq!(listed.value(), "1");
    let failure = waited.failure();
    assert_eq!(failure.code, 503, "{failure:?}");
    failure.assert_contains(&[
        "query \"conns\"",
        "the source \"lb\"",
        "was not asked within 1s: another call of it is under way, and there is one at once",
    ]);
    let reason = [("reason", "query_queued")];
    let counted = leadsman.metric("leadsman_evaluation_failures_total", &reason).await;
    assert!(counted >= Some(1.0), "{counted:?}");
    assert_eq!(alb.server.most_at_once(), 1);
    alb.slow_down(Duration::ZERO);
    eventually("a value", SOON, async || {
        let answer = leadsman.get(&path()).await;
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
}
