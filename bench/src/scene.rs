//! The setup of the benchmarks of reads: 2,000 pods in 20 namespaces, in 200 deployments of 10 pods
//! each, and a client that reads like the HPA controller.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use leadsman_tests::{Exporter, Prometheus};

use crate::load::{Connection, Measured, Reader};
use crate::process;

/// The number of namespaces.
pub const NAMESPACES: usize = 20;
const DEPLOYMENTS: usize = 10;
const PODS: usize = 10;
/// The number of concurrent reads.
pub const CONCURRENCY: usize = 5;
/// The duration of each load.
pub const DURATION: Duration = Duration::from_secs(10);

/// Starts an exporter of the pods' metrics, and a Prometheus that has scraped them.
pub async fn source() -> (Exporter, Prometheus) {
    let exporter = Exporter::start(&exposition()).await;
    let prometheus = Prometheus::scraping(&exporter.url()).await;
    prometheus.wait_for("http_requests").await;
    (exporter, prometheus)
}

/// Prints the headings of the table.
pub fn heading() {
    println!(
        "reads of 200 deployments' pods (10 items each), {CONCURRENCY} at once, {DURATION:?} each\n"
    );
    println!(
        "{:<34}{:>10}{:>10}{:>10}{:>10}{:>16}",
        "", "reads/s", "p50 µs", "p99 µs", "max ms", "reads/core-s"
    );
}

/// Reads the paths round robin for [`DURATION`]. Returns the CPU time of a process as well.
pub async fn load(
    address: SocketAddr,
    pid: u32,
    paths: &[String],
    reader: Reader,
) -> (Measured, Duration) {
    let connection = Connection::open_as(address, reader).await;
    let before = process::cpu(pid);
    let measured = connection.load(paths, CONCURRENCY, DURATION).await;
    (measured, process::cpu(pid) - before)
}

/// Prints a row of the table.
#[allow(clippy::cast_precision_loss)]
pub fn report(name: &str, measured: Measured, cpu: Duration) {
    let per_core = match cpu.as_secs_f64() {
        0.0 => String::new(),
        seconds => format!("{:.0}", measured.reads as f64 / seconds),
    };
    println!(
        "{name:<34}{:>10.0}{:>10}{:>10}{:>10.1}{per_core:>16}{}",
        measured.rate(),
        measured.p50.as_micros(),
        measured.p99.as_micros(),
        measured.max.as_secs_f64() * 1000.0,
        if measured.failed > 0 { format!("  {} failed", measured.failed) } else { String::new() },
    );
}

/// The namespace, deployment and name of each pod.
pub fn pods() -> impl Iterator<Item = (String, String, String)> {
    (0..NAMESPACES).flat_map(|namespace| {
        (0..DEPLOYMENTS).flat_map(move |app| {
            (0..PODS).map(move |pod| {
                (format!("ns{namespace}"), format!("app{app}"), format!("app{app}-{pod}"))
            })
        })
    })
}

fn exposition() -> String {
    pods().enumerate().fold(String::new(), |mut text, (at, (namespace, app, pod))| {
        let labels = format!("namespace=\"{namespace}\",pod=\"{pod}\",app=\"{app}\"");
        let _ = writeln!(text, "http_requests{{{labels}}} {}.5", at % 97);
        text
    })
}

/// The paths of one read for each deployment's pods.
pub fn paths(metric: &str) -> Vec<String> {
    (0..NAMESPACES)
        .flat_map(|namespace| (0..DEPLOYMENTS).map(move |app| (namespace, app)))
        .map(|(namespace, app)| {
            format!(
                "/apis/custom.metrics.k8s.io/v1beta2/namespaces/ns{namespace}/pods/%2A/{metric}\
                 ?labelSelector=app%3Dapp{app}"
            )
        })
        .collect()
}

/// A configuration with two metrics: one evaluated for each namespace, one for the cluster.
pub fn config(url: &str) -> String {
    let mut config = format!(
        "apiVersion: leadsman.dev/v1alpha1\nkind: Config\n\
         sources: {{prometheus: {{prometheus: {{url: \"{url}\"}}}}}}\nmappings:\n"
    );
    for (metric, matcher) in
        [("requests_by_namespace", "{namespace=\"${namespace}\"}"), ("requests_of_cluster", "")]
    {
        let _ = write!(
            config,
            "  - metric: {metric}\n    serve: {{custom: {{resource: pods}}}}\n    \
             queries: {{q: {{source: prometheus, promql: 'sum by (namespace, pod) (http_requests{matcher})'}}}}\n    \
             plugin: per-object\n    config: {{object: pod}}\n    onError: {{lastGood: 5m}}\n"
        );
    }
    config
}

/// The pods as `objects` of a configuration.
pub fn objects() -> String {
    let mut config = String::from("objects:\n");
    for (namespace, app, pod) in pods() {
        let _ = writeln!(
            config,
            "  - {{resource: pods, namespace: {namespace}, name: {pod}, labels: {{app: {app}}}}}"
        );
    }
    config
}

/// Bytes as MiB.
#[allow(clippy::cast_precision_loss)]
pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
