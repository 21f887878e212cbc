//! What a plugin says before and instead of values: its plan, faults in its configuration, and why
//! an evaluation gave nothing.

use std::fmt;

use serde_json::Value;

use crate::bindings::leadsman::plugin::types;
use crate::query::{NsxAlbQuery, Query};

/// What the plugin needs for a configuration: queries that it brings itself, and whether it wants
/// to see the objects that exist.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    queries: Vec<Query>,
    objects: Option<Columns>,
}

/// What is asked of the objects.
#[derive(Debug, Clone, Default)]
struct Columns {
    labels: Option<Vec<String>>,
    addresses: bool,
}

impl Plan {
    /// A plan that asks for nothing beyond the mapping's own queries.
    pub fn new() -> Self {
        Self::default()
    }

    /// A plan that asks for nothing more, unless there are faults. Takes what the checks of a
    /// [`Context`] give, and faults of the plugin's own.
    pub fn unless(faults: impl IntoIterator<Item = Option<Fault>>) -> Result<Self, Vec<Fault>> {
        let faults: Vec<_> = faults.into_iter().flatten().collect();
        if faults.is_empty() { Ok(Self::new()) } else { Err(faults) }
    }

    /// Adds a query.
    pub fn query(mut self, query: Query) -> Self {
        self.queries.push(query);
        self
    }

    /// Asks for [`Input::objects`](crate::Input::objects) to be filled, with all labels. Objects
    /// may have many: say with [`with_object_labels`](Self::with_object_labels) which are needed.
    pub fn with_objects(mut self) -> Self {
        self.objects.get_or_insert_default().labels = None;
        self
    }

    /// Asks for [`Input::objects`](crate::Input::objects) to be filled, with the labels of these
    /// keys alone. All others seem not to be set.
    pub fn with_object_labels(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let keys = keys.into_iter().map(Into::into).collect();
        self.objects.get_or_insert_default().labels = Some(keys);
        self
    }

    /// Asks for the addresses of the objects, too, which only pods have. Alone it asks for objects
    /// without labels.
    pub fn with_object_addresses(mut self) -> Self {
        let without_labels = || Columns { labels: Some(Vec::new()), addresses: true };
        self.objects.get_or_insert_with(without_labels).addresses = true;
        self
    }

    /// The queries that it brings, for tests.
    pub fn queries(&self) -> &[Query] {
        &self.queries
    }

    pub(crate) fn into_raw(self) -> types::Plan {
        types::Plan {
            queries: self.queries.into_iter().map(Query::into_raw).collect(),
            objects: self
                .objects
                .map(|Columns { labels, addresses }| types::ObjectColumns { labels, addresses }),
        }
    }
}

/// In which API a metric is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// A value for each object.
    Custom,
    /// Items with labels.
    External,
}

/// The mapping that a configuration belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    api: Api,
    served_for: Option<String>,
    queries: Vec<OwnQuery>,
}

/// A query that the mapping has already.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnQuery {
    name: String,
    range: bool,
    written: Value,
}

impl OwnQuery {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a range query, whose answer is a matrix.
    pub fn is_range(&self) -> bool {
        self.range
    }

    /// What it asks, as the mapping has it: `{"source": …, "promql": …}`.
    pub fn written(&self) -> &Value {
        &self.written
    }

    /// A query beside it: of the same source and the same age of samples, with another name, and
    /// for something else.
    pub fn beside(&self, name: impl Into<String>, asked: NsxAlbQuery) -> Query {
        let is_kept = |key: &str| matches!(key, "source" | "maxSampleAge");
        let kept = self.written.as_object().into_iter().flatten();
        let kept =
            kept.filter(|(key, _)| is_kept(key)).map(|(key, value)| (key.clone(), value.clone()));
        Query::written(name, kept.chain(asked.into_keys()))
    }

    /// What it asks of an NSX ALB controller; `None` if it asks something else.
    pub fn nsx_alb(&self) -> Option<NsxAlbQuery> {
        NsxAlbQuery::of_written(&self.written)
    }
}

impl Context {
    /// A mapping with these queries: names, and whether each is a range query.
    pub fn new(api: Api, queries: Vec<(String, bool)>) -> Self {
        let own = |(name, range)| OwnQuery { name, range, written: Value::Null };
        Self { api, served_for: None, queries: queries.into_iter().map(own).collect() }
    }

    /// The same for a metric of these objects, such as `pods`.
    pub fn serving(mut self, objects: impl Into<String>) -> Self {
        self.served_for = Some(objects.into());
        self
    }

    /// The same with what one of its queries asks, as the mapping has it.
    pub fn with_written(mut self, query: &str, written: Value) -> Self {
        if let Some(own) = self.queries.iter_mut().find(|own| own.name == query) {
            own.written = written;
        }
        self
    }

    pub(crate) fn from_raw(raw: types::Context) -> Self {
        let api = match raw.api {
            types::Api::Custom => Api::Custom,
            types::Api::External => Api::External,
        };
        let own = |query: types::OwnQuery| OwnQuery {
            name: query.name,
            range: query.range,
            // The host sends JSON; what it does not state is not known.
            written: serde_json::from_str(&query.written).unwrap_or_default(),
        };
        let queries = raw.queries.into_iter().map(own).collect();
        Self { api, served_for: raw.served_for, queries }
    }

    /// The objects that a custom metric is served for: `pods`, `ingresses.networking.k8s.io`.
    pub fn served_for(&self) -> Option<&str> {
        self.served_for.as_deref()
    }

    /// The queries that the mapping has.
    pub fn queries(&self) -> &[OwnQuery] {
        &self.queries
    }

    /// In which API the metric is served.
    pub fn api(&self) -> Api {
        self.api
    }

