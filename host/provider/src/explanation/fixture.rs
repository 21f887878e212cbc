//! Converts a recorded run to a fixture of the SDK, so that an incident becomes a test.

use serde_json::{Map, Value, json};

use super::filter::{Filter, ServedValues};
use super::number::raw;
use leadsman_evaluation::record::{
    Capture, CapturedAnswer, CapturedMeasure, CapturedRow, QueryKind, RunError, RunRecord,
};
use leadsman_evaluation::{EvaluationError, Mapping};
use leadsman_model::serve::Serve;

/// The newest run as a fixture, or why there is none that is whole.
pub(super) fn of(run: &RunRecord, mapping: &Mapping, filter: &Filter<'_>) -> Result<Value, String> {
    let Some(capture) = run.rows.capture().filter(|_| run.rows.are_whole()) else {
        return Err("its rows were not kept whole".to_owned());
    };
    if !mapping.then.is_empty() {
        return Err(
            "its mapping has several plugins, and a fixture is of one: try each of them in a \
                    mapping of its own"
                .to_owned(),
        );
    }
    filter.config()?;
    let served = ServedValues::new(run.outcome.as_ref().ok().map(|values| &**values));
    let rows = || capture.answers().flat_map(CapturedAnswer::iter);
    if rows().any(|row| filter.row(&row, &served).is_err())
        || capture.measures().any(|measure| filter.measure(&measure).is_err())
        || capture.objects().any(|object| filter.object(&object).is_err())
    {
        return Err("rows, objects or measures of it are not for who made the read".to_owned());
    }
    let expect = expected(run, capture)?;
    let config: Value = serde_json::from_str(&mapping.config)
        .map_err(|error| format!("its configuration is no JSON: {error}"))?;
    let mut fixture = Map::new();
    if matches!(mapping.serve, Serve::External | Serve::ResourceMetrics(_)) {
        fixture.insert("serve".to_owned(), "external".into());
    }
    if let Serve::Custom(resource) = &mapping.serve {
        fixture.insert("resource".to_owned(), resource.to_string().into());
    }
    fixture.insert("config".to_owned(), config);
    if let Some(namespace) = capture.namespace() {
        fixture.insert("namespace".to_owned(), namespace.into());
    }
    fixture.insert("now".to_owned(), seconds(capture.now()));
    let answers = capture.answers().map(|answer| (answer.query().to_owned(), of_answer(answer)));
    fixture.insert("queries".to_owned(), Value::Object(answers.collect()));
    let (own, brought) = mapping.queries.split_at(mapping.own_queries.min(mapping.queries.len()));
    let asked = own.iter().map(|query| {
        let mut keys = query.kind.written();
        keys["source"] = query.source_name.as_str().into();
        (query.name.clone(), keys)
    });
    fixture.insert("asked".to_owned(), Value::Object(asked.collect()));
    let mut brings = Map::new();
    for query in brought {
        let keys = match &query.kind {
            QueryKind::PromQl { text, range: None } => json!({"promql": text.to_string()}),
            QueryKind::PromQl { text, range: Some((duration, step)) } => json!({
                "promql": text.to_string(),
                "range": {
                    "duration": format!("{}s", duration.as_secs()),
                    "step": format!("{}s", step.as_secs()),
                },
            }),
            QueryKind::NsxAlb(_) | QueryKind::Exposition(_) => {
                return Err(format!(
                    "the plugin brings the query \"{}\", which a fixture cannot tell in its words",
                    query.name
                ));
            }
        };
        brings.insert(query.name.clone(), keys);
    }
    if !brings.is_empty() {
        fixture.insert("brings".to_owned(), Value::Object(brings));
    }
    let objects: Vec<_> = capture
        .objects()
        .map(|object| {
            let labels = object.labels.iter().map(|(name, of)| ((*name).to_owned(), (*of).into()));
            let mut reported =
                json!({"name": object.name, "labels": labels.collect::<Map<_, Value>>()});
            if !object.namespace.is_empty() {
                reported["namespace"] = object.namespace.into();
            }
            if !object.address.is_empty() {
                reported["address"] = object.address.into();
            }
            reported
        })
        .collect();
    if !objects.is_empty() {
        fixture.insert("objects".to_owned(), objects.into());
    }
    fixture.insert("expect".to_owned(), expect);
    Ok(Value::Object(fixture))
}

/// What must come of it.
fn expected(run: &RunRecord, capture: &Capture) -> Result<Value, String> {
    if let Err(error) = &run.outcome {
        return match &**error {
            EvaluationError::Plugin { source: RunError::Failure { message, .. }, .. } => {
                Ok(json!({"failure": message}))
            }
            other => Err(format!("the run failed, and not because the plugin said so: {other}")),
        };
    }
    let measures: Result<Vec<_>, String> = capture.measures().map(|one| of_measure(&one)).collect();
    Ok(json!({"measures": measures?}))
}

fn of_measure(measure: &CapturedMeasure<'_>) -> Result<Value, String> {
    if !measure.value.is_finite() {
        return Err(format!("a measure is no number: {}", raw(measure.value)));
    }
    let mut reported = json!({"value": measure.value});
    if !measure.object.is_empty() {
        reported["object"] = measure.object.into();
    }
    if !measure.namespace.is_empty() {
        reported["namespace"] = measure.namespace.into();
    }
    if let Some(time) = measure.time {
        reported["time"] = seconds(time);
    }
    if let Some(window) = measure.window {
        reported["window"] = window.into();
    }
    if !measure.labels.is_empty() {
        reported["labels"] = Value::Object(labels(&measure.labels));
    }
    Ok(reported)
}

/// As Prometheus writes an answer.
fn of_answer(answer: CapturedAnswer<'_>) -> Value {
    let point = |&(time, value): &(i64, f64)| json!([seconds(time), raw(value)]);
    let first = answer.iter().next();
    let mut reported = match (&first, answer.is_matrix(), answer.is_scalar()) {
        (Some(CapturedRow { text: Some((time, text)), .. }), _, _) => {
            json!({"resultType": "string", "result": [seconds(*time), text]})
        }
        (Some(row), _, true) => {
            json!({"resultType": "scalar", "result": row.samples.first().map(point)})
        }
        (_, true, _) => {
            let series = answer.iter().map(|row| {
                let values: Vec<_> = row.samples.iter().map(point).collect();
                json!({"metric": labels(&row.labels), "values": values})
            });
            json!({"resultType": "matrix", "result": series.collect::<Vec<_>>()})
        }
        _ => {
            let series = answer.iter().map(|row| {
                json!({"metric": labels(&row.labels), "value": row.samples.first().map(point)})
            });
            json!({"resultType": "vector", "result": series.collect::<Vec<_>>()})
        }
    };
    if let Some(unit) = answer.unit() {
        reported["unit"] = unit.into();
    }
    reported
}

fn labels(labels: &[(&str, &str)]) -> Map<String, Value> {
    labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect()
}

#[allow(clippy::cast_precision_loss)] // milliseconds since the epoch are well below 2^52
fn seconds(milliseconds: i64) -> Value {
    json!(milliseconds as f64 / 1000.0)
}
