//! What a mapping that misbehaves costs the one beside it: reads of the latter, 500 a second, while
//! the other is idle and while it is read as well. The ratio of the two p99 is of one run.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use leadsman_bench::load::Connection;
use leadsman_bench::scene::mib;
use leadsman_tests::{Config, HOSTILE, Leadsman, Mapping, Reply, Upstream, paths};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

const PROMQL: &str = r#"load{namespace="${namespace}"}"#;

/// Between two reads of the mapping that behaves, whether the first is answered or not.
const EACH: Duration = Duration::from_millis(2);
/// How long each phase lasts.
const TIME: Duration = Duration::from_secs(5);
/// How many reads of the hostile mapping are under way at once, and the pause after each: what
/// autoscalers that retry make of a metric that fails.
const AT_ONCE: usize = 4;
const PAUSE: Duration = Duration::from_millis(10);
/// Failures are remembered for a moment. So that the plugin runs all the time, it is asked for the
/// values of many namespaces.
const NAMESPACES: usize = 40;
/// How old values may be: so young that one read in ten waits for the plugin.
const MAX_AGE: &str = "20ms";

/// What is done, as the configuration of the hostile plugin, and its limits.
const MISDEEDS: [(&str, &str, &str); 13] = [
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
    println!("reads beside a mapping that misbehaves, one each {EACH:?}, {TIME:?} each phase\n");
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
    for (what, deed, limits) in MISDEEDS {
        if only.is_empty() || only.iter().any(|wanted| what.contains(wanted.as_str())) {
            runtime.block_on(measure(what, deed, limits));
        }
    }
}

async fn measure(what: &str, deed: &str, limits: &str) {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1"), ("web-1", "2")])).await;
    let mapping = |metric, deed| {
        let mapping = Mapping::custom(metric, "pods").query("q", PROMQL);
        mapping.plugin("hostile", deed).set("maxAge", MAX_AGE)
    };
    let namespaces: Vec<_> = (0..NAMESPACES).map(|number| format!("team-{number}")).collect();
    let config = Config::shop(&upstream.url())
        .plugin("hostile", Path::new(HOSTILE))
        .mapping(mapping("misdeed", deed).set("limits", limits))
        .mapping(mapping("behaved", "do: well-behaved"));
    let config =
        namespaces.iter().fold(config, |config, name| config.pods(name, &["web-0", "web-1"]));
    let leadsman = Leadsman::start(config).await;
    let behaved = Arc::new(Connection::open(leadsman.api()).await);
    // What is done once is not what is measured.
    steady(&behaved, TIME / 10).await;
    let usual = steady(&behaved, TIME).await;

    let hostile = Arc::new(Connection::open(leadsman.api()).await);
    let mut readers = JoinSet::new();
    let end = Instant::now() + TIME;
    for reader in 0..AT_ONCE {
        let (hostile, namespaces) = (hostile.clone(), namespaces.clone());
        readers.spawn(async move {
            let mut reads = 0;
            for namespace in namespaces.iter().cycle().skip(reader * NAMESPACES / AT_ONCE) {
                if Instant::now() > end {
                    break;
                }
                hostile.read(&paths::pods(namespace, "misdeed")).await;
                tokio::time::sleep(PAUSE).await;
                reads += 1;
            }
            reads
        });
    }
    let beside = steady(&behaved, TIME).await;
    let reads: u32 = readers.join_all().await.into_iter().sum();
    let ratio = beside.p99.as_secs_f64() / usual.p99.as_secs_f64();
    println!(
        "{what:<26}{:>14}{:>14}{:>14}{:>14}{ratio:>8.1}{reads:>12}{:>10.0}{}",
        usual.p50.as_micros(),
        usual.p99.as_micros(),
        beside.p50.as_micros(),
        beside.p99.as_micros(),
        mib(leadsman.peak_memory()),
        match usual.failed + beside.failed {
            0 => String::new(),
            failed => format!("  {failed} failed"),
        },
    );
}

struct Steady {
    p50: Duration,
    p99: Duration,
    failed: usize,
}

/// Reads at a steady pace: who is answered late does not ask less often, so a pause of the server
/// is seen by all who would have been answered in it.
async fn steady(connection: &Arc<Connection>, time: Duration) -> Steady {
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
        next += EACH;
    }
    let done = reads.join_all().await;
    let failed = done.iter().filter(|(ok, _)| !ok).count();
    let mut times: Vec<_> = done.into_iter().map(|(_, took)| took).collect();
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    Steady { p50: at(50), p99: at(99), failed }
}
