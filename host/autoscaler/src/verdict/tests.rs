use super::*;

fn recommendation(current: i32, recommended: i32, replicas: i32) -> Recommendation {
    let (stabilized, limit) = (None, None);
    Recommendation { current, recommended, replicas, stabilized, limit, behaves: true }
}

fn status(desired: i32, reason: &str) -> AutoscalerStatus {
    let condition = AutoscalerCondition {
        kind: "AbleToScale".to_owned(),
        status: "True".to_owned(),
        reason: reason.to_owned(),
        message: "recent recommendations were higher".to_owned(),
        since: None,
    };
    AutoscalerStatus {
        desired_replicas: desired,
        conditions: vec![condition],
        ..AutoscalerStatus::default()
    }
}

#[test]
fn what_holds_a_recommendation_is_named() {
    let said = |of: Recommendation, status: Option<&AutoscalerStatus>| {
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

#[test]
fn only_the_controller_knows_what_was_changed_before() {
    let limited = |desired: i32, reason: &str| {
        let mut status = status(desired, "ReadyForNewScale");
        status.conditions.push(AutoscalerCondition {
            kind: "ScalingLimited".to_owned(),
            reason: reason.to_owned(),
            ..status.conditions[0].clone()
        });
        status
    };
    let said =
        |of: &Recommendation, status: &AutoscalerStatus| of.verdict("", (1, 9), Some(status));
    // One more would be allowed, if none had been added within the period.
    let one_more =
        || Recommendation { limit: Some(Limit::Rate(Direction::Up)), ..recommendation(4, 7, 5) };
    let held = limited(4, "ScaleUpLimit");
    let by_rate = said(&one_more(), &held);
    assert!(by_rate.starts_with("wants 7, held at 4 by the rate of scaling up"), "{by_rate}");
    let down = said(&recommendation(6, 2, 2), &limited(6, "ScaleDownLimit"));
    assert!(down.starts_with("wants 2, held at 6 by the rate of scaling down"), "{down}");
    // Another direction, another number, and a rate that depends on the present alone.
    for (of, status) in [
        (one_more(), limited(4, "ScaleDownLimit")),
        (one_more(), limited(3, "ScaleUpLimit")),
        (Recommendation { behaves: false, ..one_more() }, held),
    ] {
        assert!(said(&of, &status).starts_with("wants 7, goes to 5"), "{status:?}");
    }
}
