//! The recorded controller: a program that plays a scenario, through a fault and back.

use std::collections::BTreeSet;

use leadsman_tests::{Leadsman, RecordedController, contains_all, eventually};

use super::scene::{SOON, config, path};

/// A controller that plays a scenario, and an adapter that asks it for the user's pool.
struct Played {
    controller: RecordedController,
    leadsman: Leadsman,
}

impl Played {
    async fn new(scenario: &str) -> Self {
        Self::with(scenario, "5s").await
    }

    /// With this timeout of a call.
    async fn with(scenario: &str, timeout: &str) -> Self {
        let controller = RecordedController::start(scenario).await;
        let source = controller.source_with(&format!(", step: 5s, timeout: {timeout}"));
        let leadsman = Leadsman::start(config(&source)).await;
        let played = Self { controller, leadsman };
        played.serves("the first value", async || Ok(())).await;
        played
    }

    /// Waits until the value is served while something is so.
    async fn serves(&self, what: &str, is_so: impl AsyncFn() -> Result<(), String>) {
        eventually(what, SOON, async || {
            let answer = self.leadsman.get(&path()).await;
            match answer.status {
                200 if answer.value() == "1013400m" => is_so().await,
                _ => Err(format!("{answer:#?}\n{}", self.leadsman.log())),
            }
        })
        .await;
    }

    /// Waits until reads fail with this code, for these reasons.
    async fn fails(&self, code: u16, texts: &[&str]) {
        eventually(&format!("a failure that says {texts:?}"), SOON, async || {
            let answer = self.leadsman.get(&path()).await;
            if answer.status == 200 {
                return Err(format!("{answer:#?}"));
            }
            let failure = answer.failure();
            let is_told = texts.iter().all(|text| failure.message.contains(*text));
            if is_told && failure.code == code { Ok(()) } else { Err(format!("{failure:#?}")) }
        })
        .await;
    }

    /// How many calls ended so.
    async fn calls(&self, call: &str, outcome: &str) -> f64 {
        let labels = [("source", "lb"), ("call", call), ("outcome", outcome)];
        self.leadsman.metric("leadsman_source_calls_total", &labels).await.unwrap_or_default()
    }

    /// Waits until there were so many calls for metrics with an answer.
    async fn has_metrics(&self, count: f64) {
        self.serves("metrics after the fault", async || {
            let calls = self.calls("metrics", "ok").await;
            if calls >= count { Ok(()) } else { Err(format!("{calls} calls")) }
        })
        .await;
    }
}

#[tokio::test]
async fn an_expired_session_of_a_scenario_is_renewed() {
    let played = Played::new("expired-session.yaml").await;
    played.has_metrics(2.0).await;
    assert_eq!(played.calls("metrics", "refused").await, 1.0);
    assert_eq!(played.calls("login", "ok").await, 2.0);
}

#[tokio::test]
async fn errors_of_a_scenario_are_told_and_recovered_from() {
    let played = Played::new("server-errors.yaml").await;
    eventually("the error", SOON, async || {
        let answer = played.leadsman.get(&path()).await;
        if answer.status == 200 {
            return Err(format!("{answer:#?}"));
        }
        let told = answer.failure().message;
        contains_all(&told, &["answered 500", "database is down"]).map_err(|_| told.clone())
    })
    .await;
    played.has_metrics(2.0).await;
    assert_eq!(played.calls("metrics", "refused").await, 3.0);
}

/// Each fault is told, and the value goes on after it.
#[tokio::test]
async fn faults_of_a_scenario_come_one_after_the_other() {
    let played = Played::with("one-after-the-other.yaml", "2s").await;
    for (code, texts) in [
        (503, &["200 OK with text/html in place of JSON", "Down for maintenance"][..]),
        (503, &["did not answer within 2s"][..]),
        (503, &["broke off its answer"][..]),
        (503, &["answered 419", "session is unknown"][..]),
        // Null is absence, and not zero.
        (404, &[][..]),
    ] {
        played.fails(code, texts).await;
        played.serves(&format!("the value after {texts:?}"), async || Ok(())).await;
    }
    assert_eq!(played.calls("metrics", "refused").await, 2.0, "each 419");
    assert!(played.calls("metrics", "failed").await >= 2.0, "what was too late, or cut off");
}

