//! The users' cases in each state that an autoscaler can be in, explained beside the real controller: its
//! conditions, its events and the replicas that it desires.

mod stage;
mod state;
mod user;

use std::time::Duration;

use futures_util::StreamExt as _;
use leadsman_tests::cluster::{ControlPlane, Hpa, Workload};
use leadsman_tests::eventually;
use serde_json::Value;

use stage::Stage;
use state::{Expected, State};
use user::User;

/// How long one autoscaler may take from its creation to an explained state.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Who reads the metrics of autoscalers.
const CONTROLLER: &str = "horizontal-pod-autoscaler";

/// A user's workload and autoscaler in a state.
struct Case {
    user: User,
    state: State,
    workload: Workload,
    hpa: Hpa,
}

impl Case {
    /// Creates the workload, and everything that its metrics are of.
    async fn create(stage: &Stage, user: User, state: State) -> Self {
        let namespace = state.namespace();
        let workload = user.workload(&stage.admin, namespace, state.replicas()).await;
        state.prepare(stage, user, &workload).await;
        let hpa = Hpa::of(&stage.admin, &workload);
        Self { user, state, workload, hpa }
    }

    /// Creates the autoscaler.
    async fn scale(&self, stage: &Stage) {
        let mut object = self.user.autoscaler(&self.workload);
        self.state.change(self.user, &mut object["spec"]);
        stage.admin.apply(&object).await;
    }

    /// Waits until the controller has read good values.
    async fn is_read(&self) {
        eventually(&format!("good values of {self}"), TIMEOUT, async || {
            match self.hpa.condition("ScalingActive").await {
                Some(active) if active.status == "True" => Ok(()),
                other => Err(format!("{other:#?}")),
            }
        })
        .await;
    }

    /// Waits until the controller does and the explanation says what is expected.
    async fn is_explained(&self) {
        let expected = self.state.expected(self.user, &self.workload);
        let plane = ControlPlane::shared().await;
        let explanation = eventually(&format!("{self}, explained"), TIMEOUT, async || {
            let status = self.hpa.status().await;
            let replicas = self.workload.replicas().await;
            if replicas != expected.replicas || !expected.reports(&status) {
                return Err(format!("{replicas} replicas, {expected:#?}\n{status:#}"));
            }
            let explanation = plane.explained(&[&self.to_string()]).await;
            let unjoined = || unjoined(&explanation).filter(|_| self.state.is_joined());
            match missing(&expected, &status, &explanation).or_else(unjoined) {
                None => Ok(explanation),
                Some(what) => Err(format!("{what}\n{explanation:#}\n{status:#}")),
            }
        })
        .await;
        let rescaled = past(&explanation).any(|past| past["reason"] == "SuccessfulRescale");
        let changes = expected.replicas != self.state.replicas();
        assert_eq!(rescaled, changes, "{:#}", explanation["past"]);
        let text = plane.explained_in_words(&self.to_string()).await;
        let begin = format!("{self} {}", expected.verdict);
        assert!(text.starts_with(&begin), "not {begin:?}:\n{text}");
        let (_, _, reason) = expected.condition;
        assert!(text.contains(reason), "no {reason}:\n{text}");
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.workload.namespace(), self.workload.name())
    }
}

/// What an explanation lacks of what is expected and of what the controller reports.
fn missing(expected: &Expected, status: &Value, explanation: &Value) -> Option<String> {
    let Expected { replicas, verdict, told, .. } = expected;
    let said = explanation["verdict"].as_str().unwrap_or_default();
    if !said.starts_with(verdict) {
        return Some(format!("the verdict does not begin with {verdict:?}"));
    }
    // A count of 0 is left out of the status.
    let desired = status["desiredReplicas"].as_u64().unwrap_or_default();
    for (what, number, correct) in [
        ("replicas", &explanation["replicas"], *replicas as u64),
        ("target", &explanation["target"]["replicas"], *replicas as u64),
        ("controller", &explanation["controller"]["desiredReplicas"], desired),
    ] {
        if *number != correct {
            return Some(format!("{what}: {number}, not {correct}"));
        }
    }
    let reported = &explanation["controller"]["conditions"];
    if !expected.is_among(reported) {
        return Some("the condition of the controller is not told".to_owned());
    }
    let text = explanation.to_string();
    if let Some(untold) = told.iter().find(|told| !text.contains(told.as_str())) {
        return Some(format!("{untold:?} is not told"));
    }
    // The controller writes them beside its status.
    let is_told = |reason: &str, part: &str| {
        let mut of_reason = past(explanation).filter(|past| past["reason"] == reason);
        of_reason.any(|past| past["message"].as_str().is_some_and(|text| text.contains(part)))
    };
    let untold = expected.events.iter().find(|(reason, part)| !is_told(reason, part))?;
    Some(format!("the event {untold:?} is not told"))
}

/// The events of an explanation.
fn past(explanation: &Value) -> impl Iterator<Item = &Value> {
    explanation["past"].as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

/// What the record of the user's metric does not join of request, query, rows, plugin and controller.
fn unjoined(explanation: &Value) -> Option<String> {
    let metric = &explanation["metrics"][0];
    let record = &metric["record"]["metrics"][0];
    let evaluation = &record["evaluations"][0];
    let query = &evaluation["runs"][0]["queries"][0];
    let begins =
        |value: &Value, with: &str| value.as_str().is_some_and(|text| text.starts_with(with));
    let joins = [
        ("request", begins(&metric["request"], "/apis/")),
        ("plugin", begins(&record["mapping"]["plugin"]["digest"], "sha256:")),
        ("query", query["sent"].as_str().is_some_and(|text| !text.is_empty())),
        ("rows", query["rows"].as_array().is_some_and(|rows| !rows.is_empty())),
        ("readers", evaluation["readers"].to_string().contains(CONTROLLER)),
    ];
    let (what, _) = joins.into_iter().find(|(_, is_there)| !is_there)?;
    Some(format!("the record does not name the {what}"))
}

/// All at the same time, on one control plane. What a user's case cannot have by itself, such as series
/// that disagree under a query that adds them up, comes with a second metric of the autoscaler.
#[tokio::test]
async fn the_users_cases_are_explained_in_each_state() {
    let stage = Stage::start().await;
    for state in State::ALL {
        stage.admin.namespace(state.namespace()).await;
    }
    let pairs = State::ALL.into_iter().flat_map(|state| User::ALL.map(|user| (user, state)));
    let created = futures_util::stream::iter(pairs)
        .map(async |(user, state)| Case::create(&stage, user, state).await);
    let cases: Vec<_> = created.buffer_unordered(8).collect().await;
    stage.wait_scraped().await;
    let scaled = futures_util::stream::iter(&cases);
    scaled.for_each_concurrent(8, async |case| case.scale(&stage).await).await;
    for case in cases.iter().filter(|case| case.state == State::Old) {
        case.is_read().await;
    }
    stage.refuse(State::Old.namespace());
    // Each is a process.
    let explained = futures_util::stream::iter(&cases);
    explained.for_each_concurrent(4, async |case| case.is_explained().await).await;
    assert_eq!(cases.len(), 40);
}
