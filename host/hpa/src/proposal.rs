//! What one metric proposes.

use std::collections::BTreeMap;
use std::fmt;

use crate::ceil;
use crate::metric::{Metric, MetricTarget, Reading, Utilization};
use crate::pods::{Pod, PodGroups, PodSample, Startup, ready};
use crate::tolerance::Tolerance;

/// The number of replicas that one metric proposes.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The number.
    pub replicas: i32,
    /// Value by target, as it was first computed.
    pub ratio: f64,
    /// What the autoscaler's status shows as the current value, in thousandths, or in percent for a
    /// utilization.
    pub current: i64,
    /// How the number came about.
    pub calculation: Calculation,
    /// The pods, for a metric of pods.
    pub pods: Option<PodGroups>,
}

/// How a proposal came about.
#[derive(Debug, Clone, PartialEq)]
pub enum Calculation {
    /// The ratio is within the tolerance: no change.
    Within,
    /// The ratio times this number of pods, rounded up.
    Scaled {
        /// Pods with a value, or ready ones.
        pods: usize,
    },
    /// The value divided by the target, rounded up.
    Divided,
    /// Without any replica: the ratio itself, rounded up.
    FromZero,
    /// With assumed values for pods without one: this ratio times this number of pods, rounded up.
    Assumed {
        /// The ratio with the assumed values.
        ratio: f64,
        /// The pods with a value, and those with an assumed one.
        pods: usize,
    },
    /// With assumed values for pods without one the ratio is within the tolerance: no change.
    WithinAssumed {
        /// The ratio with the assumed values.
        ratio: f64,
    },
    /// With assumed values for pods without one the change would go the other way: no change.
    Reversed {
        /// The ratio with the assumed values.
        ratio: f64,
    },
}

/// Why a metric proposes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It could not be read.
    Unread(String),
    /// The selector selects no pod.
    NoPods,
    /// No pod that counts has a value.
    NoValues,
    /// What pods request is not known.
    Requests(String),
    /// The type of the target is not for this type of metric.
    MetricTarget,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(reason) | Self::Requests(reason) => f.write_str(reason),
            Self::NoPods => f.write_str("the target's selector selects no pod"),
            Self::NoValues => f.write_str(
                "there is a value for none of the target's pods that count (they may be pending, \
                 starting, failed or being deleted)",
            ),
            Self::MetricTarget => f.write_str("the metric has no target of a type that fits it"),
        }
    }
}

/// The replicas of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replicas {
    /// `spec.replicas` of its scale.
    pub spec: i32,
    /// `status.replicas` of its scale.
    pub status: i32,
}

/// What a metric proposes, before it is stabilized and limited.
pub fn propose(
    metric: &Metric,
    replicas: Replicas,
    pods: &[Pod],
    startup: &Startup,
    tolerance: Tolerance,
) -> Result<Proposal, Failure> {
    let reading = metric.reading.as_ref().map_err(|reason| Failure::Unread(reason.clone()))?;
    match (reading, metric.target) {
        (Reading::Pods { samples, startup: starting, utilization }, target) => {
            let measure = match (target, utilization) {
                (MetricTarget::AverageValue(target), _) => Measure::Average(target),
                (MetricTarget::Utilization(percent), Some(Utilization { requests })) => {
                    let requests =
                        requests.as_ref().map_err(|reason| Failure::Requests(reason.clone()));
                    Measure::Utilization { percent, requests }
                }
                _ => return Err(Failure::MetricTarget),
            };
            let startup = starting.then_some(startup);
            of_pods(samples, &measure, replicas.spec, pods, startup, tolerance)
        }
        (Reading::Object(value), MetricTarget::Value(target)) => {
            of_value(*value, target, replicas.spec, pods, tolerance)
        }
        (Reading::Object(value), MetricTarget::AverageValue(target)) => {
            Ok(of_average(*value, target, replicas.status, tolerance))
        }
        (Reading::External(values), MetricTarget::Value(target)) => {
            let sum = values.iter().fold(0_i64, |sum, value| sum.wrapping_add(*value));
            of_value(sum, target, replicas.spec, pods, tolerance)
        }
        (Reading::External(values), MetricTarget::AverageValue(target)) => {
            let sum = values.iter().try_fold(0_i64, |sum, value| sum.checked_add(*value));
            Ok(of_average(sum.unwrap_or(i64::MAX), target, replicas.status, tolerance))
        }
        (Reading::Object(_) | Reading::External(_), MetricTarget::Utilization(_)) => {
            Err(Failure::MetricTarget)
        }
    }
}

fn of_value(
    value: i64,
    target: i64,
    current: i32,
    pods: &[Pod],
    tolerance: Tolerance,
) -> Result<Proposal, Failure> {
    let ratio = value as f64 / target as f64;
    let (replicas, calculation) = if current == 0 {
        (ceil(ratio), Calculation::FromZero)
    } else if tolerance.contains(ratio) {
        (current, Calculation::Within)
    } else if pods.is_empty() {
        return Err(Failure::NoPods);
    } else {
        let pods = ready(pods);
        (ceil(ratio * pods as f64), Calculation::Scaled { pods })
    };
    Ok(Proposal { replicas, ratio, current: value, calculation, pods: None })
}

