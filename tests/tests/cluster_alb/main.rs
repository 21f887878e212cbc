//! User 3: autoscalers with values of the controller of a load balancer, through a Prometheus that
//! scrapes it, and without one, straight from it: by the name of a pool and by the markers of AKO. And
//! pods that are scraped, without a Prometheus as well.

mod scraped;
mod targets;

use std::time::Duration;

use leadsman_tests::cluster::{
    Adapter, ApiClient, ControlPlane, Hpa, Metric, Target, Trust, Workload,
};
use leadsman_tests::{Alb, Config, Mapping, Pool, Prometheus, eventually, paths};
use serde_json::{Value, json};

const POOL: &str = "k8s-03-cluster--kuard.nsx.rockhomelab.org_-routing-ns1-kuard-ingress";
const ID: &str = "l4_server.avg_open_conns";
const METRIC: &str = "avi_l4_server_avg_open_conns";
/// A pool that a Prometheus is asked for.
const MONITORED: &str = "k8s-03-cluster--kuard.nsx.rockhomelab.org_-monitored-kuard-ingress";
const MONITORED_METRIC: &str = "avi_monitored_open_conns";
const INGRESSES: &str = "ingresses.networking.k8s.io";

/// How long it may take until a watch and a step of the controller have told something.
const SOON: Duration = Duration::from_secs(30);

/// Values fresh enough for an HPA that syncs each two seconds.
fn fresh(mapping: Mapping) -> Mapping {
    mapping.set("maxAge", "1s").set("refreshAtMostEvery", "1s")
}

fn config(alb: &Alb, prometheus: &Prometheus) -> Config {
    let scraped = Mapping::custom(MONITORED_METRIC, "services")
        .query(
            "conns",
            &format!("sum by (name) (avi_l4_server_avg_open_conns{{name='{MONITORED}'}})"),
        )
        .plugin("per-object", "object: {namespace: monitored, name: avilb}");
    let by_name = Mapping::custom(METRIC, "services")
        .alb_query("lb", "conns", &format!("entity: pool, name: '{POOL}', metric: {ID}"))
        .plugin("alb-pool", "object: {namespace: routing-ns1, name: avilb}");
    let by_markers = Mapping::custom("alb_open_connections", INGRESSES)
        .alb_query("lb", "pools", &format!("entity: pool, ako: k8s-03-cluster, metric: {ID}"))
        .plugin("per-object", "object: ingress, combine: sum");
    let by_address = Mapping::custom("alb_server_connections", "pods")
        .alb_query(
            "lb",
            "servers",
            &format!("entity: pool, ako: k8s-03-cluster, metric: {ID}, servers: true"),
        )
        .plugin("alb-pool", "servers: pods");
    Config::new()
        .source_of("lb", &alb.source())
        .prometheus("prometheus", &prometheus.url())
        .mapping(fresh(scraped))
        .mapping(fresh(by_name))
        .mapping(fresh(by_markers))
        .mapping(fresh(by_address))
}

/// A pool of AKO for a path of an Ingress.
fn pool(uuid: &str, name: &str, namespace: &str, ingress: &str) -> Pool {
    let markers = [("Namespace", namespace), ("IngressName", ingress)];
    Pool::of_ako(uuid, name, "k8s-03-cluster", &markers).with(ID, 0.0)
}

async fn apply_service(admin: &ApiClient, namespace: &str) {
    let metadata = json!({"namespace": namespace, "name": "avilb"});
    let spec = json!({"clusterIP": "None", "ports": [{"port": 80}]});
    let service =
        json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec});
    admin.apply(&service).await;
}

async fn apply_ingress(admin: &ApiClient, namespace: &str, name: &str) {
    let backend = json!({"service": {"name": "kuard", "port": {"number": 80}}});
    admin
        .apply(&json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"namespace": namespace, "name": name},
            "spec": {"defaultBackend": backend},
        }))
        .await;
}

fn current(status: &Value, value: &str) -> Value {
    status["currentMetrics"][0]["object"]["current"][value].clone()
}

