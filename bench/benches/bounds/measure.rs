//! Measures the effect of an attack on the adapter's memory and on the latency of other readers.

use std::sync::Arc;
use std::time::Duration;

use leadsman_bench::load::Connection;
use leadsman_bench::process;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::attacks::Attack;
use super::scene::Scene;

/// The interval of the reads of others, independent of the response times.
const INTERVAL: Duration = Duration::from_millis(5);

/// The duration of the baseline before the attack.
const BASELINE: Duration = Duration::from_secs(2);

/// The bound of the latency of other readers during an attack, at the 99th percentile.
pub(super) const MAX_P99: Duration = Duration::from_secs(1);

/// The bound of the time from the end of an attack until a new reader is served.
pub(super) const MAX_RECOVERY: Duration = Duration::from_secs(60);

/// The results of an attack. Memory is in bytes.
pub(super) struct Measured {
    /// The memory before the attack.
    pub(super) before: u64,
    /// The peak memory.
    pub(super) peak: u64,
    /// The memory after the attack.
    pub(super) after: u64,
    /// The reads of others before the attack.
    pub(super) baseline: Latency,
    /// The reads of others during the attack.
    pub(super) during: Latency,
    /// The time from the end of the attack until a reader on a new connection is served.
    pub(super) recovery: Duration,
}

/// The latency of reads at a fixed rate. It is measured from the scheduled time of each read, so
/// that a pause of the server counts for all reads that it delays (no coordinated omission).
pub(super) struct Latency {
    /// The 99th percentile.
    pub(super) p99: Duration,
    /// The number of reads with another status code than 200.
    pub(super) failed: usize,
}

/// Runs an attack.
pub(super) async fn measure(attack: &Attack) -> Measured {
    let mut scene = Scene::start(attack.setup).await;
    let others = Arc::new(scene.connect().await);
    // Warms up.
    assert!(others.read(attack.others).await.0, "{}: others are served", attack.name);
    let baseline = read_until(&others, attack.others, tokio::time::sleep(BASELINE)).await;
    let pid = scene.leadsman.pid();
    let before = process::memory(pid);
    let during = read_until(&others, attack.others, (attack.run)(&mut scene)).await;
    let recovery = measure_recovery(&scene, attack.others).await;
    let peak = scene.leadsman.peak_memory();
    let after = process::memory(pid);
    Measured { before, peak, after, baseline, during, recovery }
}

/// Reads at a fixed rate until a future completes.
async fn read_until(
    connection: &Arc<Connection>,
    path: &'static str,
    until: impl Future<Output = ()>,
) -> Latency {
    let mut reads = JoinSet::new();
    let mut next = Instant::now();
    let mut until = std::pin::pin!(until);
    loop {
        tokio::select! {
            () = sleep_until(next) => {
                let (connection, due) = (connection.clone(), next);
                reads.spawn(async move { (connection.read(path).await.0, due.elapsed()) });
                next += INTERVAL;
            }
            () = &mut until => break,
        }
    }
    let done = reads.join_all().await;
    let failed = done.iter().filter(|(ok, _)| !ok).count();
    let mut times: Vec<_> = done.into_iter().map(|(_, took)| took).collect();
    times.sort_unstable();
    let p99 = times.get(times.len().saturating_sub(1) * 99 / 100).copied().unwrap_or_default();
    Latency { p99, failed }
}

/// The time until a reader on a new connection is served.
async fn measure_recovery(scene: &Scene, path: &str) -> Duration {
    let begun = Instant::now();
    let served = async {
        loop {
            let connection = scene.connect().await;
            if connection.read(path).await.0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(MAX_RECOVERY, served).await;
    begun.elapsed()
}
