//! Queries that a plugin brings itself.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::bindings::leadsman::plugin::types;

/// A query that a plugin brings itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    name: String,
    asked: QueryText,
}

#[derive(Debug, Clone, PartialEq)]
enum QueryText {
    PromQl { text: String, range: Option<(Duration, Duration)> },
    Written(Map<String, Value>),
}

impl Query {
    /// An instant query in PromQL. `${namespace}` and `${selector}` are replaced in it as they are
    /// in a mapping's own queries.
    pub fn instant(name: impl Into<String>, promql: impl Into<String>) -> Self {
        Self { name: name.into(), asked: QueryText::PromQl { text: promql.into(), range: None } }
    }

    /// A range query over the last `duration`, one sample each `step`. Both are rounded to seconds.
    pub fn range(
        name: impl Into<String>,
        promql: impl Into<String>,
        duration: Duration,
        step: Duration,
    ) -> Self {
        let asked = QueryText::PromQl { text: promql.into(), range: Some((duration, step)) };
        Self { name: name.into(), asked }
    }

    /// A query to an NSX ALB controller.
    pub fn nsx_alb(name: impl Into<String>, query: NsxAlbQuery) -> Self {
        Self::written(name, query.into_keys())
    }

    /// A query to any kind of source, with the keys that a query of a mapping has:
    /// `[("nsxAlb", {"entity": "pool", …}), ("maxSampleAge", "20m")]`. It is checked as one of a
    /// mapping is. Without `source` it goes where the mapping's `source` says.
    pub fn written(
        name: impl Into<String>,
        keys: impl IntoIterator<Item = (String, Value)>,
    ) -> Self {
        Self { name: name.into(), asked: QueryText::Written(keys.into_iter().collect()) }
    }

    /// The same to a source of this name, in place of the mapping's `source`. Has no effect on
    /// PromQL that is not [`written`](Self::written).
    pub fn from_source(self, source: &str) -> Self {
        self.with_key("source", source.into())
    }

    /// The same with samples of at most this age. Has no effect on PromQL that is not
    /// [`written`](Self::written).
    pub fn max_sample_age(self, age: Duration) -> Self {
        self.with_key("maxSampleAge", format!("{}ms", age.as_millis()).into())
    }

    fn with_key(mut self, key: &str, value: Value) -> Self {
        if let QueryText::Written(keys) = &mut self.asked {
            keys.insert(key.to_owned(), value);
        }
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it asks, with the keys of a query of a mapping.
    pub fn keys(&self) -> Value {
        let seconds = |time: &Duration| format!("{}s", time.as_secs());
        match &self.asked {
            QueryText::PromQl { text, range: None } => json!({"promql": text}),
            QueryText::PromQl { text, range: Some((duration, step)) } => {
                let range = json!({"duration": seconds(duration), "step": seconds(step)});
                json!({"promql": text, "range": range})
            }
            QueryText::Written(keys) => Value::Object(keys.clone()),
        }
    }

    pub(crate) fn into_raw(self) -> types::Query {
        let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        let asked = match self.asked {
            QueryText::PromQl { text, range } => types::Asked::Promql(types::Promql {
                text,
                range: range.map(|(duration, step)| types::Range {
                    duration: seconds(duration),
                    step: seconds(step),
                }),
            }),
            QueryText::Written(keys) => types::Asked::Written(Value::Object(keys).to_string()),
        };
        types::Query { name: self.name, asked }
    }
}

/// What is asked of an NSX ALB controller: a metric of one object, or of all that AKO made for a
/// cluster. The keys are those of `nsxAlb` in a mapping's query.
#[derive(Debug, Clone, PartialEq)]
pub struct NsxAlbQuery(Map<String, Value>);

impl NsxAlbQuery {
    /// A metric of the pools or virtual services that AKO made for a cluster.
    pub fn of_ako(entity: &str, cluster: &str, metric: &str) -> Self {
        Self::of(entity, "ako", cluster, metric)
    }

    /// A metric of the object with this name.
    pub fn named(entity: &str, name: &str, metric: &str) -> Self {
        Self::of(entity, "name", name, metric)
    }

    /// A metric of the object with this uuid.
    pub fn by_uuid(entity: &str, uuid: &str, metric: &str) -> Self {
        Self::of(entity, "uuid", uuid, metric)
    }

    fn of(entity: &str, key: &str, object: &str, metric: &str) -> Self {
        let pairs = [("entity", entity), (key, object), ("metric", metric)];
        Self(pairs.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect())
    }

    /// The keys of a query that asks this.
    pub(crate) fn into_keys(self) -> impl Iterator<Item = (String, Value)> {
        std::iter::once(("nsxAlb".to_owned(), Value::Object(self.0)))
    }

    /// What a query of a mapping asks, if it is one to a controller.
    pub fn of_written(written: &Value) -> Option<Self> {
        written.get("nsxAlb")?.as_object().cloned().map(Self)
    }

    /// The same objects with another metric.
    pub fn with_metric(self, metric: &str) -> Self {
        self.with("metric", metric)
    }

    /// With a series for each server of a pool, which has the labels `server` and `address`.
    pub fn with_servers(self) -> Self {
        self.with("servers", true)
    }

    /// Only objects that AKO made for this namespace. `${namespace}` gives each namespace an
    /// evaluation of its own.
    pub fn in_namespace(self, namespace: &str) -> Self {
        self.with("namespace", namespace)
    }

    /// With any other key of `nsxAlb`.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// The id of the metric, such as `l4_server.avg_open_conns`.
    pub fn metric(&self) -> &str {
        self.0.get("metric").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether each server of a pool has a series.
    pub fn has_servers(&self) -> bool {
        self.0.get("servers").and_then(Value::as_bool).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_of_any_kind_has_the_keys_of_a_mapping() {
        let alb = NsxAlbQuery::of_ako("pool", "k8s", "l4_server.avg_open_conns").with_servers();
        let query = Query::nsx_alb("conns", alb).from_source("lb");
        let expected = json!({"source": "lb", "nsxAlb": {
            "entity": "pool", "ako": "k8s", "metric": "l4_server.avg_open_conns", "servers": true}});
        assert_eq!(query.keys(), expected);
        let types::Asked::Written(text) = query.into_raw().asked else { panic!() };
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }

    #[test]
    fn promql_is_of_its_own_type() {
        let minute = Duration::from_secs(60);
        let query = Query::range("busy", "up", 5 * minute, minute);
        let range = json!({"duration": "300s", "step": "60s"});
        assert_eq!(query.keys(), json!({"promql": "up", "range": range}));
        let types::Asked::Promql(promql) = query.into_raw().asked else { panic!() };
        assert_eq!(promql.range.map(|range| (range.duration, range.step)), Some((300, 60)));
    }

    #[test]
    fn the_query_of_a_mapping_is_asked_for_another_metric() {
        let written = json!({"source": "lb", "nsxAlb": {
            "entity": "pool", "name": "web", "metric": "l4_server.avg_open_conns"}});
        let other = NsxAlbQuery::of_written(&written).unwrap().with_metric("healthscore.x");
        assert_eq!((other.metric(), other.has_servers()), ("healthscore.x", false));
        assert_eq!(other, NsxAlbQuery::named("pool", "web", "healthscore.x"));
        assert_eq!(NsxAlbQuery::of_written(&json!({"promql": "up"})), None);
    }
}
