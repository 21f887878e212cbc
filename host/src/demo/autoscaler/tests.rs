use super::*;

fn autoscaler(metric: &str, replicas: i32) -> Autoscaler {
    let text = format!(
        "autoscalers:\n  - {{name: x, kind: Deployment, namespace: d, min: 0, max: 10, start: {replicas}, metrics: [{metric}]}}\n"
    );
    Autoscaler::all(&text).unwrap().remove(0)
}

fn read(values: &[&str]) -> Read {
    Ok(values.iter().map(|value| value.parse().unwrap()).collect())
}

/// The value that is shown, and the replicas that are decided on.
fn decided(metric: &str, replicas: i32, values: &[&str]) -> (String, i32) {
    let mut autoscaler = autoscaler(metric, replicas);
    autoscaler.decide(&[read(values)]).unwrap();
    let value = autoscaler.metrics().next().and_then(|(metric, _)| metric.value.clone());
    (value.map_or_else(|| "none".to_owned(), |value| value.text), autoscaler.replicas)
}

#[test]
fn decisions_of_the_recorded_cases() {
    let go = "{pods: {name: ops, selector: a=b, averageValue: \"3\"}}";
    assert_eq!(decided(go, 1, &["1"]), ("1".into(), 1));
    assert_eq!(decided(go, 1, &["4"]), ("4".into(), 2));
    assert_eq!(decided(go, 2, &["2", "2"]), ("2".into(), 2));
    let alb = "{object: {resource: services, object: o, name: c, value: \"200\"}}";
    assert_eq!(decided(alb, 1, &["700"]), ("700".into(), 4));
    // It may double.
    assert_eq!(decided(alb, 4, &["1013400m"]), ("1013.4".into(), 8));
    let keda = "{external: {name: r, averageValue: \"3\"}}";
    assert_eq!(decided(keda, 1, &["12"]).1, 4);
    assert_eq!(decided(keda, 4, &["14"]).1, 5);
}

#[test]
fn scaling_to_zero_and_from_zero() {
    let keda = "{external: {name: r, averageValue: \"3\"}}";
    assert_eq!(decided(keda, 1, &["0"]).1, 0);
    assert_eq!(decided(keda, 0, &["1"]).1, 1);
    assert_eq!(decided(keda, 0, &["0"]).1, 0);
}

#[test]
fn within_the_tolerance_nothing_changes() {
    let pods = "{pods: {name: ops, selector: a=b, averageValue: \"100\"}}";
    assert_eq!(decided(pods, 2, &["109", "109"]).1, 2);
    assert_eq!(decided(pods, 2, &["112", "112"]).1, 3);
}

#[test]
fn without_a_value_nothing_changes_and_that_is_said() {
    let metric = "{external: {name: r, averageValue: \"3\"}}";
    assert_eq!(decided(metric, 4, &[]), ("none".into(), 4));
    let mut autoscaler = autoscaler(metric, 4);
    autoscaler.decide(&[Err("the source is away".to_owned())]).unwrap();
    assert_eq!((autoscaler.replicas, autoscaler.state().as_str()), (4, "failing"));
    let (metric, _) = autoscaler.metrics().next().unwrap();
    assert_eq!(metric.failure.as_deref(), Some("the source is away"));
}

#[test]
fn a_scale_down_waits_for_what_was_recommended_before() {
    let mut autoscaler = autoscaler("{external: {name: r, averageValue: \"3\"}}", 4);
    autoscaler.decide(&[read(&["12"])]).unwrap();
    autoscaler.decide(&[read(&["3"])]).unwrap();
    assert_eq!((autoscaler.replicas, autoscaler.state().as_str()), (4, "held, wants 1"));
    for _ in 0..20 {
        autoscaler.decide(&[read(&["3"])]).unwrap();
    }
    assert_eq!(autoscaler.replicas, 1);
}
