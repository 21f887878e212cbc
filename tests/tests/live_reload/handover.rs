//! A changed mapping takes over with its first good evaluation, and not before.

use std::time::Duration;

use leadsman_tests::{
    Answer, Config, Folder, Leadsman, Mapping, Reply, Upstream, broken_version, eventually, paths,
    version,
};
use serde_json::Value;

use crate::scene::{FILE, METRIC, PLUGIN, Scene, mapping, path};

const TIMEOUT: Duration = Duration::from_secs(45);
const HANDOVERS: &str = "leadsman_handovers_total";

/// The mapping of the versioned plugin with these settings.
async fn scene(settings: &[(&str, &str)]) -> Scene {
    let mut folder = Folder::plain();
    folder.put(FILE, version(1));
    let mapping = settings.iter().fold(mapping(0), |mapping, (key, value)| mapping.set(key, value));
    let config =
        |upstream: &Upstream| Config::shop(&upstream.url()).plugin(PLUGIN, FILE).mapping(mapping);
    let scene = Scene::new(folder, &[], config).await;
    scene.serves(1000.0).await;
    scene
}

/// Swaps in a build that panics, and waits until it is the configured one. Reads go on meanwhile,
/// and none fails.
async fn swap_in_a_broken_build(scene: &mut Scene) {
    let digest = scene.leadsman.mapping(METRIC).await["pluginDigest"].clone();
    scene.folder.put(FILE, broken_version());
    eventually("the broken build", TIMEOUT, async || {
        let answer = scene.leadsman.get(&path()).await;
        assert_eq!(answer.status, 200, "{answer:#?}");
        let now = scene.leadsman.mapping(METRIC).await["pluginDigest"].clone();
        if now == digest { Err(format!("{now}")) } else { Ok(()) }
    })
    .await;
}

fn is_of_the_build_before(answer: &Answer) {
    assert_eq!(answer.status, 200, "{answer:#?}");
    assert!(answer.values().values().all(|value| value == "1k"), "{answer:#?}");
    let warning = answer.header("warning");
    for part in ["s old", "before its last change", "this build is broken"] {
        assert!(warning.contains(part), "{part}: {answer:#?}");
    }
}

async fn evaluation(leadsman: &Leadsman) -> Value {
    leadsman.mapping(METRIC).await["evaluations"][0].clone()
}

async fn count(leadsman: &Leadsman, outcome: &str) -> Option<f64> {
    leadsman.metric(HANDOVERS, &[("mapping", "pods/load"), ("outcome", outcome)]).await
}

#[tokio::test]
async fn a_build_that_panics_leaves_the_one_before_serving() {
    let mut scene = scene(&[]).await;
    swap_in_a_broken_build(&mut scene).await;
    for _ in 0..20 {
        is_of_the_build_before(&scene.leadsman.get(&path()).await);
    }
    // The reason is told everywhere.
    let told = evaluation(&scene.leadsman).await;
    assert_eq!(told["state"], "lastGood", "{told:#}");
    assert_eq!(told["handover"]["serving"], true, "{told:#}");
    assert!(told["error"].to_string().contains("this build is broken"), "{told:#}");
    assert!(told["handover"]["endsInSeconds"].as_f64().is_some_and(|left| left > 0.0), "{told:#}");
    assert_eq!(count(&scene.leadsman, "fell_back").await, Some(1.0));
    let stale = [("mapping", "pods/load"), ("outcome", "stale")];
    let stale = scene.leadsman.metric("leadsman_reads_total", &stale).await;
    assert!(stale.is_some_and(|count| count >= 20.0), "{stale:?}");
    let log = scene.leadsman.log();
    assert!(log.contains("the changed mapping fails; reads get what it replaces"), "{log}");

    // The one before is evaluated on: what changes at the source is seen.
    for pods in [&[("web-0", "1")][..], &[("web-0", "1"), ("web-1", "2")]] {
        scene.upstream.set_reply(Reply::pods(pods));
        eventually("the values of the pods that there are", TIMEOUT, async || {
            let answer = scene.leadsman.get(&path()).await;
            is_of_the_build_before(&answer);
            if answer.values().len() == pods.len() { Ok(()) } else { Err(format!("{answer:#?}")) }
        })
        .await;
    }

    // A good build ends it.
    scene.folder.put(FILE, version(2));
    scene.serves(2000.0).await;
    assert_eq!(scene.leadsman.get(&path()).await.header("warning"), "");
    assert_eq!(evaluation(&scene.leadsman).await["handover"], Value::Null);
    assert_eq!(count(&scene.leadsman, "taken_over").await, Some(1.0));
    assert_eq!(count(&scene.leadsman, "expired").await, None);
}

#[tokio::test]
async fn the_one_before_serves_for_the_stated_time_and_no_longer() {
    let mut scene = scene(&[("handover", "5s")]).await;
    swap_in_a_broken_build(&mut scene).await;
    is_of_the_build_before(&scene.leadsman.get(&path()).await);
    let answer = eventually("an error", TIMEOUT, async || {
        let answer = scene.leadsman.get(&path()).await;
        if answer.status == 200 {
            is_of_the_build_before(&answer);
            return Err(format!("{answer:#?}"));
        }
        Ok(answer)
    })
    .await;
    answer.failure().assert_contains(&[METRIC, "this build is broken"]);
    scene.leadsman.wait_metric(HANDOVERS, &[("outcome", "expired")], 1.0).await;
    assert_eq!(evaluation(&scene.leadsman).await["handover"], Value::Null);
    let log = scene.leadsman.log();
    assert!(log.contains("what it replaces is evaluated no more"), "{log}");
}

