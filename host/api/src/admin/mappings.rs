//! The mappings of the page. Their values are loaded only for a mapping that is opened.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::moments::Moments;
use super::status::{self, state_of};
use leadsman_evaluation::{Evaluations, Mapping, MissingEntry, MissingLog};
use leadsman_model::names::Scope;
use leadsman_model::serve::Serve;

/// The most errors that differ, and scopes of each, that are listed.
const MAX_ERRORS: usize = 5;
const MAX_SCOPES: usize = 5;

/// For how long it is said that reads lacked something.
const MISSING_MAX_AGE: Duration = Duration::from_secs(300);

/// The longest query that is listed, in characters. What is opened has all of it.
const MAX_QUERY: usize = 400;

/// The evaluations of a mapping, summed up.
#[derive(Default)]
struct Summary {
    states: BTreeMap<&'static str, usize>,
    /// When the first of those that fail began to.
    failing_since: Option<Instant>,
    /// Each error with the scopes that have it.
    errors: BTreeMap<String, Vec<String>>,
    /// When the oldest and the newest values were made.
    oldest: Option<Instant>,
    newest: Option<Instant>,
    refused: usize,
    disagreeing: usize,
    left_out: usize,
    /// The longest cadence of reads.
    every: Duration,
}

impl Summary {
    fn of(evaluations: &Evaluations, now: Instant) -> Self {
        let mapping = evaluations.mapping();
        let mut summary = Self::default();
        for (scope, asked, state, every) in evaluations.list() {
            let handover = evaluations.handover(&scope, &asked);
            let (name, good) = state_of(mapping, &state, handover.as_ref(), now);
            *summary.states.entry(name).or_default() += 1;
            summary.every = summary.every.max(every);
            if let Some(failed) = &state.failed {
                let since = failed.since;
                summary.failing_since =
                    Some(summary.failing_since.map_or(since, |first| first.min(since)));
                let scopes = summary.errors.entry(failed.error.to_string()).or_default();
                scopes.push(scope_name(&scope));
            }
            let Some(good) = good else { continue };
            let at = good.at;
            summary.oldest = Some(summary.oldest.map_or(at, |oldest| oldest.min(at)));
            summary.newest = Some(summary.newest.map_or(at, |newest| newest.max(at)));
            summary.refused += good.values.refused_count;
            summary.disagreeing += good.basis.disputed;
            summary.left_out +=
                good.basis.queries.iter().map(|query| query.gaps.len()).sum::<usize>();
        }
        summary
    }

    /// The worst state of all.
    fn state(&self) -> &'static str {
        let order = ["failing", "lastGood", "pending", "ok"];
        order.into_iter().find(|state| self.states.contains_key(state)).unwrap_or("unread")
    }
}

fn scope_name(scope: &Scope) -> String {
    scope.namespace().map_or_else(|| "the whole cluster".to_owned(), ToString::to_string)
}

/// A mapping, without its values.
pub(super) fn of(evaluations: &Evaluations, moments: &Moments, now: Instant) -> Value {
    let mapping = evaluations.mapping();
    let summary = Summary::of(evaluations, now);
    let time = |moment: Option<Instant>| moment.map(|moment| moments.time(moment));
    let unavailable = mapping.breaker.unavailable();
    let errors: Vec<_> = summary.errors.iter().take(MAX_ERRORS).map(error).collect();
    let (kind, resource) = match &mapping.serve {
        Serve::Custom(resource) => ("custom", Some(resource.to_string())),
        Serve::External => ("external", None),
        Serve::ResourceMetrics(resource) => ("usage", Some(resource.to_string())),
    };
    json!({
        "title": mapping.title(),
        "metric": mapping.metric.as_str(),
        "kind": kind,
        "resource": resource,
        "owner": mapping.owner.to_string(),
        "team": mapping.owner.namespace().map(ToString::to_string),
        "ofRule": mapping.of_rule,
        "plugin": mapping.plugin_name,
        "pluginVersion": mapping.plugin.description().version,
        "pluginDigest": mapping.plugin.digest(),
        "then": status::then(mapping),
        "queries": queries(mapping),
        "state": if unavailable.is_some() { "failing" } else { summary.state() },
        "evaluations": summary.states.values().sum::<usize>(),
        "states": summary.states,
        "failingSince": time(summary.failing_since),
        "unavailable": unavailable,
        "errors": errors,
        "moreErrors": summary.errors.len().saturating_sub(MAX_ERRORS),
        "oldestValues": time(summary.oldest),
        "newestValues": time(summary.newest),
        "everySeconds": summary.every.as_secs_f64(),
        "refused": summary.refused,
        "disagreeing": summary.disagreeing,
        "leftOut": summary.left_out,
        "lacks": missing_values(&mapping.missing, moments, now),
        "candidate": mapping.candidate.as_ref().map(status::candidate),
        "activation": mapping.activation.as_ref().map(status::activation),
    })
}

fn error((error, scopes): (&String, &Vec<String>)) -> Value {
    json!({
        "message": error,
        "scopes": scopes.iter().take(MAX_SCOPES).collect::<Vec<_>>(),
        "moreScopes": scopes.len().saturating_sub(MAX_SCOPES),
    })
}

fn queries(mapping: &Mapping) -> Vec<Value> {
    let reported = |query: &leadsman_evaluation::BoundQuery| {
        let text = query.kind.to_string();
        let short: String = text.chars().take(MAX_QUERY).collect();
        let is_whole = short.len() == text.len();
        json!({"name": query.name, "source": query.source_name, "text": short, "whole": is_whole})
    };
    mapping.queries.iter().map(reported).collect()
}

/// Why reads lacked something lately, with the newest message of each reason.
pub(super) fn missing_values(log: &MissingLog, moments: &Moments, now: Instant) -> Vec<Value> {
    let recent = |(_, entry): &(&'static str, MissingEntry)| {
        now.saturating_duration_since(entry.at) < MISSING_MAX_AGE
    };
    let reported = |(reason, entry): (&'static str, MissingEntry)| {
        json!({
            "reason": reason,
            "message": entry.message,
            "count": entry.count,
            "at": moments.time(entry.at),
        })
    };
    log.list().into_iter().filter(recent).map(reported).collect()
}
