//! Each stated number of replicas is held against the arithmetic of the controller.

use std::time::Duration;

use super::*;
use leadsman_hpa::{
    Metric, MetricTarget, Phase, Pod, PodSample, Reading, ReadyCondition, Replicas, Startup,
    Tolerance, propose,
};
use proptest::prelude::*;

fn stated(replicas: u32, target: i64) -> StatedReplicas {
    StatedReplicas {
        replicas,
        behavior: ReplicasBehavior::Static,
        target: Quantity::from_milli(target),
        target_type: TargetType::AverageValue,
        workload: None,
    }
}

fn scale(replicas: u32) -> Scale {
    Scale { replicas, ready: Some(replicas) }
}

/// What the controller makes of a reading, without a tolerance.
fn proposed(target: MetricTarget, reading: Reading, current: u32) -> i32 {
    let current = i32::try_from(current).unwrap();
    let pods: Vec<_> = (0..current).map(pod).collect();
    let metric = Metric { target, reading: Ok(reading) };
    let replicas = Replicas { spec: current, status: current };
    let tolerance = Tolerance { up: 0.0, down: 0.0 };
    propose(&metric, replicas, &pods, &Startup::at(0), tolerance).unwrap().replicas
}

proptest! {
    #[test]
    fn the_controller_asks_for_the_replicas_that_are_stated(
        replicas in 0_u32..2000,
        current in 1_u32..2000,
        target in 2000_i64..10_000_000_000,
    ) {
        let average = stated(replicas, target);
        let by_value = StatedReplicas { target_type: TargetType::Value, ..average.clone() };
        let wanted = i32::try_from(replicas).unwrap();
        let milli = |of: &StatedReplicas, recipient| {
            of.number_at(Some(scale(current)), recipient).unwrap().quantity.milli()
        };

        let external = milli(&average, Recipient::One);
        let reading = || Reading::External(vec![external]);
        prop_assert_eq!(proposed(MetricTarget::AverageValue(target), reading(), current), wanted);
        let object = Reading::Object(external);
        prop_assert_eq!(proposed(MetricTarget::AverageValue(target), object, current), wanted);

        let value = milli(&by_value, Recipient::One);
        let reading = Reading::External(vec![value]);
        prop_assert_eq!(proposed(MetricTarget::Value(target), reading, current), wanted);

        // Whether pods are ready makes no difference to a metric of pods.
        let ready = Some(Scale { replicas: current, ready: Some(current / 2) });
        let each = average.number_at(ready, Recipient::EachPod(current as usize));
        let each = each.unwrap().quantity.milli();
        let sample = PodSample { value: each, time: 0, window: Duration::ZERO };
        let samples = (0..i32::try_from(current).unwrap()).map(|number| (pod(number).name, sample)).collect();
        let pods = Reading::Pods { samples, startup: false, utilization: None };
        prop_assert_eq!(proposed(MetricTarget::AverageValue(target), pods, current), wanted);
    }

    #[test]
    fn what_cannot_be_reached_is_told_and_never_another_number(
        replicas in 0_u32..100_000,
        by in 0_u32..100_000,
        target in 1_i64..i64::MAX,
    ) {
        if let Ok(value) = reaching(Quantity::from_milli(target), replicas, by) {
            let asked = (value.milli() as f64 / target as f64 * f64::from(by)).ceil();
            prop_assert_eq!(asked, f64::from(replicas));
        }
    }
}

#[test]
fn what_each_behavior_asks_for() {
    use ReplicasBehavior::{Current, CurrentIfHigher, CurrentIfLower, Static};
    for (behavior, current, asked) in [
        (Static, 3, 6),
        (Static, 9, 6),
        (Current, 3, 3),
        (Current, 9, 9),
        (CurrentIfHigher, 3, 6),
        (CurrentIfHigher, 9, 9),
        (CurrentIfLower, 3, 3),
        (CurrentIfLower, 9, 6),
    ] {
        let stated = StatedReplicas { behavior, ..stated(6, 10_000) };
        let number = stated.number_at(Some(scale(current)), Recipient::One).unwrap();
        assert_eq!(number.replicas, Some(asked), "{behavior:?} at {current}");
        assert_eq!(number.quantity.milli(), 10_000 * i64::from(asked));
        let unknown = stated.number_at(None, Recipient::One);
        match behavior {
            Static => assert!(unknown.is_ok_and(|number| !number.of_now)),
            _ => assert_eq!(unknown, Err(Unreachable::ReplicasUnknown)),
        }
    }
}

