//! What a plugin says before and instead of values: its plan, faults in its configuration, and why
//! an evaluation gave nothing.

use std::fmt;
use std::time::Duration;

use crate::bindings::leadsman::plugin::types;

/// What the plugin needs for a configuration: queries that it brings itself, and whether it wants
/// to see the objects that exist.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    queries: Vec<Query>,
    objects: bool,
    object_labels: Option<Vec<String>>,
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
        self.objects = true;
        self.object_labels = None;
        self
    }

    /// Asks for [`Input::objects`](crate::Input::objects) to be filled, with the labels of these
    /// keys alone. All others seem not to be set.
    pub fn with_object_labels(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.objects = true;
        self.object_labels = Some(keys.into_iter().map(Into::into).collect());
        self
    }

    pub(crate) fn into_raw(self) -> types::Plan {
        types::Plan {
            queries: self.queries.into_iter().map(Query::into_raw).collect(),
            objects: self.objects,
            object_labels: self.object_labels,
        }
    }
}

/// A query that a plugin brings itself.
#[derive(Debug, Clone)]
pub struct Query {
    name: String,
    promql: String,
    range: Option<(Duration, Duration)>,
}

impl Query {
    /// An instant query in PromQL. `${namespace}` and `${selector}` are replaced in it as they are
    /// in a mapping's own queries.
    pub fn instant(name: impl Into<String>, promql: impl Into<String>) -> Self {
        Self { name: name.into(), promql: promql.into(), range: None }
    }

    /// A range query over the last `duration`, one sample each `step`. Both are rounded to seconds.
    pub fn range(
        name: impl Into<String>,
        promql: impl Into<String>,
        duration: Duration,
        step: Duration,
    ) -> Self {
        Self { name: name.into(), promql: promql.into(), range: Some((duration, step)) }
    }

    fn into_raw(self) -> types::Query {
        let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        types::Query {
            name: self.name,
            promql: self.promql,
            range: self.range.map(|(duration, step)| types::Range {
                duration: seconds(duration),
                step: seconds(step),
            }),
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    api: Api,
    queries: Vec<(String, bool)>,
}

impl Context {
    /// A mapping with these queries: names, and whether each is a range query.
    pub fn new(api: Api, queries: Vec<(String, bool)>) -> Self {
        Self { api, queries }
    }

    pub(crate) fn from_raw(raw: types::Context) -> Self {
        let api = match raw.api {
            types::Api::Custom => Api::Custom,
            types::Api::External => Api::External,
        };
        Self { api, queries: raw.queries.into_iter().map(|q| (q.name, q.range)).collect() }
    }

    /// In which API the metric is served.
    pub fn api(&self) -> Api {
        self.api
    }

    /// A fault unless the mapping has exactly one query, and it is no range query.
    pub fn only_instant(&self) -> Option<Fault> {
        match self.queries.as_slice() {
            [(name, _)] => self.instant(name),
            queries => Some(Fault::at(
                "",
                format!("this plugin works on one query, and the mapping has {}", queries.len()),
            )),
        }
    }

    /// A fault unless the mapping has a query of this name, and it is no range query.
    pub fn instant(&self, name: &str) -> Option<Fault> {
        match self.queries.iter().find(|(known, _)| known == name) {
            Some((_, false)) => None,
            Some((_, true)) => Some(Fault::at(
                "",
                format!(
                    "this plugin takes no range query, which \"{name}\" is; leave its `range` out"
                ),
            )),
            None => {
                let known: Vec<_> =
                    self.queries.iter().map(|(name, _)| format!("\"{name}\"")).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                Some(Fault::at("", format!("the mapping has no query \"{name}\"; it has {known}")))
            }
        }
    }

    /// A fault unless the mapping has exactly one query, and it is a range query.
    pub fn only_range(&self) -> Option<Fault> {
        match self.queries.as_slice() {
            [(_, true)] => None,
            [(name, false)] => Some(Fault::at(
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
