//! The situation of an autoscaler as far as its own status reports it.
//!
//! The controller publishes what it read of each metric: an average over pods, not the value of each,
//! and not which pods were ready. So all pods count here, with the average. Where pods without a value
//! or pods that are starting matter, `leadsman explain hpa` reads them one by one.

use std::collections::BTreeMap;
use std::time::Duration;

use leadsman_hpa::{
    DEFAULT_DOWNSCALE_STABILIZATION, History, Metric, MetricTarget, Phase, Pod, PodSample, Reading,
    ReadyCondition, Situation, Startup, Utilization,
};
use leadsman_model::quantity::Quantity;

use crate::manifest::{Autoscaler, AutoscalerStatus, CurrentValue, MetricSpec, MetricStatus};
use crate::overview::{KnownMetric, MetricProblem};

/// The most pods of one target that are counted one by one. The API's bound on an autoscaler is far
/// above what a cluster has.
const MAX_PODS: i32 = 20_000;

/// The situation of an autoscaler with this status and these metrics, with `known` besides what the
/// status says, in the order of the metrics. What was recommended before is not known from it.
pub fn situation(
    autoscaler: &Autoscaler,
    status: &AutoscalerStatus,
    specs: &[MetricSpec],
    known: &[KnownMetric],
) -> Situation {
    let replicas = status.current_replicas.unwrap_or_default();
    let metrics = specs.iter().enumerate().map(|(at, spec)| {
        let reading = reading(status, at, spec, known.get(at), replicas);
        match spec.target().and_then(crate::manifest::TargetSpec::in_thousandths) {
            Ok(target) => Metric { target, reading },
            Err(reason) => Metric { target: MetricTarget::Value(0), reading: Err(reason) },
        }
    });
    let spec = &autoscaler.spec;
    Situation {
        min: spec.min_replicas.unwrap_or(1),
        max: spec.max_replicas,
        replicas,
        status_replicas: replicas,
        tolerance: spec.tolerance(),
        behavior: spec.behavior(),
        default_window: DEFAULT_DOWNSCALE_STABILIZATION,
        pods: pods(replicas),
        startup: Startup::at(0),
        metrics: metrics.collect(),
        history: History::default(),
    }
}

/// What was read of a metric: the newest value that is known, or what the controller says that it read.
fn reading(
    status: &AutoscalerStatus,
    at: usize,
    spec: &MetricSpec,
    known: Option<&KnownMetric>,
    replicas: i32,
) -> Result<Reading, String> {
    if let Some(MetricProblem::Failing(reason)) = known.and_then(|known| known.trouble.as_ref()) {
        return Err(reason.clone());
    }
    match known.and_then(|known| known.newest.as_deref()) {
        Some([first, ..]) if spec.object.is_some() => return Ok(Reading::Object(*first)),
        Some(values @ [_, ..]) if spec.external.is_some() => {
            return Ok(Reading::External(values.to_vec()));
        }
        _ => {}
    }
    let Some(current) = status.current_metrics.as_ref().and_then(|all| all.get(at)) else {
        return Err(unread(status, "the controller has not read it yet"));
    };
    let Some(current) = value_of(current, spec) else {
        return Err(unread(status, "the controller could not read it"));
    };
    reported(current, spec, replicas).ok_or_else(|| {
        unread(status, "the controller's status has no value of it that fits its target")
    })
}

/// Why there is no value, with the controller's own words if it has some.
fn unread(status: &AutoscalerStatus, why: &str) -> String {
    let inactive = status.condition("ScalingActive").filter(|active| active.status == "False");
    match inactive {
        Some(condition) if !condition.message.is_empty() => condition.message.clone(),
        _ => why.to_owned(),
    }
}

/// What the status says of a metric, if it is of the type that the autoscaler has at this place.
pub(crate) fn value_of<'s>(
    status: &'s MetricStatus,
    spec: &MetricSpec,
) -> Option<&'s CurrentValue> {
    let MetricStatus { pods, object, external, resource, container_resource } = status;
    let found = if spec.pods.is_some() {
        pods
    } else if spec.object.is_some() {
        object
    } else if spec.external.is_some() {
        external
    } else if spec.resource.is_some() {
        resource
    } else {
        container_resource
    };
    found.as_ref().map(|found| &found.current)
}

fn reported(current: &CurrentValue, spec: &MetricSpec, replicas: i32) -> Option<Reading> {
    let milli =
        |text: &Option<String>| text.as_deref()?.parse::<Quantity>().ok().map(Quantity::milli);
    let average = milli(&current.average_value);
    // An average is that of all replicas, rounded up. Of the totals that have it the least counts:
    // values that are a multiple of the target are common, those that are a thousandth above it are not.
    let replicas_or_one = i64::from(replicas.max(1));
    let total =
        || Some(average?.saturating_mul(replicas_or_one).saturating_sub(replicas_or_one - 1));
    let target = spec.target().ok()?;
    let value = || match target.average_value {
        Some(_) => total(),
        None => milli(&current.value),
    };
    if spec.object.is_some() {
        return value().map(Reading::Object);
    }
    if spec.external.is_some() {
        return value().map(|value| Reading::External(vec![value]));
    }
    let of_each = |value: i64| -> BTreeMap<String, PodSample> {
        let sample = PodSample { value, time: 0, window: Duration::ZERO };
        pods(replicas).into_iter().map(|pod| (pod.name, sample)).collect()
    };
    if target.average_utilization.is_some() {
        // A hundred requested by each pod makes what is used a percentage.
        let used = i64::from(current.average_utilization?);
        let requests = pods(replicas).into_iter().map(|pod| (pod.name, 100)).collect();
        let utilization = Some(Utilization { requests: Ok(requests) });
        return Some(Reading::Pods { samples: of_each(used), startup: false, utilization });
    }
    average.map(|average| Reading::Pods {
        samples: of_each(average),
        startup: false,
        utilization: None,
    })
}

/// So many pods that run and are ready.
fn pods(count: i32) -> Vec<Pod> {
    let pod = |number: i32| Pod {
        name: number.to_string(),
        phase: Phase::Running,
        deleted: false,
        ready: Some(ReadyCondition { status: Some(true), since: 0 }),
        started: Some(0),
    };
    (0..count.min(MAX_PODS)).map(pod).collect()
}