#[tokio::test]
async fn a_node_of_a_scenario_is_down_and_the_other_is_asked() {
    let played = Played::new("failover.yaml").await;
    played.has_metrics(2.0).await;
    let urls = played.controller.urls();
    for (url, up) in urls.iter().zip([0.0, 1.0]) {
        let labels = [("source", "lb"), ("address", url.as_str())];
        let told = played.leadsman.metric("leadsman_source_address_up", &labels).await;
        assert_eq!(told, Some(up), "{urls:?}");
    }
    assert_eq!(played.calls("login", "ok").await, 2.0, "one at each node");
}

#[tokio::test]
async fn a_scenario_with_faults_is_refused_with_all_of_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bad.yaml");
    let text = "pools:\n  - {name: web, uuid: pool-1}\nfaults:\n  - {what: expireSession, at: 5}\n  - {what: status, httpCode: 500}\n";
    std::fs::write(&file, text).expect("a file");
    let Err(ended) = RecordedController::launch(&file).await else { panic!("it is played") };
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    let name = file.display();
    let expected = BTreeSet::from([
        format!("{name}:4: faults[0].at: expected a text, found the number 5"),
        format!(
            "{name}:4: faults[0].what: \"expireSession\" is not known here; \
             did you mean \"expireSessions\"?"
        ),
        format!(
            "{name}:5: faults[1].httpCode: unknown key \"httpCode\"; there are afterRequests, at, by, for, \
             message, node, path, status, times, what"
        ),
        "3 faults".to_owned(),
    ]);
    assert_eq!(ended.log.lines().map(str::to_owned).collect::<BTreeSet<_>>(), expected);
    let missing = folder.path().join("none.yaml");
    let Err(ended) = RecordedController::launch(&missing).await else { panic!("it is played") };
    assert_eq!(ended.status.code(), Some(3), "{ended:#?}");
    ended.assert_contains(&["none.yaml cannot be read", "No such file"]);
}

/// Those of the repository: whatever a benchmark or a trial by hand plays.
#[tokio::test]
async fn every_scenario_can_be_played() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut played = 0;
    for entry in std::fs::read_dir(&folder).expect("the scenarios") {
        let path = entry.expect("a file").path();
        let launched = RecordedController::launch(&path).await;
        let controller = launched.unwrap_or_else(|ended| panic!("{}: {ended:#?}", path.display()));
        assert!(controller.secret().join("username").is_file(), "{}", controller.log());
        played += 1;
    }
    assert!(played >= 5, "only {played} found");
}

/// As `cargo xtask demo --once` runs it.
#[tokio::test]
async fn the_third_user_of_the_demo_is_served_from_the_controller() {
    let demo = ["demo", "--once", "--nsx-alb-url", "{url}", "--nsx-alb-secret-dir", "{secretDir}"];
    let ended = RecordedController::run("third-user.yaml", &demo).await;
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    ended.assert_contains(&["The pool of kuard-deployment is asked for at https://127.0.0.1:"]);
    let metric = "  avi_l4_server_avg_open_conns ";
    let row = ended.output.lines().find(|line| line.starts_with(metric));
    let row = row.unwrap_or_else(|| panic!("{}", ended.output));
    let value = row.split_whitespace().nth(1).and_then(|shown| shown.strip_suffix("/200"));
    let played = ["96", "742.5", "1013.4", "640", "208", "37", "0"];
    assert!(value.is_some_and(|value| played.contains(&value)), "{}", ended.output);
}

#[tokio::test]
async fn a_controller_of_the_demo_that_is_not_there_is_told() {
    let there = ["--nsx-alb-url", "https://127.0.0.1:9", "--nsx-alb-secret-dir", "{secretDir}"];
    let demo = [&["demo", "--once"][..], &there].concat();
    let ended = RecordedController::run("third-user.yaml", &demo).await;
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    ended.assert_contains(&["Deployment/kuard-deployment: "]);
    // Its lines are as long as those of a terminal.
    let text = ended.output.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("cannot be reached"), "{text}");
}
