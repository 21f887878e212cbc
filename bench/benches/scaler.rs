//! A thousand ScaledObjects that KEDA polls: how long its calls take, and what they cost the adapter.
//!
//! A poll is the three calls of KEDA, one after the other, on one connection for all, as KEDA makes them. First
//! in the rhythm of autoscalers, then as many as there can be. Without a cluster, and with one: a client
//! certificate, and a review of the right to each read.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use leadsman_bench::process;
use leadsman_bench::scene::mib;
use leadsman_tests::cluster::{Adapter, ControlPlane, Rule, Subject};
use leadsman_tests::{Config, Exporter, Leadsman, Mapping, Prometheus, ScalerClient, Trigger};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

const NAMESPACES: usize = 20;
const APPS: usize = 50;
const OBJECTS: usize = NAMESPACES * APPS;

/// How often each ScaledObject is asked for: its autoscaler's sync.
const EVERY: Duration = Duration::from_secs(15);

/// How long each part takes.
const PACED: Duration = Duration::from_secs(60);
const FULL: Duration = Duration::from_secs(10);

/// How many polls there are at once when there are as many as there can be.
const AT_ONCE: usize = 20;

/// The bound that is stated for 99 of 100 calls in the rhythm of autoscalers. People report seconds for a
/// few hundred ScaledObjects with a query each.
const BOUND: Duration = Duration::from_millis(50);

/// The calls of a part.
#[derive(Default)]
struct Calls {
    took: Vec<Duration>,
    failed: usize,
}

impl Calls {
    fn add(&mut self, other: Self) {
        self.took.extend(other.took);
        self.failed += other.failed;
    }

    fn at(&mut self, share: usize) -> Duration {
        self.took.sort_unstable();
        self.took[(self.took.len() - 1) * share / 100]
    }
}

fn main() -> ExitCode {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
    println!("{OBJECTS} ScaledObjects in {NAMESPACES} namespaces, a poll of each in {EVERY:?}\n");
    println!(
        "{:<34}{:>10}{:>8}{:>10}{:>10}{:>10}{:>12}{:>10}",
        "", "calls/s", "failed", "p50 µs", "p99 µs", "max ms", "CPU ms/s", "peak MiB"
    );
    if runtime.block_on(run()) {
        return ExitCode::SUCCESS;
    }
    println!("\na bound does not hold: no call fails, and p99 at the rhythm is below {BOUND:?}");
    ExitCode::FAILURE
}

/// Measures all. Returns whether the bounds hold.
async fn run() -> bool {
    let exporter = Exporter::start(&exposition()).await;
    let prometheus = Prometheus::scraping(&exporter.url()).await;
    prometheus.wait_for("backlog").await;
    let config = config(&prometheus.url());

    let alone = Leadsman::start_with(&config, &["--scaler-address", "127.0.0.1:0"]).await;
    let client = ScalerClient::new(alone.scaler());
    let mut holds = measure("without a cluster", &alone, &client).await;
    drop(alone);

    let plane = ControlPlane::shared().await;
    let adapter = Adapter::new(plane, "metrics", &[]).await;
    let files = adapter.serving_certificate("tls", adapter.authority());
    let [certificate, key] = [&files.0, &files.1].map(|file| file.to_str().expect("UTF-8"));
    let arguments = [
        ["--tls-cert-file", certificate],
        ["--tls-private-key-file", key],
        ["--scaler-address", "127.0.0.1:0"],
    ];
    let guarded = adapter.start_with(&config, arguments.as_flattened()).await;
    let read = Rule::new(&["list"], "external.metrics.k8s.io", &["backlog"]);
    plane.admin().allow(&Subject::user("keda"), None, &[read]).await;
    let identity = plane.authorities().clients.client("keda");
    let client = ScalerClient::with_certificate(guarded.scaler(), &identity);
    holds &= measure("certificates and reviews", &guarded, &client).await;
    holds
}

async fn measure(name: &str, leadsman: &Leadsman, client: &ScalerClient) -> bool {
    let triggers: Arc<[Trigger]> = (0..OBJECTS).map(trigger).collect();
    // The first reads of all wait for evaluations.
    for trigger in triggers.iter() {
        assert_eq!(client.value(trigger).await, Ok(7.0));
    }
    let before = process::cpu(leadsman.pid());
    let mut paced = in_rhythm(client, &triggers).await;
    let cpu = process::cpu(leadsman.pid()) - before;
    report(&format!("{name}, in rhythm"), &mut paced, PACED, cpu, leadsman);
    let before = process::cpu(leadsman.pid());
    let mut full = at_full_speed(client, &triggers).await;
    let cpu = process::cpu(leadsman.pid()) - before;
    report(&format!("{name}, {AT_ONCE} at once"), &mut full, FULL, cpu, leadsman);
    paced.failed + full.failed == 0 && paced.at(99) <= BOUND
}

