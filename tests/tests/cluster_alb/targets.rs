//! Which pods and endpoints are scraped, how, and the reasons of those that are not.

use std::net::Ipv4Addr;

use leadsman_tests::cluster::{ApiClient, Workload, path_of};
use leadsman_tests::{Authority, Config, Mapping, Reply, Upstream, eventually, paths};
use serde_json::json;
use tempfile::TempDir;

use super::{SOON, fresh};

/// The right that scraping what stands behind a Service needs.
pub(crate) const ENDPOINT_SLICES: &str = "endpointslices.discovery.k8s.io";

/// A namespace, and the name of its pods.
const PODS: &str = "aged";
const PODS_METRIC: &str = "aged_value";
const PODS_INFO: &str = "aged_info";

/// A namespace, and a Service in it.
const SERVICE: &str = "endpoints";
const SERVICE_METRIC: &str = "endpoint_value";

/// Pods that speak TLS, and want a name and a password.
pub(crate) struct Pods {
    server: Upstream,
    folder: TempDir,
}

impl Pods {
    /// The certificate is that of the first pod.
    pub(crate) async fn start() -> Self {
        let authority = Authority::new("pods");
        let identity = authority.server_at("aged-0", Ipv4Addr::new(127, 0, 1, 1));
        let page = Reply::new(200, "text/plain; version=0.0.4", "value{version=\"1\"} 7\n");
        let server = Upstream::start_everywhere_tls(page, identity.server_config(None)).await;
        // leadsman:soundings
        server.require_header("authorization", "Basic bGVhZHNtYW46c291bmRpbmdz");
        let folder = TempDir::new().expect("a folder");
        std::fs::write(folder.path().join("ca.crt"), authority.pem()).expect("a file");
        std::fs::write(folder.path().join("password"), "soundings\n").expect("a file");
        Self { server, folder }
    }

    /// Adds the source and its mappings.
    pub(crate) fn add_to(&self, config: Config) -> Config {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let source = format!(
            "exposition: {{pods: {{namespace: {PODS}, selector: app={PODS}, port: metrics, \
             scheme: https, minAge: 10m}}, scrapeAtMostEvery: 1s, tls: {{caFile: {:?}}}, \
             basicAuth: {{username: leadsman, passwordFile: {:?}}}}}",
            file("ca.crt"),
            file("password")
        );
        // The page does not have this label: it is that of the pod.
        let asked = format!("metric: value, labels: {{app: {PODS}}}");
        let value = Mapping::pods(PODS_METRIC).exposition_query("aged", "value", &asked);
        let info = Mapping::external(PODS_INFO).exposition_query("aged", "value", &asked);
        config.source_of("aged", &source).mapping(fresh(value)).mapping(fresh(info))
    }

    /// The first pod is old enough, the second is not, and the third has the certificate of another.
    pub(crate) async fn are_scraped_with_reasons_for_the_others(&self, admin: &ApiClient) {
        let workload = Workload::deployment(admin, PODS, PODS, 0).await;
        let workload = workload.with_port("metrics", self.server.port());
        workload.scale(3).await;
        workload.reconcile().await;
        for pod in ["aged-0", "aged-2"] {
            let path = format!("/api/v1/namespaces/{PODS}/pods/{pod}");
            admin.merge_status(&path, &json!({"startTime": "2020-01-01T00:00:00Z"})).await;
        }
        eventually("the value of the first pod alone", SOON, async || {
            let answer = admin.try_read(&paths::pods(PODS, PODS_METRIC)).await?;
            if answer.status != 200 {
                return Err(format!("{answer:#?}"));
            }
            let values = answer.values();
            let is_alone =
                values.len() == 1 && values.get("aged-0").is_some_and(|value| value == "7");
            if is_alone { Ok(()) } else { Err(format!("{values:?}")) }
        })
        .await;
        let young = ["has nothing of it", "it is younger than minAge (600s)"];
        is_told(admin, PODS, "aged-1", PODS_METRIC, &young).await;
        let other = ["has nothing of it", "cannot be reached", "certificate"];
        is_told(admin, PODS, "aged-2", PODS_METRIC, &other).await;
        let items = admin.read(&paths::external(PODS, PODS_INFO)).await.items();
        let [item] = &items[..] else { panic!("{items:#?}") };
        let labels = [
            ("app", PODS),
            ("namespace", PODS),
            ("node", "node-a"),
            ("pod", "aged-0"),
            ("version", "1"),
        ];
        for (label, value) in labels {
            assert_eq!(item["metricLabels"][label], value, "{item:#}");
        }
    }
}

/// Adds the source of the Service and its mapping.
pub(crate) fn add_service(config: Config) -> Config {
    let service = format!("namespace: {SERVICE}, name: web, port: metrics");
    let source = format!("exposition: {{service: {{{service}}}, scrapeAtMostEvery: 1s}}");
    let mapping =
        Mapping::pods(SERVICE_METRIC).exposition_query("service", "value", "metric: value");
    config.source_of("service", &source).mapping(fresh(mapping))
}

/// kube-apiserver refuses loopback addresses in slices, and tests connect to no others. So the slice has
/// an address of documentation, at which nothing is asked: its port has another name.
pub(crate) async fn slices_are_followed(admin: &ApiClient) {
    let _workload = Workload::deployment(admin, SERVICE, "web", 1).await;
    let no_endpoints =
        format!("there are no running endpoints of the Service web in namespace {SERVICE}");
    is_told(admin, SERVICE, "web-0", SERVICE_METRIC, &[&no_endpoints]).await;
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "namespace": SERVICE,
            "name": "web-a",
            "labels": {"kubernetes.io/service-name": "web"},
        },
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": [{
            "addresses": ["192.0.2.1"],
            "targetRef": {"kind": "Pod", "namespace": SERVICE, "name": "web-0"},
        }],
    });
    admin.apply(&slice).await;
    let other_port = ["has nothing of it", "it has no port named", "those with names: http"];
    is_told(admin, SERVICE, "web-0", SERVICE_METRIC, &other_port).await;
    admin.merge(&path_of(&slice), &json!({"endpoints": []})).await;
    is_told(admin, SERVICE, "web-0", SERVICE_METRIC, &[&no_endpoints]).await;
}

/// Waits until these are the reasons why a pod has no value.
async fn is_told(admin: &ApiClient, namespace: &str, pod: &str, metric: &str, texts: &[&str]) {
    let path = paths::object(namespace, &format!("pods/{pod}"), metric);
    eventually(&format!("{texts:?} of {pod}"), SOON, async || {
        let answer = admin.try_read(&path).await?;
        if answer.status < 400 {
            return Err(format!("{answer:#?}"));
        }
        match texts.iter().all(|text| answer.body.contains(*text)) {
            true => Ok(()),
            false => Err(answer.body),
        }
    })
    .await;
}
