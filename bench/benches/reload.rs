//! The time until an edit is served, and its effect on concurrent reads.
//!
//! Measured from the write of a file, or of a manifest in a registry, to the first response with
//! the new value. Edits of a mapping, of a plugin's file, and of a tag that is checked every
//! second; each without load, and with 1,000 reads per second of the same metric.

use std::time::{Duration, Instant};

use leadsman_bench::scene::mib;
use leadsman_tests::{
    Config, Folder, Leadsman, Load, Mapping, Read, Registry, Reply, Upstream, paths, percentile,
    version,
};

/// The number of edits of each kind.
const EDITS: u32 = 50;
const PER_SECOND: u32 = 1000;
/// The number of reads before the first edit, which are the baseline.
const BASELINE_READS: usize = 5000;
const METRIC: &str = "load";
const FILE: &str = "versioned.wasm";
const REPOSITORY: &str = "team/versioned";

/// The kind of edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mapping,
    PluginFile,
    Registry,
}

fn main() {
    let edits = std::env::args().filter_map(|argument| argument.parse().ok()).next();
    let edits = edits.unwrap_or(EDITS);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("tokio");
    println!("{edits} edits each, from the edit to the first read with the new value\n");
    println!(
        "{:<46}{:>10}{:>10}{:>10}{:>16}{:>16}{:>8}{:>10}",
        "", "p50 ms", "p95 ms", "max ms", "reads' p99 ms", "usually", "failed", "peak MiB"
    );
    for kind in [Kind::Mapping, Kind::PluginFile, Kind::Registry] {
        for loaded in [false, true] {
            runtime.block_on(measure(kind, loaded, edits));
        }
    }
}

async fn measure(kind: Kind, loaded: bool, edits: u32) {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1"), ("web-1", "2")])).await;
    let registry = Registry::start().await;
    registry.push(REPOSITORY, "1", &version(1)).await;
    let mut folder = Folder::mounted();
    folder.put(FILE, version(1));
    let config = |edition| {
        let plugin = match kind {
            Kind::Registry => {
                format!("oci: \"{}/{REPOSITORY}:1\", checkEvery: 1s", registry.address())
            }
            Kind::Mapping | Kind::PluginFile => format!("file: {FILE}"),
        };
        let mapping = Mapping::custom(METRIC, "pods")
            .query("q", r#"load{namespace="${namespace}"}"#)
            .plugin("versioned", &format!("edition: {edition}"));
        Config::shop(&upstream.url()).plugin_from("versioned", &plugin).mapping(mapping).set(
            "registries",
            &format!("[{{prefix: \"{}\", plainHttp: true}}]", registry.address()),
        )
    };
    folder.configure(config(0));
    let leadsman = Leadsman::start_file(&folder.config(), &[]).await;
    let path = paths::pods("shop", METRIC);
    leadsman.wait_value(&path, 1000.0).await;
    let load = loaded.then(|| Load::start(leadsman.api(), &path, PER_SECOND));
    if let Some(load) = &load {
        load.wait_reads(BASELINE_READS).await;
    }
    let begun = tokio::time::Instant::now();
    let mut times = Vec::new();
    for edit in 1..=edits {
        // Prepares the edit before the time is taken.
        let component = version(edit + 1);
        let mut value = f64::from(1000 * (edit + 1));
        let edited = match kind {
            Kind::Mapping => {
                value = f64::from(1000 + edit);
                let text = config(edit);
                let edited = Instant::now();
                folder.configure(text);
                edited
            }
            Kind::PluginFile => {
                let edited = Instant::now();
                folder.put(FILE, component);
                edited
            }
            Kind::Registry => {
                registry.push(REPOSITORY, "1", &component).await;
                Instant::now()
            }
        };
        leadsman.wait_value(&path, value).await;
        times.push(edited.elapsed());
    }
    times.sort_unstable();
    let at = |share: usize| ms(times[(times.len() - 1) * share / 100]);
    let reads = match load {
        None => format!("{:>16}{:>16}{:>8}", "", "", ""),
        Some(load) => {
            let (baseline, during): (Vec<Read>, Vec<Read>) =
                load.stop().await.into_iter().partition(|read| read.due < begun);
            let failed = baseline.iter().chain(&during).filter(|read| read.outcome.is_err());
            format!(
                "{:>16.1}{:>16.1}{:>8}",
                ms(percentile(&during, 99)),
                ms(percentile(&baseline, 99)),
                failed.count()
            )
        }
    };
    let name = match kind {
        Kind::Mapping => "a mapping",
        Kind::PluginFile => "a plugin's file",
        Kind::Registry => "a push, checked every second",
    };
    let state = if loaded { ", 1,000 reads/s" } else { "" };
    println!(
        "{:<46}{:>10.0}{:>10.0}{:>10.0}{reads}{:>10.0}",
        format!("{name}{state}"),
        at(50),
        at(95),
        at(100),
        mib(leadsman.peak_memory()),
    );
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
