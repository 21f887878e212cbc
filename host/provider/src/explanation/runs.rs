//! Recorded runs in an explanation: filtered for the requester, and bounded in bytes.

use std::collections::{BTreeMap, HashMap};

use super::filter::{Filter, Hidden, ServedValues};
use super::number::{raw, rfc3339};
use super::{
    ExplainedMeasure, ExplainedPluginRun, ExplainedQuery, ExplainedReader, ExplainedRow,
    ExplainedRun, Number,
};
use leadsman_evaluation::record::{
    CapturedAnswer, CapturedMeasure, CapturedRow, PluginRecord, QueryRecord, ReaderNote, Rows,
    RunRecord,
};
use leadsman_evaluation::{EvaluationError, Mapping, Policy};
use leadsman_model::quantity::Quantity;
use leadsman_model::values::{OnNan, Values};

/// How many bytes the rows and measures of an explanation may take, as estimated.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// What a row or a measure takes in addition to its labels.
const ROW_OVERHEAD: usize = 128;

/// The room that is left in an explanation.
pub(super) struct Room {
    left: usize,
    /// Whether something was left out for lack of it.
    pub(super) full: bool,
}

impl Room {
    /// An empty explanation.
    pub(super) fn new() -> Self {
        Self { left: MAX_BYTES, full: false }
    }

    /// Takes room for something with these labels, if there is enough.
    pub(super) fn take<'l>(&mut self, labels: impl Iterator<Item = (&'l str, &'l str)>) -> bool {
        let labels: usize = labels.map(|(name, value)| name.len() + value.len() + 8).sum();
        match self.left.checked_sub(ROW_OVERHEAD + labels) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.full = true;
                false
            }
        }
    }
}

/// A recorded run.
pub(super) fn run(
    run: &RunRecord,
    mapping: &Mapping,
    filter: &Filter<'_>,
    room: &mut Room,
) -> ExplainedRun {
    let values = run.outcome.as_ref().ok().map(|values| &**values);
    let served = ServedValues::new(values);
    let queries =
        run.queries.iter().map(|query| explained(query, run, &served, mapping, filter, room));
    let queries = queries.collect();
    let mut measures = Vec::new();
    let capture = run.rows.capture();
    for measure in capture.into_iter().flat_map(|capture| capture.measures()) {
        if filter.measure(&measure).is_ok() && room.take(measure.labels.iter().copied()) {
            measures.push(of_measure(&measure, &mapping.policy, values));
        }
    }
    let count = values
        .map(|values| values.served.len() + values.refused_count + absent(values, &mapping.policy));
    let captured = capture.and_then(|capture| capture.measures_len());
    let (outcome, failure) = match &run.outcome {
        Ok(_) => ("ok", Vec::new()),
        Err(error) => (error.reason(), chain(error)),
    };
    ExplainedRun {
        id: run.id,
        time: rfc3339(run.time),
        took: run.took.as_secs_f64(),
        cause: if run.ahead { "ahead" } else { "read" }.to_owned(),
        outcome: outcome.to_owned(),
        failure,
        queries,
        plugin: run.plugin.as_ref().map(|plugin| of_plugin(plugin, filter)),
        measures,
        measures_total: count.or(captured).unwrap_or_default(),
    }
}

/// How many measures were dropped as if the plugin had not given them.
fn absent(values: &Values, policy: &Policy) -> usize {
    if policy.on_nan == OnNan::Absent { values.not_numbers } else { 0 }
}

/// An error, then what caused it, and so on.
fn chain(error: &EvaluationError) -> Vec<String> {
    let mut chain = vec![error.to_string()];
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        // Some errors state their cause themselves.
        if chain.iter().all(|reported| !reported.contains(&text)) {
            chain.push(text);
        }
        cause = error.source();
    }
    chain
}

