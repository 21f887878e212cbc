//! From metrics of a controller to what an HPA reads.

use std::collections::BTreeMap;

use leadsman_tests::paths::{self, CUSTOM_V1};
use leadsman_tests::{Alb, Config, Leadsman, Mapping, Pool};
use serde_json::json;

use super::scene::{ID, METRIC, Scene, config, of_ingress, of_ingresses, path, pool};

const INGRESSES: &str = "ingresses.networking.k8s.io";

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// As the user's autoscaler does, with the slash at the end.
#[tokio::test]
async fn a_pool_by_name_is_read_over_tls() {
    let alb = Alb::start_tls(&[pool()]).await;
    let leadsman = Leadsman::start(config(&alb.source())).await;
    let path = format!("{CUSTOM_V1}/namespaces/routing-ns1/services/avilb/{METRIC}/");
    let items = leadsman.get(&path).await.items();
    assert_eq!(items.len(), 1, "{items:#?}");
    assert_eq!(items[0]["value"], "1013400m");
    assert_eq!(items[0]["describedObject"]["kind"], "Service");
    assert_eq!(items[0]["describedObject"]["name"], "avilb");
    // The time is that of the sample: the controller's samples are on a grid of 5 s.
    let time = items[0]["timestamp"].as_str().expect("a time");
    let second: u32 = time[17..19].parse().expect("seconds");
    assert_eq!(second % 5, 0, "{time}");

    let sent = alb.server.requests();
    let metrics = sent.iter().find(|request| request.path.contains("/metrics/pool/"));
    let metrics = metrics.expect("a request for metrics");
    assert_eq!(metrics.path, "/api/analytics/metrics/pool/pool-4d74/");
    // Everything whose default would change the answer.
    for (name, value) in [
        ("metric_id", ID),
        ("step", "5"),
        ("limit", "1"),
        ("pad_missing_data", "false"),
        ("include_statistics", "false"),
        ("detailed_header", "true"),
        ("order", "ascending"),
        ("prediction", ""),
    ] {
        assert_eq!(metrics.parameter(name).unwrap_or_default(), value, "{name}");
    }
    assert_eq!(metrics.header("x-avi-version"), Some("22.1.3"));
    assert_eq!(metrics.header("x-avi-tenant"), Some("admin"));
    assert!(!leadsman.log().contains("not-a-secret"), "{}", leadsman.log());
}

#[tokio::test]
async fn a_pool_by_uuid_needs_no_list() {
    let alb = Alb::start(&[pool()]).await;
    let mapping = Mapping::custom(METRIC, "services")
        .alb_query("lb", "conns", &format!("entity: pool, uuid: pool-4d74, metric: {ID}"))
        .plugin("per-object", "object: {namespace: routing-ns1, name: avilb}")
        .set("deadline", "10s");
    let config = Config::new().source_of("lb", &alb.source()).mapping(mapping).object(
        "services",
        Some("routing-ns1"),
        "avilb",
        "",
    );
    let leadsman = Leadsman::start(config).await;
    assert_eq!(leadsman.get(&path()).await.value(), "1013400m");
    assert_eq!(alb.count("/api/pool"), 0);
}

/// Three paths of two Ingresses in two namespaces, a pool by hand, and one of another cluster.
async fn ingresses(more: &str) -> (Alb, Leadsman) {
    let other = [("Namespace", "shop"), ("IngressName", "web")];
    let alb = Alb::start(&[
        of_ingress(1, "routing-ns1", "kuard-ingress", 600.0),
        of_ingress(2, "routing-ns1", "kuard-ingress", 400.0),
        of_ingress(3, "shop", "web", 7.0),
        Pool::of_ako("pool-9", "other--9", "other", &other).with(ID, 5.0),
        pool(),
    ])
    .await;
    // Without a short step, so that calls can be counted.
    let address = format!("url: '{}'", alb.server.url());
    let config = Config::new()
        .source_of("lb", &alb.source_at(&address, ""))
        .mapping(of_ingresses(more))
        .object(INGRESSES, Some("routing-ns1"), "kuard-ingress", "")
        .object(INGRESSES, Some("shop"), "web", "");
    (alb, Leadsman::start(config).await)
}

