use super::*;

fn reference(metadata: &[(&str, &str)]) -> ScaledObjectRef {
    let pairs = metadata.iter().map(|(key, value)| (key.to_string(), value.to_string()));
    ScaledObjectRef {
        name: "site".to_owned(),
        namespace: "shop".to_owned(),
        scaler_metadata: pairs.collect(),
    }
}

fn read(metadata: &[(&str, &str)]) -> Trigger {
    Trigger::of(&reference(metadata), false).map_err(|status| status.message().to_owned()).unwrap()
}

fn refused(metadata: &[(&str, &str)]) -> String {
    let status = Trigger::of(&reference(metadata), false).unwrap_err();
    assert_eq!(status.code(), StatusCode::BAD_REQUEST);
    status.message().to_owned()
}

#[test]
fn an_external_metric_needs_a_name_and_a_target() {
    let trigger = read(&[
        ("scalerAddress", "leadsman:9443"),
        ("enableTLS", "true"),
        ("metric", "queue_depth"),
        ("selector", "queue=orders"),
        ("targetAverageValue", "60m"),
    ]);
    assert_eq!(trigger.read, Read::external("shop", "queue_depth", "queue=orders"));
    assert_eq!((trigger.aim.target.milli(), trigger.activation), (60, Quantity::ZERO));
    assert!(!trigger.is_active(Quantity::ZERO));
    assert!(trigger.is_active(Quantity::from_milli(1)));
}

#[test]
fn a_workload_is_active_above_the_activation_target() {
    let trigger = read(&[("metric", "m"), ("targetValue", "100"), ("activationTarget", "5")]);
    assert_eq!(trigger.aim.target, Quantity::from_milli(100_000));
    assert!(!trigger.is_active(Quantity::from_milli(5000)));
    assert!(trigger.is_active(Quantity::from_milli(5001)));
}

#[test]
fn a_custom_metric_is_of_one_object_or_of_those_that_are_picked() {
    let common = [("metric", "m"), ("scope", "custom"), ("targetValue", "1")];
    let with = |more: &[(&str, &str)]| read(&[&common[..], more].concat()).read.of;
    assert_eq!(
        with(&[("kind", "ingresses.networking.k8s.io"), ("object", "web")]),
        ReadSubject::Custom {
            namespace: Some("shop".into()),
            kind: "ingresses.networking.k8s.io".into(),
            object: Some("web".into()),
            selector: Box::default(),
            metric_selector: Box::default(),
        }
    );
    let picked = with(&[("kind", "pods"), ("selector", "app=web"), ("metricSelector", "v=4")]);
    let ReadSubject::Custom { object: None, selector, metric_selector, .. } = picked else {
        panic!("{picked:?}")
    };
    assert_eq!((&*selector, &*metric_selector), ("app=web", "v=4"));
    for (more, expected) in [
        (vec![("kind", "pods")], "exactly one of `object` and `selector`"),
        (vec![("kind", "pods"), ("object", "a"), ("selector", "b=c")], "exactly one of"),
        (vec![("object", "a")], "`kind` is missing"),
        (vec![("kind", "pods"), ("object", "a/b")], "`object`: "),
        (vec![("kind", "pods/x"), ("object", "a")], "`kind` is \"pods/x\""),
    ] {
        let reported = refused(&[&common[..], &more[..]].concat());
        assert!(reported.contains(expected), "{reported}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let reported = refused(&[
        ("metrc", "queue_depth"),
        ("flavour", "sweet"),
        ("scope", "cluster"),
        ("activationTarget", "many"),
    ]);
    for expected in [
        "unknown key \"metrc\": did you mean `metric`?",
        "unknown key \"flavour\": known are `metric`, `scope`",
        "`metric` is missing",
        "`scope` is \"cluster\": it is external or custom",
        "the target is missing",
        "`activationTarget` is \"many\"",
    ] {
        assert!(reported.contains(expected), "{expected} in {reported}");
    }
}

#[test]
fn the_aim_is_known_whatever_is_wrong_with_the_rest() {
    let rest = [("flavour", "sweet"), ("scope", "cluster")];
    let aim = |metadata: &[(&str, &str)]| {
        SpecifiedMetric::of(&reference(&[&rest[..], metadata].concat()), false)
    };
    let known = aim(&[("metric", "load.5m"), ("targetValue", "60m")]).unwrap();
    assert_eq!(
        known,
        SpecifiedMetric { metric_name: "load-5m".into(), target: Quantity::from_milli(60) }
    );
    let reported = aim(&[("metric", "m")]).unwrap_err();
    for expected in ["the target is missing", "\"flavour\"", "`scope` is \"cluster\""] {
        assert_eq!(
            reported.message().matches(expected).count(),
            1,
            "{expected} in {}",
            reported.message()
        );
    }
}

#[test]
fn a_target_is_one_number_above_zero() {
    for (more, expected) in [
        (vec![("targetValue", "1"), ("targetAverageValue", "1")], "exclude each other"),
        (vec![("targetValue", "0")], "must be more than 0"),
        (vec![("targetValue", "-5")], "must be more than 0"),
        (vec![("targetValue", "NaN")], "`targetValue` is \"NaN\""),
        (vec![("targetValue", "1"), ("kind", "pods")], "`kind` belongs to `scope: custom`"),
        (vec![("targetValue", "1"), ("selector", "a in (")], "`selector`: "),
    ] {
        let reported = refused(&[&[("metric", "m")][..], &more[..]].concat());
        assert!(reported.contains(expected), "{expected} in {reported}");
    }
}

#[test]
fn other_namespaces_are_read_only_where_the_operator_permits_it() {
    let external = [("metric", "m"), ("targetValue", "1"), ("namespace", "bank")];
    let reported = refused(&external);
    assert!(
        reported.contains("`namespace` is bank, and the ScaledObject is in shop"),
        "{reported}"
    );
    let permitted = Trigger::of(&reference(&external), true).unwrap();
    assert_eq!(permitted.read.namespace(), Some("bank"));
    let of_namespace = |object| {
        [
            ("metric", "m"),
            ("targetValue", "1"),
            ("scope", "custom"),
            ("kind", "namespaces"),
            ("object", object),
        ]
    };
    assert!(refused(&of_namespace("bank")).contains("no metrics of other namespaces"));
    read(&of_namespace("shop"));
}

#[test]
fn values_may_come_from_the_environment_of_the_workload() {
    let trigger = read(&[("metricFromEnv", "queue_depth"), ("targetValueFromEnv", "5")]);
    assert_eq!(&*trigger.read.metric, "queue_depth");
    assert!(refused(&[("somethingFromEnv", "x")]).contains("unknown key \"somethingFromEnv\""));
}

#[test]
fn texts_from_outside_are_quoted_and_short() {
    let long = "x\n".repeat(500);
    let reported =
        refused(&[("metric", "m"), ("targetValue", long.as_str()), (long.as_str(), "x")]);
    assert!(!reported.contains('\n') && reported.len() < 1500, "{reported}");
}

#[test]
fn names_are_made_of_what_an_autoscaler_can_ask_for() {
    let name = read(&[("metric", "job:load.5m"), ("targetValue", "1")]).aim.metric_name;
    assert_eq!(name, "job-load-5m");
}
