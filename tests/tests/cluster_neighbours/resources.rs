//! Resource metrics of another adapter, which stands in the place of metrics-server: they pass through, move to
//! Leadsman while they are read, and back.

use leadsman_tests::cluster::{
    Adapter, ControlPlane, Hpa, Metric, PrometheusAdapter, RESOURCE_METRICS_API_SERVICE, Readers,
    Trust, Workload,
};
use leadsman_tests::rules::resource_metrics_rules;
use leadsman_tests::{Config, Folder, HttpClient, Prometheus, Traffic, eventually};

use super::scene::TIMEOUT;

const NAMESPACE: &str = "neighbours-usage";

/// The usage of all pods.
const PODS: &str = "/apis/metrics.k8s.io/v1beta1/namespaces/neighbours-usage/pods";

/// Waits until `web-0` uses this much CPU through kube-apiserver.
async fn wait_cores(plane: &ControlPlane, cores: &str) {
    eventually(&format!("{cores} at {PODS}"), TIMEOUT, async || {
        let answer = plane.admin().read(PODS).await;
        if answer.status != 200 {
            return Err(format!("{answer:#?}"));
        }
        let items = answer.items();
        let web = items.iter().find(|item| item["metadata"]["name"] == "web-0");
        let found = web.map(|item| item["containers"][0]["usage"]["cpu"].clone());
        if found == Some(cores.into()) { Ok(()) } else { Err(format!("{items:#?}")) }
    })
    .await;
}

#[tokio::test]
async fn usage_passes_from_another_adapter_and_moves_here_and_back_without_a_failed_read() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let web = Workload::deployment(&admin, NAMESPACE, "web", 1).await;
    let traffic = Traffic::start().await;
    let uses = |pod: usize, cores: f64| {
        let labels = format!(r#"namespace="{NAMESPACE}",pod="web-{pod}",container="app""#);
        traffic.set(&format!("cores{{{labels}}}"), cores);
        traffic.set(&format!("bytes{{{labels}}}"), 64.0 * 1_048_576.0);
    };
    uses(0, 0.33);
    let prometheus = Prometheus::scraping(&traffic.url()).await;
    prometheus.wait_for("cores").await;
    let rules = resource_metrics_rules("1m").to_string();
    let of_theirs = format!("resourceRules: {rules}\n");
    let theirs = PrometheusAdapter::start(plane, &of_theirs, &prometheus.url()).await;

    let mut folder = Folder::plain();
    let (proxy, proxy_key) = (folder.path("proxy.crt"), folder.path("proxy.key"));
    plane.authorities().aggregator().write(&proxy, &proxy_key);
    let delegated = Config::new().prometheus("prometheus", &prometheus.url()).set(
        "delegates",
        &format!(
            "[{{name: usage, url: '{}', insecureSkipTLSVerify: true, apis: [resource], \
             listEvery: 1s, auth: {{frontProxy: {{certFile: {proxy:?}, keyFile: {proxy_key:?}}}}}}}]",
            theirs.url()
        ),
    );
    // Ten times as much, so that it is seen who answers.
    let tenfold = rules.replace("(cores{", "(10 * cores{");
    assert_ne!(tenfold, rules);
    // The first read waits for its evaluation, on a busy machine.
    let moved =
        delegated.clone().set("resourceRules", &tenfold).set("discovery", "{deadline: 20s}");
    folder.configure(&delegated);
    let adapter = Adapter::new(plane, NAMESPACE, &["pods", "nodes"]).await;
    let (certificate, key) = adapter.serving_certificate("tls", adapter.authority());
    let [certificate, key] = [&certificate, &key].map(|path| path.to_str().expect("UTF-8"));
    let arguments = ["--tls-cert-file", certificate, "--tls-private-key-file", key];
    let leadsman = adapter.start_file(&folder.config(), &arguments).await;
    let (trust, port) = (adapter.authority().pem(), leadsman.api().port());
    let registration = adapter.register(port, Trust::Authority(&trust)).await;
    let name = RESOURCE_METRICS_API_SERVICE;
    registration.route_api_to(name, port, Trust::Authority(&trust)).await;
    registration.wait_one_available(name).await;

    wait_cores(plane, "330m").await;
    // In protobuf, as it asks for it, and in JSON.
    for format in ["true", "false"] {
        let format = format!("--use-protocol-buffers={format}");
        let top = plane.kubectl(&["top", "pods", "-n", NAMESPACE, "--no-headers", &format]).await;
        let printed: Vec<_> = top.ok().split_whitespace().map(str::to_owned).collect();
        assert_eq!(printed, ["web-0", "330m", "64Mi"]);
    }
    let hpa = Hpa::create(&admin, &web, 1..=9, &[Metric::resource("cpu", "100m")]).await;
    hpa.wait_desired(4).await;
    let root = HttpClient::with_certificate(plane.authorities().admin());
    let readers = Readers::start(4, &format!("{}{PODS}", plane.url()), || root.clone());
    for _ in 0..3 {
        readers.wait_reads(100).await;
        folder.configure(&moved);
        wait_cores(plane, "3300m").await;
        hpa.wait_desired(9).await;
        readers.wait_reads(100).await;
        folder.configure(&delegated);
        wait_cores(plane, "330m").await;
    }
    // A tenth of the target: of ten times as much it would change nothing.
    (0..9).for_each(|pod| uses(pod, 0.01));
    hpa.wait_desired(1).await;
    let failures = readers.stop().await;
    assert!(failures.is_empty(), "{}: {failures:#?}", failures.len());
    registration.remove_one(name).await;
    registration.remove().await;
}
