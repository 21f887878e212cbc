//! The CPU and memory of listing 202,000 series under a catch-all rule.
//!
//! 2,000 pods in 20 namespaces with 101 series each, in a real Prometheus, which the adapter lists
//! every second. The CPU of Prometheus for the same lists is measured as well.

use std::fmt::Write as _;
use std::time::Duration;

use leadsman_bench::process;
use leadsman_bench::scene::mib;
use leadsman_tests::{Config, Exporter, Leadsman, Prometheus, paths};

const PODS: usize = 2000;
const NAMESPACES: usize = 20;
const NAMES: usize = 101;
/// The number of measured lists.
const LISTS: f64 = 10.0;
/// That of lists. Oftener, much of what is measured would be for the pages of metrics that count them.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("tokio");
    println!("{PODS} pods under one catch-all rule\n");
    println!(
        "{:<20}{:>18}{:>22}{:>14}{:>12}",
        "series", "CPU ms of a list", "Prometheus' CPU ms", "memory MiB", "peak MiB"
    );
    for names in [1, NAMES] {
        runtime.block_on(measure(names));
    }
}

async fn measure(names: usize) {
    let exporter = Exporter::start(&exposition(names)).await;
    let prometheus = Prometheus::scraping(&exporter.url()).await;
    let all_series = format!("count({{__name__=~\"m.*\"}}) == {}", PODS * names);
    prometheus.wait_for(&all_series).await;
    // One scrape is enough. From now on, Prometheus only answers queries.
    exporter.set("");
    let config = Config::shop(&prometheus.url())
        .set("discovery", "{interval: 1s, maxAge: 1h}")
        .set("rules", &rules())
        .pods("ns0", &["app0-7d9c5b6f4-00000"]);
    let leadsman = Leadsman::start(config).await;
    leadsman.get(&paths::pods("ns0", "m0")).await;
    let first = lists(&leadsman).await;
    wait_for(&leadsman, first + 1.0).await;
    let (pid, prometheus_pid) = (leadsman.pid(), prometheus.pid());
    let (own_cpu, prometheus_cpu) = (process::cpu(pid), process::cpu(prometheus_pid));
    let start = lists(&leadsman).await;
    wait_for(&leadsman, start + LISTS).await;
    let count = lists(&leadsman).await - start;
    let per_list = |cpu: Duration| cpu.as_secs_f64() * 1000.0 / count;
    println!(
        "{:<20}{:>18.0}{:>22.0}{:>14.1}{:>12.1}",
        PODS * names,
        per_list(process::cpu(pid).saturating_sub(own_cpu)),
        per_list(process::cpu(prometheus_pid).saturating_sub(prometheus_cpu)),
        mib(process::memory(pid)),
        mib(leadsman.peak_memory()),
    );
}

/// The number of lists so far.
async fn lists(leadsman: &Leadsman) -> f64 {
    leadsman.metrics().await.sum("leadsman_series_lists_total", &[]).unwrap_or_default()
}

async fn wait_for(leadsman: &Leadsman, count: f64) {
    while lists(leadsman).await < count {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn rules() -> String {
    "[{seriesQuery: '{__name__=~\"m.*\",namespace!=\"\"}', \
      resources: {template: '<<.Resource>>'}, \
      metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'}]"
        .to_owned()
}

/// An exposition with the labels that the Prometheus Operator adds.
fn exposition(names: usize) -> String {
    let mut text = String::new();
    for name in 0..names {
        for pod in 0..PODS {
            let (namespace, app) = (pod % NAMESPACES, pod / 10);
            let _ = writeln!(
                text,
                "m{name}{{namespace=\"ns{namespace}\",pod=\"app{app}-7d9c5b6f4-{pod:05}\",\
                 container=\"app\",service=\"app{app}\",endpoint=\"metrics\",\
                 app=\"app{app}\",zone=\"zone-{}\"}} {pod}",
                pod % 3
            );
        }
    }
    text
}