#[tokio::test]
async fn a_thousand_connections_take_the_deployment_from_one_to_five_and_back() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let alb = Alb::start_tls(&[
        pool("pool-1", POOL, "routing-ns1", "kuard-ingress"),
        pool("pool-2", "sha1-of-a", "behind", "front"),
        pool("pool-3", "sha1-of-b", "behind", "front"),
        pool("pool-4", "sha1-of-c", "by-address", "kuard")
            .server("10.142.0.32:8080", 500.0)
            .server("10.142.0.33:8080", 13.5),
        pool("pool-5", MONITORED, "monitored", "kuard-ingress"),
    ])
    .await;
    let app = scraped::App::start().await;
    let prometheus = Prometheus::with_jobs(&[alb.scrape_job(ID), app.scrape_job()]).await;
    prometheus.wait_for("avi_l4_server_avg_open_conns").await;
    let pods = targets::Pods::start().await;
    let followed = ["pods", "services", INGRESSES, targets::ENDPOINT_SLICES];
    let adapter = Adapter::new(plane, "metrics", &followed).await;
    let config = pods.add_to(app.add_to(config(&alb, &prometheus)));
    let config = targets::add_service(config);
    let leadsman = adapter.start_with(config, &["--service", "metrics/leadsman"]).await;
    let _registration = adapter.register(leadsman.api().port(), Trust::Injected).await;
    tokio::join!(
        through_a_prometheus(&alb, &admin),
        by_name(&alb, &admin),
        by_markers(&alb, &admin),
        by_address(&admin),
        app.scales_its_deployment(&admin, &leadsman, &prometheus),
        pods.are_scraped_with_reasons_for_the_others(&admin),
        targets::slices_are_followed(&admin)
    );
    assert_eq!(alb.count("/login"), 1);
    // The Prometheus has no session.
    let scraped = alb.server.requests().into_iter().filter(|request| {
        request.path.starts_with("/api/analytics/prometheus-metrics/")
            && request.header("authorization").is_some_and(|text| text.starts_with("Basic "))
            && request.header("cookie").is_none()
    });
    assert!(scraped.count() > 5);
}

/// As the user has it today: a Prometheus scrapes the controller with basic authentication over TLS.
async fn through_a_prometheus(alb: &Alb, admin: &ApiClient) {
    let workload = Workload::deployment(admin, "monitored", "kuard-deployment", 1).await;
    apply_service(admin, "monitored").await;
    let metric = Metric::object(MONITORED_METRIC, "v1", "Service", "avilb", Target::Value("200"));
    let hpa = Hpa::create(admin, &workload, 1..=5, &[metric]).await;
    hpa.wait_desired(1).await;
    alb.set(MONITORED, ID, 1013.4);
    let status = hpa.wait_desired(5).await;
    assert_eq!(current(&status, "value"), "1013400m", "{status:#}");
    alb.set(MONITORED, ID, 0.0);
    hpa.wait_desired(1).await;
}

/// As in `examples/nsx-alb/hpa-by-name.yaml`, with the user's own target.
async fn by_name(alb: &Alb, admin: &ApiClient) {
    let workload = Workload::deployment(admin, "routing-ns1", "kuard-deployment", 1).await;
    apply_service(admin, "routing-ns1").await;
    let metric = Metric::object(METRIC, "v1", "Service", "avilb", Target::Value("200"));
    let hpa = Hpa::create(admin, &workload, 1..=5, &[metric]).await;
    hpa.wait_desired(1).await;
    alb.set(POOL, ID, 1013.4);
    let status = hpa.wait_desired(5).await;
    assert_eq!(current(&status, "value"), "1013400m", "{status:#}");
    alb.set(POOL, ID, 0.0);
    hpa.wait_desired(1).await;
}

/// The object is the Ingress itself, which has two pools that nothing names. With an average, the
/// number of pods settles.
async fn by_markers(alb: &Alb, admin: &ApiClient) {
    let workload = Workload::deployment(admin, "behind", "shop", 1).await;
    apply_ingress(admin, "behind", "front").await;
    let (api, target) = ("networking.k8s.io/v1", Target::Average("200"));
    let metric = Metric::object("alb_open_connections", api, "Ingress", "front", target);
    let hpa = Hpa::create(admin, &workload, 1..=5, &[metric]).await;
    hpa.wait_desired(1).await;
    alb.set("sha1-of-a", ID, 500.0);
    alb.set("sha1-of-b", ID, 100.0);
    hpa.wait_desired(3).await;
    alb.set("sha1-of-b", ID, 500.0);
    hpa.wait_desired(5).await;
    for pool in ["sha1-of-a", "sha1-of-b"] {
        alb.set(pool, ID, 0.0);
    }
    hpa.wait_desired(1).await;
}

/// The value of each server is that of the pod with its address, whenever the pod gets it.
async fn by_address(admin: &ApiClient) {
    Workload::deployment(admin, "by-address", "kuard", 3).await;
    let address = async |pod: &str, address: &str| {
        let path = format!("/api/v1/namespaces/by-address/pods/{pod}");
        let status = json!({"podIP": address, "podIPs": [{"ip": address}]});
        admin.merge_status(&path, &status).await;
    };
    let values = async |expected: &[(&str, &str)]| {
        let path = paths::pods("by-address", "alb_server_connections");
        eventually("values of pods", SOON, async || {
            let answer = admin.try_read(&path).await?;
            if answer.status != 200 {
                return Err(format!("{answer:#?}"));
            }
            let values = answer.values();
            let told: Vec<_> = values.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            if told == expected { Ok(()) } else { Err(format!("{told:?}")) }
        })
        .await;
    };
    address("kuard-0", "10.142.0.32").await;
    values(&[("kuard-0", "500")]).await;
    address("kuard-2", "10.142.0.33").await;
    values(&[("kuard-0", "500"), ("kuard-2", "13500m")]).await;
}
