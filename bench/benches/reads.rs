//! Reads under load: the adapter between a real Prometheus and one busy client, compared with the
//! [`floor`].
//!
//! 2,000 pods in 20 namespaces, in 200 deployments of 10 pods each. Reads like those of the HPA
//! controller, 5 concurrently on one HTTP/2 connection. All figures are from the same run.
//!
//! With the path of another build of the adapter, both take turns under the same reads.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use leadsman_bench::load::{Connection, Reader};
use leadsman_bench::scene::{
    CONCURRENCY, DURATION, config, heading, load, mib, objects, paths, report, source,
};
use leadsman_bench::{floor, process};
use leadsman_tests::{Collector, Leadsman};

fn main() {
    if std::env::args().any(|argument| argument == "floor") {
        return floor::serve();
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
    // Another build of the adapter, to compare with.
    let other = std::env::args().skip(1).map(PathBuf::from).find(|argument| argument.is_file());
    match other {
        Some(other) => runtime.block_on(compare(&other)),
        None => runtime.block_on(measure()),
    }
}

async fn compare(other: &Path) {
    let (_exporter, prometheus) = source().await;
    let config = config(&prometheus.url()) + &objects();
    let paths = paths("requests_by_namespace");
    leadsman_bench::comparison::compare(other, &config, &paths).await;
}

async fn measure() {
    let (_exporter, prometheus) = source().await;
    let leadsman = Leadsman::start(config(&prometheus.url()) + &objects()).await;
    let idle = process::memory(leadsman.pid());

    heading();
    let paths = paths("requests_by_namespace");
    one_pass(&leadsman, &paths, "requests_by_namespace", "one evaluation a namespace").await;
    let all = leadsman_bench::scene::paths("requests_of_cluster");
    one_pass(&leadsman, &all, "requests_of_cluster", "one for the cluster").await;

    // The CPU of Prometheus without queries, for its scrapes of 2,000 series per second.
    let before = process::cpu(prometheus.pid());
    tokio::time::sleep(DURATION).await;
    let scraping = process::cpu(prometheus.pid()) - before;
    let before = process::cpu(prometheus.pid());
    let (measured, cpu) = load(leadsman.api(), leadsman.pid(), &paths, Reader::default()).await;
    report("leadsman", measured, cpu);
    let reads = measured.reads;
    let caused = (process::cpu(prometheus.pid()) - before).saturating_sub(scraping);
    let loaded = process::memory(leadsman.pid());

    traced(&prometheus.url(), &paths).await;

    let (mut floor, address) = start_floor();
    let (measured, cpu) = load(address, floor.id(), &paths, Reader::default()).await;
    report("floor (axum + rustls, one thread)", measured, cpu);
    floor.kill().expect("to end the floor");

    prometheus.pause().await;
    let connection = Connection::open(leadsman.api()).await;
    let measured = connection.load(&paths, CONCURRENCY, Duration::from_secs(40)).await;
    report("leadsman, Prometheus hangs (40 s)", measured, Duration::ZERO);
    prometheus.resume();

    let reads = u32::try_from(reads).unwrap_or(u32::MAX);
    println!(
        "\nCPU of Prometheus caused by one read: {:.4} ms",
        caused.as_secs_f64() * 1000.0 / f64::from(reads)
    );
    println!("memory: {:.1} MiB idle, {:.1} MiB under load", mib(idle), mib(loaded));
}

/// The same reads of an adapter that traces one of a hundred.
async fn traced(prometheus: &str, paths: &[String]) {
    let collector = Collector::start().await;
    let endpoint = collector.url();
    let arguments = ["--otlp-endpoint", &endpoint, "--trace-sampling-ratio", "0.01"];
    let leadsman = Leadsman::start_with(config(prometheus) + &objects(), &arguments).await;
    let (measured, cpu) = load(leadsman.api(), leadsman.pid(), paths, Reader::default()).await;
    report("leadsman, 1 % of reads traced", measured, cpu);
    let dropped = leadsman.metric("leadsman_spans_dropped_total", &[]).await.unwrap_or(0.0);
    assert!(collector.spans().iter().any(|span| span.name == "read"), "nothing was traced");
    println!("{dropped} spans were dropped");
}

/// Reads each path once and prints the number of queries to Prometheus.
async fn one_pass(leadsman: &Leadsman, paths: &[String], metric: &str, name: &str) {
    let connection = Connection::open(leadsman.api()).await;
    let labels = [("mapping", format!("pods/{metric}"))];
    let labels: Vec<_> = labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for path in paths {
        let (ok, _) = connection.read(path).await;
        assert!(ok, "{path}");
    }
    let queries = leadsman.metric("leadsman_queries_total", &labels).await.unwrap_or(0.0);
    println!("{name}: {queries} queries for one read of all 200");
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
