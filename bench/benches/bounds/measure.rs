//! What an attack does to the adapter and to those who read meanwhile.

use std::sync::Arc;
use std::time::Duration;

use leadsman_bench::load::Connection;
use leadsman_bench::process;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::attacks::Attack;
use super::scene::Scene;

/// Between two reads of others, whether the first is answered or not.
const EACH: Duration = Duration::from_millis(5);

/// How long others read before the attack.
const USUAL: Duration = Duration::from_secs(2);

/// How long a new reader may have to wait after an attack.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(60);

/// What was measured. Memory is in bytes.
pub(super) struct Measured {
    /// The memory before the attack.
    pub(super) before: u64,
    /// The most memory.
    pub(super) peak: u64,
    /// The memory after it.
    pub(super) after: u64,
    /// Reads of others before the attack.
    pub(super) usual: Steady,
    /// Their reads during it.
    pub(super) meanwhile: Steady,
    /// From the end of the attack until a reader on a new connection is served.
    pub(super) recovered: Duration,
}

/// Reads at a steady pace: who is answered late does not ask less often, so a pause of the server is
/// seen by all who would have been answered in it.
pub(super) struct Steady {
    /// Only one read in a hundred took longer.
    pub(super) p99: Duration,
    /// How many were not answered with 200.
    pub(super) failed: usize,
}

/// Runs an attack.
pub(super) async fn measure(attack: &Attack) -> Measured {
    let mut scene = Scene::start(attack.setup).await;
    let others = Arc::new(scene.connect().await);
    // What is done once is not what is measured.
    assert!(others.read(attack.others).await.0, "{}: others are served", attack.name);
    let usual = steady(&others, attack.others, tokio::time::sleep(USUAL)).await;
    let pid = scene.leadsman.pid();
    let before = process::memory(pid);
    let meanwhile = steady(&others, attack.others, (attack.run)(&mut scene)).await;
    let recovered = recovery(&scene, attack.others).await;
    let peak = scene.leadsman.peak_memory();
    let after = process::memory(pid);
    Measured { before, peak, after, usual, meanwhile, recovered }
}

/// Reads until something has ended.
async fn steady(
    connection: &Arc<Connection>,
    path: &'static str,
    until: impl Future<Output = ()>,
) -> Steady {
    let mut reads = JoinSet::new();
    let mut next = Instant::now();
    let mut until = std::pin::pin!(until);
    loop {
        tokio::select! {
            () = sleep_until(next) => {
                let (connection, due) = (connection.clone(), next);
                reads.spawn(async move { (connection.read(path).await.0, due.elapsed()) });
                next += EACH;
            }
            () = &mut until => break,
        }
    }
    let done = reads.join_all().await;
    let failed = done.iter().filter(|(ok, _)| !ok).count();
    let mut times: Vec<_> = done.into_iter().map(|(_, took)| took).collect();
    times.sort_unstable();
    let p99 = times.get(times.len().saturating_sub(1) * 99 / 100).copied().unwrap_or_default();
    Steady { p99, failed }
}

/// How long it takes until a reader who comes new is served.
async fn recovery(scene: &Scene, path: &str) -> Duration {
    let begun = Instant::now();
    let served = async {
        loop {
            let connection = scene.connect().await;
            if connection.read(path).await.0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(RECOVERY_TIMEOUT, served).await;
    begun.elapsed()
}
