//! A query as it is configured.

use std::time::Duration;

use super::template::Template;

/// What is asked of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The name that the plugin knows it by.
    pub name: String,
    /// The source.
    pub source: String,
    /// The text.
    pub promql: Template,
    /// Duration and step of a range query.
    pub range: Option<(Duration, Duration)>,
}