/// Each ScaledObject in its turn, evenly over the time between two polls.
async fn in_rhythm(client: &ScalerClient, triggers: &Arc<[Trigger]>) -> Calls {
    let (begun, mut under_way) = (Instant::now(), JoinSet::new());
    let step = EVERY / u32::try_from(OBJECTS).expect("a few");
    let mut calls = Calls::default();
    let mut due = begun;
    for at in (0..OBJECTS).cycle() {
        sleep_until(due).await;
        if begun.elapsed() >= PACED {
            break;
        }
        let (client, triggers) = (client.clone(), triggers.clone());
        under_way.spawn(async move { poll(&client, &triggers[at]).await });
        while let Some(Ok(done)) = under_way.try_join_next() {
            calls.add(done);
        }
        due += step;
    }
    under_way.join_all().await.into_iter().for_each(|done| calls.add(done));
    calls
}

async fn at_full_speed(client: &ScalerClient, triggers: &Arc<[Trigger]>) -> Calls {
    let (begun, next, mut workers) =
        (Instant::now(), Arc::new(AtomicUsize::new(0)), JoinSet::new());
    for _ in 0..AT_ONCE {
        let (client, triggers, next) = (client.clone(), triggers.clone(), next.clone());
        workers.spawn(async move {
            let mut calls = Calls::default();
            while begun.elapsed() < FULL {
                let at = next.fetch_add(1, Ordering::Relaxed) % OBJECTS;
                calls.add(poll(&client, &triggers[at]).await);
            }
            calls
        });
    }
    let mut calls = Calls::default();
    workers.join_all().await.into_iter().for_each(|done| calls.add(done));
    calls
}

/// The three calls of a poll.
async fn poll(client: &ScalerClient, trigger: &Trigger) -> Calls {
    let mut calls = Calls::default();
    let mut timed = |begun: Instant, ok: bool| {
        calls.took.push(begun.elapsed());
        calls.failed += usize::from(!ok);
    };
    let begun = Instant::now();
    timed(begun, client.spec(trigger).await.is_ok());
    let begun = Instant::now();
    timed(begun, client.value(trigger).await == Ok(7.0));
    let begun = Instant::now();
    timed(begun, client.is_active(trigger).await == Ok(true));
    calls
}

#[allow(clippy::cast_precision_loss)]
fn report(name: &str, calls: &mut Calls, time: Duration, cpu: Duration, leadsman: &Leadsman) {
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let [half, most, all] = [50, 99, 100].map(|percent| calls.at(percent));
    println!(
        "{name:<34}{:>10.0}{:>8}{:>10.0}{:>10.0}{:>10.1}{:>12.1}{:>10.0}",
        calls.took.len() as f64 / time.as_secs_f64(),
        calls.failed,
        micros(half),
        micros(most),
        all.as_secs_f64() * 1e3,
        cpu.as_secs_f64() * 1e3 / time.as_secs_f64(),
        mib(leadsman.peak_memory()),
    );
}

fn trigger(number: usize) -> Trigger {
    let (namespace, app) = (format!("ns{}", number / APPS), format!("app{}", number % APPS));
    let selector = format!("app={app}");
    let metadata = [
        ("scalerAddress", "leadsman.metrics.svc:9443"),
        ("metric", "backlog"),
        ("selector", selector.as_str()),
        ("targetAverageValue", "10"),
    ];
    Trigger::new(&namespace, &app, &metadata)
}

/// A series for each ScaledObject.
fn exposition() -> String {
    let series = (0..OBJECTS).map(|number| {
        format!("backlog{{namespace=\"ns{}\",app=\"app{}\"}} 7\n", number / APPS, number % APPS)
    });
    series.collect()
}

/// One evaluation for each namespace.
fn config(prometheus: &str) -> String {
    let mapping = Mapping::external("backlog")
        .query("q", r#"sum by (app) (backlog{namespace="${namespace}"})"#)
        // The first reads wait for their evaluations.
        .set("deadline", "10s");
    Config::new().prometheus("prometheus", prometheus).mapping(mapping).to_string()
}
