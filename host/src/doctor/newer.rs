//! Checks features of autoscalers that newer versions of Kubernetes have, and their effect on the numbers:
//! tolerance, sync period, scaling to zero, fallback for external metrics, and the selection of pods.
//!
//! Tolerances are part of the API from 1.33 on, and scaling to zero is enabled from 1.37 on. Fallback,
//! selection of pods and sync period follow their proposals (KEP-5679, KEP-5325, KEP-6003) and their first
//! implementations.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::Finding;
use leadsman_config::valid;
use leadsman_evaluation::Policy;
use leadsman_model::quantity::Quantity;
use leadsman_model::serve::Serve;

/// The first minor version of Kubernetes whose autoscalers leave zero only if they went there themselves.
const PINS_ZERO: u32 = 37;

/// The controller's usual tolerance.
const TOLERANCE: f64 = 0.1;

/// What the checks of an autoscaler know of its cluster and of the configuration.
#[derive(Debug, Default)]
pub(super) struct AutoscalerContext {
    /// The minor version of kube-apiserver.
    pub(super) minor: Option<u32>,
    /// The policies of the mappings of the configuration that is looked at, by metric; `None` without
    /// a configuration.
    pub(super) policies: Option<Policies>,
}

/// Policies by the name of the metric: of custom metrics, and of external ones.
#[derive(Debug, Default)]
pub(super) struct Policies {
    custom: BTreeMap<String, Policy>,
    external: BTreeMap<String, Policy>,
}

impl Policies {
    /// Those of a configuration. Of several mappings of one name, the first.
    pub(super) fn of(config: &valid::Config) -> Self {
        let mut policies = Self::default();
        for mapping in &config.mappings {
            let of = match mapping.serve {
                Serve::External => &mut policies.external,
                Serve::Custom(_) | Serve::ResourceMetrics(_) => &mut policies.custom,
            };
            of.entry(mapping.metric.as_str().to_owned()).or_insert_with(|| mapping.policy.clone());
        }
        policies
    }
}

/// The findings on an autoscaler that uses any of it.
pub(super) fn findings(name: &str, hpa: &Value, context: &AutoscalerContext) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(tolerance(name, hpa));
    findings.extend(sync_period(name, hpa, context));
    findings.extend(selection(name, hpa));
    findings.extend(zero(name, hpa, context));
    findings.extend(fallbacks(name, hpa, context));
    findings
}

/// How far the value may be from its target before anything changes.
fn tolerance(name: &str, hpa: &Value) -> Option<Finding> {
    let behavior = &hpa["spec"]["behavior"];
    let [up, down] = ["scaleUp", "scaleDown"].map(|way| &behavior[way]["tolerance"]);
    if up.is_null() && down.is_null() {
        return None;
    }
    let read = |tolerance: &Value| match tolerance {
        Value::Null => Some(TOLERANCE),
        Value::String(text) => text.parse::<Quantity>().ok().map(Quantity::as_f64),
        other => other.as_f64(),
    };
    let (Some(above), Some(below)) = (read(up), read(down)) else {
        return Some(Finding::unsure(format!("{name} has a tolerance that cannot be read")));
    };
    let (lowest, highest) = (rounded(1.0 - below), rounded(1.0 + above));
    if lowest <= 0.0 {
        return Some(Finding {
            advice: Some("a tolerance is a part of the target: 0.05 for 5 %".to_owned()),
            ..Finding::unsure(format!(
                "{name} never scales down: its tolerance for that is {below}, so no value is too low"
            ))
        });
    }
    let usual = match up.is_null() || down.is_null() {
        true => format!(
            " (where it states none, the controller's: {TOLERANCE} unless that was changed)"
        ),
        false => String::new(),
    };
    Some(Finding::good(format!(
        "{name} has a tolerance of its own: no change between {lowest} and {highest} times the \
         target{usual}"
    )))
}

/// How often it reads, beside how new the values can be.
fn sync_period(name: &str, hpa: &Value, context: &AutoscalerContext) -> Option<Finding> {
    let seconds = hpa["spec"]["behavior"]["syncPeriodSeconds"].as_u64()?;
    let period = Duration::from_secs(seconds);
    let policies = context.policies.as_ref();
    let policy = |metric: &Value| {
        let named = |of: &str| metric[of]["metric"]["name"].as_str();
        let custom = named("pods").or_else(|| named("object"));
        let policies = policies?;
        match (custom, named("external")) {
            (Some(custom), _) => policies.custom.get(custom),
            (None, external) => policies.external.get(external?),
        }
    };
    let metrics = hpa["spec"]["metrics"].as_array().into_iter().flatten();
    let known: Vec<Duration> =
        metrics.filter_map(policy).map(|policy| policy.refresh_at_most_every).collect();
    let (slowest, whose) = match known.iter().max() {
        Some(slowest) => (*slowest, "as its mapping says"),
        None => (Policy::default().refresh_at_most_every, "unless its mapping says otherwise"),
    };
    let reported = format!("{name} syncs every {seconds}s");
    if period >= slowest {
        return Some(Finding::good(format!(
            "{reported}: its metrics are evaluated in that cadence"
        )));
    }
    Some(Finding {
        advice: Some(
            "set refreshAtMostEvery of the mapping to what the source can take".to_owned(),
        ),
        ..Finding::unsure(format!(
            "{reported}, and its metrics are evaluated every {slowest:?} at most, {whose}: some syncs see \
             the same values"
        ))
    })
}