#[tokio::test]
async fn what_ako_made_is_known_by_its_markers_in_all_namespaces() {
    let (alb, leadsman) = ingresses("").await;
    let read = async |namespace: &str| {
        let star = format!("{INGRESSES}/%2A");
        leadsman.get(&paths::object(namespace, &star, "connections")).await.values()
    };
    assert_eq!(read("routing-ns1").await, values(&[("kuard-ingress", "1k")]));
    assert_eq!(read("shop").await, values(&[("web", "7")]));
    assert_eq!(alb.count("/api/pool"), 1);
    assert_eq!(alb.count("/api/analytics"), 1);
    let requests = alb.server.requests();
    let list = requests.iter().find(|request| request.path == "/api/pool/").expect("a list");
    assert_eq!(list.parameter("created_by"), Some("ako-k8s-03-cluster"));
    assert_eq!(list.parameter("page_size"), Some("200"));
    let metrics = requests.iter().find(|request| request.path.ends_with("/metrics/collection"));
    let metrics = metrics.expect("a request for metrics");
    assert_eq!(metrics.parameter("pad_missing_data"), Some("false"));
    let body: serde_json::Value = serde_json::from_str(&metrics.body).expect("JSON");
    let expected = json!([{
        "metric_entity": "POOL_METRICS_ENTITY", "entity_uuid": "*", "metric_id": ID, "step": 300,
        "limit": 1, "pad_missing_data": false, "include_statistics": false,
        "detailed_header": true, "order": "ascending",
    }]);
    assert_eq!(body["metric_requests"], expected);
}

#[tokio::test]
async fn a_namespace_picks_from_what_one_call_brought() {
    let (alb, leadsman) = ingresses(", namespace: '${namespace}'").await;
    for (namespace, ingress, value) in
        [("routing-ns1", "kuard-ingress", "1k"), ("shop", "web", "7")]
    {
        let object = format!("{INGRESSES}/{ingress}");
        let answer = leadsman.get(&paths::object(namespace, &object, "connections")).await;
        assert_eq!(answer.value(), value, "{namespace}");
    }
    assert_eq!(alb.count("/api/pool"), 1);
    assert_eq!(alb.count("/api/analytics"), 1);
}

#[tokio::test]
async fn a_selector_picks_by_markers() {
    let (_alb, leadsman) = ingresses("").await;
    let object = format!("{INGRESSES}/kuard-ingress");
    let path = paths::object("routing-ns1", &object, "connections");
    let one = leadsman.get(&format!("{path}?metricLabelSelector=uuid%3Dpool-1")).await;
    assert_eq!(one.value(), "600");
    let unknown = leadsman.get(&format!("{path}?metricLabelSelector=verb%3DGET")).await.failure();
    assert_eq!(unknown.code, 400, "{unknown:?}");
    unknown.assert_contains(&["no label \"verb\"", "markers of AKO"]);
}

#[tokio::test]
async fn each_server_of_a_pool_can_have_a_value() {
    let servers = pool().server("10.142.0.32:8080", 500.0).server("10.142.0.33:8080", 513.4);
    let alb = Alb::start(&[servers]).await;
    let asked = format!("entity: pool, uuid: pool-4d74, metric: {ID}, servers: true");
    let mapping =
        Mapping::external("servers").alb_query("lb", "conns", &asked).set("deadline", "10s");
    let config = Config::new().source_of("lb", &alb.source()).mapping(mapping);
    let leadsman = Leadsman::start(config).await;
    let items = leadsman.get(&paths::external("shop", "servers")).await.items();
    let told: BTreeMap<_, _> = items
        .iter()
        .map(|item| {
            let label = |name: &str| item["metricLabels"][name].as_str().unwrap_or_default();
            (label("address").to_owned(), (label("server").to_owned(), item["value"].to_string()))
        })
        .collect();
    let expected = [
        ("10.142.0.32", ("10.142.0.32:8080", "\"500\"")),
        ("10.142.0.33", ("10.142.0.33:8080", "\"513400m\"")),
    ];
    let expected = expected.map(|(address, (server, value))| {
        (address.to_owned(), (server.to_owned(), value.to_owned()))
    });
    assert_eq!(told, BTreeMap::from(expected));
}

#[tokio::test]
async fn points_that_a_controller_makes_up_are_absence() {
    let scene = Scene::new().await;
    scene.gaps_are_absence().await;
}

#[tokio::test]
async fn a_tenant_sees_its_own_pools() {
    let web = |uuid, tenant, value| Pool::new(uuid, "web").of_tenant(tenant).with(ID, value);
    let alb = Alb::start(&[web("pool-1", "shop", 1.0), web("pool-2", "bank", 2.0)]).await;
    let mapping = |metric: &str, tenant: &str| {
        Mapping::custom(metric, "services")
            .alb_query("lb", "conns", &format!("entity: pool, name: web, metric: {ID}{tenant}"))
            .plugin("per-object", "object: {namespace: shop, name: web}")
            .set("deadline", "10s")
    };
    let config = Config::new()
        .source_of("lb", &alb.source_with(", tenant: '*'"))
        .mapping(mapping("of_bank", ", tenant: bank"))
        .mapping(mapping("of_any", ""))
        .object("services", Some("shop"), "web", "");
    let leadsman = Leadsman::start(config).await;
    let read =
        async |metric: &str| leadsman.get(&paths::object("shop", "services/web", metric)).await;
    assert_eq!(read("of_bank").await.value(), "2");
    let texts = ["has 2 pools named \"web\"", "bank and shop", "`tenant`"];
    read("of_any").await.failure().assert_contains(&texts);
}
