use super::*;

fn recommendation(current: i32, recommended: i32, replicas: i32) -> Recommendation {
    Recommendation { current, recommended, replicas, stabilized: None, limit: None }
}

fn status(desired: i32, reason: &str) -> Status {
    let condition = Condition {
        kind: "AbleToScale".to_owned(),
        status: "True".to_owned(),
        reason: reason.to_owned(),
        message: "recent recommendations were higher".to_owned(),
        since: None,
    };
    Status { desired_replicas: desired, conditions: vec![condition], ..Status::default() }
}

#[test]
fn what_holds_a_recommendation_is_named() {
    let said = |of: Recommendation, status: Option<&Status>| {
        of.verdict("m is 2 times its target", (1, 5), status)
    };
    let limited = Recommendation { limit: Some(Limit::MaxReplicas), ..recommendation(5, 8, 5) };
    assert_eq!(
        said(limited, None),
        "wants 8, held at 5 by maxReplicas (5); m is 2 times its target"
    );
    assert_eq!(said(recommendation(2, 4, 4), None), "goes from 2 to 4: m is 2 times its target");
    assert_eq!(said(recommendation(2, 2, 2), None), "stays at 2: m is 2 times its target");
    let rate = Some(Limit::Rate(Direction::Up));
    let slow = said(Recommendation { limit: rate, ..recommendation(1, 5, 4) }, None);
    assert!(slow.starts_with("wants 5, goes to 4 by the rate of scaling up"), "{slow}");
}

#[test]
fn only_the_controller_knows_what_was_recommended_before() {
    let held = status(7, "ScaleDownStabilized");
    let waits = recommendation(7, 3, 3).verdict("", (1, 9), Some(&held));
    assert!(waits.starts_with("wants 3, waits at 7: recent recommendations"), "{waits}");
    // It is about another recommendation, or is over.
    let over = recommendation(7, 3, 3).verdict("", (1, 9), Some(&status(3, "ScaleDownStabilized")));
    assert!(over.starts_with("goes from 7 to 3"), "{over}");
    let up = recommendation(3, 7, 7).verdict("", (1, 9), Some(&held));
    assert!(up.starts_with("goes from 3 to 7"), "{up}");
}
