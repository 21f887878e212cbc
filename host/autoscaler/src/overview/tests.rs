use serde_json::{Value, json};

use super::*;

/// An autoscaler of 1 to 5 replicas with an external metric whose target is an average of 10.
fn external(replicas: i32, average: &str) -> Value {
    let metric = json!({"metric": {"name": "jobs"}, "target": {"type": "AverageValue", "averageValue": "10"}});
    json!({
        "metadata": {"namespace": "shop", "name": "web"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "web"},
            "minReplicas": 1,
            "maxReplicas": 5,
            "metrics": [{"type": "External", "external": metric}],
        },
        "status": {
            "currentReplicas": replicas,
            "desiredReplicas": replicas,
            "conditions": [
                {"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale"},
                {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"},
            ],
            "currentMetrics": [{"type": "External", "external": {"current": {"averageValue": average}}}],
        },
    })
}

fn of_known(object: Value, known: &[KnownMetric]) -> Overview {
    Overview::of(&serde_json::from_value(object).unwrap(), known)
}

fn of(object: Value) -> Overview {
    of_known(object, &[])
}

fn with(mut object: Value, change: impl FnOnce(&mut Value)) -> Value {
    change(&mut object);
    object
}

fn condition(object: &mut Value, kind: &str, status: &str, reason: &str, message: &str) {
    let conditions = object["status"]["conditions"].as_array_mut().unwrap();
    conditions.retain(|condition| condition["type"] != kind);
    conditions.push(json!({"type": kind, "status": status, "reason": reason, "message": message}));
}

#[test]
fn the_worst_state_is_the_first() {
    let order = [
        AutoscalerState::Failing,
        AutoscalerState::Held,
        AutoscalerState::AtMax,
        AutoscalerState::PinnedAtZero,
        AutoscalerState::New,
        AutoscalerState::Fine,
    ];
    assert!(order.is_sorted());
}

#[test]
fn the_value_is_told_as_people_and_as_kubernetes_write_it() {
    let overview = of(external(2, "10500m"));
    assert_eq!(overview.state, AutoscalerState::Fine);
    assert_eq!((overview.replicas, overview.wants), (Some(2), Some(2)));
    let metric = &overview.metrics[0];
    let value = metric.value.as_ref().unwrap();
    assert_eq!((value.text.as_str(), value.quantity.as_str()), ("10.5", "10500m"));
    assert_eq!(metric.target.as_ref().unwrap().text, "10");
    assert!(metric.decides && metric.arithmetic.iter().any(|step| step.contains("tolerance")));
    assert!(overview.verdict.contains("inside the tolerance (1.05)"), "{}", overview.verdict);
}

#[test]
fn at_the_maximum_it_says_what_it_wants() {
    let overview = of(external(5, "16"));
    assert_eq!((overview.state, overview.wants), (AutoscalerState::AtMax, Some(8)));
    assert!(overview.verdict.starts_with("wants 8, held at 5 by maxReplicas (5)"), "{overview:?}");
    // It wants no more than there are, but there is no room for more.
    let overview = of(external(5, "10"));
    assert_eq!((overview.state, overview.wants), (AutoscalerState::AtMax, Some(5)));
    let fixed = with(external(5, "10"), |object| object["spec"]["minReplicas"] = json!(5));
    assert_eq!(of(fixed).state, AutoscalerState::Fine, "there is nothing to scale");
}

#[test]
fn what_was_changed_before_holds_it() {
    let policies = json!([{"type": "Pods", "value": 4, "periodSeconds": 1800}]);
    let behaves = with(external(2, "20"), |object| {
        object["spec"]["behavior"] = json!({"scaleUp": {"policies": policies}});
    });
    assert_eq!(of(behaves.clone()).state, AutoscalerState::Fine, "four more are allowed");
    let held = with(behaves, |object| {
        condition(object, "ScalingLimited", "True", "ScaleUpLimit", "too fast");
    });
    let overview = of(held);
    assert_eq!((overview.state, overview.wants), (AutoscalerState::Held, Some(4)));
    assert!(overview.verdict.starts_with("wants 4, held at 2 by the rate"), "{overview:?}");
}

