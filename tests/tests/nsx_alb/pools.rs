//! The shipped plugin `alb-pool`, by hand, by address and by health.

use std::collections::BTreeMap;

use leadsman_tests::paths::{self, CUSTOM_V1};
use leadsman_tests::{Alb, Config, Leadsman, Mapping, Pool};

use super::scene::{ID, METRIC, POOL, of_ingress, pool};

const LATENCY: &str = "l7_server.avg_resp_latency";
const HEALTH: &str = "healthscore.health_score_value";
const INGRESSES: &str = "ingresses.networking.k8s.io";

/// A mapping of the user's pool for the Service `avilb`.
fn avilb(asked: &str, config: &str) -> Mapping {
    let config = format!("object: {{namespace: routing-ns1, name: avilb}}{config}");
    Mapping::custom(METRIC, "services")
        .alb_query("alb", "conns", &format!("entity: pool, name: '{POOL}', {asked}"))
        .plugin("alb-pool", &config)
        .set("deadline", "10s")
}

async fn serves(alb: &Alb, mapping: Mapping) -> Leadsman {
    let config = Config::new().source_of("alb", &alb.source()).mapping(mapping).object(
        "services",
        Some("routing-ns1"),
        "avilb",
        "",
    );
    Leadsman::start(config).await
}

/// As the user reads it, with the slash at the end.
fn path() -> String {
    format!("{CUSTOM_V1}/namespaces/routing-ns1/services/avilb/{METRIC}/")
}

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[tokio::test]
async fn a_pool_by_name_is_for_an_object_named_by_hand() {
    let alb = Alb::start(&[pool()]).await;
    let leadsman = serves(&alb, avilb(&format!("metric: {ID}"), "")).await;
    let items = leadsman.get(&path()).await.items();
    assert_eq!(items.len(), 1, "{items:#?}");
    assert_eq!(items[0]["value"], "1013400m");
    assert_eq!(items[0]["describedObject"]["kind"], "Service");
    assert_eq!(items[0]["describedObject"]["name"], "avilb");
}

#[tokio::test]
async fn servers_of_a_pool_are_added_for_an_object() {
    let servers = Pool::new("pool-4d74", POOL)
        .server("10.142.0.32:8080", 500.0)
        .server("10.142.0.33:8080", 513.4);
    let alb = Alb::start(&[servers]).await;
    let leadsman = serves(&alb, avilb(&format!("metric: {ID}, servers: true"), "")).await;
    assert_eq!(leadsman.get(&path()).await.value(), "1013400m");
}

#[tokio::test]
async fn values_in_another_unit_are_an_error() {
    let pool = pool().with("l4_server.avg_bandwidth", 8.0).with(LATENCY, 120.0);
    let alb = Alb::start(&[pool]).await;
    let bits = avilb("metric: l4_server.avg_bandwidth", ", unit: bits_per_second");
    assert_eq!(serves(&alb, bits).await.get(&path()).await.value(), "8");
    let wrong = avilb(&format!("metric: {LATENCY}"), ", combine: max, unit: seconds");
    let failure = serves(&alb, wrong).await.get(&path()).await.failure();
    failure.assert_contains(&["query \"conns\"", "counts in milliseconds", "`unit` is seconds"]);
}

#[tokio::test]
async fn each_server_is_the_pod_of_its_address() {
    let servers = of_ingress(1, "routing-ns1", "kuard-ingress", 0.0)
        .server("10.142.0.32:8080", 500.0)
        .server("10.142.0.33:8080", 13.5)
        .server("10.142.0.99:8080", 7.0);
    let alb = Alb::start(&[servers]).await;
    let asked = format!("entity: pool, ako: k8s-03-cluster, metric: {ID}, servers: true");
    let mapping = Mapping::custom("connections", "pods")
        .alb_query("alb", "conns", &asked)
        .plugin("alb-pool", "servers: pods")
        .set("deadline", "10s");
    let config = Config::new()
        .source_of("alb", &alb.source())
        .mapping(mapping)
        .pod_at("routing-ns1", "kuard-0", "10.142.0.32")
        .pod_at("routing-ns1", "kuard-1", "10.142.0.33");
    let leadsman = Leadsman::start(config).await;
    let answer = leadsman.get(&paths::pods("routing-ns1", "connections")).await;
    assert_eq!(answer.values(), values(&[("kuard-0", "500"), ("kuard-1", "13500m")]));
}

