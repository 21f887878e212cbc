//! The state of all mappings as JSON, for the status page and for scripts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::moments::Moments;
use crate::hour::Trends;
use leadsman_delegate::{Api, Delegate};
use leadsman_evaluation::{
    ActivationStatus, BoundQuery, Candidate, Evaluated, EvaluationState, Evaluations,
    HandoverStatus, Link, Mapping, MissingEntry, MissingLog,
};
use leadsman_model::activation::Measured;
use leadsman_model::names::Scope;
use leadsman_model::objects::{ObjectStore, SyncState};
use leadsman_model::quantity::Quantity;
use leadsman_model::query_params::QueryParams;
use leadsman_model::serve::Serve;
use leadsman_model::values::MetricValues;
use leadsman_provider::snapshot::{Rejection, Snapshot};
use leadsman_runtime::clock;

/// The most evaluations of a mapping, and values of an evaluation, that are listed.
const MAX_LISTED: usize = 50;

pub(super) fn of(snapshot: &Snapshot, trends: &mut Trends) -> Value {
    let mappings: Vec<_> =
        snapshot.in_use().map(|evaluations| mapping(evaluations, trends)).collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "generation": snapshot.generation,
        "now": clock::now(),
        "mappings": mappings,
        "rejected": snapshot.rejections().iter().map(|one| rejected(one)).collect::<Vec<_>>(),
        "kinds": snapshot.kinds().iter().map(|kind| objects(kind)).collect::<Vec<_>>(),
        "delegates": snapshot
            .delegates()
            .into_iter()
            .flat_map(|all| all.all())
            .map(|one| delegate(one, None))
            .collect::<Vec<_>>(),
    })
}

/// Another adapter, and how it does.
/// With the moments of the page, times stand in it in place of ages: what has not changed is sent once.
pub(super) fn delegate(delegate: &Delegate, moments: Option<&Moments>) -> Value {
    let settings = delegate.settings();
    let status = delegate.status();
    let names = |apis: &[Api]| apis.iter().map(|api| api.as_str()).collect::<Vec<_>>();
    let state = match (&status.error, &status.list_error, status.list_age) {
        _ if !status.asked => "failing",
        (Some(_), ..) => "failing",
        (None, Some(_), _) => "lastGood",
        (None, None, None) => "pending",
        (None, None, Some(_)) => "ok",
    };
    let mut reported = json!({
        "name": settings.name,
        "address": settings.url,
        "auth": settings.auth.as_str(),
        "apis": names(&settings.matcher.apis),
        "for": settings.matcher.to_string(),
        "state": state,
        "asked": status.asked,
        "error": status.error,
        "listError": status.list_error,
        "listed": status.listed,
        "unserved": names(&status.unserved),
    });
    match moments {
        Some(moments) => reported["listedAt"] = json!(status.listed_at.map(|at| moments.time(at))),
        None => reported["listAgeSeconds"] = json!(status.list_age.map(|age| age.as_secs_f64())),
    }
    reported
}

/// What is not served as it is configured.
pub(super) fn rejected(rejected: &Rejection) -> Value {
    json!({
        "owner": rejected.owner.to_string(),
        "title": rejected.title,
        "reason": rejected.reason.as_str(),
        "message": rejected.message,
        "serving": rejected.serving,
    })
}

/// The results of shadow evaluations so far.
pub(super) fn candidate(candidate: &Candidate) -> Value {
    let seen = candidate.comparison();
    let text = |value: Option<Quantity>| value.map(|value| value.to_string());
    let differences: Vec<_> = seen
        .differences
        .iter()
        .map(|d| json!({"of": d.of, "served": text(d.served), "candidate": text(d.candidate)}))
        .collect();
    json!({
        "plugin": candidate.plugin_name,
        "pluginVersion": candidate.plugin.description().version,
        "pluginDigest": candidate.plugin.digest(),
        "same": seen.same,
        "different": seen.different,
        "failed": seen.failed,
        "skipped": seen.skipped,
        "lastError": seen.last_error,
        "differences": differences,
    })
}

