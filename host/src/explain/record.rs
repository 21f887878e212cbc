//! Prints what the adapter recorded: who serves the metric, queries and answers, the result of the plugin,
//! and the readers.

use leadsman_model::text::{counted, one_line};
use leadsman_provider::explanation::{
    ExplainedEvaluation, ExplainedMeasure, ExplainedMetric, ExplainedQuery, ExplainedRun,
    ExplainedValue, MetricExplanation, Number, ValueFrom,
};

use super::hour::millisecond;
use super::notation::both;

/// How many rows, measures and values are shown of each.
pub(super) const MAX_SHOWN: usize = 10;

/// How many characters of a query are shown.
const MAX_QUERY: usize = 2000;

/// How many characters of a digest are shown.
const DIGEST: usize = 19;

/// A label, and what it says.
pub(super) type Line = (&'static str, String);

/// What is recorded of one metric of an explanation, without its values.
pub(super) fn lines(document: &MetricExplanation, metric: &ExplainedMetric) -> Vec<Line> {
    let mut lines = Vec::new();
    let mapping = &metric.mapping;
    let what = if mapping.of_rule { "rule" } else { "mapping" };
    let written = match &mapping.written {
        // A file may be the mapping and nothing else.
        Some(at) if at.place.is_empty() => format!(", {}:{}", at.document, at.line),
        Some(at) => format!(", {}:{} ({})", at.document, at.line, at.place),
        None => String::new(),
    };
    let generation = document.generation;
    lines.push((
        what,
        format!("{} of {}{written}, generation {generation}", mapping.title, mapping.owner),
    ));
    let all = std::iter::once(("plugin", &mapping.plugin));
    for (label, plugin) in all.chain(mapping.then.iter().map(|plugin| ("then", plugin))) {
        let digest: String = plugin.digest.chars().take(DIGEST).collect();
        lines.push((label, format!("{} {} {digest}", plugin.name, plugin.version)));
    }
    let several = metric.evaluations.len() > 1;
    for evaluation in &metric.evaluations {
        of_evaluation(document, metric, evaluation, several, &mut lines);
    }
    lines
}

/// The values of one metric, each in all notations.
pub(super) fn values(document: &MetricExplanation, metric: &ExplainedMetric) -> Vec<Line> {
    let mut lines: Vec<_> = metric
        .values
        .iter()
        .take(MAX_SHOWN)
        .map(|value| {
            let of = match (called(value).as_str(), value.container.as_str()) {
                ("", _) => String::new(),
                (called, "") => format!("{called} "),
                (called, container) => format!("{called} container {container} "),
            };
            let measured = match value.from {
                ValueFrom::Default | ValueFrom::Otherwise => String::new(),
                _ => format!(", measured {}", ago(document, &value.time)),
            };
            let policies = match value.policies.as_slice() {
                [] => String::new(),
                reported => format!(": {}", reported.join("; ")),
            };
            ("value", format!("{of}{}{measured}{policies}", number(&value.value)))
        })
        .collect();
    if metric.values.is_empty() {
        // There may be no objects that they could be for.
        let newest = metric.evaluations.iter().find_map(|of| of.runs.first());
        let measures = newest.into_iter().flat_map(|run| &run.measures).take(MAX_SHOWN);
        lines.extend(
            measures.map(|measure| ("measure", format!("{} {}", given(measure), measure.raw))),
        );
    }
    let more = metric.values_total.saturating_sub(lines.len());
    if more > 0 {
        lines.push(("", format!("and {more} more")));
    }
    lines.extend(metric.missing.iter().map(|missing| ("missing", missing.message.clone())));
    lines
}

/// What a value is for.
pub(super) fn called(value: &ExplainedValue) -> String {
    if !value.labels.is_empty() {
        return braced(value.labels.iter());
    }
    match value.namespace.as_str() {
        "" => value.object.clone(),
        namespace => format!("{namespace}/{}", value.object),
    }
}

fn of_evaluation(
    document: &MetricExplanation,
    metric: &ExplainedMetric,
    evaluation: &ExplainedEvaluation,
    several: bool,
    lines: &mut Vec<Line>,
) {
    let scope = match &evaluation.namespace {
        Some(namespace) => format!("namespace {namespace}"),
        None => "the whole cluster".to_owned(),
    };
    let selector = match evaluation.selector.as_str() {
        "" => String::new(),
        selector => format!(" with {selector}"),
    };
    let age = evaluation.age.map_or_else(String::new, |age| format!(", values {age:.1}s old"));
    let state = match evaluation.state.as_str() {
        "lastGood" => "it fails, and the last good values are served",
        "failing" => "it fails",
        "pending" => "it has no values yet",
        _ => "it works",
    };
    let every = evaluation.every;
    lines.push(("evaluated", format!("for {scope}{selector}: {state}, every {every:.0}s{age}")));
    if let Some(since) = &evaluation.failing_since {
        lines.push(("failing", format!("since {} ({})", clock(since), ago(document, since))));
    }
    if let Some(left) = evaluation.last_good_ends_in {
        let text = if left > 0.0 {
            format!("the last good values may be served for {left:.0}s more (onError.lastGood)")
        } else {
            "the last good values are older than onError.lastGood allows".to_owned()
        };
        lines.push(("clock", text));
    }
    lines.extend(evaluation.handover.iter().map(|text| ("handover", text.clone())));
    // The run that gave the values, and the newest one if that failed since.
    let serving = metric.values.iter().find_map(|value| value.run);
    let newest = evaluation.runs.first();
    let shown = serving.and_then(|id| evaluation.runs.iter().find(|run| run.id == id)).or(newest);
    if let Some(newest) = newest.filter(|newest| !newest.failure.is_empty()) {
        lines.push(("failure", format!("{}, {}", newest.failure[0], ago(document, &newest.time))));
        lines.extend(newest.failure.iter().skip(1).map(|cause| ("because", cause.clone())));
    }
    if let Some(run) = shown {
        of_run(document, run, lines);
    }
    // Where there are several, each has its runs in the JSON.
    if !several {
        lines.extend(evaluation.runs.iter().map(|run| ("run", timeline(run))));
    }
    lines.extend(evaluation.readers.iter().map(|reader| {
        let user = reader.user.as_deref().unwrap_or("somebody");
        let agent = match reader.agent.as_str() {
            "" => String::new(),
            agent => format!(" ({agent})"),
        };
        ("reader", format!("{user}{agent}, last {}", ago(document, &reader.last)))
    }));
    lines.extend(evaluation.no_fixture.iter().map(|why| ("fixture", format!("none: {why}"))));
}

fn of_run(document: &MetricExplanation, run: &ExplainedRun, lines: &mut Vec<Line>) {
    for query in &run.queries {
        of_query(document, run, query, lines);
    }
    let differ = |measure: &&ExplainedMeasure| measure.policy.is_some();
    for measure in run.measures.iter().filter(differ).take(MAX_SHOWN) {
        let policy = measure.policy.as_deref().unwrap_or_default();
        lines.push(("policy", format!("{} was {}: {policy}", given(measure), measure.raw)));
    }
    if let Some(plugin) = &run.plugin {
        let (took, memory) = (plugin.took * 1000.0, plugin.memory >> 10);
        let measures = counted(run.measures_total, "measure");
        lines.push(("ran", format!("the plugin for {took:.1}ms in {memory} KiB: {measures}")));
        lines.extend(plugin.log.iter().map(|line| ("log", line.clone())));
        lines.extend(plugin.log_left_out.iter().map(|why| ("log", format!("left out: {why}"))));
    }
}

/// What a measure is for.
fn given(measure: &ExplainedMeasure) -> String {
    match (measure.object.as_str(), measure.namespace.as_str()) {
        ("", _) => braced(measure.labels.iter()),
        (object, "") => object.to_owned(),
        (object, namespace) => format!("{namespace}/{object}"),
    }
}

fn of_query(
    document: &MetricExplanation,
    run: &ExplainedRun,
    query: &ExplainedQuery,
    lines: &mut Vec<Line>,
) {
    let sent = one_line(&query.sent, MAX_QUERY);
    lines.push(("query", format!("{} to {}: {sent}", query.name, query.source)));
    let answered = match (&query.error, query.series, query.took) {
        (Some(error), _, _) => format!("failed: {error}"),
        (None, Some(series), Some(took)) => {
            let before = match query.before_selection {
                Some(before) => format!(" of {before}"),
                None => String::new(),
            };
            format!(
                "{series}{before} series in {:.1}ms, {}",
                took * 1000.0,
                ago(document, &run.time)
            )
        }
        _ => "no answer yet when the run ended".to_owned(),
    };
    lines.push(("answer", answered));
    lines.extend(query.warnings.iter().map(|warning| ("warning", warning.clone())));
    for row in query.rows.iter().take(MAX_SHOWN) {
        let samples = match row.samples {
            Some(count) => format!(" (the last of {count} samples)"),
            None => String::new(),
        };
        let labels = braced(row.labels.iter());
        let sampled = match row.time.as_str() {
            "" => String::new(),
            time => format!(", sampled {}", ago(document, time)),
        };
        lines.push(("row", format!("{labels} {}{samples}{sampled}", row.value)));
    }
    let more = query.rows.len().saturating_sub(MAX_SHOWN);
    if more > 0 {
        lines.push(("", format!("and {more} more rows")));
    }
    lines.extend(query.left_out.iter().map(|what| ("left out", what.clone())));
    lines.extend(query.link.iter().map(|link| ("look", link.clone())));
}

/// A run in one line.
fn timeline(run: &ExplainedRun) -> String {
    let (took, series) = (run.took * 1000.0, run.queries.iter().filter_map(|query| query.series));
    let series: usize = series.sum();
    let cause = if run.cause == "ahead" { "ahead of a read" } else { "for a read" };
    let served = run.measures.iter().filter_map(|measure| measure.served.as_ref());
    let values = match served.clone().count() {
        0 => String::new(),
        count => {
            let sum = served.fold(0_i64, |sum, value| sum.saturating_add(value.milli));
            format!(", {} over {}", both(sum), counted(count, "value"))
        }
    };
    let at = clock(&run.time);
    format!("{at} {} in {took:.1}ms {cause}, {series} series{values}", run.outcome)
}

/// A number in all notations.
pub(super) fn number(number: &Number) -> String {
    both(number.milli)
}

fn braced<'a>(labels: impl Iterator<Item = (&'a String, &'a String)>) -> String {
    let labels: Vec<_> = labels.map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", labels.join(", "))
}

