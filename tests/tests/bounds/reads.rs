//! A great many reads leave nothing behind.

use std::time::Duration;

use leadsman_tests::{Others, read_pipelined};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::scene::Scene;

/// On how many connections, and how many reads of each there are in a round.
const CONNECTIONS: usize = 4;
const READS: usize = 25_000;

/// The reads after the first round may leave so much: less than a hundred bytes each.
const LEFT: u64 = 8 << 20;

/// The time for a round: forty times what it usually takes.
const ROUND: Duration = Duration::from_secs(240);

async fn round(scene: &Scene) {
    let mut reading = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (stream, path) = (scene.connect().await, Scene::path());
        reading.spawn(async move { read_pipelined(stream, &path, READS).await });
    }
    timeout(ROUND, reading.join_all()).await.expect("answers to all reads");
}

/// 200,000 reads; `cargo xtask bench bounds` makes 1,200,000.
#[tokio::test(flavor = "multi_thread")]
async fn reads_by_the_hundred_thousand_leave_memory_as_it_is() {
    let scene = Scene::new().await;
    let others = Others::reading(&scene.leadsman, &Scene::path()).await;
    round(&scene).await;
    let before = scene.leadsman.peak_memory();
    round(&scene).await;
    let grown = scene.leadsman.peak_memory().saturating_sub(before);
    assert!(grown < LEFT, "{} kB after {} reads", grown >> 10, CONNECTIONS * READS);
    others.were_served().await;
}
