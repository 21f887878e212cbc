//! Queries that plugins bring, with the keys of a configuration: checked by what checks those of a
//! document.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::super::origin::DocumentOrigin;
use super::super::schema::derived;
use super::super::written;
use super::Check;
use super::mapping::{MAX_QUERY_WORK, MAX_TEAM_QUERY_WORK, Names};
use leadsman_document::json_schema::{self, Completed};
use leadsman_document::{Fault, excerpt, suggestion};
use leadsman_model::pointer;
use leadsman_source::Query;

/// The schema of a query.
static SCHEMA: LazyLock<Value> = LazyLock::new(derived::<written::Query>);

/// Checks the queries that a plugin brings for a mapping.
#[derive(Debug)]
pub struct PlannedQueries {
    source: Option<String>,
    sources: Vec<String>,
    /// What checking them has taken so far.
    work: usize,
}

impl PlannedQueries {
    /// For a mapping with its `source`, and all sources that it names, `source` among them. A plugin
    /// asks no others.
    pub fn new(source: Option<&str>, sources: Vec<String>, of_team: bool) -> Self {
        // What teams may ask for is less, which is as if some were checked already.
        let work = if of_team { MAX_QUERY_WORK - MAX_TEAM_QUERY_WORK } else { 0 };
        Self { source: source.map(str::to_owned), sources, work }
    }

    /// Checks a query that is given by its keys. The error is all faults.
    pub fn query(&mut self, name: &str, keys: Value) -> Result<Query, Vec<String>> {
        let Value::Object(mut keys) = keys else {
            return Err(vec!["is no JSON object with the keys of a query".to_owned()]);
        };
        match (keys.get("source"), &self.source) {
            (None, Some(source)) => drop(keys.insert("source".to_owned(), source.as_str().into())),
            (None, None) => return Err(vec!["say with `source` where it goes".to_owned()]),
            (Some(Value::String(named)), _) if !self.sources.contains(named) => {
                let hint = suggestion(named, self.sources.iter().map(String::as_str));
                return Err(vec![format!(
                    "source: is \"{}\", and a plugin asks only sources that its mapping names{hint}",
                    excerpt(named)
                )]);
            }
            (Some(_), _) => {}
        }
        let keys = Value::Object(keys);
        let mut faults = json_schema::explain(&SCHEMA, &keys, "");
        let mut query = None;
        if faults.is_empty() {
            match written::Query::deserialize(&keys) {
                Ok(written) => query = Some(self.checked(name, &written, &mut faults)),
                // The schema says all that the types do; if it ever did not, this is not silent.
                Err(error) => return Err(vec![error.to_string()]),
            }
        }
        faults.retain(|fault| !fault.is_warning());
        match query {
            Some(query) if faults.is_empty() => Ok(query),
            _ => Err(faults.iter().map(reported).collect()),
        }
    }

    fn checked(&mut self, name: &str, written: &written::Query, faults: &mut Vec<Fault>) -> Query {
        // A query names no files, so it does not matter where it comes from.
        let (keys, stand_ins) = (BTreeSet::new(), Completed::default());
        let origin = DocumentOrigin::ConfigMap(&keys);
        let mut check = Check {
            origin: &origin,
            faults,
            stand_ins: &stand_ins,
            lacks_prometheus: false,
            query_work: self.work,
            files: Vec::new(),
        };
        let names = Names { sources: &self.sources, plugins: &[] };
        let query = check.query(name, written, "", &names);
        self.work = check.query_work;
        query
    }
}