fn explained(
    query: &QueryRecord,
    run: &RunRecord,
    served: &ServedValues<'_>,
    mapping: &Mapping,
    filter: &Filter<'_>,
    room: &mut Room,
) -> ExplainedQuery {
    let bound = mapping.queries.iter().find(|bound| bound.name == query.name);
    let sent = query.sent.as_ref();
    let link = match (bound, sent) {
        (Some(bound), Some(sent)) if !query.cut => bound.source.link(sent, run.time),
        _ => None,
    };
    let mut reported = ExplainedQuery {
        name: query.name.clone(),
        source: bound.map(|bound| bound.source_name.clone()).unwrap_or_default(),
        sent: sent.map(ToString::to_string).unwrap_or_default(),
        link,
        took: query.took.map(|took| took.as_secs_f64()),
        series: query.series.map(|(series, _)| series),
        before_selection: query
            .series
            .and_then(|(series, before)| (before != series).then_some(before)),
        warnings: query.warnings.clone(),
        error: query.error.clone(),
        rows: Vec::new(),
        whole: false,
        left_out: Vec::new(),
    };
    if query.cut {
        reported.left_out.push("the rest of the query's text, which is too long".to_owned());
    }
    match run.rows.capture().and_then(|capture| capture.answer(&query.name)) {
        Some(answer) => rows(&mut reported, answer, served, filter, room),
        None => {
            if let (Rows::Dropped(why), Some(count)) =
                (&run.rows, reported.series.filter(|n| *n > 0))
            {
                reported.left_out.push(format!("all {count} rows: {}", why.as_str()));
            }
        }
    }
    reported
}

fn rows(
    reported: &mut ExplainedQuery,
    answer: CapturedAnswer<'_>,
    served: &ServedValues<'_>,
    filter: &Filter<'_>,
    room: &mut Room,
) {
    let mut hidden: BTreeMap<Hidden, usize> = BTreeMap::new();
    let mut no_room = 0_usize;
    for row in answer.iter() {
        match filter.row(&row, served) {
            Err(why) => *hidden.entry(why).or_default() += 1,
            Ok(object) if room.take(row.labels.iter().copied()) => {
                reported.rows.push(of_row(&row, object, answer.is_matrix()));
            }
            Ok(_) => no_room += 1,
        }
    }
    let kept = answer.rows();
    let all = reported.series.unwrap_or(kept);
    reported.whole = reported.rows.len() == all;
    if all > kept {
        reported.left_out.push(format!("{} rows: of {all} the first {kept} were kept", all - kept));
    }
    reported.left_out.extend(hidden.into_iter().map(|(why, count)| why.reported(count)));
    if no_room > 0 {
        reported.left_out.push(format!("{no_room} rows: the explanation is full"));
    }
}

fn of_row(row: &CapturedRow<'_>, object: &str, is_matrix: bool) -> ExplainedRow {
    let newest = row.samples.last();
    let (value, time) = match (newest, row.text) {
        (Some((time, value)), _) => (raw(*value), Some(*time)),
        (None, Some((time, text))) => (text.to_owned(), Some(time)),
        (None, None) => (String::new(), None),
    };
    ExplainedRow {
        labels: labels(&row.labels),
        value,
        time: time.map(rfc3339).unwrap_or_default(),
        samples: is_matrix.then_some(row.samples.len()),
        object: object.to_owned(),
    }
}

