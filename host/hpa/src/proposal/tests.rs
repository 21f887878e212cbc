use super::*;
use crate::pods::Phase;
use crate::pods::tests::{pod, sample};

fn startup() -> Startup {
    Startup::at(1_000_000)
}

fn pods(count: usize) -> Vec<Pod> {
    (0..count).map(|at| pod(&format!("web-{at}"))).collect()
}

fn samples(values: &[i64]) -> BTreeMap<String, PodSample> {
    values.iter().enumerate().map(|(at, value)| (format!("web-{at}"), sample(*value))).collect()
}

fn of(
    reading: Reading,
    target: MetricTarget,
    replicas: i32,
    pods: &[Pod],
) -> Result<Proposal, Failure> {
    let metric = Metric { target, reading: Ok(reading) };
    let replicas = Replicas { spec: replicas, status: replicas };
    propose(&metric, replicas, pods, &startup(), Tolerance::default())
}

fn average(values: &[i64], target: i64, pods: &[Pod]) -> Result<Proposal, Failure> {
    let reading = Reading::Pods { samples: samples(values), startup: false, utilization: None };
    let replicas = i32::try_from(pods.len()).unwrap();
    of(reading, MetricTarget::AverageValue(target), replicas, pods)
}

#[test]
fn values_of_pods_are_averaged() {
    for (values, replicas, calculation) in [
        (&[20_000, 30_000][..], 5, Calculation::Scaled { pods: 2 }),
        (&[10_900, 11_000], 2, Calculation::Within),
        (&[2_000, 4_000], 1, Calculation::Scaled { pods: 2 }),
    ] {
        let proposal = average(values, 10_000, &pods(2)).unwrap();
        assert_eq!(
            (proposal.replicas, proposal.calculation),
            (replicas, calculation),
            "{values:?}"
        );
    }
    assert_eq!(average(&[], 10_000, &pods(2)), Err(Failure::NoValues));
    assert_eq!(average(&[1], 10_000, &[]), Err(Failure::NoPods));
}

#[test]
fn pods_without_a_value_dampen_both_directions() {
    // Up: they count as 0. (40 + 0) / 2 = 20.
    let up = average(&[40_000], 10_000, &pods(2)).unwrap();
    assert_eq!(up.replicas, 4);
    assert_eq!(up.calculation, Calculation::Assumed { ratio: 2.0, pods: 2 });
    // Within the tolerance with them.
    let within = average(&[20_000], 10_000, &pods(2)).unwrap();
    assert_eq!((within.replicas, within.ratio), (2, 2.0));
    assert_eq!(within.calculation, Calculation::WithinAssumed { ratio: 1.0 });
    // It would go down, although the values are above the target.
    let reversed = average(&[15_000], 10_000, &pods(3)).unwrap();
    assert_eq!(
        (reversed.replicas, reversed.calculation),
        (3, Calculation::Reversed { ratio: 0.5 })
    );
    // Down: they count as the target. (2 + 10 + 10) / 3.
    let down = average(&[2_000], 10_000, &pods(3)).unwrap();
    assert_eq!(down.replicas, 3, "{down:?}");
    let groups = down.pods.unwrap();
    assert_eq!((groups.counted.len(), groups.missing.len()), (1, 2));
}

#[test]
fn pending_pods_count_as_zero_when_scaling_up_alone() {
    let mut pods = pods(2);
    pods[1].phase = Phase::Pending;
    let up = average(&[40_000], 10_000, &pods).unwrap();
    assert_eq!(up.replicas, 4);
    assert_eq!(up.calculation, Calculation::Assumed { ratio: 2.0, pods: 2 });
    let down = average(&[5_000, 5_000], 10_000, &pods).unwrap();
    assert_eq!((down.replicas, down.calculation), (1, Calculation::Scaled { pods: 1 }));
}

#[test]
fn utilization_is_in_percent_of_requests() {
    let of_requests = |values: &[i64], requests: Result<BTreeMap<String, i64>, String>| {
        let utilization = Some(Utilization { requests });
        let reading = Reading::Pods { samples: samples(values), startup: true, utilization };
        of(reading, MetricTarget::Utilization(50), 2, &pods(2))
    };
    let requests: BTreeMap<_, _> =
        [("web-0".to_owned(), 1_000), ("web-1".to_owned(), 1_000)].into();
    let proposal = of_requests(&[900, 900], Ok(requests.clone())).unwrap();
    assert_eq!((proposal.replicas, proposal.current), (4, 90));
    let missing = of_requests(&[200], Ok(requests)).unwrap();
    assert_eq!(missing.calculation, Calculation::Reversed { ratio: 1.2 }, "100 % of its request");
    let unknown = of_requests(&[900], Err("no request".to_owned()));
    assert_eq!(unknown, Err(Failure::Requests("no request".to_owned())));
}

#[test]
fn values_of_objects_scale_ready_pods_and_averages_divide() {
    let value = of(Reading::Object(30_000), MetricTarget::Value(10_000), 2, &pods(2)).unwrap();
    assert_eq!((value.replicas, value.calculation), (6, Calculation::Scaled { pods: 2 }));
    let average =
        of(Reading::Object(30_000), MetricTarget::AverageValue(10_000), 2, &pods(2)).unwrap();
    assert_eq!((average.replicas, average.current), (3, 15_000));
    let within =
        of(Reading::External(vec![10_000, 11_000]), MetricTarget::AverageValue(10_000), 2, &[]);
    assert_eq!(within.unwrap().calculation, Calculation::Within);
    let zero = of(Reading::External(vec![25_000]), MetricTarget::Value(10_000), 0, &[]).unwrap();
    assert_eq!((zero.replicas, zero.calculation), (3, Calculation::FromZero));
    let overflow = Reading::External(vec![i64::MAX, i64::MAX]);
    assert_eq!(of(overflow, MetricTarget::AverageValue(1), 1, &[]).unwrap().replicas, i32::MAX);
    let refused = of(Reading::Object(1), MetricTarget::Utilization(50), 1, &pods(1));
    assert_eq!(refused, Err(Failure::MetricTarget));
}