/// After the stated time reads get what is configured for failures: old values, with their age.
#[tokio::test]
async fn after_the_stated_time_the_policy_for_errors_holds() {
    let mut scene = scene(&[("handover", "2s"), ("onError", "{lastGood: 10m}")]).await;
    swap_in_a_broken_build(&mut scene).await;
    scene.leadsman.wait_metric(HANDOVERS, &[("outcome", "expired")], 1.0).await;
    // Nothing is evaluated any more that could see what the source says now.
    scene.upstream.set_reply(Reply::pods(&[("web-0", "1")]));
    for _ in 0..20 {
        let answer = scene.leadsman.get(&path()).await;
        is_of_the_build_before(&answer);
        assert_eq!(answer.values().len(), 2, "{answer:#?}");
    }
    let told = evaluation(&scene.leadsman).await;
    assert_eq!(told["handover"]["endsInSeconds"], Value::Null, "{told:#}");
    scene.folder.put(FILE, version(3));
    scene.serves(3000.0).await;
}

/// A further edit is a new attempt, and neither loses the values nor gives them more time.
#[tokio::test]
async fn edits_of_a_broken_version_keep_the_one_that_worked() {
    let mut scene = scene(&[]).await;
    swap_in_a_broken_build(&mut scene).await;
    is_of_the_build_before(&scene.leadsman.get(&path()).await);
    let since = evaluation(&scene.leadsman).await["handover"]["sinceSeconds"].as_f64();
    for edition in 1..=3 {
        let before = scene.leadsman.generation().await;
        let config = Config::shop(&scene.upstream.url()).plugin(PLUGIN, FILE);
        scene.folder.configure(config.mapping(mapping(edition)));
        eventually("the next generation", TIMEOUT, async || {
            let now = scene.leadsman.generation().await;
            if now > before { Ok(()) } else { Err(format!("generation {now}")) }
        })
        .await;
        is_of_the_build_before(&scene.leadsman.get(&path()).await);
    }
    let later = evaluation(&scene.leadsman).await["handover"]["sinceSeconds"].as_f64();
    assert!(later > since && since.is_some(), "{later:?} after {since:?}");
    scene.folder.put(FILE, version(2));
    scene.serves(2003.0).await;
}

#[tokio::test]
async fn a_query_that_fails_leaves_the_one_before_serving() {
    let upstream = Upstream::start(Reply::NoReply).await;
    upstream.reply_with(|request| {
        if request.promql().starts_with("jobs") {
            Reply::pods(&[("web-0", "4")])
        } else {
            let error = "query processing would load too many samples into memory";
            let body = serde_json::json!(
                {"status": "error", "errorType": "execution", "error": error}
            );
            Reply::json(422, &body)
        }
    });
    let of = |query: &str| {
        Config::shop(&upstream.url()).mapping(Mapping::pods("jobs").query("q", query))
    };
    let mut folder = Folder::plain();
    folder.configure(of(r#"jobs{namespace="${namespace}"}"#));
    let leadsman = Leadsman::start_file(&folder.config(), &[]).await;
    let path = paths::pods("shop", "jobs");
    assert_eq!(leadsman.get(&path).await.value(), "4");
    let before = leadsman.generation().await;
    folder.configure(of(r#"all_jobs{namespace="${namespace}"}"#));
    eventually("the next generation", TIMEOUT, async || {
        let now = leadsman.generation().await;
        if now > before { Ok(()) } else { Err(format!("generation {now}")) }
    })
    .await;
    let answer = leadsman.get(&path).await;
    assert_eq!(answer.value(), "4", "{answer:#?}");
    let warning = answer.header("warning");
    assert!(warning.contains("before its last change"), "{answer:#?}");
    assert!(warning.contains("too many samples"), "{answer:#?}");

    // A new query takes over with its first good evaluation.
    upstream.set_reply(Reply::pods(&[("web-0", "9")]));
    eventually("the value of the new query", TIMEOUT, async || {
        let answer = leadsman.get(&path).await;
        let old = answer.header("warning").contains("before its last change");
        let new = answer.value() == "9" && !old;
        if new { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
}

/// A changed mapping that takes longer than its deadline is not waited for in vain.
#[tokio::test]
async fn a_query_that_hangs_leaves_the_one_before_serving() {
    let upstream = Upstream::start(Reply::NoReply).await;
    upstream.reply_with(|request| {
        let known = request.promql().starts_with("jobs");
        if known { Reply::pods(&[("web-0", "4")]) } else { Reply::NoReply }
    });
    let of = |query: &str| {
        let mapping = Mapping::pods("jobs").query("q", query).set("deadline", "300ms");
        Config::shop(&upstream.url()).mapping(mapping)
    };
    let mut folder = Folder::plain();
    folder.configure(of(r#"jobs{namespace="${namespace}"}"#));
    let leadsman = Leadsman::start_file(&folder.config(), &[]).await;
    let path = paths::pods("shop", "jobs");
    assert_eq!(leadsman.get(&path).await.value(), "4");
    let before = leadsman.generation().await;
    folder.configure(of(r#"all_jobs{namespace="${namespace}"}"#));
    eventually("the next generation", TIMEOUT, async || {
        let now = leadsman.generation().await;
        if now > before { Ok(()) } else { Err(format!("generation {now}")) }
    })
    .await;
    let answer = leadsman.get(&path).await;
    assert_eq!(answer.value(), "4", "{answer:#?}");
    let warning = answer.header("warning");
    assert!(warning.contains("before its last change"), "{answer:#?}");
    assert!(warning.contains("within 300ms"), "{answer:#?}");
}
