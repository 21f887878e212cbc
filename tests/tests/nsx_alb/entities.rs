//! Objects of a controller beside pools: virtual services and service engines.

use leadsman_tests::{Alb, Config, Leadsman, Mapping, Pool, eventually, paths};

use super::scene::SOON;

const REQUESTS: &str = "l7_client.avg_total_requests";
const BANDWIDTH: &str = "se_if.avg_bandwidth";
const PACKETS: &str = "se_if.avg_rx_pkts";

/// A metric of the Service `web`.
fn of_web(metric: &str, asked: &str, object: &str) -> Mapping {
    Mapping::custom(metric, "services")
        .alb_query("lb", "q", asked)
        .plugin("per-object", &format!("object: {object}"))
        .set("deadline", "10s")
}

async fn serves(alb: &Alb, mappings: impl IntoIterator<Item = Mapping>) -> Leadsman {
    let config = Config::new().source_of("lb", &alb.source());
    let config = mappings.into_iter().fold(config, Config::mapping);
    Leadsman::start(config.object("services", Some("shop"), "web", "")).await
}

/// By hand, for the Service `web`.
const WEB: &str = "{namespace: shop, name: web}";

#[tokio::test]
async fn virtual_services_have_values_by_name_by_uuid_and_by_markers() {
    let markers = [("Namespace", "shop"), ("ServiceName", "web")];
    let of_ako = |uuid: &str| Pool::of_ako(uuid, "k8s-03--shop-web", "k8s-03", &markers);
    // Pools of the same names and metrics are other objects.
    let alb = Alb::start(&[
        Pool::new("virtualservice-1", "by-hand").virtual_service().with(REQUESTS, 30.0),
        of_ako("virtualservice-2").virtual_service().with(REQUESTS, 120.0),
        Pool::new("pool-1", "by-hand").with(REQUESTS, 7.0),
        of_ako("pool-2").with(REQUESTS, 8.0),
    ])
    .await;
    let asked = |pick: &str| format!("entity: virtualservice, {pick}, metric: {REQUESTS}");
    let labelled = Mapping::external("labelled")
        .alb_query("lb", "q", &asked("ako: k8s-03"))
        .set("deadline", "10s");
    let leadsman = serves(
        &alb,
        [
            of_web("by_name", &asked("name: by-hand"), WEB),
            of_web("by_uuid", &asked("uuid: virtualservice-1"), WEB),
            of_web("by_markers", &asked("ako: k8s-03"), "service"),
            labelled,
        ],
    )
    .await;
    for (metric, value) in [("by_name", "30"), ("by_uuid", "30"), ("by_markers", "120")] {
        let answer = leadsman.get(&paths::object("shop", "services/web", metric)).await;
        assert_eq!(answer.value(), value, "{metric}");
    }
    let items = leadsman.get(&paths::external("shop", "labelled")).await.items();
    assert_eq!(items.len(), 1, "{items:#?}");
    let labels = &items[0]["metricLabels"];
    assert_eq!(labels["virtualservice"], "k8s-03--shop-web");
    assert_eq!(labels["uuid"], "virtualservice-2");
    assert!(alb.count("/api/virtualservice/") > 0);
    assert!(alb.count("/api/analytics/metrics/virtualservice/virtualservice-1/") > 0);
    assert_eq!(alb.count("/api/pool"), 0);
}

#[tokio::test]
async fn service_engines_have_values_by_name_and_by_uuid() {
    let engine = |uuid: &str, name: &str, bandwidth: f64| {
        Pool::new(uuid, name).service_engine().with(BANDWIDTH, bandwidth).with(PACKETS, 90.0)
    };
    let alb =
        Alb::start(&[engine("se-1", "avi-se-a", 800.0), engine("se-2", "avi-se-b", 5.0)]).await;
    let leadsman = serves(
        &alb,
        [
            of_web(
                "bandwidth",
                &format!("entity: serviceengine, name: avi-se-a, metric: {BANDWIDTH}"),
                WEB,
            ),
            of_web(
                "packets",
                &format!("entity: serviceengine, uuid: se-1, metric: {PACKETS}"),
                WEB,
            ),
        ],
    )
    .await;
    // Both are of one object, and are asked for in one call. It has a request for each, for a
    // controller takes no two metrics of a service engine in one.
    let both = |request: &leadsman_tests::Request| {
        let ids = [BANDWIDTH, PACKETS].map(|id| format!("\"metric_id\":\"{id}\""));
        request.path.ends_with("/collection") && ids.iter().all(|id| request.body.contains(id))
    };
    eventually("one call for both", SOON, async || {
        for (metric, value) in [("bandwidth", "800"), ("packets", "90")] {
            let answer = leadsman.get(&paths::object("shop", "services/web", metric)).await;
            assert_eq!(answer.value(), value, "{metric}");
        }
        let requests = alb.server.requests();
        if requests.iter().any(both) { Ok(()) } else { Err(format!("{requests:#?}")) }
    })
    .await;
    assert!(alb.count("/api/serviceengine/") > 0);
}