fn labels(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn of_plugin(plugin: &PluginRecord, filter: &Filter<'_>) -> ExplainedPluginRun {
    let (log, why) = match filter.log() {
        Ok(()) => {
            let lines = plugin.log.iter();
            let lines = lines.map(|line| format!("{} {}", line.level.as_str(), line.message));
            (lines.collect(), None)
        }
        Err(why) => (Vec::new(), (!plugin.log.is_empty()).then(|| why.to_owned())),
    };
    let dropped = || format!("{} lines were over the limits of logs", plugin.log_dropped);
    ExplainedPluginRun {
        took: plugin.took.as_secs_f64(),
        memory: u64::try_from(plugin.memory).unwrap_or(u64::MAX),
        log,
        log_left_out: why.or_else(|| (plugin.log_dropped > 0).then(dropped)),
    }
}

fn of_measure(
    measure: &CapturedMeasure<'_>,
    policy: &Policy,
    values: Option<&Values>,
) -> ExplainedMeasure {
    let refused = values.and_then(|values| refusal(measure, values));
    let (served, reported) = match (refused, values) {
        (Some(reason), _) => (None, Some(format!("refused: {reason}"))),
        (None, None) => (None, Some("the run failed, so nothing is served of it".to_owned())),
        (None, Some(_)) => after(measure.value, policy),
    };
    ExplainedMeasure {
        namespace: measure.namespace.to_owned(),
        object: measure.object.to_owned(),
        labels: labels(&measure.labels),
        raw: raw(measure.value),
        served: served.map(Number::of),
        policy: reported,
    }
}

/// Why a measure was refused, if it is one of those that were kept.
fn refusal<'v>(measure: &CapturedMeasure<'_>, values: &'v Values) -> Option<&'v str> {
    let found = values.refused.iter().find(|refusal| {
        let labels = refusal.labels.iter().map(|(name, value)| (&**name, &**value));
        if measure.object.is_empty() {
            return labels.eq(measure.labels.iter().copied());
        }
        let elsewhere = !measure.namespace.is_empty() && refusal.namespace != measure.namespace;
        refusal.object == measure.object && !elsewhere
    });
    found.map(|refusal| refusal.reason.as_str())
}

/// What the policies make of a measure, and what they did in words.
pub(super) fn after(value: f64, policy: &Policy) -> (Option<Quantity>, Option<String>) {
    let quantity = match policy.on_nan.quantity(value) {
        Err(reason) => return (None, Some(format!("refused: {reason}"))),
        Ok(None) => return (None, Some("no number, so absent (onNaN)".to_owned())),
        Ok(Some(quantity)) => quantity,
    };
    let replaced = !value.is_finite();
    let number = if replaced { quantity.as_f64() } else { value };
    match policy.activation {
        Some(activation) if number < activation => {
            (Some(Quantity::ZERO), Some(format!("below the activation {activation}, so 0")))
        }
        _ if replaced => {
            (Some(quantity), Some(format!("no number; {quantity} stands for it (onNaN)")))
        }
        _ => (Some(quantity), None),
    }
}

/// Who reads, as far as a view goes.
pub(super) fn readers(notes: &[ReaderNote], filter: &Filter<'_>) -> Vec<ExplainedReader> {
    let seen = notes.iter().filter(|note| filter.reader(&note.namespace));
    let reported = seen.map(|note| ExplainedReader {
        user: note.user.as_deref().map(str::to_owned),
        agent: note.agent.to_string(),
        namespace: note.namespace.to_string(),
        first: rfc3339(note.first),
        last: rfc3339(note.last),
    });
    reported.collect()
}

/// What the policies did to the measures of a run for a namespace (empty for the cluster), by [`key`].
pub(super) fn policies(
    run: &RunRecord,
    policy: &Policy,
    namespace: &str,
) -> HashMap<String, String> {
    let capture = run.rows.capture();
    let measures = capture.into_iter().flat_map(|capture| capture.measures());
    let reported = measures.filter_map(|measure| {
        let of = if measure.namespace.is_empty() { namespace } else { measure.namespace };
        let key = key(of, measure.object, measure.labels.iter().copied());
        Some((key, after(measure.value, policy).1?))
    });
    reported.collect()
}

/// Tells one measure from the others: by its object, or by its labels alone for an item.
pub(super) fn key<'l>(
    namespace: &str,
    object: &str,
    labels: impl Iterator<Item = (&'l str, &'l str)>,
) -> String {
    let mut key = match object {
        "" => String::new(),
        object => format!("{namespace}/{object}"),
    };
    for (name, value) in labels {
        key.push('\n');
        key.push_str(name);
        key.push('=');
        key.push_str(value);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_told_as_they_were_applied() {
        let of = |value: f64, policy: &Policy| {
            let (served, reported) = after(value, policy);
            (served.map(|served| served.to_string()), reported.unwrap_or_default())
        };
        let some = |text: &str| Some(text.to_owned());
        let plain = Policy::default();
        assert_eq!(of(1.5, &plain), (some("1500m"), String::new()));
        assert_eq!(of(f64::NAN, &plain), (None, "refused: the value is NaN".to_owned()));
        let five = Policy { activation: Some(5.0), ..plain.clone() };
        assert_eq!(of(4.9, &five), (some("0"), "below the activation 5, so 0".to_owned()));
        assert_eq!(of(5.0, &five), (some("5"), String::new()));
        let absent = Policy { on_nan: OnNan::Absent, ..plain.clone() };
        assert_eq!(of(f64::INFINITY, &absent), (None, "no number, so absent (onNaN)".to_owned()));
        let two = Policy { on_nan: OnNan::Value(Quantity::from_milli(2000)), ..plain.clone() };
        assert_eq!(
            of(f64::NAN, &two),
            (some("2"), "no number; 2 stands for it (onNaN)".to_owned())
        );
    }

    #[test]
    fn an_explanation_has_room_for_so_much() {
        let mut room = Room::new();
        let long = "x".repeat(1000);
        let taken = (0..10_000).filter(|_| room.take([("a", long.as_str())].into_iter())).count();
        assert!(taken > 500 && taken < 2000, "{taken}");
        assert!(room.full);
    }

    #[test]
    fn the_cause_of_an_error_is_told_once() {
        let error = EvaluationError::Internal;
        assert_eq!(chain(&error), [error.to_string()]);
    }
}
