use leadsman_hpa::{
    Behavior, Metric, MetricTarget, PolicyAmount, Reading, ScalingPolicy, ScalingRules, Startup,
    Tolerance,
};
use serde_json::{Value, json};

use super::*;

const SECOND: i64 = 1000;

/// 2026-01-01T14:00:00Z
const NOW: i64 = 1_767_276_000 * SECOND;

/// An autoscaler of up to ten replicas, with so many of them wanted.
fn situation(replicas: i32, wants: i64, behavior: Option<Behavior>) -> Situation {
    let reading = Ok(Reading::External(vec![wants * 10_000]));
    Situation {
        min: 1,
        max: 10,
        replicas,
        status_replicas: replicas,
        tolerance: Tolerance::default(),
        behavior,
        default_window: Duration::from_secs(300),
        pods: Vec::new(),
        startup: Startup::at(0),
        metrics: vec![Metric { target: MetricTarget::AverageValue(10_000), reading }],
        history: History::default(),
    }
}

/// Since how many seconds which number was wanted, and which there was.
fn timeline(moments: &[(i64, i32, i32)]) -> Timeline {
    let moments: Vec<_> = moments
        .iter()
        .map(|&(ago, wants, replicas)| Moment {
            at: NOW - ago * SECOND,
            wants: Some(wants),
            replicas: Some(replicas),
        })
        .collect();
    Timeline { since: moments[0].at, until: NOW, moments }
}

fn status(desired: i32, kind: &str, reason: &str) -> AutoscalerStatus {
    let status: Value = json!({
        "currentReplicas": desired, "desiredReplicas": desired,
        "conditions": [{"type": kind, "status": "True", "reason": reason, "message": "it is held"}],
    });
    serde_json::from_value(status).unwrap()
}

fn waits(
    situation: &Situation,
    status: &AutoscalerStatus,
    timeline: &Timeline,
    past: Option<&[PastEvent]>,
) -> Option<Waits> {
    Waits::of((situation, &decide(situation)), status, timeline, past)
}

fn stabilized() -> AutoscalerStatus {
    status(3, "AbleToScale", "ScaleDownStabilized")
}

#[test]
fn a_window_lets_go_when_what_was_recommended_is_too_old() {
    let timeline = timeline(&[(1000, 3, 3), (108, 1, 3)]);
    let told = waits(&situation(3, 1, None), &stabilized(), &timeline, None).unwrap();
    assert_eq!(told.about(), "3m12s");
    assert_eq!(
        told.lines(),
        [
            "about 3m12s more, to 14:03:12 UTC, if its metrics stay as they are:",
            "3 was recommended until about 13:58:12; it counts for 300s, the controller's default",
        ]
    );
    let mut behavior = Behavior { up: ScalingRules::scale_up(), down: ScalingRules::scale_down() };
    behavior.down.window = Some(Duration::from_secs(120));
    let told = waits(&situation(3, 1, Some(behavior)), &stabilized(), &timeline, None).unwrap();
    assert_eq!(told.about(), "12s");
    assert!(told.because.ends_with("it counts for 120s"), "{told:?}");
}

#[test]
fn a_policy_lets_go_when_a_change_is_too_old() {
    let mut behavior = Behavior { up: ScalingRules::scale_up(), down: ScalingRules::scale_down() };
    let period = Duration::from_secs(600);
    behavior.up.policies = vec![ScalingPolicy { amount: PolicyAmount::Pods(1), period }];
    let (situation, status) =
        (situation(4, 9, Some(behavior)), status(4, "ScalingLimited", "ScaleUpLimit"));
    let known = timeline(&[(700, 9, 3), (100, 9, 4)]);
    let told = waits(&situation, &status, &known, None).unwrap();
    assert_eq!((told.about().as_str(), told.about_seconds), ("8m20s", 500));
    assert_eq!(told.because, "+1 replicas at about 13:58:20, which a policy counts for 600s");
    // An Event has the time of the change itself, and says that the controller made it.
    let event = |message: &str| PastEvent {
        time: "2026-01-01T13:58:05Z".to_owned(),
        times: 1,
        reason: "SuccessfulRescale".to_owned(),
        message: message.to_owned(),
    };
    let own = [event("New size: 4; reason: external metric above target")];
    assert_eq!(waits(&situation, &status, &known, Some(&own)).unwrap().about_seconds, 485);
    let other = [event("New size: 40; reason: external metric above target")];
    assert_eq!(waits(&situation, &status, &known, Some(&other)), None, "somebody else scaled it");
    // Of the time before, another change may count, too.
    let short = timeline(&[(500, 9, 3), (100, 9, 4)]);
    assert_eq!(waits(&situation, &status, &short, None), None);
}

#[test]
fn what_is_not_explained_is_not_said() {
    let held = situation(3, 1, None);
    // Nobody noted what was recommended before.
    assert_eq!(waits(&held, &stabilized(), &timeline(&[(108, 1, 3)]), None), None);
    // It is too old to hold anything.
    assert_eq!(waits(&held, &stabilized(), &timeline(&[(1000, 3, 3), (400, 1, 3)]), None), None);
    // The adapter came to another number.
    assert_eq!(waits(&held, &stabilized(), &timeline(&[(1000, 3, 3), (108, 2, 3)]), None), None);
    // The controller does not say that anything holds it.
    let free = status(3, "AbleToScale", "ReadyForNewScale");
    assert_eq!(waits(&held, &free, &timeline(&[(1000, 3, 3), (108, 1, 3)]), None), None);
}

#[test]
fn times_are_short() {
    assert_eq!(
        [short(0), short(59), short(60), short(192), short(3599), short(3725)],
        ["0s", "59s", "1m0s", "3m12s", "59m59s", "1h2m"]
    );
}
