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
}

impl Plan {
    /// A plan that asks for nothing beyond the mapping's own queries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a query.
    pub fn query(mut self, query: Query) -> Self {
        self.queries.push(query);
        self
    }

    /// Asks for [`Input::objects`](crate::Input::objects) to be filled.
    pub fn with_objects(mut self) -> Self {
        self.objects = true;
        self
    }

    pub(crate) fn into_raw(self) -> types::Plan {
        types::Plan {
            queries: self.queries.into_iter().map(Query::into_raw).collect(),
            objects: self.objects,
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

/// Something wrong in a configuration, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A JSON pointer into the configuration (`/object/label`); empty for the whole of it.
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
