//! A query as configured, and filled in for one evaluation.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::exposition::ExpositionQuery;
use super::nsx_alb::NsxAlbQuery;
use super::template::Template;
use leadsman_model::names::Namespace;
use leadsman_model::query_params::QueryParams;

/// The names of the kinds of queries in messages.
const PROMQL: &str = "PromQL (`promql`)";
const NSX_ALB: &str = "the terms of NSX ALB (`nsxAlb`)";
const EXPOSITION: &str = "the terms of scraped pages (`exposition`)";

/// A query to a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Its name for the plugin.
    pub name: String,
    /// The source.
    pub source: String,
    /// What it requests.
    pub kind: QueryKind,
    /// The maximum age of samples; `None` for the default of the source.
    pub max_sample_age: Option<Duration>,
}

/// The request, in the language of a kind of source.
#[derive(Debug, Clone, PartialEq)]
pub enum QueryKind {
    /// Of a Prometheus, or a recording of one.
    PromQl {
        /// The text.
        text: Template,
        /// Duration and step of a range query.
        range: Option<(Duration, Duration)>,
    },
    /// Of an NSX ALB controller.
    NsxAlb(NsxAlbQuery),
    /// Of endpoints that are scraped.
    Exposition(ExpositionQuery),
}

/// A query for one scope and the parameters of a read.
#[derive(Debug, Clone, PartialEq)]
pub enum FilledQuery {
    /// Of a Prometheus, or a recording of one.
    PromQl {
        /// The text.
        text: String,
        /// Duration and step of a range query.
        range: Option<(Duration, Duration)>,
    },
    /// Of an NSX ALB controller.
    NsxAlb {
        /// The query.
        query: NsxAlbQuery,
        /// The namespace of the evaluation, if it is for one.
        namespace: Option<Namespace>,
    },
    /// Of endpoints that are scraped.
    Exposition {
        /// The query.
        query: ExpositionQuery,
        /// The namespace of the evaluation, if it is for one.
        namespace: Option<Namespace>,
    },
}

impl Query {
    /// The query with the keys of a configuration, so that a plugin can request something else of the same
    /// objects.
    pub fn written(&self) -> Value {
        let mut keys = self.kind.written();
        keys["source"] = self.source.as_str().into();
        if let Some(age) = self.max_sample_age {
            keys["maxSampleAge"] = milliseconds(age).into();
        }
        keys
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

impl QueryKind {
    /// The query with the keys of a configuration.
    pub fn written(&self) -> Value {
        match self {
            Self::PromQl { text, range: None } => json!({"promql": text.to_string()}),
            Self::PromQl { text, range: Some((duration, step)) } => {
                let range =
                    json!({"duration": milliseconds(*duration), "step": milliseconds(*step)});
                json!({"promql": text.to_string(), "range": range})
            }
            Self::NsxAlb(query) => json!({"nsxAlb": query.written()}),
            Self::Exposition(query) => json!({"exposition": query.written()}),
        }
    }

    /// Its language.
    pub fn language(&self) -> &'static str {
        match self {
            Self::PromQl { .. } => PROMQL,
            Self::NsxAlb(_) => NSX_ALB,
            Self::Exposition(_) => EXPOSITION,
        }
    }

    /// Whether it is a range query.
    pub fn is_range(&self) -> bool {
        matches!(self, Self::PromQl { range: Some(_), .. })
    }

    /// Whether it differs from namespace to namespace.
    pub fn uses_namespace(&self) -> bool {
        match self {
            Self::PromQl { text, .. } => text.uses_namespace(),
            Self::NsxAlb(query) => query.uses_namespace(),
            Self::Exposition(_) => false,
        }
    }

    /// Whether it has the placeholder of the series selector.
    pub fn uses_selector(&self) -> bool {
        match self {
            Self::PromQl { text, .. } => text.uses_selector(),
            Self::NsxAlb(_) | Self::Exposition(_) => false,
        }
    }

    /// Whether it names the requested objects.
    pub fn names_objects(&self) -> bool {
        match self {
            Self::PromQl { text, .. } => text.names_objects(),
            Self::NsxAlb(_) | Self::Exposition(_) => false,
        }
    }

    /// The query for a scope and the parameters of a read. Fails if it cannot express the selector.
    pub fn fill(
        &self,
        namespace: Option<&Namespace>,
        asked: &QueryParams,
    ) -> Result<FilledQuery, String> {
        Ok(match self {
            Self::PromQl { text, range } => {
                FilledQuery::PromQl { text: text.fill(namespace, asked)?, range: *range }
            }
            Self::NsxAlb(query) => {
                FilledQuery::NsxAlb { query: query.clone(), namespace: namespace.cloned() }
            }
            Self::Exposition(query) => {
                FilledQuery::Exposition { query: query.clone(), namespace: namespace.cloned() }
            }
        })
    }
}

impl FilledQuery {
    /// An instant query in PromQL.
    pub fn instant(text: &str) -> Self {
        Self::PromQl { text: text.to_owned(), range: None }
    }

    pub(super) fn language(&self) -> &'static str {
        match self {
            Self::PromQl { .. } => PROMQL,
            Self::NsxAlb { .. } => NSX_ALB,
            Self::Exposition { .. } => EXPOSITION,
        }
    }
}

/// As it is sent, or like it.
impl fmt::Display for FilledQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PromQl { text, range: None } => write!(f, "{text}"),
            Self::PromQl { text, range: Some((duration, step)) } => {
                write!(f, "{text} (over {duration:?} in steps of {step:?})")
            }
            Self::NsxAlb { query, .. } => write!(f, "{query}"),
            Self::Exposition { query, .. } => write!(f, "{query}"),
        }
    }
}

/// As it is written, or like it.
impl fmt::Display for QueryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PromQl { text, .. } => write!(f, "{text}"),
            Self::NsxAlb(query) => write!(f, "{query}"),
            Self::Exposition(query) => write!(f, "{query}"),
        }
    }
}