/// Which pods count.
fn selection(name: &str, hpa: &Value) -> Option<Finding> {
    let keys = ["selectionStrategy", "podSelectionStrategy"];
    let strategy = keys.iter().find_map(|key| hpa["spec"][*key].as_str())?;
    match strategy {
        "LabelSelector" => None,
        "OwnerReferences" => Some(Finding::good(format!(
            "{name} counts the pods that its target owns: others with the same labels have values, and \
             do not count"
        ))),
        other => Some(Finding::unsure(format!(
            "{name} selects pods by \"{}\", which this version does not know",
            other.escape_debug()
        ))),
    }
}

/// Whether it can leave zero.
fn zero(name: &str, hpa: &Value, context: &AutoscalerContext) -> Option<Finding> {
    if hpa["spec"]["minReplicas"].as_i64() != Some(0) {
        return None;
    }
    let conditions = hpa["status"]["conditions"].as_array()?;
    let went_there =
        conditions.iter().any(|one| one["type"] == "ScaledToZero" && one["status"] == "True");
    if hpa["status"]["currentReplicas"].as_i64().unwrap_or(0) > 0 {
        return Some(Finding::good(format!(
            "{name} may scale to zero, and leaves it by object and external metrics alone"
        )));
    }
    if went_there {
        return Some(Finding::good(format!(
            "{name} went to zero itself, and leaves it once an object or external metric asks for pods"
        )));
    }
    let target = &hpa["spec"]["scaleTargetRef"];
    let part = |key: &str| target[key].as_str().unwrap_or_default();
    let advice = format!(
        "kubectl scale --replicas=1 {}/{}, and leave `replicas` out of what is applied",
        part("kind").to_lowercase(),
        part("name")
    );
    let pinned = "has a target with 0 replicas that somebody else set (it has no condition \
                  ScaledToZero that is True)";
    match context.minor {
        Some(minor) if minor >= PINS_ZERO => Some(Finding::bad(
            format!("{name} {pinned}: that counts as switched off, and it never scales up"),
            advice,
        )),
        Some(_) => Some(Finding::unsure(format!(
            "{name} stands at zero; from Kubernetes 1.{PINS_ZERO} on, it would leave it only if it had \
             gone there itself"
        ))),
        None => Some(Finding {
            advice: Some(advice),
            ..Finding::unsure(format!(
                "{name} {pinned}: from Kubernetes 1.{PINS_ZERO} on, it never scales up"
            ))
        }),
    }
}

/// What its external metrics count as once they cannot be read, and when that is.
fn fallbacks(name: &str, hpa: &Value, context: &AutoscalerContext) -> Vec<Finding> {
    let metrics = hpa["spec"]["metrics"].as_array().into_iter().flatten();
    let external = metrics.map(|metric| &metric["external"]);
    external.filter_map(|metric| fallback(name, hpa, metric, context)).collect()
}

fn fallback(
    name: &str,
    hpa: &Value,
    external: &Value,
    context: &AutoscalerContext,
) -> Option<Finding> {
    let fallback = external["fallback"].as_object()?;
    let metric = external["metric"]["name"].as_str()?;
    let number = |key: &str| fallback.get(key)?.as_u64();
    let Some(replicas) = number("replicas") else {
        return Some(Finding::unsure(format!("{name}: the fallback of {metric} cannot be read")));
    };
    let after = number("failureDurationSeconds").map(Duration::from_secs);
    let first = match (after, number("failureThreshold")) {
        (Some(after), _) => format!("have failed for {after:?}"),
        (None, Some(times)) => format!("have failed {times} times in a row"),
        (None, None) => "have failed for the controller's usual time".to_owned(),
    };
    let most = hpa["spec"]["maxReplicas"].as_u64();
    let held = match most {
        Some(most) if replicas > most => format!(", held at its maxReplicas {most}"),
        _ => String::new(),
    };
    let reported = format!(
        "{name}: the external metric {metric} counts as {replicas} replicas{held} once reads of it {first}"
    );
    let Some(policies) = &context.policies else {
        return Some(Finding::good(format!(
            "{reported}; that clock starts when onError.lastGood of its mapping is over (--config shows it)"
        )));
    };
    let Some(policy) = policies.external.get(metric) else {
        return Some(Finding::good(format!(
            "{reported}; its mapping is not in this configuration"
        )));
    };
    if let Some(value) = &policy.otherwise {
        return Some(Finding {
            advice: Some("leave one of the two out".to_owned()),
            ..Finding::unsure(format!(
                "{reported}; they never do, as onError of its mapping states {value} in place of an error"
            ))
        });
    }
    Some(Finding::good(match (policy.last_good, after) {
        (None, _) => {
            format!("{reported}; they fail as soon as its evaluations do (no onError.lastGood)")
        }
        (Some(last_good), Some(after)) => format!(
            "{reported}; before that its last good value is served for {last_good:?}, so {:?} after the \
             source is gone",
            last_good + after
        ),
        (Some(last_good), None) => {
            format!("{reported}; before that its last good value is served for {last_good:?}")
        }
    }))
}

/// To a thousandth, as people write it.
fn rounded(ratio: f64) -> f64 {
    (ratio * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests;
