//! What AKO says of pools, as labels, and the kinds of objects that have values by them.

use std::collections::BTreeMap;

use leadsman_tests::{Alb, Config, Leadsman, Mapping, Pool, paths};
use serde_json::json;

use super::scene::ID;

const CLUSTER: &str = "k8s-03-cluster";
const HTTP_ROUTES: &str = "httproutes.gateway.networking.k8s.io";
const GATEWAYS: &str = "gateways.gateway.networking.k8s.io";

/// A pool of a path of an Ingress.
fn of_path() -> Pool {
    let markers = [
        ("Namespace", "shop"),
        ("ServiceName", "web"),
        ("IngressName", "front"),
        ("Host", "shop.example"),
        ("Path", "/cart"),
        ("Port", "8080"),
        ("InfrasettingName", "wide"),
    ];
    Pool::of_ako("pool-1", "k8s-03-cluster--shop.example_cart", CLUSTER, &markers).with(ID, 7.0)
}

/// A pool of a route of the Gateway `edge`, which lives in another namespace than its backend.
fn of_route(uuid: &str, route: &str, namespace: &str, service: &str, value: f64) -> Pool {
    let markers = [
        ("GatewayName", "edge"),
        ("GatewayNamespace", "infra"),
        ("HTTPRouteName", route),
        ("BackendName", service),
        ("BackendNs", namespace),
    ];
    Pool::of_ako(uuid, &format!("k8s-03-cluster--{route}"), CLUSTER, &markers).with(ID, value)
}

/// The entry of a source without a short step, so that calls can be counted.
fn source(alb: &Alb, settings: &str) -> String {
    alb.source_at(&format!("url: '{}'", alb.server.url()), settings)
}

#[tokio::test]
async fn every_marker_is_a_label_of_what_one_call_brought() {
    let by_hand = Pool::new("pool-3", "by-hand").server("10.142.0.34:8080", 9.0);
    let alb = Alb::start(&[
        of_path().of_tenant("team-a").server("10.142.0.32:8080", 7.0),
        of_route("pool-2", "pay", "bank", "api", 5.0).server("10.142.0.33:8443", 5.0),
        by_hand,
    ])
    .await;
    let asked = format!("entity: pool, ako: {CLUSTER}, metric: {ID}, servers: true");
    let mapping =
        Mapping::external("connections").alb_query("lb", "conns", &asked).set("deadline", "10s");
    let config = Config::new().source_of("lb", &source(&alb, ", tenant: '*'")).mapping(mapping);
    let leadsman = Leadsman::start(config).await;
    let mut items = leadsman.get(&paths::external("any", "connections")).await.items();
    items.sort_by_key(|item| item["metricLabels"]["pool"].to_string());
    let told: Vec<_> =
        items.iter().map(|item| (item["metricLabels"].clone(), item["value"].clone())).collect();
    let expected = [
        (
            json!({
                "uuid": "pool-2", "pool": "k8s-03-cluster--pay", "tenant": "admin",
                "cluster": CLUSTER, "namespace": "bank", "service": "api", "gateway": "edge",
                "gateway_namespace": "infra", "http_route": "pay",
                "server": "10.142.0.33:8443", "address": "10.142.0.33",
            }),
            json!("5"),
        ),
        (
            json!({
                "uuid": "pool-1", "pool": "k8s-03-cluster--shop.example_cart", "tenant": "team-a",
                "cluster": CLUSTER, "namespace": "shop", "service": "web", "ingress": "front",
                "host": "shop.example", "path": "/cart", "port": "8080", "infra_setting": "wide",
                "server": "10.142.0.32:8080", "address": "10.142.0.32",
            }),
            json!("7"),
        ),
    ];
    assert_eq!(told, expected);
    assert_eq!((alb.count("/api/pool"), alb.count("/api/analytics")), (1, 1));
}

/// A mapping of all pools of AKO for a kind of object, by the labels that name it.
fn by(metric: &str, resource: &str, labels: &str) -> Mapping {
    Mapping::custom(metric, resource)
        .alb_query("lb", "conns", &format!("entity: pool, ako: {CLUSTER}, metric: {ID}"))
        .plugin("per-object", &format!("{labels}, combine: sum"))
        .set("deadline", "10s")
}

#[tokio::test]
async fn one_call_gives_values_to_services_routes_and_gateways() {
    let alb = Alb::start(&[
        of_path(),
        of_route("pool-2", "pay", "bank", "api", 5.0),
        of_route("pool-3", "cart", "shop", "web", 30.0),
    ])
    .await;
    let config = Config::new()
        .source_of("lb", &source(&alb, ""))
        .mapping(by("of_services", "services", "object: service"))
        .mapping(by("of_routes", &format!("{HTTP_ROUTES}, kind: HTTPRoute"), "object: http_route"))
        .mapping(by(
            "of_gateways",
            &format!("{GATEWAYS}, kind: Gateway"),
            "object: gateway, namespace: gateway_namespace",
        ))
        .object("services", Some("shop"), "web", "")
        .object("services", Some("bank"), "api", "")
        .object(HTTP_ROUTES, Some("bank"), "pay", "")
        .object(HTTP_ROUTES, Some("shop"), "cart", "")
        .object(GATEWAYS, Some("infra"), "edge", "");
    let leadsman = Leadsman::start(config).await;
    for (namespace, resource, metric, kind, name, value) in [
        // A path of an Ingress and a route have it as their backend.
        ("shop", "services", "of_services", "Service", "web", "37"),
        ("bank", "services", "of_services", "Service", "api", "5"),
        ("bank", HTTP_ROUTES, "of_routes", "HTTPRoute", "pay", "5"),
        ("shop", HTTP_ROUTES, "of_routes", "HTTPRoute", "cart", "30"),
        ("infra", GATEWAYS, "of_gateways", "Gateway", "edge", "35"),
    ] {
        let all = paths::object(namespace, &format!("{resource}/%2A"), metric);
        let answer = leadsman.get(&all).await;
        let expected = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        assert_eq!(answer.values(), expected, "{namespace} {metric}");
        assert_eq!(answer.items()[0]["describedObject"]["kind"], kind);
        let one = paths::object(namespace, &format!("{resource}/{name}"), metric);
        assert_eq!(leadsman.get(&one).await.value(), value, "{namespace} {metric}");
    }
    assert_eq!((alb.count("/api/pool"), alb.count("/api/analytics")), (1, 1));
}
