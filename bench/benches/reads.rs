//! Reads under load: the adapter between a real Prometheus and one busy client, beside the floor.
//!
//! 2,000 pods in 20 namespaces, 200 deployments of 10 pods each; reads as the HPA controller makes
//! them, 5 at once on one HTTP/2 connection. All figures come from one run.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use leadsman_bench::load::{Connection, Measured};
use leadsman_bench::{floor, process};
use leadsman_tests::{Exporter, Leadsman, Prometheus};

const NAMESPACES: usize = 20;
const DEPLOYMENTS: usize = 10;
const PODS: usize = 10;
const AT_ONCE: usize = 5;
const TIME: Duration = Duration::from_secs(10);

fn main() {
    if std::env::args().any(|argument| argument == "floor") {
        return floor::serve();
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
    runtime.block_on(measure());
}

async fn measure() {
    let exporter = Exporter::start(&exposition()).await;
    let prometheus = Prometheus::scraping(&exporter.url()).await;
    prometheus.wait_for("http_requests").await;
    let leadsman = Leadsman::start(config(&prometheus.url())).await;
    let idle = process::memory(leadsman.pid());

    println!("reads of 200 deployments' pods (10 items each), {AT_ONCE} at once, {TIME:?} each\n");
    println!(
        "{:<34}{:>10}{:>10}{:>10}{:>10}{:>16}",
        "", "reads/s", "p50 µs", "p99 µs", "max ms", "reads/core-s"
    );

    let paths = paths("requests_by_namespace");
    one_pass(&leadsman, &paths, "requests_by_namespace", "one evaluation a namespace").await;
    let all = self::paths("requests_of_cluster");
    one_pass(&leadsman, &all, "requests_of_cluster", "one for the cluster").await;

    // What Prometheus uses without any query, by its scrapes of 2,000 series a second.
    let before = process::cpu(prometheus.pid());
    tokio::time::sleep(TIME).await;
    let scraping = process::cpu(prometheus.pid()) - before;
    let before = process::cpu(prometheus.pid());
    let (measured, cpu) = load(leadsman.api(), leadsman.pid(), &paths).await;
    report("leadsman", measured, cpu);
    let measured_reads = measured.reads;
    let caused = (process::cpu(prometheus.pid()) - before).saturating_sub(scraping);
    let loaded = process::memory(leadsman.pid());

    let (mut floor, address) = start_floor();
    let (measured, cpu) = load(address, floor.id(), &paths).await;
    report("floor (axum + rustls, one thread)", measured, cpu);
    floor.kill().expect("to end the floor");

    prometheus.pause().await;
    let connection = Connection::open(leadsman.api()).await;
    let measured = connection.load(&paths, AT_ONCE, Duration::from_secs(40)).await;
    report("leadsman, Prometheus hangs (40 s)", measured, Duration::ZERO);
    prometheus.resume();

    let reads = u32::try_from(measured_reads).unwrap_or(u32::MAX);
    println!(
        "\nCPU of Prometheus caused by one read: {:.4} ms",
        caused.as_secs_f64() * 1000.0 / f64::from(reads)
    );
    println!("memory: {:.1} MiB idle, {:.1} MiB under load", mib(idle), mib(loaded));
}

/// Reads each path once and says how many queries that was to Prometheus.
async fn one_pass(leadsman: &Leadsman, paths: &[String], metric: &str, what: &str) {
    let connection = Connection::open(leadsman.api()).await;
    let labels = [("mapping", format!("pods/{metric}"))];
    let labels: Vec<_> = labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for path in paths {
        let (ok, _) = connection.read(path).await;
        assert!(ok, "{path}");
    }
    let queries = leadsman.metric("leadsman_queries_total", &labels).await.unwrap_or(0.0);
    println!("{what}: {queries} queries for one read of all 200");
}

async fn load(address: SocketAddr, pid: u32, paths: &[String]) -> (Measured, Duration) {
    let connection = Connection::open(address).await;
    let before = process::cpu(pid);
    let measured = connection.load(paths, AT_ONCE, TIME).await;
    (measured, process::cpu(pid) - before)
}

#[allow(clippy::cast_precision_loss)]
fn report(what: &str, measured: Measured, cpu: Duration) {
    let core = match cpu.as_secs_f64() {
        0.0 => String::new(),
        seconds => format!("{:.0}", measured.reads as f64 / seconds),
    };
    println!(
        "{what:<34}{:>10.0}{:>10}{:>10}{:>10.1}{core:>16}{}",
        measured.rate(),
        measured.p50.as_micros(),
        measured.p99.as_micros(),
        measured.max.as_secs_f64() * 1000.0,
        if measured.failed > 0 { format!("  {} failed", measured.failed) } else { String::new() },
    );
}

fn start_floor() -> (Child, SocketAddr) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .arg("floor")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the floor");
    let mut line = String::new();
    let out = child.stdout.take().expect("its output");
    BufReader::new(out).read_line(&mut line).expect("its address");
    (child, line.trim().parse().expect("an address"))
}

fn pods() -> impl Iterator<Item = (String, String, String)> {
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

fn paths(metric: &str) -> Vec<String> {
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

fn config(url: &str) -> String {
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
    config.push_str("objects:\n");
    for (namespace, app, pod) in pods() {
        let _ = writeln!(
            config,
            "  - {{resource: pods, namespace: {namespace}, name: {pod}, labels: {{app: {app}}}}}"
        );
    }
    config
}

#[allow(clippy::cast_precision_loss)]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
