//! Floods of HTTP/2 frames by clients without credentials: they take no memory and keep nobody waiting.

use leadsman_tests::{Flood, Others};
use tokio::task::JoinSet;

use super::scene::Scene;

/// How many connections flood at once, and with how many frames each.
const CONNECTIONS: usize = 6;
const FRAMES: u32 = 30_000;

/// What all of them may take in memory: far less than what is sent would be if it were kept.
const TAKEN: u64 = 64 << 20;

/// Half of the connections take no answers, so that what is to be sent to them cannot be.
async fn withstands(flood: Flood) {
    let scene = Scene::new().await;
    let path = Scene::path();
    let others = Others::reading(&scene.leadsman, &path).await;
    let before = scene.leadsman.peak_memory();
    let mut flooding = JoinSet::new();
    for number in 0..CONNECTIONS {
        let (stream, path) = (scene.connect_h2().await, path.clone());
        flooding.spawn(async move { flood.send(stream, &path, FRAMES, number % 2 == 0).await });
    }
    let sent = flooding.join_all().await;
    assert!(sent.iter().all(|&frames| frames > 0), "{flood:?}: {sent:?}");
    others.were_served().await;
    let answer = scene.leadsman.get(&path).await;
    assert_eq!(answer.value(), "1", "{flood:?}");
    let grown = scene.leadsman.peak_memory().saturating_sub(before);
    assert!(grown < TAKEN, "{flood:?}: {} MiB, after {sent:?} frames", grown >> 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_reset_at_once() {
    withstands(Flood::RapidReset).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_go_on_without_end() {
    withstands(Flood::Continuation).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_empty_frames() {
    withstands(Flood::Data).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_and_pings_without_end() {
    withstands(Flood::Settings).await;
    withstands(Flood::Ping).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_mean_nothing() {
    withstands(Flood::Priority).await;
    withstands(Flood::WindowUpdate).await;
    withstands(Flood::Unknown).await;
}
