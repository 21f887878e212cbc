//! Policies for failing and for empty queries, from `ignoreNullValues` and `fallback`.

use leadsman_model::quantity::Quantity;

use crate::node::{Entries, Node};
use crate::note::Notes;
use crate::prometheus::duration;
use crate::scaled_object::{Fallback, ScaledObject};
use crate::trigger::Target;

/// For how long the last good value is held where a ScaledObject says nothing of failures. KEDA's
/// autoscaler gets an error at once and keeps its replicas, which the last value does, too.
const LAST_GOOD_SECONDS: i64 = 120;

/// How often an autoscaler reads. KEDA counts the failures of these reads, and those of its own polls.
const READ_SECONDS: i64 = 15;

/// The most replicas that a fallback may state.
const MAX_REPLICAS: i64 = 1_000_000;

/// The kinds whose ready pods are known.
const COUNTED: [&str; 3] = ["Deployment", "StatefulSet", "ReplicaSet"];

/// The keys `onError`, `onAbsent` and `onNaN` of a mapping. `is_made_zero` says that the query gives 0
/// itself where it has no number.
pub(crate) fn of(
    object: &ScaledObject,
    target: &Target,
    ignores_null: bool,
    is_made_zero: bool,
    notes: &mut Notes,
) -> Entries {
    let fallback = object.fallback.as_ref();
    let last_good = fallback.map_or(LAST_GOOD_SECONDS, |fallback| {
        fallback.failure_threshold.saturating_mul(object.polling.clamp(1, READ_SECONDS))
    });
    let seconds = u64::try_from(last_good.clamp(1, 86_400)).unwrap_or(1);
    let then = fallback.and_then(|fallback| then(object, fallback, target, notes));
    let stated = || {
        Entries::default()
            .with("lastGood", Node::duration(duration(seconds * 1000)))
            .maybe("then", then.clone())
    };
    let policies = Entries::default().with("onError", stated());
    match (ignores_null, &then) {
        (true, _) if is_made_zero => policies,
        (true, _) => policies
            .with("onAbsent", Entries::default().with("default", 0_i64))
            .with("onNaN", Entries::default().with("value", 0_i64)),
        // Neither is a value to KEDA, so its fallback stands for both.
        (false, Some(_)) => policies.with("onAbsent", stated()).with("onNaN", "absent"),
        (false, None) => policies,
    }
}

/// What stands for a value once the last good one is too old.
fn then(
    object: &ScaledObject,
    fallback: &Fallback,
    target: &Target,
    notes: &mut Notes,
) -> Option<Entries> {
    let behavior = fallback.behavior.as_deref().filter(|behavior| !behavior.is_empty());
    let behavior = behavior.unwrap_or("static");
    match behavior {
        "static" | "currentReplicas" | "currentReplicasIfHigher" | "currentReplicasIfLower" => {}
        "scalingModifiers" => {
            notes.differs(
                "fallback: with the behavior scalingModifiers a failed trigger is nil in the formula; here a \
                 query that fails is an error, and the last good values are held for the time of the \
                 failureThreshold",
            );
            return None;
        }
        other => {
            let other = leadsman_document::excerpt(other);
            notes.refuse(format!(
                "fallback: there is no behavior \"{other}\"; KEDA refuses it, too"
            ));
            return None;
        }
    }
    if fallback.failure_threshold < 0 || !(0..=MAX_REPLICAS).contains(&fallback.replicas) {
        notes.refuse(format!(
            "fallback: failureThreshold must be at least 0, and replicas 0 to {MAX_REPLICAS}"
        ));
        return None;
    }
    let kind = object.target.kind.as_str();
    let is_counted = COUNTED.contains(&kind) && object.target.api_version == "apps/v1";
    if !(target.per_pod || is_counted) {
        notes.differs(format!(
            "fallback: for a target of the type Value the ready pods are counted, and those of a {kind} are not \
             known; after the last good values the autoscaler gets an error and keeps its replicas"
        ));
        return None;
    }
    let target_milli = target.quantity.parse::<Quantity>().map(Quantity::milli).ok();
    if target_milli.and_then(|milli| milli.checked_mul(fallback.replicas)).is_none() {
        notes.refuse(format!(
            "fallback: {} replicas of a target of {} are more than can be served",
            fallback.replicas, target.quantity
        ));
        return None;
    }
    let needs_workload = behavior != "static" || !target.per_pod;
    let replicas = (behavior != "currentReplicas").then_some(fallback.replicas);
    Some(
        Entries::default()
            .maybe("replicas", replicas)
            .maybe("behavior", (behavior != "static").then_some(behavior))
            .with("target", &target.quantity)
            .maybe("targetType", (!target.per_pod).then_some("value"))
            .maybe("workload", needs_workload.then(|| workload(object))),
    )
}

/// What is scaled, as the keys of a mapping name it.
pub(crate) fn workload(object: &ScaledObject) -> Entries {
    let target = &object.target;
    let is_known = COUNTED.contains(&target.kind.as_str()) && target.api_version == "apps/v1";
    let version: Option<Node> = (!is_known).then(|| target.api_version.as_str().into());
    Entries::default()
        .with("kind", &target.kind)
        .with("name", &target.name)
        .maybe("apiVersion", version)
}
