//! The query of a rule: its exact text for a read, and the wider one that answers all reads of a
//! namespace at once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::go_template::{GoTemplate, Value};
use super::widen;
use leadsman_model::query_params::QueryParams;
use leadsman_model::selector::Operator;

/// The fields of the template.
const FIELDS: [&str; 5] =
    ["Series", "LabelMatchers", "LabelValuesByName", "GroupBy", "GroupBySlice"];

/// The fields that a wider query can stand for.
const WIDER: [&str; 3] = ["Series", "LabelMatchers", "GroupBy"];

/// The text of a rule's query.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QueryText {
    written: String,
    template: GoTemplate,
}

/// A rule's query for one series and one kind of objects.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RuleQuery {
    /// The text.
    pub text: Arc<QueryText>,
    /// The series; empty for what nodes and pods use.
    pub series: String,
    /// The label that names the namespace, where it matters.
    pub namespace_label: Option<String>,
    /// The label that names the object; `None` for an external metric.
    pub object_label: Option<String>,
    /// What else values are grouped by: the container.
    pub group_by: Option<String>,
}

/// The template, as it is written.
impl fmt::Display for RuleQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.written.trim())
    }
}

impl QueryText {
    /// Reads a template.
    pub(super) fn new(written: &str) -> Result<Self, String> {
        if written.trim().is_empty() {
            return Err(
                "says nothing; write the query, with <<.Series>>{<<.LabelMatchers>>}".to_owned()
            );
        }
        Ok(Self { written: written.to_owned(), template: GoTemplate::parse(written, &FIELDS)? })
    }
}

impl RuleQuery {
    /// The text that prometheus-adapter would send for a read of a namespace.
    pub fn exact(&self, namespace: Option<&str>, asked: &QueryParams) -> Result<String, String> {
        let mut matchers = Vec::new();
        let mut values = BTreeMap::new();
        for requirement in asked.selector.requirements() {
            matchers.push(requirement.to_promql()?);
            let joined = match &requirement.operator {
                Operator::In(values) | Operator::NotIn(values) => values.join("|"),
                _ => String::new(),
            };
            values.insert(requirement.key.clone(), joined);
        }
        if let (Some(label), Some(namespace)) = (&self.namespace_label, namespace) {
            matchers.push(format!("{label}=\"{namespace}\""));
            values.insert(label.clone(), namespace.to_owned());
        }
        if let Some(label) = &self.object_label {
            let names = asked.names.join("|");
            // Names of objects are DNS names, which need no escaping.
            let operator = if asked.names.len() > 1 { "=~" } else { "=" };
            matchers.push(format!("{label}{operator}\"{names}\""));
            values.insert(label.clone(), names);
        }
        self.render(&matchers.join(","), values)
    }

    /// The query without the objects, with places for the namespace and for the selector, if
    /// it has the same values for each object as the exact one; otherwise why it may not.
    pub fn wider(&self) -> Result<String, String> {
        let plain = self.text.template.is_plain()
            && self.text.template.uses().iter().all(|field| WIDER.contains(&field.as_str()));
        if !plain {
            return Err(
                "its template uses more than .Series, .LabelMatchers and .GroupBy".to_owned()
            );
        }
        if self.text.written.contains("${") {
            return Err("its text has \"${\"".to_owned());
        }
        if let Some(label) = &self.object_label {
            let marked = self.render(&format!("{}=\"\"", widen::MARK), BTreeMap::new())?;
            widen::keeps(&marked, label)?;
        }
        let mut matchers = vec!["${selector}".to_owned()];
        if let Some(label) = &self.namespace_label {
            matchers.push(format!("{label}=\"${{namespace}}\""));
        }
        self.render(&matchers.join(","), BTreeMap::new())
    }

    fn render(&self, matchers: &str, values: BTreeMap<String, String>) -> Result<String, String> {
        let group_by: Vec<_> = self.object_label.iter().chain(&self.group_by).cloned().collect();
        let text = |text: &str| Value::Text(text.to_owned());
        let values = values.into_iter().map(|(label, value)| (label, Value::Text(value)));
        let fields = [
            ("Series", text(&self.series)),
            ("LabelMatchers", text(matchers)),
            ("LabelValuesByName", Value::Map(values.collect())),
            ("GroupBy", text(&group_by.join(","))),
            ("GroupBySlice", Value::List(group_by.iter().map(|label| text(label)).collect())),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        let query = self.text.template.render(&Value::Map(fields.into()))?;
        if query.trim().is_empty() {
            return Err("its template gives an empty query".to_owned());
        }
        Ok(query)
    }
}
