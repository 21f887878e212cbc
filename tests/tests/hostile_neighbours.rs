//! A well-behaved mapping is read as usual while another one on the same source misbehaves.
//!
//! `cargo bench --bench neighbours` measures how much slower its reads are; these tests only assert
//! that nothing fails and nothing hangs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use leadsman_tests::{
    Answer, Config, HOSTILE, Leadsman, Mapping, Reply, Upstream, paths, table_grower,
};
use tempfile::TempDir;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

const METRIC: &str = "misdeed";
const PROMQL: &str = r#"load{namespace="${namespace}"}"#;

/// How long each phase lasts, and how the well-behaved mapping is read in it: 800 times a second.
const PHASE: Duration = Duration::from_millis(1500);
const READERS: usize = 4;
const PAUSE: Duration = Duration::from_millis(5);
/// How many readers the hostile mapping has, and how often each of them reads at most.
const HOSTILE_READERS: usize = 4;
const HOSTILE_PAUSE: Duration = Duration::from_millis(10);
/// Failures are cached for a second. So that the plugin runs all the time, many namespaces are
/// read.
const NAMESPACES: usize = 40;
/// The age up to which values are served: so low that one read in twenty waits for the plugin.
const MAX_AGE: &str = "20ms";
/// Far more than any read takes, and far less than a read that waits for something that hangs.
const SOON: Duration = Duration::from_secs(1);

/// One test at a time: two would be neighbours of each other.
static ALONE: Mutex<()> = Mutex::const_new(());

