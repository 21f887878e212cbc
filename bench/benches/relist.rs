//! What a list of 202,000 series costs, and what is kept of it, under a rule that catches all.
//!
//! 2,000 pods in 20 namespaces with 101 series each, in a real Prometheus, which the adapter asks
//! for them each second. Beside it stands what Prometheus spends on the same.

use std::fmt::Write as _;
use std::time::Duration;

use leadsman_bench::process;
use leadsman_bench::scene::mib;
use leadsman_tests::{Config, Exporter, Leadsman, Prometheus, paths};

const PODS: usize = 2000;
const NAMESPACES: usize = 20;
const NAMES: usize = 101;
/// How many lists are measured.
const LISTS: f64 = 10.0;
const WAIT: Duration = Duration::from_millis(100);

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
    let wanted = format!("count({{__name__=~\"m.*\"}}) == {}", PODS * names);
    prometheus.wait_for(&wanted).await;
    // Once is enough: from now on Prometheus does nothing but answer.
    exporter.set("");
    let config = Config::shop(&prometheus.url())
        .set("discovery", "{interval: 1s, maxAge: 1h}")
        .set("rules", &rules())
        .pods("ns0", &["app0-7d9c5b6f4-00000"]);
    let leadsman = Leadsman::start(config).await;
    leadsman.get(&paths::pods("ns0", "m0")).await;
    let first = lists(&leadsman).await;
    wait_for(&leadsman, first + 1.0).await;
    let (pid, of_prometheus) = (leadsman.pid(), prometheus.pid());
    let (own, theirs) = (process::cpu(pid), process::cpu(of_prometheus));
    let from = lists(&leadsman).await;
    wait_for(&leadsman, from + LISTS).await;
    let count = lists(&leadsman).await - from;
    let each = |spent: Duration| spent.as_secs_f64() * 1000.0 / count;
    println!(
        "{:<20}{:>18.0}{:>22.0}{:>14.1}{:>12.1}",
        PODS * names,
        each(process::cpu(pid).saturating_sub(own)),
        each(process::cpu(of_prometheus).saturating_sub(theirs)),
        mib(process::memory(pid)),
        mib(leadsman.peak_memory()),
    );
}

/// How many lists there were.
async fn lists(leadsman: &Leadsman) -> f64 {
    leadsman.metrics().await.sum("leadsman_series_lists_total", &[]).unwrap_or_default()
}

async fn wait_for(leadsman: &Leadsman, count: f64) {
    while lists(leadsman).await < count {
        tokio::time::sleep(WAIT).await;
    }
}

fn rules() -> String {
    "[{seriesQuery: '{__name__=~\"m.*\",namespace!=\"\"}', \
      resources: {template: '<<.Resource>>'}, \
      metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'}]"
        .to_owned()
}

/// As a Prometheus operator labels what it scrapes.
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