#[test]
fn the_newest_value_counts_before_what_the_controller_read() {
    let newest = |values: &[i64]| KnownMetric {
        mapping: Some("external/jobs".to_owned()),
        newest: Some(values.to_vec()),
        trouble: None,
    };
    let overview = of_known(external(2, "10"), &[newest(&[20_000, 20_000])]);
    assert_eq!(overview.wants, Some(4));
    assert_eq!(overview.metrics[0].mapping.as_deref(), Some("external/jobs"));
    // An average is rounded up: 10 of 3 replicas is no more than 10.
    let third = with(external(3, "3334m"), |object| {
        object["spec"]["metrics"][0]["external"]["target"]["averageValue"] = json!("5");
    });
    assert_eq!(of(third).wants, Some(2));
    // No item is known: what the controller read is.
    assert_eq!(of_known(external(2, "10"), &[newest(&[])]).wants, Some(2));
}

#[test]
fn a_metric_that_fails_or_is_old_is_a_state() {
    let trouble =
        |trouble: MetricProblem| KnownMetric { trouble: Some(trouble), ..KnownMetric::default() };
    let why = "the source is away".to_owned();
    let failing = of_known(external(2, "10"), &[trouble(MetricProblem::Failing(why.clone()))]);
    assert_eq!(failing.state, AutoscalerState::Failing);
    assert_eq!(failing.metrics[0].failure.as_deref(), Some("the source is away"));
    assert!(failing.verdict.contains("the source is away"), "{}", failing.verdict);
    let old = of_known(external(2, "10"), &[trouble(MetricProblem::Old(why))]);
    assert_eq!((old.state, old.wants), (AutoscalerState::Held, Some(2)));
    assert_eq!(old.metrics[0].old.as_deref(), Some("the source is away"));
}

#[test]
fn what_the_controller_could_not_read_is_told_in_its_words() {
    let unread = with(external(2, "10"), |object| {
        object["status"]["currentMetrics"] = json!([{"type": ""}]);
        condition(object, "ScalingActive", "False", "FailedGetExternalMetric", "no such metric");
    });
    let overview = of(unread);
    assert_eq!(overview.state, AutoscalerState::Failing);
    assert_eq!(overview.metrics[0].failure.as_deref(), Some("no such metric"));
    assert_eq!(overview.metrics[0].value, None, "missing is not zero");
}

#[test]
fn a_value_that_the_status_has_kept_from_before_is_not_the_current_one() {
    let why = "unable to get external metric shop/jobs: the source is away";
    // This controller leaves what it read before.
    let unread = with(external(2, "20"), |object| {
        condition(object, "ScalingActive", "False", "FailedGetExternalMetric", why);
    });
    let overview = of(unread.clone());
    let metric = &overview.metrics[0];
    assert_eq!((overview.state, overview.wants), (AutoscalerState::Failing, None));
    assert_eq!((&metric.value, metric.failure.as_deref()), (&None, Some(why)));
    assert!(overview.verdict.contains(why), "{}", overview.verdict);
    // The adapter's own value is newer, and there is no other metric to wait for.
    let newest = KnownMetric { newest: Some(vec![20_000]), ..KnownMetric::default() };
    assert!(of_known(unread.clone(), &[newest]).metrics[0].value.is_some());
    // Of several, the one that is named has failed, and of the others the values are old.
    let two = with(unread, |object| {
        let metrics = object["spec"]["metrics"].as_array_mut().unwrap();
        let mut other = metrics[0].clone();
        other["external"]["metric"]["name"] = json!("mails");
        metrics.push(other);
        let current = object["status"]["currentMetrics"].as_array_mut().unwrap();
        current.push(current[0].clone());
    });
    let overview = of(two.clone());
    assert_eq!((overview.state, overview.wants), (AutoscalerState::Failing, None));
    assert_eq!(overview.metrics[0].failure.as_deref(), Some(why));
    let other = &overview.metrics[1];
    assert!(other.value.is_some() && other.failure.is_none(), "{other:?}");
    assert!(other.old.as_deref().is_some_and(|old| old.contains(why)), "{other:?}");
    assert!(overview.verdict.starts_with("stays at 2: "), "{}", overview.verdict);
    // A controller that tells what it read in this very look has no value of what it could not read.
    let fresh = with(two, |object| {
        object["status"]["currentMetrics"][0] = json!({"type": ""});
    });
    let fresh = of(fresh);
    assert!(fresh.metrics[1].value.is_some() && fresh.metrics[1].old.is_none(), "{fresh:?}");
}