    /// A fault unless the mapping has exactly one query, and it is no range query.
    pub fn only_instant(&self) -> Option<Fault> {
        match self.queries.as_slice() {
            [query] => self.instant(&query.name),
            queries => Some(Fault::at(
                "",
                format!("this plugin works on one query, and the mapping has {}", queries.len()),
            )),
        }
    }

    /// A fault unless the mapping has a query of this name, and it is no range query.
    pub fn instant(&self, name: &str) -> Option<Fault> {
        match self.queries.iter().find(|known| known.name == name) {
            Some(OwnQuery { range: false, .. }) => None,
            Some(_) => Some(Fault::at(
                "",
                format!(
                    "this plugin takes no range query, which \"{name}\" is; leave its `range` out"
                ),
            )),
            None => {
                let known: Vec<_> =
                    self.queries.iter().map(|query| format!("\"{}\"", query.name)).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                Some(Fault::at("", format!("the mapping has no query \"{name}\"; it has {known}")))
            }
        }
    }

    /// A fault unless the mapping has exactly one query, and it is a range query.
    pub fn only_range(&self) -> Option<Fault> {
        match self.queries.as_slice() {
            [OwnQuery { range: true, .. }] => None,
            [OwnQuery { name, .. }] => Some(Fault::at(
                "",
                format!(
                    "this plugin works on a range query, and \"{name}\" is none; give it a \
                     `range` with `duration` and `step`"
                ),
            )),
            queries => Some(Fault::at(
                "",
                format!(
                    "this plugin works on one range query, and the mapping has {} queries",
                    queries.len()
                ),
            )),
        }
    }

    /// A fault unless `object` is set exactly where the API serves objects. For plugins that can
    /// do either.
    pub fn object_fits(&self, is_set: bool) -> Option<Fault> {
        match (self.api, is_set) {
            (Api::Custom, false) => Some(Fault::at(
                "",
                "the key \"object\" is missing: a custom metric has a value for each object",
            )),
            (Api::External, true) => Some(Fault::at(
                "/object",
                "an external metric has items with labels and no objects; leave this out",
            )),
            _ => None,
        }
    }

    /// A fault unless the metric is served in this API.
    pub fn served_in(&self, api: Api) -> Option<Fault> {
        if self.api == api {
            return None;
        }
        let (this, instead) = match api {
            Api::Custom => ("custom metrics, which have objects", "external"),
            Api::External => ("external metrics, which have none", "per-object"),
        };
        Some(Fault::at("", format!("this plugin makes values for {this}; use {instead}")))
    }
}

/// Something wrong in a configuration or the mapping around it, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A JSON pointer into the configuration (`/object/label`); empty for the whole of it, or for
    /// the mapping.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Fault {
    /// A fault at a place of the configuration.
    pub fn at(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// Why an evaluation gave no result. The text reaches the person who reads
/// `kubectl describe hpa`, so it should say what was found and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    message: String,
    query: Option<String>,
}

impl Failure {
    /// A failure of the evaluation as a whole.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), query: None }
    }

    /// A failure that lies in the answer of one query.
    pub fn in_query(query: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), query: Some(query.into()) }
    }

    /// The text.
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn into_raw(self) -> types::Failure {
        types::Failure { message: self.message, query: self.query }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(query) = &self.query {
            write!(f, "query \"{query}\": ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_plan_asks_for_the_columns_that_it_needs() {
        let columns = |plan: Plan| {
            let columns = plan.into_raw().objects;
            columns.map(|columns| (columns.labels, columns.addresses))
        };
        assert_eq!(columns(Plan::new()), None);
        assert_eq!(columns(Plan::new().with_objects()), Some((None, false)));
        let app = Some(vec!["app".to_owned()]);
        let labelled = || Plan::new().with_object_labels(["app"]);
        assert_eq!(columns(labelled()), Some((app.clone(), false)));
        assert_eq!(columns(labelled().with_object_addresses()), Some((app, true)));
        let alone = Plan::new().with_object_addresses();
        assert_eq!(columns(alone.clone()), Some((Some(vec![]), true)));
        assert_eq!(columns(alone.with_objects()), Some((None, true)));
    }

    #[test]
    fn a_context_tells_what_the_mapping_asks() {
        let written = json!({"source": "lb", "maxSampleAge": "20m", "nsxAlb": {
            "entity": "pool", "ako": "k8s", "metric": "l4_server.avg_open_conns"}});
        let own = |written: &str| types::OwnQuery {
            name: "conns".to_owned(),
            range: false,
            written: written.to_owned(),
        };
        let raw = |written: &str| types::Context {
            api: types::Api::Custom,
            served_for: Some("pods".to_owned()),
            queries: vec![own(written)],
        };
        let context = Context::from_raw(raw(&written.to_string()));
        assert_eq!((context.api(), context.served_for()), (Api::Custom, Some("pods")));
        let [query] = context.queries() else { panic!("{context:?}") };
        let asked = query.nsx_alb().unwrap();
        assert_eq!(asked.metric(), "l4_server.avg_open_conns");
        let beside = query.beside("health", asked.with_metric("healthscore.health_score_value"));
        assert_eq!(beside.name(), "health");
        let expected = json!({"source": "lb", "maxSampleAge": "20m", "nsxAlb": {
            "entity": "pool", "ako": "k8s", "metric": "healthscore.health_score_value"}});
        assert_eq!(beside.keys(), expected);
        let promql = Context::from_raw(raw(r#"{"source": "p", "promql": "up"}"#));
        assert_eq!(promql.queries()[0].nsx_alb(), None);
        assert_eq!(promql.only_instant(), None);
    }
}
