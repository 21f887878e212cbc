//! A read through kube-apiserver is one trace, down to the query that a real Prometheus answers.

use super::*;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

#[tokio::test]
async fn a_read_through_kube_apiserver_is_one_trace() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let traffic = Traffic::start().await;
    traffic.set(r#"load{namespace="traced",pod="web-0"}"#, 30.0);
    let prometheus = Prometheus::scraping(&traffic.url()).await;
    prometheus.wait_for("load").await;
    let (recorder, collector) =
        (Recorder::before(&prometheus.url()).await, Collector::start().await);
    let _workload = Workload::deployment(&admin, "traced", "web", 1).await;
    let adapter = Adapter::new(plane, "traced", &["pods"]).await;
    let (certificate, key) = adapter.serving_certificate("tls", adapter.authority());
    let [certificate, key] = [&certificate, &key].map(|path| path.to_str().expect("a path"));
    let endpoint = collector.url();
    let arguments = [
        ["--tls-cert-file", certificate],
        ["--tls-private-key-file", key],
        ["--otlp-endpoint", &endpoint],
        ["--trace-sampling-ratio", "0"],
    ];
    let leadsman = adapter.start_with(config(&recorder.url()), arguments.as_flattened()).await;
    let trust = adapter.authority().pem();
    let registration = adapter.register(leadsman.api().port(), Trust::Authority(&trust)).await;
    let sampled = format!("00-{TRACE}-{CALLER}-01");
    let path = paths::pods("traced", "load");
    let answer = admin.read_with(&path, &[("traceparent", &*sampled)]).await;
    assert_eq!(answer.values().get("web-0").map(String::as_str), Some("30"), "{answer:#?}");
    let names = ["read", "evaluation", "query", "plugin"];
    let spans = collector.wait_for(TRACE, &names).await;
    let named = |name: &str| spans.iter().find(|span| span.name == name).expect("a span");
    let [read, evaluation, query, plugin] = names.map(named);
    // This kube-apiserver makes no spans of its own and passes the context on.
    assert_eq!(read.parent, CALLER);
    assert_eq!(evaluation.parent, read.id);
    assert_eq!((&query.parent, &plugin.parent), (&evaluation.id, &evaluation.id));
    assert_eq!(recorder.parents(), [query.traceparent()]);
    registration.remove().await;
}