#[test]
fn present_replicas_of_pods_that_are_not_ready_stay_as_they_are() {
    let current =
        StatedReplicas { behavior: ReplicasBehavior::CurrentIfHigher, ..stated(6, 10_000) };
    let of_ten =
        current.number_at(Some(Scale { replicas: 10, ready: Some(2) }), Recipient::EachPod(10));
    let each = of_ten.unwrap().quantity.milli();
    let unready = |number| Pod {
        ready: Some(ReadyCondition { status: Some(number < 2), since: 0 }),
        ..pod(number)
    };
    let pods: Vec<_> = (0..10).map(unready).collect();
    let sample = PodSample { value: each, time: 0, window: Duration::ZERO };
    let samples = pods.iter().map(|pod| (pod.name.clone(), sample)).collect();
    let reading = Reading::Pods { samples, startup: false, utilization: None };
    let metric = Metric { target: MetricTarget::AverageValue(10_000), reading: Ok(reading) };
    let replicas = Replicas { spec: 10, status: 10 };
    let tolerance = Tolerance { up: 0.1, down: 0.1 };
    let proposal = propose(&metric, replicas, &pods, &Startup::at(0), tolerance).unwrap();
    assert_eq!(proposal.replicas, 10, "{proposal:?}");
}

#[test]
fn a_target_of_the_value_needs_ready_pods() {
    let by_value = StatedReplicas { target_type: TargetType::Value, ..stated(6, 10_000) };
    let at = |replicas, ready| by_value.number_at(Some(Scale { replicas, ready }), Recipient::One);
    assert_eq!(at(4, Some(3)).map(|number| number.quantity.milli()), Ok(20_000));
    assert_eq!(at(0, Some(0)).map(|number| number.quantity.milli()), Ok(60_000));
    assert_eq!(at(4, Some(0)), Err(Unreachable::NoneReady(6)));
    assert_eq!(at(4, None), Err(Unreachable::ReadyUnknown));
    assert_eq!(by_value.number_at(None, Recipient::One), Err(Unreachable::ReadyUnknown));
    let small = StatedReplicas { target: Quantity::from_milli(1), ..by_value };
    let many = Scale { replicas: 10, ready: Some(10) };
    assert_eq!(small.number_at(Some(many), Recipient::One), Err(Unreachable::TooCoarse(6)));
    assert_eq!(reaching(Quantity::from_milli(i64::MAX), 2, 1), Err(Unreachable::TooLarge(2)));
}

#[tokio::test]
async fn a_number_that_needs_no_workload_is_given_without_a_cluster() {
    let (nobody, shop) = (Workloads::default(), "shop".parse().unwrap());
    let six = StandIn::Replicas(Arc::new(stated(6, 10_000)));
    let number = six.number(&nobody, Some(&shop), Recipient::One).await.unwrap();
    assert_eq!(number.to_string(), "60 (for 6 replicas)");
    let each = six.number(&nobody, Some(&shop), Recipient::EachPod(4)).await.unwrap();
    assert_eq!(each.to_string(), "15 (for 6 replicas)");
    let value = StandIn::Value(Quantity::from_milli(3000));
    let number = value.number(&nobody, None, Recipient::One).await.unwrap();
    assert_eq!(number.to_string(), "3");

    let workload = WorkloadName::new(None, "Deployment", "web").ok();
    let named = StatedReplicas { workload: workload.clone(), ..stated(6, 10_000) };
    let named = StandIn::Replicas(Arc::new(named));
    let each = named.number(&nobody, Some(&shop), Recipient::EachPod(4)).await;
    assert_eq!(each.map(|number| number.to_string()), Ok("15 (for 6 replicas)".to_owned()));
    let of_now =
        StatedReplicas { behavior: ReplicasBehavior::Current, workload, ..stated(6, 10_000) };
    let of_now = StandIn::Replicas(Arc::new(of_now));
    let unknown = of_now.number(&nobody, Some(&shop), Recipient::One).await.unwrap_err();
    assert!(unknown.contains("Deployment web of namespace shop"), "{unknown}");
    let nowhere = of_now.number(&nobody, None, Recipient::One).await.unwrap_err();
    assert!(nowhere.contains("no namespace"), "{nowhere}");
}

/// A pod that runs and is ready.
fn pod(number: i32) -> Pod {
    Pod {
        name: format!("web-{number}"),
        phase: Phase::Running,
        deleted: false,
        ready: Some(ReadyCondition { status: Some(true), since: 0 }),
        started: Some(0),
    }
}