#[test]
fn nothing_is_current_while_the_scale_of_the_target_cannot_be_read() {
    let why = "the HPA controller was unable to get the target's current scale: it is gone";
    let overview = of(with(external(2, "20"), |object| {
        condition(object, "AbleToScale", "False", "FailedGetScale", why);
    }));
    assert_eq!((overview.state, overview.wants), (AutoscalerState::Failing, None));
    assert_eq!(overview.verdict, format!("stays at 2: {why}"));
    assert!(overview.metrics[0].old.is_some() && overview.metrics[0].value.is_some());
}

#[test]
fn what_waits_is_held() {
    let waits = with(external(4, "2"), |object| {
        let message = "recent recommendations were higher than current one";
        condition(object, "AbleToScale", "True", "ScaleDownStabilized", message);
    });
    let overview = of(waits);
    assert_eq!((overview.state, overview.wants), (AutoscalerState::Held, Some(1)));
    assert!(overview.verdict.starts_with("wants 1, waits at 4"), "{}", overview.verdict);
}

#[test]
fn what_is_at_zero_and_stays_there_is_pinned() {
    let off = of(external(0, "10"));
    assert_eq!(off.state, AutoscalerState::PinnedAtZero);
    assert!(off.verdict.contains("scale it to 1 or more"), "{}", off.verdict);
    // A controller that may go to zero, and did not bring this one there.
    let disabled = with(external(0, "10"), |object| {
        object["spec"]["minReplicas"] = json!(0);
        condition(object, "ScalingActive", "False", "ScalingDisabled", "it is at zero");
    });
    let known = KnownMetric { newest: Some(vec![25_000]), ..KnownMetric::default() };
    let trapped = of_known(disabled, std::slice::from_ref(&known));
    assert_eq!((trapped.state, trapped.wants), (AutoscalerState::PinnedAtZero, Some(3)));
    assert!(trapped.verdict.contains("ScaledToZero"), "{}", trapped.verdict);
    let own = with(external(0, "10"), |object| object["spec"]["minReplicas"] = json!(0));
    let own = of_known(own, &[known]);
    assert_eq!((own.state, own.wants), (AutoscalerState::Fine, Some(3)));
}

#[test]
fn one_that_nobody_has_looked_at_is_new() {
    let new = with(external(2, "10"), |object| object["status"] = Value::Null);
    let overview = of(new);
    assert_eq!(
        (overview.state, overview.replicas, overview.wants),
        (AutoscalerState::New, None, None)
    );
    assert_eq!(overview.metrics[0].value, None);
    assert_eq!(overview.metrics[0].target.as_ref().unwrap().text, "10");
}

#[test]
fn averages_of_pods_and_utilizations_are_what_the_controller_read() {
    let target = |target: Value| {
        with(external(4, ""), |object| {
            object["spec"]["metrics"] = target["metrics"].clone();
            object["status"]["currentMetrics"] = target["current"].clone();
        })
    };
    let pods = of(target(json!({
        "metrics": [{"type": "Pods", "pods": {
            "metric": {"name": "requests"}, "target": {"type": "AverageValue", "averageValue": "60m"},
        }}],
        "current": [{"type": "Pods", "pods": {"current": {"averageValue": "22m"}}}],
    })));
    assert_eq!((pods.state, pods.wants), (AutoscalerState::Fine, Some(2)));
    assert_eq!(pods.metrics[0].value.as_ref().unwrap().text, "0.022");
    let cpu = of(target(json!({
        "metrics": [{"type": "Resource", "resource": {
            "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50},
        }}],
        "current": [{"type": "Resource", "resource": {"current": {"averageUtilization": 61}}}],
    })));
    assert_eq!(cpu.wants, Some(5));
    let value = cpu.metrics[0].value.as_ref().unwrap();
    assert_eq!((value.text.as_str(), value.number), ("61 %", 61.0));
    let object = of(target(json!({
        "metrics": [{"type": "Object", "object": {
            "metric": {"name": "connections"},
            "describedObject": {"kind": "Service", "name": "lb"},
            "target": {"type": "Value", "value": "200"},
        }}],
        "current": [{"type": "Object", "object": {"current": {"value": "1013400m"}}}],
    })));
    assert_eq!((object.state, object.wants), (AutoscalerState::AtMax, Some(21)), "{object:?}");
    assert_eq!(object.metrics[0].value.as_ref().unwrap().text, "1013.4");
}
