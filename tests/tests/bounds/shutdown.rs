//! The end of the process under load loses no read that it has taken.

use std::time::Duration;

use leadsman_tests::Load;
use tokio::time::Instant;

use super::scene::Scene;

/// How long before the signal a read must have been due to have been taken for certain.
const TAKEN: Duration = Duration::from_millis(500);

/// How long the end may take: connections are told to go elsewhere, and what is in flight completes.
const END: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_under_load_loses_no_read_and_gives_no_wrong_answer() {
    let scene = Scene::new().await;
    scene.leadsman.get(&Scene::path()).await.ok();
    let load = Load::start(scene.leadsman.api(), &Scene::path(), 200);
    load.wait_reads(200).await;
    let (signalled, leadsman) = (Instant::now(), scene.leadsman);
    leadsman.terminate();
    assert!(leadsman.exit().await.success());
    let took = signalled.elapsed();
    assert!(took < END, "{took:?}");
    let reads = load.stop().await;
    let failed_before: Vec<_> =
        reads.iter().filter(|read| read.due + TAKEN < signalled && read.outcome.is_err()).collect();
    assert!(failed_before.is_empty(), "{failed_before:#?}");
    for read in &reads {
        match &read.outcome {
            Ok(values) => assert_eq!(values, &[1.0]),
            // Nobody listens any more. An answer would begin with its status.
            Err(reason) => {
                assert!(!reason.starts_with(|sign: char| sign.is_ascii_digit()), "{reason}");
            }
        }
    }
}