/// A fault with its place within the query.
fn reported(fault: &Fault) -> String {
    match pointer::written(&fault.path) {
        place if place.is_empty() => fault.message.clone(),
        place => format!("{place}: {}", fault.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    use leadsman_source::QueryKind;

    fn of(keys: &str) -> Result<Query, String> {
        let sources = vec!["lb".to_owned(), "prometheus".to_owned()];
        let mut planned = PlannedQueries::new(Some("lb"), sources, false);
        let keys = serde_json::from_str(keys).unwrap();
        planned.query("q", keys).map_err(|faults| faults.join("; "))
    }

    #[test]
    fn a_query_of_a_plugin_is_one_of_any_kind() {
        let alb = r#"{"nsxAlb": {"entity": "pool", "ako": "k8s", "metric": "l4_server.avg_open_conns"},
            "maxSampleAge": "20m"}"#;
        let query = of(alb).unwrap();
        assert_eq!((query.name.as_str(), query.source.as_str()), ("q", "lb"));
        assert!(matches!(query.kind, QueryKind::NsxAlb(_)), "{query:?}");
        assert_eq!(query.max_sample_age, Some(std::time::Duration::from_secs(1200)));
        let range = r#"{"source": "prometheus", "promql": "up{namespace=\"${namespace}\"}",
            "range": {"duration": "5m", "step": "30s"}}"#;
        let query = of(range).unwrap();
        assert_eq!(query.source, "prometheus");
        assert!(query.kind.is_range() && query.kind.uses_namespace());
    }

    #[test]
    fn what_a_query_says_of_itself_is_what_gives_it() {
        for keys in [
            r#"{"source": "lb", "nsxAlb": {"entity": "pool", "name": "web", "tenant": "shop",
                "metric": "l4_server.avg_open_conns", "servers": true, "step": "5s"}}"#,
            r#"{"source": "lb", "nsxAlb": {"entity": "virtualservice", "ako": "k8s",
                "metric": "l7_client.avg_total_requests", "namespace": "${namespace}"},
                "maxSampleAge": "90000ms"}"#,
            r#"{"source": "prometheus", "promql": "up{a=\"$${b}\",${selector}}"}"#,
            r#"{"source": "prometheus", "promql": "up",
                "range": {"duration": "300000ms", "step": "30000ms"}}"#,
            r#"{"source": "lb", "exposition": {"metric": "queue_length"}}"#,
            r#"{"source": "lb", "exposition": {"metric": "http_requests_total",
                "labels": {"app": "web", "zone": ""}, "matches": {"code": "2..", "path": "/(a|b)"},
                "function": "rate", "over": "60000ms"}, "maxSampleAge": "90000ms"}"#,
        ] {
            let query = of(keys).unwrap();
            let written: Value = serde_json::from_str(keys).unwrap();
            assert_eq!(query.written(), written);
            assert_eq!(of(&query.written().to_string()).unwrap(), query);
        }
    }

    #[test]
    fn faults_are_those_of_a_mapping_with_their_place() {
        for (keys, text) in [
            ("[]", "is no JSON object"),
            ("{}", "is missing"),
            (r#"{"promqll": "up"}"#, "did you mean \"promql\"?"),
            (r#"{"promql": "up{"}"#, "promql: "),
            (r#"{"promql": "up{a=\"${b}\"}"}"#, "\"${b}\" is not known in a query"),
            (r#"{"promql": "up", "range": {"duration": "1s", "step": "5s"}}"#, "range: is shorter"),
            (
                r#"{"source": "other", "promql": "up"}"#,
                "source: is \"other\", and a plugin asks only",
            ),
            (r#"{"source": 7, "promql": "up"}"#, "source: expected"),
            (
                r#"{"nsxAlb": {"entity": "pool", "ako": "k8s", "metric": "open_conns"}}"#,
                "nsxAlb.metric: is not the id of a metric",
            ),
            (
                r#"{"nsxAlb": {"entity": "pol", "ako": "k8s", "metric": "l4_server.x"}}"#,
                "nsxAlb.entity: ",
            ),
        ] {
            let reported = of(keys).unwrap_err();
            assert!(reported.contains(text), "{text:?} in {reported}");
        }
        let mut nowhere = PlannedQueries::new(None, Vec::new(), false);
        assert!(nowhere.query("q", json!({"promql": "up"})).unwrap_err()[0].contains("`source`"));
    }

    #[test]
    fn the_queries_of_a_plugin_are_checked_within_bounds() {
        let long = json!({"promql": format!("up{}", " ".repeat(4000))});
        let checked = |of_team| {
            let mut planned = PlannedQueries::new(Some("lb"), vec!["lb".to_owned()], of_team);
            (0..64).take_while(|_| planned.query("q", long.clone()).is_ok()).count()
        };
        assert_eq!((checked(true), checked(false)), (8, 64));
    }
}