/// The expected result of reads of a misdeed.
enum Outcome {
    /// Each fails with this message.
    Fails(&'static str),
    /// Some fail with this message, the others have the right values.
    Sometimes(&'static str),
    /// All have the right values.
    Served,
    /// All succeed without values.
    Nothing,
}

async fn with_neighbour(deed: &str, limits: &str, outcome: Outcome) {
    beside_file(Path::new(HOSTILE), deed, limits, outcome).await;
}

async fn beside_file(file: &Path, deed: &str, limits: &str, outcome: Outcome) {
    let _alone = ALONE.lock().await;
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1"), ("web-1", "2")])).await;
    let mapping = |metric: &str, plugin: &str, config: &str| {
        let mapping = Mapping::custom(metric, "pods").query("q", PROMQL);
        mapping.plugin(plugin, config).set("maxAge", MAX_AGE)
    };
    let misdeed = mapping(METRIC, "guest", deed);
    let behaved = mapping("behaved", "hostile", "do: well-behaved");
    let namespaces: Vec<_> = (0..NAMESPACES).map(|number| format!("team-{number}")).collect();
    let config = Config::shop(&upstream.url())
        .plugin("guest", file)
        .plugin("hostile", HOSTILE)
        .mapping(if limits.is_empty() { misdeed } else { misdeed.set("limits", limits) })
        .mapping(behaved);
    let config =
        namespaces.iter().fold(config, |config, name| config.pods(name, &["web-0", "web-1"]));
    let leadsman = Arc::new(Leadsman::start(config).await);

    let good = [paths::pods("shop", "behaved")];
    let evil: Vec<_> = namespaces.iter().map(|name| paths::pods(name, METRIC)).collect();
    let usual = reads(&leadsman, &good, READERS, PAUSE).await;
    let (meanwhile, misdeeds) = tokio::join!(
        reads(&leadsman, &good, READERS, PAUSE),
        reads(&leadsman, &evil, HOSTILE_READERS, HOSTILE_PAUSE),
    );

    for answer in usual.iter().chain(&meanwhile) {
        assert_eq!(answer.values().len(), 2, "{deed}: {answer:#?}");
    }
    let (before, after) = (p99(&usual), p99(&meanwhile));
    println!(
        "{deed}: {} reads, p99 {before:?}; {} beside it, p99 {after:?}",
        usual.len(),
        meanwhile.len()
    );
    assert!(before < SOON && after < SOON, "{deed}: {before:?}, {after:?}");
    check_outcome(deed, &misdeeds, &outcome);
    // The process is alive and still serves.
    assert_eq!(leadsman.get("/readyz").await.status, 200, "{deed}");
    let peak = leadsman.peak_memory();
    assert!(peak < 768 << 20, "{deed}: {} MiB", peak >> 20);
}

fn check_outcome(deed: &str, answers: &[Answer], outcome: &Outcome) {
    assert!(!answers.is_empty(), "{deed}");
    let (served, failed): (Vec<_>, Vec<_>) = answers.iter().partition(|read| read.is_success());
    match outcome {
        Outcome::Served | Outcome::Nothing => {
            assert!(failed.is_empty(), "{deed}: {:#?}", failed[0])
        }
        Outcome::Fails(_) => assert!(served.is_empty(), "{deed}: {:#?}", served[0]),
        Outcome::Sometimes(_) => {
            assert!(!served.is_empty() && !failed.is_empty(), "{deed}: {:#?}", answers[0]);
        }
    }
    if let Outcome::Fails(says) | Outcome::Sometimes(says) = outcome {
        // A read may wait for a slot until its deadline, and after several failures in a row the
        // circuit breaker opens.
        let says = format!("{says}|no value within|failures in a row");
        for answer in failed {
            answer.failure().assert_contains(&[&says]);
        }
    }
    let pods: &[&str] = if matches!(outcome, Outcome::Nothing) { &[] } else { &["web-0", "web-1"] };
    for answer in served {
        assert_eq!(answer.values().into_keys().collect::<Vec<_>>(), pods, "{deed}");
    }
}

/// Reads the paths in turn for one phase with this many readers, each with a pause between the
/// starts of its reads.
async fn reads(
    leadsman: &Arc<Leadsman>,
    paths: &[String],
    readers: usize,
    pause: Duration,
) -> Vec<Answer> {
    let mut all = JoinSet::new();
    for reader in 0..readers {
        let (leadsman, paths) = (leadsman.clone(), paths.to_owned());
        all.spawn(async move {
            let end = Instant::now() + PHASE;
            let mut starts = interval(pause);
            starts.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut answers = Vec::new();
            for path in paths.iter().cycle().skip(reader * paths.len() / readers) {
                if Instant::now() > end {
                    break;
                }
                starts.tick().await;
                answers.push(leadsman.get(path).await);
            }
            answers
        });
    }
    all.join_all().await.concat()
}

fn p99(answers: &[Answer]) -> Duration {
    let mut times: Vec<_> = answers.iter().map(|answer| answer.took).collect();
    times.sort_unstable();
    times[(times.len() - 1) * 99 / 100]
}

#[tokio::test]
async fn loops() {
    with_neighbour("do: loop", "", Outcome::Fails("100ms|time")).await;
}

#[tokio::test]
async fn endless_allocation() {
    with_neighbour("do: allocate", "{time: 2s}", Outcome::Fails("memory")).await;
}

#[tokio::test]
async fn memory_just_below_the_limit() {
    // The stack and the data of the plugin need memory, too.
    let deed = format!("do: hold, bytes: {}", 60 << 20);
    with_neighbour(&deed, "{time: 2s}", Outcome::Served).await;
}

#[tokio::test]
async fn recursion() {
    with_neighbour("do: recurse", "{time: 2s}", Outcome::Fails("stack")).await;
    with_neighbour("do: recurse-in-memory", "{time: 2s}", Outcome::Fails("stack|out of bounds"))
        .await;
}

#[tokio::test]
async fn traps() {
    with_neighbour("do: trap", "", Outcome::Fails("trap")).await;
    with_neighbour("do: panic", "", Outcome::Fails("trap|panic")).await;
    with_neighbour("do: trap-at-times", "", Outcome::Sometimes("trap")).await;
}

#[tokio::test]
async fn values_that_are_not_numbers() {
    with_neighbour("do: nan", "", Outcome::Fails("NaN")).await;
    with_neighbour("do: infinity", "", Outcome::Fails("inf")).await;
}

#[tokio::test]
async fn a_million_outputs() {
    let deed = "do: many-outputs, n: 1000000";
    with_neighbour(deed, "{time: 2s}", Outcome::Fails("measures|memory|fuel|limit")).await;
}

#[tokio::test]
async fn enormous_strings() {
    let deed = "do: long-name, bytes: 8388608";
    with_neighbour(deed, "{time: 2s}", Outcome::Fails("bytes")).await;
    let deed = "do: long-names, n: 20000, bytes: 1024";
    with_neighbour(deed, "{time: 2s}", Outcome::Fails("bytes|memory|fuel|limit")).await;
}

#[tokio::test]
async fn objects_of_other_namespaces() {
    with_neighbour("do: other-namespace, message: bank", "", Outcome::Fails("bank|not of|refused"))
        .await;
    with_neighbour("do: unasked-object", "", Outcome::Served).await;
}

#[tokio::test]
async fn floods_of_logs() {
    with_neighbour("do: log-flood, n: 100000, bytes: 10", "{time: 2s}", Outcome::Served).await;
    with_neighbour("do: log-flood, n: 50, bytes: 1048576", "{time: 2s}", Outcome::Served).await;
}

#[tokio::test]
async fn growing_tables() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("grower.wasm");
    std::fs::write(&file, table_grower()).expect("a file");
    // Growing fails, and the plugin returns no measures.
    beside_file(&file, "", "", Outcome::Nothing).await;
}
