//! Autoscalers without a Prometheus: user 3 with values straight from the controller of a load balancer,
//! by the name of a pool and by the markers of AKO; and pods that are scraped.

mod scraped;

use std::time::Duration;

use leadsman_tests::cluster::{
    Adapter, ApiClient, ControlPlane, Hpa, Metric, Target, Trust, Workload,
};
use leadsman_tests::{Alb, Config, Mapping, Pool, eventually, paths};
use serde_json::{Value, json};

const POOL: &str = "k8s-03-cluster--kuard.nsx.rockhomelab.org_-routing-ns1-kuard-ingress";
const ID: &str = "l4_server.avg_open_conns";
const METRIC: &str = "avi_l4_server_avg_open_conns";
const INGRESSES: &str = "ingresses.networking.k8s.io";

/// How long it may take until a watch and a step of the controller have told something.
const SOON: Duration = Duration::from_secs(30);

/// Values fresh enough for an HPA that syncs each two seconds.
fn fresh(mapping: Mapping) -> Mapping {
    mapping.set("maxAge", "1s").set("refreshAtMostEvery", "1s")
}

fn config(alb: &Alb) -> Config {
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
        .mapping(fresh(by_name))
        .mapping(fresh(by_markers))
        .mapping(fresh(by_address))
}

/// A pool of AKO for a path of an Ingress.
fn pool(uuid: &str, name: &str, namespace: &str, ingress: &str) -> Pool {
    let markers = [("Namespace", namespace), ("IngressName", ingress)];
    Pool::of_ako(uuid, name, "k8s-03-cluster", &markers).with(ID, 0.0)
}

async fn apply_service(admin: &ApiClient) {
    let metadata = json!({"namespace": "routing-ns1", "name": "avilb"});
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
    ])
    .await;
    let app = scraped::App::start().await;
    let adapter = Adapter::new(plane, "metrics", &["pods", "services", INGRESSES]).await;
    let config = app.add_to(config(&alb));
    let leadsman = adapter.start_with(config, &["--service", "metrics/leadsman"]).await;
    let _registration = adapter.register(leadsman.api().port(), Trust::Injected).await;
    tokio::join!(
        by_name(&alb, &admin),
        by_markers(&alb, &admin),
        by_address(&admin),
        app.scales_its_deployment(&admin, &leadsman)
    );
    assert_eq!(alb.count("/login"), 1);
}

/// As in `examples/nsx-alb/hpa-by-name.yaml`, with the user's own target.
async fn by_name(alb: &Alb, admin: &ApiClient) {
    let workload = Workload::deployment(admin, "routing-ns1", "kuard-deployment", 1).await;
    apply_service(admin).await;
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