/// The plugins after the first.
pub(super) fn then(mapping: &Mapping) -> Vec<Value> {
    let told = |link: &Link| {
        json!({
            "plugin": link.plugin_name,
            "pluginVersion": link.plugin.description().version,
            "pluginDigest": link.plugin.digest(),
        })
    };
    mapping.then.iter().map(told).collect()
}

/// The workload that a mapping takes to zero and from zero, and what has come of it here.
pub(super) fn activation(status: &ActivationStatus) -> Value {
    let activation = &status.activation;
    let (selector, object) = match &activation.measured {
        Measured::Items(selector) => (Some(selector), None),
        Measured::Object(object) => (None, Some(object)),
    };
    json!({
        "workload": activation.workload.to_string(),
        "selector": selector,
        "object": object,
        "threshold": activation.threshold.to_string(),
        "cooldownSeconds": activation.cooldown.as_secs(),
        "minReplicas": activation.min_replicas,
        "everySeconds": activation.every.as_secs(),
        "takeOver": activation.take_over,
        "told": status.reported(),
    })
}

/// The state of a kind's reflector.
pub(super) fn objects(kind: &ObjectStore) -> Value {
    let state = kind.state();
    let (name, reason) = match &*state {
        SyncState::Starting => ("starting", None),
        SyncState::Synced => ("synced", None),
        SyncState::Interrupted(reason) => ("interrupted", Some(reason)),
        SyncState::Unknown(reason) => ("unknown", Some(reason)),
    };
    json!({
        "resource": kind.resource().to_string(),
        "count": kind.count(),
        "state": name,
        "reason": reason,
    })
}

pub(super) fn mapping(evaluations: &Evaluations, trends: &mut Trends) -> Value {
    let mapping = evaluations.mapping();
    let mut sources: Vec<_> = mapping.queries.iter().map(|query| &query.source_name).collect();
    sources.sort();
    sources.dedup();
    let (kind, resource) = match &mapping.serve {
        Serve::Custom(resource) => ("custom", Some(resource.to_string())),
        Serve::External => ("external", None),
        Serve::ResourceMetrics(resource) => ("usage", Some(resource.to_string())),
    };
    let list = evaluations.list();
    let shown: Vec<_> = list
        .iter()
        .take(MAX_LISTED)
        .map(|(scope, asked, state, every)| {
            let handover = evaluations.handover(scope, asked);
            evaluation(mapping, scope, asked, state, handover.as_ref(), *every, trends)
        })
        .collect();
    json!({
        "metric": mapping.metric.as_str(),
        "kind": kind,
        "resource": resource,
        "plugin": mapping.plugin_name,
        "pluginVersion": mapping.plugin.description().version,
        "pluginDigest": mapping.plugin.digest(),
        "then": then(mapping),
        "owner": mapping.owner.to_string(),
        "unavailable": mapping.breaker.unavailable(),
        "incomplete": reasons(&mapping.missing),
        "candidate": mapping.candidate.as_ref().map(candidate),
        "activation": mapping.activation.as_ref().map(activation),
        "sources": sources,
        "sourceStates": source_states(mapping),
        "evaluationsTotal": list.len(),
        "evaluations": shown,
    })
}

/// Why reads lacked something, with the newest message of each reason.
pub(super) fn reasons(log: &MissingLog) -> Vec<Value> {
    let reported = |(reason, entry): (&'static str, MissingEntry)| {
        json!({
            "reason": reason,
            "message": entry.message,
            "count": entry.count,
            "secondsAgo": entry.at.elapsed().as_secs_f64(),
        })
    };
    log.list().into_iter().map(reported).collect()
}

/// The states of those sources that have a session of their own.
fn source_states(mapping: &Mapping) -> Value {
    let state =
        |query: &BoundQuery| Some((query.source_name.clone(), Value::from(query.source.state()?)));
    Value::Object(mapping.queries.iter().filter_map(state).collect())
}

