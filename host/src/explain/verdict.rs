//! Combines what was gathered with the arithmetic to one explanation.

use leadsman_autoscaler::verdict::{replicas, steps, target_words, title, verdict};
use leadsman_hpa::{Failure, Outcome, Proposal, Reading, Situation, decide};
use leadsman_model::text::one_line;
use leadsman_provider::explanation::ExplainedMetric;

use super::gather::{Gathered, GatheredMetric};
use super::notation::both;
use super::waits::Waits;
use super::{Bounds, Controller, Explanation, Metric, Target, fallback, stand_in};

/// How many values of single pods are shown.
const MAX_ITEMS: usize = 20;

/// How many characters are shown of why a value is no new one.
const MAX_REASON_CHARS: usize = 300;

/// The explanation of what was gathered.
pub(super) fn explain(gathered: &Gathered, assumed: Vec<String>) -> Explanation {
    let situation = &gathered.situation;
    let decision = decide(situation);
    let (proposals, winner) = match &decision.outcome {
        Outcome::Recommended { proposals, winner, .. } => (proposals.as_slice(), Some(*winner)),
        Outcome::Held { proposals } => (proposals.as_slice(), None),
        Outcome::Disabled | Outcome::AboveMax | Outcome::BelowMin => (&[][..], None),
    };
    let metrics = gathered.metrics.iter().enumerate().map(|(at, metric)| {
        let reading = situation.metrics[at].reading.as_ref();
        of_metric(metric, reading, proposals.get(at), situation, winner == Some(at))
    });
    let target = &gathered.autoscaler.spec.scale_target_ref;
    let titles: Vec<_> = gathered.metrics.iter().map(|metric| title(&metric.spec)).collect();
    // Assumptions make another situation than the one that the controller reports.
    let status = gathered.autoscaler.status.as_ref().filter(|_| !gathered.from_file);
    let reported = status.filter(|_| assumed.is_empty());
    let mut in_one_sentence = verdict(&titles, situation, &decision, reported);
    let timeline = gathered.metrics.iter().find_map(|metric| metric.hour.timeline());
    let waits = reported.zip(timeline).and_then(|(status, timeline)| {
        let past = gathered.past.as_deref().ok();
        Waits::of((situation, &decision), status, &timeline, past)
    });
    if let Some(waits) = &waits {
        in_one_sentence = format!("{in_one_sentence}; for about {} more", waits.about());
    }
    let stands =
        winner.filter(|_| assumed.is_empty()).and_then(|at| stands_for(&gathered.metrics[at]));
    if let Some(why) = stands {
        in_one_sentence = format!(
            "{in_one_sentence}; its value is no new one: {}",
            one_line(why, MAX_REASON_CHARS)
        );
    }
    Explanation {
        verdict: in_one_sentence,
        autoscaler: format!("{}/{}", gathered.namespace, gathered.autoscaler.metadata.name),
        target: Target {
            kind: target.kind.clone(),
            name: target.name.clone(),
            replicas: situation.replicas,
            running: situation.status_replicas,
            selector: gathered.scale.status.selector.clone(),
            pods: situation.pods.len(),
        },
        bounds: Bounds {
            min: situation.min,
            max: situation.max,
            tolerance_up: situation.tolerance.up,
            tolerance_down: situation.tolerance.down,
        },
        replicas: replicas(situation, &decision, reported),
        waits,
        metrics: metrics.collect(),
        controller: status.map(|status| Controller {
            current_replicas: status.current_replicas.unwrap_or_default(),
            desired_replicas: status.desired_replicas,
            last_scale_time: status.last_scale_time.clone(),
            conditions: status.conditions.clone(),
        }),
        past: gathered.past.clone().unwrap_or_default(),
        past_unknown: gathered.past.as_ref().err().cloned(),
        assumed,
    }
}

/// What stands in the place of the newest value of a metric, in words.
fn stands_for(metric: &GatheredMetric) -> Option<&str> {
    // cpu and memory are read together.
    let own = |of: &&ExplainedMetric| of.mapping.metric == metric.spec.name();
    metric.record.as_ref()?.metrics.iter().filter(own).find_map(stand_in::first)
}

fn of_metric(
    metric: &GatheredMetric,
    reading: Result<&Reading, &String>,
    proposal: Option<&Result<Proposal, Failure>>,
    situation: &Situation,
    decides: bool,
) -> Metric {
    let target = metric.spec.target().map_or_else(|reason| reason, target_words);
    let (value, items) = reading.map_or_else(|_| (None, Vec::new()), values);
    let (arithmetic, proposes, failure) = match proposal {
        Some(Ok(proposal)) => (steps(proposal, situation), Some(proposal.replicas), None),
        Some(Err(failure)) => (Vec::new(), None, Some(failure.to_string())),
        // The bounds decided; it was read all the same.
        None => (Vec::new(), None, reading.err().cloned()),
    };
    Metric {
        name: metric.spec.name().to_owned(),
        title: title(&metric.spec),
        target,
        request: metric.request.clone(),
        value,
        items,
        warnings: metric.warnings.clone(),
        arithmetic,
        proposes,
        failure,
        decides,
        clocks: fallback::clocks(metric, reading.is_err()),
        hour: metric.hour.clone(),
        record: metric.record.clone(),
    }
}

fn values(reading: &Reading) -> (Option<String>, Vec<String>) {
    match reading {
        Reading::Object(value) => (Some(both(*value)), Vec::new()),
        Reading::External(values) if values.len() == 1 => (Some(both(values[0])), Vec::new()),
        Reading::External(values) => {
            let sum = values.iter().fold(0_i64, |sum, value| sum.saturating_add(*value));
            let items = values.iter().map(|value| both(*value)).collect();
            (Some(format!("{}, the sum of {} items", both(sum), values.len())), shortened(items))
        }
        Reading::Pods { samples, .. } => {
            let sum = samples.values().fold(0_i64, |sum, of| sum.saturating_add(of.value));
            let items = samples.iter().map(|(pod, of)| format!("{pod} {}", both(of.value)));
            let value = format!("{} over {} pods", both(sum), samples.len());
            (Some(value), shortened(items.collect()))
        }
    }
}

fn shortened(mut items: Vec<String>) -> Vec<String> {
    if items.len() > MAX_ITEMS {
        let more = items.len() - MAX_ITEMS;
        items.truncate(MAX_ITEMS);
        items.push(format!("and {more} more"));
    }
    items
}