fn of_average(value: i64, target: i64, replicas: i32, tolerance: Tolerance) -> Proposal {
    let ratio = value as f64 / (target as f64 * f64::from(replicas));
    let (proposed, calculation) = if tolerance.contains(ratio) {
        (replicas, Calculation::Within)
    } else {
        (ceil(value as f64 / target as f64), Calculation::Divided)
    };
    // Without a replica there is no average: the controller shows nonsense, here it is the value.
    #[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates")]
    let current = (value as f64 / f64::from(replicas.max(1))).ceil() as i64;
    Proposal { replicas: proposed, ratio, current, calculation, pods: None }
}

/// What a metric of pods is measured by.
enum Measure<'a> {
    /// The average value, with this target.
    Average(i64),
    /// What is used, in percent of what is requested, with this target.
    Utilization { percent: i32, requests: Result<&'a BTreeMap<String, i64>, Failure> },
}

impl Measure<'_> {
    /// The ratio of what is measured and the target, and what is measured.
    fn ratio(&self, values: &BTreeMap<&str, i64>) -> Result<(f64, i64), Failure> {
        match self {
            Self::Average(target) => {
                let sum = values.values().fold(0_i64, |sum, value| sum.wrapping_add(*value));
                let average = sum / i64::try_from(values.len()).unwrap_or(i64::MAX).max(1);
                Ok((average as f64 / *target as f64, average))
            }
            Self::Utilization { percent, requests } => {
                let requests = requests.as_ref().map_err(Clone::clone)?;
                let both =
                    values.iter().filter_map(|(pod, value)| Some((value, requests.get(*pod)?)));
                let (used, requested) =
                    both.fold((0_i64, 0_i64), |(used, all), (value, request)| {
                        (used.wrapping_add(*value), all.wrapping_add(*request))
                    });
                if requested == 0 {
                    return Err(Failure::NoValues);
                }
                let utilization = used.wrapping_mul(100) / requested;
                Ok((utilization as f64 / f64::from(*percent), utilization))
            }
        }
    }

    /// What a pod without a value is assumed to use when scaling down.
    fn at_target(&self, pod: &str) -> i64 {
        match self {
            Self::Average(target) => *target,
            Self::Utilization { percent, requests } => {
                let request = requests.as_ref().ok().and_then(|requests| requests.get(pod));
                request.copied().unwrap_or_default() * i64::from((*percent).max(100)) / 100
            }
        }
    }
}

fn of_pods(
    samples: &BTreeMap<String, PodSample>,
    measure: &Measure<'_>,
    current: i32,
    pods: &[Pod],
    startup: Option<&Startup>,
    tolerance: Tolerance,
) -> Result<Proposal, Failure> {
    if pods.is_empty() {
        return Err(Failure::NoPods);
    }
    let groups = PodGroups::of(pods, samples, startup);
    // A value of a pod that is not known to the controller counts, too.
    let left_out = |name: &str| groups.ignored.contains(name) || groups.unready.contains(name);
    let mut values: BTreeMap<&str, i64> = samples
        .iter()
        .filter(|(name, _)| !left_out(name))
        .map(|(name, sample)| (name.as_str(), sample.value))
        .collect();
    if values.is_empty() {
        return Err(Failure::NoValues);
    }
    let (ratio, measured) = measure.ratio(&values)?;
    let proposal = |replicas: i32, calculation: Calculation| Proposal {
        replicas,
        ratio,
        current: measured,
        calculation,
        pods: Some(groups.clone()),
    };
    let up_with_unready = !groups.unready.is_empty() && ratio > 1.0;
    if !up_with_unready && groups.missing.is_empty() {
        if tolerance.contains(ratio) {
            return Ok(proposal(current, Calculation::Within));
        }
        let pods = groups.counted.len();
        return Ok(proposal(ceil(ratio * pods as f64), Calculation::Scaled { pods }));
    }
    for name in &groups.missing {
        if ratio < 1.0 {
            values.insert(name, measure.at_target(name));
        } else if ratio > 1.0 {
            values.insert(name, 0);
        }
    }
    if up_with_unready {
        values.extend(groups.unready.iter().map(|name| (name.as_str(), 0)));
    }
    let (assumed, _) = measure.ratio(&values)?;
    if tolerance.contains(assumed) {
        return Ok(proposal(current, Calculation::WithinAssumed { ratio: assumed }));
    }
    let reversed = (ratio < 1.0 && assumed > 1.0) || (ratio > 1.0 && assumed < 1.0);
    let replicas = ceil(assumed * values.len() as f64);
    if reversed || (assumed < 1.0 && replicas > current) || (assumed > 1.0 && replicas < current) {
        return Ok(proposal(current, Calculation::Reversed { ratio: assumed }));
    }
    Ok(proposal(replicas, Calculation::Assumed { ratio: assumed, pods: values.len() }))
}

#[cfg(test)]
mod tests;