fn evaluation(
    mapping: &Mapping,
    scope: &Scope,
    asked: &QueryParams,
    state: &EvaluationState,
    handover: Option<&HandoverStatus>,
    every: Duration,
    trends: &mut Trends,
) -> Value {
    let now = Instant::now();
    let (name, good) = state_of(mapping, state, handover, now);
    let age = good.map(|good| now.saturating_duration_since(good.at));
    let scope = scope.namespace().map_or(String::new(), |namespace| namespace.to_string());
    let title = mapping.title();
    let mut reported = json!({
        "scope": scope,
        "selector": asked.to_string(),
        "state": name,
        "error": state.failed.as_ref().map(|failed| failed.error.to_string()),
        "failingSeconds": state.failed.as_ref().map(|failed| failed.since.elapsed().as_secs_f64()),
        "everySeconds": every.as_secs_f64(),
        "ageSeconds": age.map(|age| age.as_secs_f64()),
        "handover": handover.map(handover_of),
    });
    if let Some(good) = good {
        reported["evaluatedAt"] = good.time.into();
        reported["querySeconds"] = good.querying.as_secs_f64().into();
        reported["pluginSeconds"] = good.running.as_secs_f64().into();
        reported["valuesTotal"] = good.values.served.len().into();
        reported["values"] = values(good, &format!("{title} {scope} {asked}"), trends).into();
        let refused = good.values.refused.iter();
        let refused = refused
            .map(|r| json!({"object": r.object, "namespace": r.namespace, "reason": r.reason}));
        reported["refused"] = refused.collect::<Vec<_>>().into();
        reported["refusedTotal"] = good.values.refused_count.into();
        let queries = good.basis.queries.iter();
        let series: serde_json::Map<_, _> =
            queries.map(|query| (query.name.clone(), query.series.into())).collect();
        reported["series"] = series.into();
        reported["disagreeingTotal"] = good.basis.disputed.into();
    }
    reported
}

/// How an evaluation is called by its state, and the values that reads get of it, if there are any.
pub(super) fn state_of<'s>(
    mapping: &Mapping,
    state: &'s EvaluationState,
    handover: Option<&'s HandoverStatus>,
    now: Instant,
) -> (&'static str, Option<&'s Arc<Evaluated>>) {
    // Until a changed mapping has values of its own, those of the one before are served.
    let good = state.good.as_ref().or_else(|| handover?.good.as_ref());
    let age = good.map(|good| now.saturating_duration_since(good.at));
    let before_serves = handover.is_some_and(|handover| handover.serving);
    let name = match (state.failed.is_some(), age, mapping.policy.last_good) {
        (true, _, _) if before_serves => "lastGood",
        (true, Some(age), Some(oldest)) if age <= oldest => "lastGood",
        (true, _, _) => "failing",
        (false, _, _) if state.good.is_none() => "pending",
        (false, _, _) => "ok",
    };
    (name, good)
}

/// How the mapping before serves until the changed one has values of its own.
fn handover_of(handover: &HandoverStatus) -> Value {
    json!({
        "sinceSeconds": handover.since.as_secs_f64(),
        "endsInSeconds": handover.ends_in.map(|time| time.as_secs_f64()),
        "serving": handover.serving,
        "error": handover.error,
    })
}

fn values(good: &Evaluated, key: &str, trends: &mut Trends) -> Vec<Value> {
    let mut reported = |namespace: &str,
                        object: &str,
                        labels: BTreeMap<&str, &str>,
                        value: leadsman_model::values::Value| {
        let line = format!("{key} {namespace}/{object} {labels:?}");
        trends.add(&line, good.time, value.quantity.as_f64());
        let history = trends.line(&line, clock::now());
        json!({
            "object": object,
            "namespace": namespace,
            "labels": labels,
            "value": value.quantity.to_string(),
            "time": value.time,
            "history": history,
        })
    };
    match &good.values.served {
        MetricValues::Objects(objects) => {
            let mut all: Vec<_> = objects.iter().collect();
            all.sort_by_key(|(namespace, name, _)| (*namespace, *name));
            all.into_iter()
                .take(MAX_LISTED)
                .map(|(namespace, name, value)| reported(namespace, name, BTreeMap::new(), value))
                .collect()
        }
        MetricValues::Items(items) => items
            .iter()
            .take(MAX_LISTED)
            .map(|item| {
                let labels = item.labels.iter().map(|(k, v)| (&**k, &**v)).collect();
                reported("", "", labels, item.value)
            })
            .collect(),
    }
}
