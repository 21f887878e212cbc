//! The effect of a misbehaving mapping on its neighbour: the latency of 500 reads per second of the
//! neighbour, without and with reads of the misbehaving mapping. Both p99 are from the same run.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use leadsman_bench::load::Connection;
use leadsman_bench::scene::mib;
use leadsman_tests::{Config, HOSTILE, Leadsman, Mapping, Reply, Upstream, paths};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

const PROMQL: &str = r#"load{namespace="${namespace}"}"#;

/// The interval of the reads of the neighbour, independent of the response times.
const INTERVAL: Duration = Duration::from_millis(2);
/// The duration of each phase.
const PHASE: Duration = Duration::from_secs(5);
/// The concurrent reads of the hostile mapping, and the pause after each read, as of autoscalers
/// that retry a failing metric.
const CONCURRENCY: usize = 4;
const PAUSE: Duration = Duration::from_millis(10);
/// The namespaces that the hostile mapping is read for. Failures are cached for a short time, so
/// many namespaces are needed to keep the plugin running.
const NAMESPACES: usize = 40;
/// The maximum age of values: so short that one read in ten waits for the plugin.
const MAX_AGE: &str = "20ms";

/// The name of each behaviour, the configuration of the hostile plugin, and its limits.
const BEHAVIOURS: [(&str, &str, &str); 13] = [
    ("(behaves)", "do: well-behaved", "{time: 100ms}"),
    ("loops", "do: loop", "{time: 100ms}"),
    ("takes all memory", "do: allocate", "{time: 2s}"),
    ("holds 60 MiB", "do: hold, bytes: 62914560", "{time: 2s}"),
    ("recurses", "do: recurse", "{time: 2s}"),
    ("recurses in memory", "do: recurse-in-memory", "{time: 2s}"),
    ("traps", "do: trap", "{time: 100ms}"),
    ("traps at times", "do: trap-at-times", "{time: 100ms}"),
    ("returns a million", "do: many-outputs, n: 1000000", "{time: 2s}"),
    ("returns 20 MiB of names", "do: long-names, n: 20000, bytes: 1024", "{time: 2s}"),
    ("returns NaN", "do: nan", "{time: 100ms}"),
    ("logs 100,000 lines", "do: log-flood, n: 100000, bytes: 10", "{time: 2s}"),
    ("logs 50 lines of 1 MiB", "do: log-flood, n: 50, bytes: 1048576", "{time: 2s}"),
];

fn main() {
    let only: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
    println!(
        "reads beside a misbehaving mapping, one every {INTERVAL:?}, {PHASE:?} for each phase\n"
    );
    println!(
        "{:<26}{:>14}{:>14}{:>14}{:>14}{:>8}{:>12}{:>10}",
        "the neighbour",
        "usual p50 µs",
        "usual p99 µs",
        "p50 µs",
        "p99 µs",
        "ratio",
        "its reads",
        "peak MiB"
    );
    for (name, behaviour, limits) in BEHAVIOURS {
        if only.is_empty() || only.iter().any(|filter| name.contains(filter.as_str())) {
            runtime.block_on(measure(name, behaviour, limits));
        }
    }
}

async fn measure(name: &str, behaviour: &str, limits: &str) {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1"), ("web-1", "2")])).await;
    let mapping = |metric, behaviour| {
        let mapping = Mapping::custom(metric, "pods").query("q", PROMQL);
        mapping.plugin("hostile", behaviour).set("maxAge", MAX_AGE)
    };
    let namespaces: Vec<_> = (0..NAMESPACES).map(|number| format!("team-{number}")).collect();
    let config = Config::shop(&upstream.url())
        .plugin("hostile", Path::new(HOSTILE))
        .mapping(mapping("misbehaving", behaviour).set("limits", limits))
        .mapping(mapping("behaved", "do: well-behaved"));
    let config =
        namespaces.iter().fold(config, |config, name| config.pods(name, &["web-0", "web-1"]));
    let leadsman = Leadsman::start(config).await;
    let behaved = Arc::new(Connection::open(leadsman.api()).await);
    // Warms up.
    read_steadily(&behaved, PHASE / 10).await;
    let baseline = read_steadily(&behaved, PHASE).await;

    let hostile = Arc::new(Connection::open(leadsman.api()).await);
    let mut readers = JoinSet::new();
    let end = Instant::now() + PHASE;
    for reader in 0..CONCURRENCY {
        let (hostile, namespaces) = (hostile.clone(), namespaces.clone());
        readers.spawn(async move {
            let mut reads = 0;
            for namespace in namespaces.iter().cycle().skip(reader * NAMESPACES / CONCURRENCY) {
                if Instant::now() > end {
                    break;
                }
                hostile.read(&paths::pods(namespace, "misbehaving")).await;
                tokio::time::sleep(PAUSE).await;
                reads += 1;
            }
            reads
        });
    }
    let contended = read_steadily(&behaved, PHASE).await;
    let reads: u32 = readers.join_all().await.into_iter().sum();
    let ratio = contended.p99.as_secs_f64() / baseline.p99.as_secs_f64();
    println!(
        "{name:<26}{:>14}{:>14}{:>14}{:>14}{ratio:>8.1}{reads:>12}{:>10.0}{}",
        baseline.p50.as_micros(),
        baseline.p99.as_micros(),
        contended.p50.as_micros(),
        contended.p99.as_micros(),
        mib(leadsman.peak_memory()),
        match baseline.failed + contended.failed {
            0 => String::new(),
            failed => format!("  {failed} failed"),
        },
    );
}

struct Latency {
    p50: Duration,
    p99: Duration,
    failed: usize,
}

/// Reads at a fixed rate and measures latency from the scheduled time of each read, so that a pause
/// of the server counts for all reads that it delays (no coordinated omission).
async fn read_steadily(connection: &Arc<Connection>, time: Duration) -> Latency {
    let begun = Instant::now();
    let mut reads = JoinSet::new();
    let mut next = begun;
    while next < begun + time {
        sleep_until(next).await;
        let (connection, due) = (connection.clone(), next);
        reads.spawn(async move {
            let (ok, _) = connection.read(&paths::pods("shop", "behaved")).await;
            (ok, due.elapsed())
        });
        next += INTERVAL;
    }
    let done = reads.join_all().await;
    let failed = done.iter().filter(|(ok, _)| !ok).count();
    let mut times: Vec<_> = done.into_iter().map(|(_, took)| took).collect();
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    Latency { p50: at(50), p99: at(99), failed }
}
