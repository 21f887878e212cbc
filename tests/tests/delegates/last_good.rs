//! The last good answer of a delegate, under a stated age.

use std::time::Duration;

use leadsman_tests::{Reply, eventually, paths};

use super::scene::{REST, Scene, THEIRS};

const TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn the_last_good_answer_is_held_for_its_time_with_its_age() {
    let scene = Scene::with(&format!("{REST}, onError: {{lastGood: 4s}}")).await;
    let good = scene.theirs().await;
    assert_eq!(good.header("warning"), "");
    scene.other.set_reply(Reply::new(500, "text/plain", "panic"));
    let held = scene.theirs().await;
    assert_eq!((held.status, &held.body), (200, &good.body));
    let warning = held.header("warning").to_owned();
    for text in ["299 leadsman", "the delegate 'other' failed (500", "last good answer is", "s old"]
    {
        assert!(warning.contains(text), "{text:?} in {warning}");
    }
    let outcome = [("delegate", "other"), ("outcome", "last_good")];
    let counted = scene.leadsman.metric("leadsman_delegate_requests_total", &outcome).await;
    assert!(counted.is_some_and(|count| count >= 1.0), "{counted:?}");
    // It is the answer to this question alone.
    let other = scene.leadsman.get(&format!("{}_other", paths::pods("shop", THEIRS))).await;
    assert_eq!(other.failure().code, 500);
    // 404 is an answer: there is no such metric any more.
    scene.other.set_reply(super::scene::not_found("it is gone"));
    assert_eq!(scene.theirs().await.failure().code, 404);
    scene.other.set_reply(Reply::new(500, "text/plain", "panic"));
    let failure = eventually("the end of its time", TIMEOUT, async || {
        let answer = scene.theirs().await;
        if answer.status == 500 { Ok(answer.failure()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    failure.assert_contains(&["the delegate \"other\" failed (500"]);
    scene.recovers().await;
}