#[tokio::test]
async fn servers_that_are_no_pods_are_told_of() {
    let servers = Pool::new("pool-1", POOL).server("192.168.0.7:30080", 500.0);
    let alb = Alb::start(&[servers]).await;
    let asked = format!("entity: pool, uuid: pool-1, metric: {ID}, servers: true");
    let mapping = Mapping::custom("connections", "pods")
        .alb_query("alb", "conns", &asked)
        .plugin("alb-pool", "servers: pods")
        .set("deadline", "10s");
    let config = |objects: fn(Config) -> Config| {
        objects(Config::new().source_of("alb", &alb.source()).mapping(mapping.clone()))
    };
    let of = async |config: Config| {
        let leadsman = Leadsman::start(config).await;
        leadsman.get(&paths::pods("shop", "connections")).await.failure()
    };
    let behind_nodes = of(config(|config| config.pod_at("shop", "web-0", "10.142.0.32"))).await;
    behind_nodes.assert_contains(&["has the address of a pod", "192.168.0.7:30080", "ClusterIP"]);
    let unknown = of(config(|config| config.pods("shop", &["web-0"]))).await;
    unknown.assert_contains(&["does not know the address of any pod"]);
}

/// The scores come with the values, and what is down counts for nothing.
#[tokio::test]
async fn values_are_weighed_by_the_health_of_servers() {
    let pool = of_ingress(1, "routing-ns1", "kuard-ingress", 0.0)
        .server("10.0.0.1:80", 100.0)
        .server("10.0.0.2:80", 100.0)
        .server("10.0.0.3:80", 100.0)
        .server_with("10.0.0.1:80", HEALTH, 100.0)
        .server_with("10.0.0.2:80", HEALTH, 50.0)
        .server_with("10.0.0.3:80", HEALTH, 0.0);
    let alb = Alb::start(&[pool]).await;
    let asked = format!("entity: pool, ako: k8s-03-cluster, metric: {ID}, servers: true");
    let mapping = |metric: &str, health: &str| {
        Mapping::custom(metric, INGRESSES)
            .alb_query("alb", "conns", &asked)
            .plugin("alb-pool", &format!("object: ingress, combine: sum, health: {{{health}}}"))
            .set("deadline", "10s")
    };
    let config = Config::new()
        .source_of("alb", &alb.source())
        .mapping(mapping("need", "of: servers"))
        .mapping(mapping("well", "of: servers, weigh: multiply"))
        .mapping(mapping("up", "of: servers, weigh: none"))
        .object(INGRESSES, Some("routing-ns1"), "kuard-ingress", "");
    let leadsman = Leadsman::start(config).await;
    for (metric, value) in [("need", "300"), ("well", "150"), ("up", "200")] {
        let object = format!("{INGRESSES}/kuard-ingress");
        let answer = leadsman.get(&paths::object("routing-ns1", &object, metric)).await;
        assert_eq!(answer.value(), value, "{metric}");
    }
    let requests = alb.server.requests();
    let asked = requests.iter().any(|request| request.body.contains(HEALTH));
    assert!(asked, "{requests:#?}");
}

#[tokio::test]
async fn what_a_pool_cannot_give_is_a_fault_of_the_configuration() {
    let alb = Alb::start(&[pool()]).await;
    let pods = |config: &str, servers: &str| {
        let asked = format!("entity: pool, name: web, metric: {ID}{servers}");
        Mapping::custom("m", "pods").alb_query("alb", "q", &asked).plugin("alb-pool", config)
    };
    for (mapping, texts) in [
        (
            avilb(&format!("metric: {LATENCY}"), ""),
            &["config", "must not be added up", "average or max"][..],
        ),
        (
            avilb(&format!("metric: {LATENCY}"), ", combine: sum, health: {}"),
            &["config.combine", "must not be summed"],
        ),
        (avilb(&format!("metric: {ID}"), ", servers: pods"), &["config.servers", "only one of"]),
        (pods("servers: pods", ""), &["config.servers", "servers: true"]),
        (pods("servers: nodes", ", servers: true"), &["config.servers", "pods"]),
        (pods("object: pod, health: {of: servers}", ""), &["config.health.of", "servers: true"]),
        (pods("object: pod, health: {least: 0}", ""), &["config.health.least", "more than 0"]),
        (
            Mapping::custom("m", "pods")
                .query_from("prometheus", "q", "up")
                .plugin("alb-pool", "object: pod"),
            &["NSX ALB controller", "per-object"],
        ),
    ] {
        let config = Config::new()
            .source_of("alb", &alb.source())
            .prometheus("prometheus", "http://127.0.0.1:9")
            .mapping(mapping)
            .object("services", Some("routing-ns1"), "avilb", "");
        let checked = Leadsman::check(config).await;
        assert_eq!(checked.code, Some(1), "{}", checked.output);
        checked.assert_contains(texts);
    }
}