/// The time of day.
pub(super) fn clock(time: &str) -> &str {
    let start = time.find('T').map_or(0, |at| at + 1);
    let end = time.rfind('.').filter(|&end| end > start).unwrap_or(time.len());
    time.get(start..end).unwrap_or(time)
}

/// How long before the explanation a time was.
pub(super) fn ago(document: &MetricExplanation, time: &str) -> String {
    match millisecond(&document.time).zip(millisecond(time)) {
        Some((now, then)) => {
            let tenths = now.saturating_sub(then) / 100;
            if tenths.abs() < 100 {
                format!("{}.{}s ago", tenths / 10, (tenths % 10).abs())
            } else {
                format!("{}s ago", tenths / 10)
            }
        }
        None => format!("at {time}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document() -> MetricExplanation {
        let query = json!({
            "name": "rate", "source": "prometheus", "sent": "sum by (pod) (rate(x[2m]))",
            "link": "http://p/graph?g0.expr=x", "took": 0.012, "series": 3, "whole": false,
            "rows": [{"labels": {"pod": "a"}, "value": "1.0134", "time": "2026-01-01T00:00:05.000Z", "object": "a"}],
            "leftOut": ["2 rows of other namespaces"],
        });
        let number = json!({"decimal": "1013.4", "quantity": "1013400m", "milli": 1_013_400});
        let run = json!({
            "id": 7, "time": "2026-01-01T00:00:07.000Z", "took": 0.02, "cause": "read",
            "outcome": "ok", "queries": [query],
            "plugin": {"took": 0.0004, "memory": 1_114_112, "log": ["INFO hello"]},
            "measures": [{"namespace": "", "object": "a", "raw": "1013.4", "served": number}],
            "measuresTotal": 3,
        });
        let value = json!({
            "namespace": "shop", "object": "a", "value": number, "time": "2026-01-01T00:00:05.000Z",
            "from": "run", "run": 7,
        });
        let reader = json!({
            "user": "jane", "agent": "kubectl/v1", "namespace": "shop",
            "first": "2026-01-01T00:00:01.000Z", "last": "2026-01-01T00:00:09.000Z",
        });
        serde_json::from_value(json!({
            "apiVersion": "leadsman.dev/v1alpha1", "kind": "MetricExplanation", "verdict": "v",
            "time": "2026-01-01T00:00:10.000Z", "generation": 4,
            "request": {"api": "custom", "path": "/x"},
            "metrics": [{
                "mapping": {
                    "title": "pods/m", "metric": "m", "served": "for pods", "owner": "operator",
                    "ofRule": false,
                    "written": {"document": "config.yaml", "place": "/mappings/0", "line": 12, "revision": "sha256:00"},
                    "plugin": {"name": "per-object", "version": "0.1.0", "digest": "sha256:0123456789abcdef0123"},
                    "queries": [], "policy": {"deadline": 1.0, "maxAge": 30.0, "refreshAtMostEvery": 5.0, "onNan": "refuse"},
                },
                "values": [value], "valuesTotal": 1,
                "evaluations": [{
                    "namespace": "shop", "state": "ok", "every": 15.0, "age": 3.0,
                    "runs": [run], "readers": [reader],
                }],
            }],
        }))
        .unwrap()
    }

    #[test]
    fn a_record_reads_from_who_serves_to_who_reads() {
        let document = document();
        let text = |lines: Vec<Line>| {
            lines.into_iter().map(|(name, text)| format!("{name}: {text}")).collect::<Vec<_>>()
        };
        let reported = text(lines(&document, &document.metrics[0]));
        assert_eq!(
            reported,
            [
                "mapping: pods/m of operator, config.yaml:12 (/mappings/0), generation 4",
                "plugin: per-object 0.1.0 sha256:0123456789ab",
                "evaluated: for namespace shop: it works, every 15s, values 3.0s old",
                "query: rate to prometheus: sum by (pod) (rate(x[2m]))",
                "answer: 3 series in 12.0ms, 3.0s ago",
                "row: {pod=\"a\"} 1.0134, sampled 5.0s ago",
                "left out: 2 rows of other namespaces",
                "look: http://p/graph?g0.expr=x",
                "ran: the plugin for 0.4ms in 1088 KiB: 3 measures",
                "log: INFO hello",
                "run: 00:00:07 ok in 20.0ms for a read, 3 series, 1013.4 (1013400m) over 1 value",
                "reader: jane (kubectl/v1), last 1.0s ago",
            ]
        );
        let values = text(values(&document, &document.metrics[0]));
        assert_eq!(values, ["value: shop/a 1013.4 (1013400m), measured 5.0s ago"]);
    }

    #[test]
    fn one_measure_of_a_mapping_that_is_a_file() {
        let mut document = document();
        let metric = &mut document.metrics[0];
        metric.mapping.written.as_mut().unwrap().place = String::new();
        metric.evaluations[0].runs[0].measures_total = 1;
        let lines = lines(&document, &document.metrics[0]);
        for line in [
            ("mapping", "pods/m of operator, config.yaml:12, generation 4"),
            ("ran", "the plugin for 0.4ms in 1088 KiB: 1 measure"),
        ] {
            let line = (line.0, line.1.to_owned());
            assert!(lines.contains(&line), "{lines:?}");
        }
    }

    #[test]
    fn times_are_told_by_how_long_ago_they_were() {
        let document = document();
        assert_eq!(ago(&document, "2026-01-01T00:00:09.940Z"), "0.0s ago");
        assert_eq!(ago(&document, "2025-12-31T23:59:00.000Z"), "70s ago");
        assert_eq!(ago(&document, "some time"), "at some time");
        assert_eq!(clock("2026-01-01T00:00:09.940Z"), "00:00:09");
    }
}
