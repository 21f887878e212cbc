//! What a plugin answers to `configure`, within bounds: a mapping keeps it for as long as it is
//! served, and sends the queries with each evaluation.

use std::time::Duration;

use super::bindings::leadsman::plugin::types;
use super::error::RunError;
use super::run::{PlannedAsk, PlannedQuery, Planning, PluginFault, one_line};
use leadsman_model::object_table::{ObjectColumns, ObjectLabels};
use leadsman_model::text;

/// The maximum number of queries that a plugin adds, and the maximum size of each, in bytes.
const MAX_QUERIES: usize = 20;
const MAX_QUERY_BYTES: usize = 16 << 10;

/// The maximum size of the name of a query, in bytes. It is a label of metrics.
const MAX_QUERY_NAME_BYTES: usize = 253;

/// The maximum number of label keys of objects that a plugin requests by name, and the maximum size
/// of each, in bytes: that of a key in Kubernetes.
const MAX_LABELS: usize = 256;
const MAX_LABEL_BYTES: usize = 317;

/// The maximum number of faults that are kept.
const MAX_FAULTS: usize = 20;

/// The answer of `configure`, unless it exceeds a bound.
pub(super) fn planning(
    planned: Result<types::Plan, Vec<types::Fault>>,
) -> Result<Planning, RunError> {
    let plan = match planned {
        Ok(plan) => plan,
        Err(faults) => return Ok(Planning::Refused(refused(faults))),
    };
    bounded("queries of its own", plan.queries.len(), MAX_QUERIES)?;
    let labels = plan.objects.as_ref().and_then(|columns| columns.labels.as_deref());
    let labels = labels.unwrap_or_default();
    bounded("labels of objects", labels.len(), MAX_LABELS)?;
    for label in labels {
        bounded("bytes in the key of a label", label.len(), MAX_LABEL_BYTES)?;
    }
    Ok(Planning::Accepted {
        queries: plan.queries.into_iter().map(planned_query).collect::<Result<_, _>>()?,
        objects: plan.objects.map(|columns| ObjectColumns {
            labels: columns
                .labels
                .map_or(ObjectLabels::All, |keys| ObjectLabels::Keys(keys.into())),
            addresses: columns.addresses,
        }),
    })
}

fn bounded(what: &str, count: usize, limit: usize) -> Result<(), RunError> {
    if count <= limit {
        return Ok(());
    }
    Err(RunError::Output(format!("it plans {count} {what}; the limit is {limit}")))
}

fn refused(faults: Vec<types::Fault>) -> Vec<PluginFault> {
    let faults = faults.into_iter().take(MAX_FAULTS);
    faults
        .map(|types::Fault { path, message }| PluginFault {
            path: one_line(path),
            message: one_line(message),
        })
        .collect()
}

/// A query within bounds. What it says is checked where it is bound.
fn planned_query(types::Query { name, asked }: types::Query) -> Result<PlannedQuery, RunError> {
    bounded("bytes in the name of a query", name.len(), MAX_QUERY_NAME_BYTES)?;
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(RunError::Output(format!(
            "it plans a query with the name \"{}\"; a name has 1 to {MAX_QUERY_NAME_BYTES} bytes and no \
             control characters",
            text::one_line(&name, MAX_QUERY_NAME_BYTES)
        )));
    }
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let (asked, bytes) = match asked {
        types::Asked::Promql(types::Promql { text, range }) => {
            let range = range.map(|range| (seconds(range.duration), seconds(range.step)));
            let bytes = text.len();
            (PlannedAsk::PromQl { text, range }, bytes)
        }
        types::Asked::Written(keys) => {
            let bytes = keys.len();
            (PlannedAsk::Written(keys), bytes)
        }
    };
    bounded(&format!("bytes in the query \"{name}\""), bytes, MAX_QUERY_BYTES)?;
    Ok(PlannedQuery { name, asked })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str, promql: &str) -> types::Query {
        let asked = types::Asked::Promql(types::Promql { text: promql.to_owned(), range: None });
        types::Query { name: name.to_owned(), asked }
    }

    fn plan(queries: Vec<types::Query>, labels: Option<Vec<String>>) -> Result<Planning, RunError> {
        let objects =
            labels.map(|labels| types::ObjectColumns { labels: Some(labels), addresses: false });
        planning(Ok(types::Plan { queries, objects }))
    }

    #[test]
    fn queries_keep_what_they_ask() {
        let written = types::Query {
            name: "conns".to_owned(),
            asked: types::Asked::Written("{\"nsxAlb\": {}}".to_owned()),
        };
        let Planning::Accepted { queries, objects: None } =
            plan(vec![query("busy", "up"), written], None).unwrap()
        else {
            panic!("refused")
        };
        assert_eq!(queries[0].asked, PlannedAsk::PromQl { text: "up".to_owned(), range: None });
        assert_eq!(queries[1].asked, PlannedAsk::Written("{\"nsxAlb\": {}}".to_owned()));
    }

    #[test]
    fn a_plan_is_bounded_in_number_and_size() {
        let [long, longer] = [0, 1].map(|more| "x".repeat(MAX_QUERY_BYTES + more));
        let queries = (0..MAX_QUERIES).map(|number| query(&format!("q{number}"), &long));
        let queries: Vec<_> = queries.collect();
        let labels = |count| Some((0..count).map(|number| format!("label-{number}")).collect());
        plan(queries.clone(), labels(MAX_LABELS)).unwrap();
        let more = [queries, vec![query("more", "x")]].concat();
        for (queries, labels, says) in [
            (more, None, "21 queries of its own; the limit is 20"),
            (vec![query("q", &longer)], None, "16385 bytes in the query \"q\"; the limit is 16384"),
            (vec![query(&"q".repeat(254), "x")], None, "254 bytes in the name of a query"),
            (vec![query("", "x")], None, "a name has 1 to 253 bytes"),
            (vec![query("a\nb", "x")], None, "no control characters"),
            (Vec::new(), labels(MAX_LABELS + 1), "257 labels of objects; the limit is 256"),
            (Vec::new(), Some(vec!["k".repeat(318)]), "318 bytes in the key of a label"),
        ] {
            let error = plan(queries, labels).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn faults_of_a_plugin_are_cut() {
        let fault = || types::Fault { path: "/x".to_owned(), message: "m\n".repeat(10_000) };
        let faults = (0..1000).map(|_| fault()).collect();
        let Ok(Planning::Refused(faults)) = planning(Err(faults)) else { panic!("accepted") };
        assert_eq!((faults.len(), faults[0].path.as_str()), (MAX_FAULTS, "/x"));
        assert!(faults[0].message.len() < 600 && !faults[0].message.contains('\n'));
    }
}
